"""Pods that send requests or spans, each with a trace id of its own, and say which were taken."""

import secrets
from typing import Any

from embedded import Host

CURL = "docker.io/curlimages/curl:8.11.1"
# Prints the id of each request's trace, and the status of its answer. The ids count from a number of the pod's own.
LOOP = """
end=$(($(date +%s) + SECONDS_OF_LOAD)); count=0
while [ "$(date +%s)" -lt "$end" ]; do
  count=$((count + 1)); trace=$(printf '%s%016x' "$PREFIX" "$count")
  echo "$trace $(send)"
  sleep 0.1
done
"""
# Through the sidecar, which sends the spans.
VISIT = """
send() {
  parent="traceparent: 00-$trace-$PREFIX-01"
  curl -s -o /dev/null -m 10 -w '%{http_code}' -H "$parent" http://productpage:9080/productpage
}
"""
# Straight to the collectors, so that it is known which spans were accepted: a service, and the fields that are its own.
_SPAN = """
span() {
  now=$(date +%s%N)
  span='{"traceId":"'$trace'","name":"counted",'$2',"startTimeUnixNano":"'$now'","endTimeUnixNano":"'$now'"}'
  name='{"key":"service.name","value":{"stringValue":"'$1'"}}'
  body='{"resourceSpans":[{"resource":{"attributes":['$name']},"scopeSpans":[{"spans":['$span']}]}]}'
  url=http://otel-collector.istio-system:4318/v1/traces
  curl -s -o /dev/null --connect-timeout 1 -m 10 -w '%{http_code}' -H 'Content-Type: application/json' -d "$body" $url
}
"""
SEND = f"""{_SPAN}
send() {{ span counted.elsewhere '"spanId":"'$PREFIX'","kind":1'; }}
"""
# The two spans of a call, each in a request of its own, which any of the collectors may get.
CLIENT, SERVER = "orders.elsewhere", "store.elsewhere"
CALL = f"""{_SPAN}
send() {{
  span {CLIENT} '"spanId":"'$PREFIX'","kind":3'
  span {SERVER} '"spanId":"'$(printf '%016x' "$count")'","parentSpanId":"'$PREFIX'","kind":2'
}}
"""


def sending_pod(name: str, namespace: str, script: str, *, node: str, seconds: int) -> dict[str, Any]:
    """A pod on ``node`` that sends for so many seconds; ``script`` says how."""
    environment = {"PREFIX": secrets.token_hex(8), "SECONDS_OF_LOAD": str(seconds)}
    container = {
        "name": "load",
        "image": CURL,
        "command": ["sh", "-c", script + LOOP],
        "env": [{"name": key, "value": value} for key, value in environment.items()],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "restartPolicy": "Never",
            "nodeSelector": {"kubernetes.io/hostname": node},
            "terminationGracePeriodSeconds": 0,
            "containers": [container],
        },
    }


def results(cluster: Host, namespace: str, name: str) -> dict[str, str]:
    """The status of the answer by trace id, of all that a pod has sent until its end."""
    printed = cluster.kubectl("logs", "-n", namespace, "-f", name, "-c", "load")
    lines = [line.split() for line in printed.splitlines()]
    return {trace: status for trace, status in lines}  # noqa: C416  a line of another shape fails here

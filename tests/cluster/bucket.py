"""Tempo's bucket, asked by S3 with signed requests, from a pod with the keys of Tempo's Secret."""

import json

import httpx
from embedded import Host, eventually

TRACING = "tracing-system"
CURL = "docker.io/curlimages/curl:8.11.1"
# Of a pod in the cluster, whose namespace admits no other.
RESTRICTED = {
    "runAsNonRoot": True,
    "runAsUser": 100,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
# `s3 PATH-AND-QUERY ARGUMENTS` asks, `keys` lists the first thousand.
FUNCTIONS = r"""
set -eu
s3() {
  path=$1; shift
  curl --silent --show-error --user "$USER:$PASSWORD" --aws-sigv4 aws:amz:us-east-1:s3 "$@" "$ENDPOINT/$BUCKET$path"
}
keys() { s3 '?list-type=2' --fail | tr '<' '\n' | sed -n 's/^Key>//p'; }
"""


def secret_of_tempo(host: Host) -> str:
    """The name of the Secret that describes the store of the one Tempo that there is."""
    (tempo,) = host.objects("tempomonolithics,tempostacks", "-n", TRACING)
    storage = tempo["spec"]["storage"]
    of_stack = storage.get("secret")
    return str(of_stack["name"] if of_stack else storage["traces"]["s3"]["secret"])


def ask(host: Host, script: str, **variables: str) -> str:
    """What ``script`` prints; ``variables`` win over those of the Secret."""
    secret = secret_of_tempo(host)
    of_secret = {"ENDPOINT": "endpoint", "BUCKET": "bucket", "USER": "access_key_id", "PASSWORD": "access_key_secret"}
    env = [
        {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}
        for name, key in of_secret.items()
        if name not in variables
    ]
    env += [{"name": name, "value": value} for name, value in variables.items()]
    command = ["/bin/sh", "-c", FUNCTIONS + script]
    container = {"name": "ask", "image": CURL, "command": command, "env": env, "securityContext": RESTRICTED}
    pod = ("ask-bucket", "-n", TRACING)
    # Not attached: what a pod prints that ends at once may be missed.
    overrides = json.dumps({"spec": {"containers": [container]}})
    host.kubectl("run", *pod, "--image", CURL, "--restart=Never", "--overrides", overrides)
    try:
        phase = eventually(lambda: _phase(host, *pod), lambda found: found in {"Succeeded", "Failed"}, 120)
        printed = host.kubectl("logs", *pod)
    finally:
        host.kubectl("delete", "pod", *pod, "--now")
    assert phase == "Succeeded", printed
    return printed


def _phase(host: Host, *pod: str) -> str:
    return host.kubectl("get", "pod", *pod, "-o", "jsonpath={.status.phase}")


def keys(host: Host) -> list[str]:
    """The names of the objects in the bucket."""
    return ask(host, "keys").split()


def status(host: Host, **variables: str) -> str:
    """The status of the store's answer to a listing."""
    return ask(host, "s3 '?list-type=2' --output /dev/null --write-out '%{http_code}'", **variables).strip()


def delete(host: Host) -> None:
    """Delete the bucket with its content; Tempo may be writing meanwhile."""
    empty = 'for key in $(keys); do s3 "/$key" --fail --request DELETE; done'
    ask(host, f"for attempt in 1 2 3 4 5; do {empty}; s3 '' --fail --request DELETE && exit; done; exit 1")


def restart(host: Host, store: str) -> None:
    """End the pod of a store that the program deploys, and wait for the next one."""
    host.kubectl("delete", "pod", "-n", TRACING, "-l", f"app.kubernetes.io/name={store}")
    host.kubectl("rollout", "status", "-n", TRACING, f"deployment/{store}", "--timeout=120s")


def blocks(host: Host) -> set[str]:
    """Tempo's blocks in the bucket; the last of a block's objects is its description."""
    return {key.split("/")[1] for key in keys(host) if key.endswith("/meta.json")}


def stored_trace(host: Host) -> str:
    """The id of a trace that Tempo has written into the bucket; it looks there every five minutes, and at its start."""
    tempo, before = host.address("tempo"), blocks(host)
    query = {"q": '{resource.service.name="productpage.bookinfo"}', "limit": 1}

    def newest() -> list[dict[str, str]]:
        found = httpx.get(f"{tempo}/api/search", params=query, trust_env=False, timeout=10).raise_for_status().json()
        return list(found.get("traces", []))

    (trace,) = eventually(newest, bool, 60)
    httpx.post(f"{tempo}/flush", trust_env=False, timeout=30).raise_for_status()
    assert eventually(lambda: blocks(host) - before, bool, 60)
    return trace["traceID"].zfill(32)


def is_in_the_bucket(host: Host, trace: str) -> bool:
    """Whether Tempo finds a trace in the blocks of its bucket, whatever it has elsewhere."""
    address = f"{host.address('tempo')}/api/traces/{trace}"
    try:
        answer = httpx.get(address, params={"mode": "blocks"}, trust_env=False, timeout=10)
    except httpx.HTTPError:
        return False  # Tempo restarts
    return bool(answer.status_code == httpx.codes.OK)

"""Applications that do not pass the trace context on: Bookinfo's stand-in with its switch, and what must not be blamed.

No remedy is tried: the stand-ins are programs of which no instrumentation knows the language.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from embedded import Host, eventually
from faults import BOOKINFO, PATIENCE, apply, report

from verify.causes import Code

HOP = "propagation"
_SWITCH = "DROP_TRACE_CONTEXT"
# Some of the calls that drop the context have to be made, and their spans to be searchable.
_SECONDS = 240
_JOB = "nightly-report"


@dataclass(frozen=True)
class Forgetful:
    """``drops`` is the switch of ``deployment``, as local/toolchain/bookinfo/main.go reads it."""

    name: str
    deployment: str
    drops: str


FORGETFUL = (
    Forgetful("the product page drops the trace context", "productpage-v1", "100"),
    Forgetful("the product page drops it on its calls to details", "productpage-v1", "details=100"),
    Forgetful("the product page drops it on its calls to reviews", "productpage-v1", "reviews=100"),
    Forgetful("one of the two reviews that ask for ratings drops it", "reviews-v3", "100"),
    Forgetful("the product page drops it on a fifth of its calls", "productpage-v1", "20"),
)


def prove_named(host: Host, case: Forgetful) -> None:
    """Assert that ``verify`` names exactly the application that drops the context, and nothing once it does not."""
    _switch(host, case.deployment, f"{_SWITCH}={case.drops}")
    try:
        seen = eventually(lambda: report(host), lambda found: _causes(found) == {HOP}, _SECONDS)
        hop = _hop(seen)
        assert (seen["exit"], _causes(seen), hop["code"]) == (1, {HOP}, Code.CONTEXT_NOT_PASSED_ON), seen["hops"]
        named = {line.partition(",")[0] for line in hop["evidence"] if line.startswith("Deployment ")}
        assert named == {f"Deployment {BOOKINFO}/{case.deployment}"}, hop
    finally:
        _switch(host, case.deployment, f"{_SWITCH}-")
    repaired = report(host, *PATIENCE)
    assert repaired["exit"] == 0, repaired["hops"]


def prove_job_is_no_fault(host: Host) -> None:
    """Assert that a Job that calls services of the mesh, for no request, is seen and not blamed."""
    apply(host, _job(host))
    try:
        seen = eventually(lambda: report(host), lambda found: _JOB in json.dumps(_hop(found)), _SECONDS)
        hop = _hop(seen)
        assert (seen["exit"], hop["status"]) == (0, "ok"), seen["hops"]
        assert any(f"Job {BOOKINFO}/{_JOB}" in line for line in hop["evidence"]), hop
    finally:
        host.kubectl("delete", "job", "-n", BOOKINFO, _JOB, "--ignore-not-found", "--cascade=foreground")


PROOFS: tuple[tuple[str, Callable[[Host], None]], ...] = (
    *((case.name, partial(prove_named, case=case)) for case in FORGETFUL),
    ("a job begins traces", prove_job_is_no_fault),
)


def _switch(host: Host, deployment: str, variable: str) -> None:
    container = deployment.partition("-")[0]
    host.kubectl("set", "env", "-n", BOOKINFO, f"deployment/{deployment}", variable, "--containers", container)
    host.kubectl("rollout", "status", "-n", BOOKINFO, f"deployment/{deployment}", "--timeout=120s")


def _causes(found: dict[str, Any]) -> set[str]:
    return {hop["hop"] for hop in found["hops"] if hop["status"] == "broken" and not hop["follows_from"]}


def _hop(found: dict[str, Any]) -> dict[str, Any]:
    (hop,) = (one for one in found["hops"] if one["hop"] == HOP)
    return dict(hop)


def _job(host: Host) -> dict[str, Any]:
    """A Job that runs what the client of Bookinfo runs, with other calls."""
    client = json.loads(host.kubectl("get", "deployment", "-n", BOOKINFO, "sleep", "-o", "json"))
    pod = client["spec"]["template"]["spec"]
    calls = "curl --silent --max-time 10 --output /dev/null http://details:9080/details/0; sleep 1"
    container = pod["containers"][0] | {"name": "report", "args": [f"for n in $(seq {_SECONDS}); do {calls}; done"]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": _JOB, "namespace": BOOKINFO},
        "spec": {
            "backoffLimit": 0,
            "template": {
                "metadata": {"labels": {"app": _JOB}},
                "spec": {
                    "serviceAccountName": pod["serviceAccountName"],
                    "securityContext": pod.get("securityContext", {}),
                    "restartPolicy": "Never",
                    "containers": [container],
                },
            },
        },
    }

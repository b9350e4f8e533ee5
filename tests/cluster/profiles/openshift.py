"""What the tests of the stacks for OpenShift share: the mesh's definitions and namespaces, and who restarts what."""

import json
import time
from collections.abc import Iterable, Mapping
from typing import Any

import yaml
from embedded import Host, Project, eventually, inventory

from local.state import CHARTS

MESH, PLUGIN, BOOKINFO, TRACING, GRAFANA = (
    "istio-system", "istio-cni", "bookinfo", "tracing-system", "tracing-grafana",
)  # fmt: skip
CATALOGS = "openshift-marketplace"
ISTIO_DEFINITIONS = str(CHARTS / "base" / "files" / "crd-all.gen.yaml")
OPTIONS = ("--yes", "--skip-preview")
# What controllers make of something else, and so comes and goes by itself.
_MADE_BY_OTHERS = {"Pod", "ReplicaSet", "EndpointSlice", "Endpoints", "ControllerRevision", "PodMetrics"}


def lasting(host: Host) -> set[tuple[str, str, str]]:
    """Every object of the cluster, but for what a controller makes of another one, and what istiod and Helm write down.

    An istiod that goes leaves its root certificate and the list of those that are revoked in every namespace, and OLM's
    Jobs go some time after their end.
    """
    return {
        (kind, namespace, name)
        for kind, namespace, name in inventory(host)
        if kind not in _MADE_BY_OTHERS
        and not name.startswith("sh.helm.release.")
        and (kind, name) not in {("ConfigMap", "istio-ca-root-cert"), ("ConfigMap", "istio-ca-crl")}
        and (kind, namespace) != ("Job", CATALOGS)
    }


def apply_as_owner(host: Host, *objects: Mapping[str, Any]) -> None:
    """Apply what is an administrator's by server-side apply, without taking over fields of others."""
    text = yaml.safe_dump_all(map(dict, objects))
    host.with_exports("bash", "-c", 'kubectl apply --server-side --field-manager=owner -f - <<< "$1"', "bash", text)


def namespace(name: str, level: str) -> dict[str, Any]:
    """A namespace that enforces a level of Pod Security, as OpenShift's security policy does in every one."""
    labels = {"pod-security.kubernetes.io/enforce": level}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def ready(host: Host, kind: str, version: str) -> bool:
    """Whether Sail's resource `default` is what was asked for, and says so of its newest generation."""
    found = json.loads(host.kubectl("get", f"{kind}.sailoperator.io", "default", "-o", "json"))
    status = found.get("status", {})
    conditions = {one["type"]: one["status"] for one in status.get("conditions", [])}
    of_now = status.get("observedGeneration") == found["metadata"]["generation"]
    return of_now and conditions.get("Ready") == "True" and found["spec"]["version"] == version


def wait_for_sail(host: Host, kind: str, version: str) -> None:
    assert eventually(lambda: ready(host, kind, version), bool, 300), kind


def identities(host: Host, space: str, selector: str = "") -> dict[str, str]:
    """The UIDs of the pods of a namespace that are not about to go, by name."""
    return {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in host.pods("-n", space, "-l", selector)}


def settled(host: Host, space: str, count: int) -> dict[str, str]:
    """The pods of a namespace once there are ``count``; an old one goes a moment after its Deployment is done."""
    return eventually(lambda: identities(host, space), lambda found: len(found) == count, 90)


def timed_up(project: Project) -> float:
    """Deploy, and return how many seconds that took."""
    began = time.monotonic()
    project.pulumi("up", *OPTIONS)
    return time.monotonic() - began


def violations(host: Host, space: str) -> str:
    """What the API server says of the pods of a namespace that Pod Security `restricted` would refuse."""
    label = "pod-security.kubernetes.io/enforce=restricted"
    done = host.with_exports("kubectl", "label", "--dry-run=server", "--overwrite", "namespace", space, label)
    return "\n".join(line for line in done.stderr.splitlines() if line.startswith("Warning"))


def workloads(host: Host, spaces: Iterable[str]) -> dict[str, set[str]]:
    """The UIDs of the pods of each workload of the stack, once no pod is about to go."""

    def look() -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for pod in (pod for space in spaces for pod in host.objects("pods", "-n", space)):
            (owner,) = pod["metadata"].get("ownerReferences") or [{"kind": "Pod", "name": pod["metadata"]["name"]}]
            if owner["kind"] == "Job":
                continue
            name = owner["name"].rpartition("-")[0] if owner["kind"] == "ReplicaSet" else owner["name"]
            going = "deletionTimestamp" in pod["metadata"]
            found.setdefault("going" if going else str(name), set()).add(pod["metadata"]["uid"])
        return found

    return eventually(look, lambda found: "going" not in found, 120)


def restarted(before: Mapping[str, set[str]], after: Mapping[str, set[str]]) -> set[str]:
    """The workloads of ``before`` of which a pod is another one now."""
    return {name for name, pods in before.items() if not pods <= after.get(name, set())}

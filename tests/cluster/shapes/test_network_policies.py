"""The stack's own NetworkPolicies let in exactly the hops of the data path, and everything works with them."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from embedded import CHECKOUT, OPTIONS, Host, eventually
from faults import PATIENCE, report

pytestmark = pytest.mark.usefixtures("enforced")

MESH, TEMPO, BOOKINFO = "istio-system", "tracing-system", "bookinfo"
# Two namespaces of others, one of which the settings may name as a client.
STRANGER, CLIENT = "stranger", "monitoring"
ANSWERING = "docker.io/istio/examples-bookinfo-details-v1:1.20.3"
# Every pod of the data path, one of an application, and two of others: where it is, and its labels.
PODS = {
    "istiod": (MESH, "app=istiod"),
    "collector": (MESH, "app.kubernetes.io/component=opentelemetry-collector"),
    "prometheus": (MESH, "app.kubernetes.io/name=prometheus"),
    "tempo": (TEMPO, "app.kubernetes.io/managed-by=tempo-operator"),
    "store": (TEMPO, "app.kubernetes.io/name=seaweedfs"),
    "application": (BOOKINFO, "app=productpage"),
    "stranger": (STRANGER, "app=answering"),
    "client": (CLIENT, "app=answering"),
}
EVERYBODY = set(PODS)
# The store connects to nobody, Prometheus to what it scrapes.
AT_LARGE = EVERYBODY - {"store", "prometheus"}
# Who connects to each port of each pod. The last of Tempo's is for its own parts.
AS_COMMITTED: dict[tuple[str, int], set[str]] = {
    ("istiod", 15012): EVERYBODY - {"store"},
    ("collector", 4317): EVERYBODY - {"store"},
    ("collector", 4318): EVERYBODY - {"store"},
    ("collector", 8888): EVERYBODY - {"store"},
    ("prometheus", 9090): EVERYBODY - {"store"},
    ("tempo", 3200): EVERYBODY - {"store"},
    ("tempo", 4317): {"collector"},
    ("tempo", 9095): set(),
    ("store", 8333): {"tempo"},
    ("application", 9080): AT_LARGE,
    ("stranger", 9080): AT_LARGE,
    ("client", 9080): AT_LARGE,
}
NARROWED = {"otlpFrom": "mesh", "clients": [CLIENT]}
AS_NARROWED = AS_COMMITTED | {
    ("collector", 4317): {"application", "client"},
    ("collector", 4318): {"application", "client"},
    ("collector", 8888): {"prometheus", "client"},
    ("prometheus", 9090): {"tempo", "client"},
    ("tempo", 3200): {"prometheus", "client"},
    ("tempo", 4317): {"collector", "client"},
}
# Prints which addresses do not answer, not even that nothing listens: whose packets are dropped.
TRY = """
import json, socket, sys
from concurrent.futures import ThreadPoolExecutor

def dropped(target):
    try:
        socket.create_connection(tuple(target), 5).close()
    except TimeoutError:
        return True
    except OSError:
        return False
    return False

targets = json.loads(sys.argv[1])
with ThreadPoolExecutor(len(targets)) as pool:
    print(json.dumps(list(pool.map(dropped, targets))))
"""
# That of Istio's proxy, whose own connections are not led through the proxy.
PROXY_USER = "1337"


@pytest.fixture(scope="module")
def others(cluster: Host, deployed: str) -> Iterator[None]:
    """A pod of each of the two others."""
    objects = [entry for name in (STRANGER, CLIENT) for entry in (namespace(name), answering(name))]
    manifest = cluster.state / "others.json"
    manifest.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    cluster.kubectl("apply", "-f", str(manifest))
    for name in (STRANGER, CLIENT):
        cluster.kubectl("wait", "-n", name, "--for=condition=Ready", "pods", "--all", "--timeout=180s")
    yield
    cluster.kubectl("delete", "namespace", STRANGER, CLIENT, "--timeout=120s")


def namespace(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def answering(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "answering", "namespace": name, "labels": {"app": "answering"}},
        "spec": {"terminationGracePeriodSeconds": 0, "containers": [{"name": "answering", "image": ANSWERING}]},
    }


@pytest.fixture(scope="module")
def narrowed(cluster: Host, others: None) -> Iterator[None]:
    """The stack with the narrowest settings, and at the end with the committed ones again."""
    settings = yaml.safe_load((CHECKOUT / "Pulumi.local.yaml").read_text())
    settings["config"]["mesh-tracing:networkPolicies"] = NARROWED
    changed = cluster.state / "Pulumi.local.yaml"
    changed.write_text(yaml.safe_dump(settings))
    up = ("pulumi", "up", "--cwd", str(CHECKOUT), *OPTIONS)
    cluster.with_exports(*up, "--config-file", str(changed))
    yield
    cluster.with_exports(*up)


def test_as_committed_the_policies_let_in_exactly_the_hops_and_who_may_ask(cluster: Host, others: None) -> None:
    assert who_connects(cluster, AS_COMMITTED) == AS_COMMITTED


def test_narrowed_they_let_in_exactly_the_hops_and_the_named_clients(cluster: Host, narrowed: None) -> None:
    assert who_connects(cluster, AS_NARROWED) == AS_NARROWED


def test_every_hop_works_with_the_narrowest_policies(cluster: Host, narrowed: None) -> None:
    found = report(cluster, *PATIENCE)
    assert found["exit"] == 0, found["hops"]


def who_connects(cluster: Host, expected: dict[tuple[str, int], set[str]]) -> dict[tuple[str, int], set[str]]:
    """By port of each pod, which pods' packets reach it; their own do not leave them.

    A change of a policy takes effect when the enforcers have seen it, so the answer is awaited.
    """

    def look() -> dict[tuple[str, int], set[str]]:
        pods = {name: pod(cluster, *place) for name, place in PODS.items()}
        found: dict[tuple[str, int], set[str]] = {target: set() for target in expected}
        for asking in PODS:
            targets = [target for target in expected if target[0] != asking]
            addresses = [(pods[name]["status"]["podIP"], port) for name, port in targets]
            for target, dropped in zip(targets, try_from(pods[asking], addresses), strict=True):
                if not dropped:
                    found[target].add(asking)
        return {target: asking | (expected[target] & {target[0]}) for target, asking in found.items()}

    return eventually(look, lambda found: found == expected, 60)


def pod(cluster: Host, where: str, labels: str) -> dict[str, Any]:
    running = cluster.objects("pods", "-n", where, "-l", labels, "--field-selector", "status.phase=Running")
    (found,) = [one for one in running if "deletionTimestamp" not in one["metadata"]]
    return found


def try_from(source: dict[str, Any], addresses: list[tuple[str, int]]) -> list[bool]:
    """Whether packets to each address are dropped, from the network namespace of a pod, which may have no shell."""
    uid = source["metadata"]["uid"]
    process = next(one for one in Path("/proc").glob("[0-9]*") if belongs_to(one, uid))
    inside = ["nsenter", f"--net={process}/ns/net", "setpriv", f"--reuid={PROXY_USER}", "--clear-groups"]
    command = [*inside, "/usr/bin/python3", "-c", TRY, json.dumps(addresses)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    dropped: list[bool] = json.loads(printed)
    return dropped


def belongs_to(process: Path, uid: str) -> bool:
    try:
        return f"pod{uid}" in (process / "cgroup").read_text()
    except OSError:
        return False

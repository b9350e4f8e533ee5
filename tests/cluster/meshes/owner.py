"""Who has installed the mesh before us: their Istio, a bank that is traced by it, and a Tempo of their own."""

import copy
import json
import re
import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml
from embedded import CHECKOUT, SHOP, Host, Project, eventually

from local.state import CHARTS
from model import Images

MESH, BANK, TOOLS = "istio-system", "bank", "tools"
LOCAL = yaml.safe_load((CHECKOUT / "Pulumi.local.yaml").read_text())["config"]
CURL = Images().curl
TEMPO = "docker.io/grafana/tempo:2.8.0-rc"
DETAILS = "docker.io/istio/examples-bookinfo-details-v1:1.20.3"
# Of a request of the bank.
CLIENT = "teller.bank"
OPTIONS = ("--yes", "--skip-preview")
_CONFIG = {
    "server": {"http_listen_port": 3200},
    "distributor": {
        "receivers": {
            "zipkin": {"endpoint": "0.0.0.0:9411"},
            "otlp": {"protocols": {"grpc": {"endpoint": "0.0.0.0:4317"}}},
        }
    },
    "storage": {"trace": {"backend": "local", "local": {"path": "blocks"}, "wal": {"path": "wal"}}},
}
_ZIPKIN = f"tempo.{TOOLS}.svc.cluster.local"
PROVIDER = {"name": "theirs", "zipkin": {"service": _ZIPKIN, "port": 9411}}
# The way from before there were providers.
LEGACY = {"tracing": {"sampling": 100, "zipkin": {"address": f"{_ZIPKIN}:9411"}}}


def values() -> dict[str, Any]:
    """What every Istio of the embedded cluster needs, as values of its chart."""
    mesh = LOCAL["mesh-tracing:mesh"]
    found: dict[str, Any] = copy.deepcopy(mesh["values"])
    found["global"] |= {"hub": mesh["hub"], "tag": mesh["tag"]}
    return found


def run(host: Host, *command: str) -> str:
    """What a command of the owner's prints; istioctl warns on the way out."""
    return host.with_exports(*command).stdout


def printed_command(refusal: str, program: str) -> list[str]:
    """The command of ``program`` that a refusal prints for the owner."""
    # The engine may break a line anywhere between two words.
    (found,) = set(re.findall(rf"`({program} [^`]*)`", " ".join(refusal.split())))
    return shlex.split(found)


def chart(name: str) -> str:
    return str(CHARTS / name)


def _deployment(name: str, namespace: str, container: dict[str, Any]) -> dict[str, Any]:
    labels = {"app": name}
    pod = {"terminationGracePeriodSeconds": 2, "containers": [{"name": "main", **container}]}
    if "volumeMounts" in container:
        pod["volumes"] = [{"name": "config", "configMap": {"name": name}}]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def _service(name: str, namespace: str, **ports: int) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"selector": {"app": name}, "ports": [{"name": one, "port": port} for one, port in ports.items()]},
    }


def _namespace(name: str, **labels: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


@contextmanager
def applied(host: Host, file: Path, *objects: dict[str, Any]) -> Iterator[None]:
    """Objects that go with their namespaces, which are among them."""
    file.write_text(yaml.safe_dump_all(objects))
    host.kubectl("apply", "-f", str(file))
    for obj in objects:
        if obj["kind"] == "Deployment":
            meta = obj["metadata"]
            place = ("-n", meta["namespace"], f"deployment/{meta['name']}")
            host.kubectl("rollout", "status", *place, "--timeout=180s")
    try:
        yield
    finally:
        for obj in objects:
            if obj["kind"] == "Namespace":
                host.kubectl("delete", "namespace", obj["metadata"]["name"])


@contextmanager
def their_tempo(host: Host, folder: Path) -> Iterator[None]:
    """Where the owner's spans go, in a namespace without sidecars."""
    mounts = [{"name": "config", "mountPath": "/conf"}]
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "tempo", "namespace": TOOLS},
        "data": {"tempo.yaml": yaml.safe_dump(_CONFIG)},
    }
    # Relative to a folder in which it may write.
    container = {
        "image": TEMPO,
        "args": ["-config.file=/conf/tempo.yaml"],
        "workingDir": "/tmp",  # noqa: S108
        "volumeMounts": mounts,
    }
    with applied(
        host,
        folder / "tempo.yaml",
        _namespace(TOOLS),
        config,
        _deployment("tempo", TOOLS, container),
        _service("tempo", TOOLS, http=3200, zipkin=9411),
    ):
        yield


@contextmanager
def bank(host: Host, folder: Path, **labels: str) -> Iterator[None]:
    """A namespace of the owner's mesh, in which a client asks a server once in a second."""
    ask = "while true; do curl --silent --max-time 5 --output /dev/null http://ledger:9080/details/0; sleep 1; done"
    with applied(
        host,
        folder / "bank.yaml",
        _namespace(BANK, **labels),
        _service("ledger", BANK, http=9080),
        _deployment("ledger", BANK, {"image": DETAILS}),
        _deployment("teller", BANK, {"image": CURL, "command": ["/bin/sh", "-c", ask]}),
    ):
        yield


@contextmanager
def shop(host: Host, folder: Path) -> Iterator[None]:
    """Somebody's application that is not in the mesh yet."""
    container = {"image": CURL, "command": ["sleep", "infinity"]}
    with applied(host, folder / "shop.yaml", _namespace(SHOP), _deployment("cart", SHOP, container)):
        yield


def our_stack(host: Host, folder: Path, name: str, **mesh: Any) -> Project:
    """The whole program, with the sample and the shop in the mesh that exists."""
    project = Project.copy(host, folder / "project", name)
    project.configure(
        {
            **{f"mesh-tracing:{key}": LOCAL[f"mesh-tracing:{key}"] for key in ("tracing", "prometheus")},
            "mesh-tracing:mesh": {"installer": "existing", **mesh},
            "mesh-tracing:namespaces": {
                "existing": [MESH],
                "applications": [{"name": SHOP, "deployments": ["cart"]}],
            },
            "mesh-tracing:tempo": {"traceIdlePeriod": "1s", "storage": {"backend": "memory"}},
        }
    )
    return project


def _traces(host: Host, namespace: str, service: str, of: str) -> set[str]:
    with host.forwarded(namespace, f"service/{service}", 3200) as address:
        query = {"q": f'{{resource.service.name="{of}"}}', "limit": "10000", "spss": "1"}
        # Only what has come in the last minutes, and is not flushed yet, counts: Tempo answers that without a range.
        answer = httpx.get(f"{address}/api/search", params=query, trust_env=False, timeout=20)
    return {trace["traceID"] for trace in answer.raise_for_status().json().get("traces") or []}


def at_theirs(host: Host, of: str) -> set[str]:
    """The traces of a service that the owner's Tempo has."""
    return _traces(host, TOOLS, "tempo", of)


def at_ours(host: Host, of: str) -> set[str]:
    """The traces of a service that the stack's Tempo has."""
    return _traces(host, "tracing-system", "tempo-tempo", of)


def is_still_traced_by_them(host: Host) -> bool:
    """Whether new requests of the bank arrive at its owner's Tempo."""
    earlier = at_theirs(host, CLIENT)
    return bool(eventually(lambda: at_theirs(host, CLIENT) - earlier, bool, 60))


def pods(host: Host, namespace: str) -> set[str]:
    """Which pods run: another UID is another start."""
    return {pod["metadata"]["uid"] for pod in host.pods("-n", namespace)}


def rollouts(host: Host) -> int:
    """How often the shop has been rolled out."""
    found = json.loads(host.kubectl("get", "deployment", "cart", "-n", SHOP, "-o", "json"))
    return int(found["metadata"]["annotations"]["deployment.kubernetes.io/revision"])


def of_owner(host: Host) -> dict[str, Any]:
    """What the owner has made: mesh configurations, istiods with their generation, Telemetries, tags, the bank."""
    mesh = {
        item["metadata"]["name"]: item["data"]
        for item in host.objects("configmaps", "-n", MESH, "-l", "release,app.kubernetes.io/part-of!=mesh-tracing")
    }
    istiods = {
        item["metadata"]["name"]: (item["metadata"]["generation"], item["spec"])
        for item in host.objects("deployments", "-n", MESH, "-l", "app=istiod")
    }
    webhooks = {
        item["metadata"]["name"]: item["metadata"]["labels"].get("istio.io/rev")
        for item in host.objects("mutatingwebhookconfigurations")
    }
    namespace = json.loads(host.kubectl("get", "namespace", BANK, "-o", "json"))
    telemetries = {
        f"{item['metadata']['namespace']}/{item['metadata']['name']}": item["spec"]
        for item in host.objects(
            "telemetries.telemetry.istio.io", "--all-namespaces", "-l", "!app.kubernetes.io/part-of"
        )
    }
    return {
        "mesh": mesh,
        "istiods": istiods,
        "webhooks": webhooks,
        "telemetries": telemetries,
        "bank": (namespace["metadata"]["labels"], pods(host, BANK)),
    }


def settled(host: Host, namespace: str) -> None:
    """Wait until the pods of an earlier rollout are gone."""
    time.sleep(1)
    for deployment in host.objects("deployments", "-n", namespace):
        name = f"deployment/{deployment['metadata']['name']}"
        host.kubectl("rollout", "status", "-n", namespace, name, "--timeout=120s")

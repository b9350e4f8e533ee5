"""The API server enforces Pod Security `restricted` where the program's pods are, and these run under it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from embedded import Host

from model import Prometheus
from objects.prometheus import PrometheusArgs, build_prometheus

OF_THE_OPERATORS = ["tempo-operator-system", "opentelemetry-operator-system"]
OURS = ["istio-system", "tracing-system"]
CURL = "docker.io/curlimages/curl:8.11.1"
# A namespace of this test.
VOLUMES = "volumes-of-root"


@pytest.mark.parametrize("namespace", [*OURS, *OF_THE_OPERATORS])
def test_a_privileged_pod_is_refused_in(cluster: Host, deployed: str, namespace: str) -> None:
    done = cluster.with_exports(
        "kubectl", "run", "probe", "-n", namespace, "--image", CURL, "--privileged", "--dry-run=server", check=False
    )
    assert done.returncode != 0
    assert 'violates PodSecurity "restricted:latest"' in done.stderr


@pytest.mark.parametrize("namespace", [*OURS, *OF_THE_OPERATORS])
def test_every_pod_would_be_admitted_again_in(cluster: Host, deployed: str, namespace: str, tmp_path: Path) -> None:
    pods = cluster.objects("pods", "-n", namespace)
    assert pods
    file = tmp_path / "pods.json"
    file.write_text("\n".join(json.dumps(again(pod)) for pod in pods))
    cluster.kubectl("create", "--dry-run=server", "-f", str(file))


def again(pod: dict[str, Any]) -> dict[str, Any]:
    """A new pod that is as ``pod`` is."""
    metadata = {"name": f"{pod['metadata']['name']}-again", "namespace": pod["metadata"]["namespace"]}
    spec = {key: value for key, value in pod["spec"].items() if key != "nodeName"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


@pytest.fixture
def prometheus(cluster: Host, deployed: str, tmp_path: Path) -> Iterator[list[dict[str, Any]]]:
    """The objects of a Prometheus with a volume, in a namespace that enforces; its folder arrives as root's."""
    settings = Prometheus.model_validate({"storage": {"size": "64Mi"}})
    objects = list(build_prometheus(PrometheusArgs(prometheus=settings, namespace=VOLUMES)).values())
    file = tmp_path / "prometheus.json"
    file.write_text("\n".join(json.dumps(obj) for obj in objects))
    cluster.kubectl("create", "namespace", VOLUMES)
    cluster.kubectl("label", "namespace", VOLUMES, "pod-security.kubernetes.io/enforce=restricted")
    cluster.kubectl("apply", "-f", str(file))
    yield objects
    cluster.kubectl("delete", "namespace", VOLUMES)


def test_a_prometheus_whose_volume_arrives_as_root_s_serves(cluster: Host, prometheus: list[dict[str, Any]]) -> None:
    cluster.kubectl("rollout", "status", "deployment/prometheus", "-n", VOLUMES, "--timeout=60s")
    (folder,) = (cluster.state / "cluster" / "volumes").glob(volume_of(cluster))
    assert (folder / "wal").is_dir()
    assert folder.stat().st_uid == 0


def volume_of(cluster: Host) -> str:
    (claim,) = cluster.objects("persistentvolumeclaims", "-n", VOLUMES)
    name: str = claim["spec"]["volumeName"]
    return name


def test_the_volumes_of_the_stack_arrived_as_root_s(cluster: Host, deployed: str) -> None:
    folders = list((cluster.state / "cluster" / "volumes").iterdir())
    assert folders
    assert {folder.stat().st_uid for folder in folders} == {0}

"""Which settings restart the pods with sidecars, and which do not."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recording import Deployed, minimal_config, with_setting

from components._restart import ANNOTATION, digest

Deploy = Callable[..., Deployed]

RESTARTS: list[tuple[str, Any]] = [
    ("mesh.revision", "canary"),
    ("mesh.namespace", "mesh-system"),
    ("cluster.domain", "corp.example"),
    ("mesh.values", {"meshConfig": {"defaultConfig": {"concurrency": 2}}}),
    ("mesh.values", {"meshConfig": {"defaultConfig": {"holdApplicationUntilProxyStarts": True}}}),
]

LEAVES_RUNNING: list[tuple[str, Any]] = [
    ("tracing.samplingPercentage", 5),
    ("tracing.collector.replicas", 3),
    ("tempo.retention", "1h"),
    ("tempo.namespace", "traces"),
    ("prometheus.retention", "1d"),
    ("mesh.version", "1.30.1"),
    ("mesh.keepCrds", False),
    ("mesh.discoveryNamespacesOnly", True),
    ("mesh.values", {"pilot": {"resources": {"requests": {"cpu": "1"}}}}),
    ("mesh.values", {"meshConfig": {"accessLogFile": "/dev/stdout"}}),
    ("timeouts.bookinfo", 60),
    ("grafana.datasourcesNamespace", "grafana"),
    ("bookinfo.requestsPerSecond", 5),
]


def hashes(deployed: Deployed) -> dict[str, str]:
    return {
        r.object_name: r.inputs["spec"]["template"]["metadata"]["annotations"][ANNOTATION]
        for r in deployed
        if r.kind == "Deployment" and r.inputs["metadata"]["namespace"] == "bookinfo"
    }


@pytest.mark.parametrize(("path", "value"), RESTARTS)
def test_what_a_sidecar_reads_at_its_start_restarts_every_one(
    deploy: Deploy, minimal: Deployed, path: str, value: Any
) -> None:
    before, after = hashes(minimal), hashes(deploy(with_setting(minimal_config(), path, value)))
    assert set(after) == set(before)
    assert all(after[name] != before[name] for name in before)


@pytest.mark.parametrize(("path", "value"), LEAVES_RUNNING)
def test_anything_else_restarts_none(deploy: Deploy, minimal: Deployed, path: str, value: Any) -> None:
    assert hashes(deploy(with_setting(minimal_config(), path, value))) == hashes(minimal)


def test_every_pod_in_the_mesh_carries_the_same_hash(deployed: Deployed) -> None:
    found = hashes(deployed)
    assert len(found) == 8
    assert len(set(found.values())) == 1


def test_a_new_scrape_target_restarts_prometheus_only(deploy: Deploy, minimal: Deployed) -> None:
    changed = deploy(with_setting(minimal_config(), "prometheus.scrapeInterval", "1s"))

    def annotations(deployed: Deployed) -> Any:
        pod = deployed.get("Deployment", "prometheus").inputs["spec"]["template"]
        return pod["metadata"]["annotations"]

    assert annotations(changed) != annotations(minimal)
    assert hashes(changed) == hashes(minimal)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=12,
    )
)
def test_the_hash_does_not_depend_on_the_order_of_keys(value: Any) -> None:
    assert digest(value) == digest(reordered(value))
    assert digest(value) == digest(json.loads(json.dumps(value)))


def reordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: reordered(value[key]) for key in reversed(value)}
    if isinstance(value, list):
        return [reordered(inner) for inner in value]
    return value

"""Which pods make the service graph, and what is said if there are none."""

from typing import Any

import httpx
import pytest
from verify_world import (
    DATA,
    DEPLOYMENT,
    Object,
    StubCluster,
    assert_broken,
    deployment,
    healthy,
    looks,
    part,
    pod,
    restore,
    tempo_labels,
    world,
)

from verify.causes import Code
from verify.findings import Because, Finding, Status, attribute, fault
from verify.hops import tempo_generator
from verify.world import World

CONFIG_MAP = "/api/v1/namespaces/tracing-system/configmaps/tempo-tempo"


def stack_with(cluster: StubCluster, service: str = "tempo-tempo-metrics-generator") -> World:
    return world(deployment(tempo=part(DEPLOYMENT.tempo, mode="stack", generator_service=service)), cluster)


def judged(stack: World) -> Finding:
    return tempo_generator.judge(stack, looks(tempo_generator.look(stack)))


def with_generator(*, ready: bool = True) -> StubCluster:
    """Its pod does not show its configuration."""
    cluster = healthy()
    labels = tempo_labels("metrics-generator")
    waiting = "" if ready else "ImagePullBackOff"
    cluster.api.put("/api/v1/pods", pod("generator-0", "tracing-system", ready=ready, waiting=waiting, labels=labels))
    return cluster


def config_map(**data: str) -> Object:
    return {"metadata": {"name": "tempo-tempo", "namespace": "tracing-system"}, "data": data}


def test_a_stack_without_a_metrics_generator_is_said_to_have_none() -> None:
    finding = judged(stack_with(healthy()))
    assert_broken(finding, Because.STARVED, remedy=restore())
    assert (finding.code, finding.evidence) == (
        Code.NO_GENERATOR,
        ("tracing-system/tempo-tempo-metrics-generator has no pod",),
    )


def test_a_metrics_generator_that_does_not_start_is_named() -> None:
    finding = judged(stack_with(with_generator(ready=False)))
    assert_broken(finding, Because.STARVED, remedy="kubectl describe pod generator-0 -n tracing-system")
    assert (finding.code, finding.evidence) == (
        Code.TEMPO_PART_DOWN,
        ("Pod generator-0: generator: ImagePullBackOff",),
    )


@pytest.mark.parametrize("cluster", [StubCluster(), with_generator(ready=False)], ids=["no pod", "none is ready"])
def test_it_follows_from_a_tempo_that_is_stopped(cluster: StubCluster) -> None:
    stopped = fault("tempo", code=Code.TEMPO_STOPPED, cause="Tempo is stopped", remedy="kubectl patch")
    _, found = attribute([stopped, judged(stack_with(cluster))])
    assert (found.follows_from, found.remedy) == ("tempo", "")


def test_the_tempo_beside_a_stack_is_looked_at_where_it_makes_the_graph() -> None:
    cluster = healthy()
    labels = tempo_labels("tempo", "tempo-monolithic", "graph")
    cluster.api.put("/api/v1/pods", pod("tempo-graph-0", "tracing-system", labels=labels))
    cluster.answers["tempo-graph-0", 3200] = lambda _: httpx.Response(200, text=(DATA / "tempo-config.txt").read_text())
    seen = tempo_generator.look(stack_with(cluster, "tempo-graph"))
    assert [one["metadata"]["name"] for one in seen.pods] == ["tempo-graph-0"]
    assert seen.config is not None


def test_what_the_operator_has_written_stands_in_for_a_page_that_is_not_shown() -> None:
    cluster = with_generator()
    cluster.api.put("/api/v1/configmaps", config_map(**{"tempo.yaml": "metrics_generator: {storage: {path: /wal}}"}))
    assert tempo_generator.look(stack_with(cluster)).config == {"metrics_generator": {"storage": {"path": "/wal"}}}


@pytest.mark.parametrize("data", [{}, {"tempo.yaml": ""}, {"tempo.yaml": "{"}, {"other.yaml": "a: b"}])
def test_without_either_it_is_reported_as_unknown(data: dict[str, Any]) -> None:
    cluster = with_generator()
    cluster.api.put("/api/v1/configmaps", config_map(**data))
    finding = judged(stack_with(cluster))
    assert (finding.status, finding.code) == (Status.UNKNOWN, Code.GENERATOR_UNREADABLE)


def test_a_config_map_that_may_not_be_read_is_as_good_as_none() -> None:
    cluster = with_generator()
    cluster.api.refused[CONFIG_MAP] = 403
    assert judged(stack_with(cluster)).code is Code.GENERATOR_UNREADABLE


def test_the_api_is_asked_before_the_config_map() -> None:
    cluster = healthy()
    tempo_generator.look(world(cluster=cluster))
    assert not [path for path in cluster.api.asked if "configmaps/tempo" in path]

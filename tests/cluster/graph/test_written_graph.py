"""The collectors write the graph to a Prometheus that somebody else runs, and that takes remote writes."""

from collections.abc import Callable, Iterator
from typing import Any

import prometheus_of_others
import pytest
from embedded import Host, Project, eventually, prometheus_query
from faults import MESH, PATIENCE, Fault, Stack, apply, prove, report
from faults_of_parts import configure_the_collector, restart_the_collector
from load import CALL, CLIENT, SERVER, results, sending_pod
from nodes import NODES
from prometheus_of_others import MONITORING, RECEIVER, URL
from recording import stack_config, with_settings

from verify.causes import Code

STACK = "written"
CHANGES = {
    "graph.source": "collector",
    "tracing.collector.replicas": 2,
    "prometheus.existing": {"queryUrl": URL},
}
SENDER, LOAD_SECONDS = "sender", 30
CALLS = f'traces_service_graph_request_total{{client="{CLIENT}",server="{SERVER}"}}'


@pytest.fixture(scope="module")
def written(cluster: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack of the embedded cluster, whose graph a Prometheus of others gets."""
    prometheus_of_others.deploy(cluster, {}, RECEIVER)
    project = Project.copy(cluster, tmp_path_factory.mktemp(STACK) / "project", STACK)
    project.configure(with_settings(stack_config("local"), CHANGES))
    project.pulumi("up", "--yes", "--skip-preview")
    yield Stack(STACK, project.folder)
    project.pulumi("destroy", "--yes", "--skip-preview")
    prometheus_of_others.remove(cluster)


@pytest.fixture(scope="module")
def sent(cluster: Host, written: Stack) -> dict[str, str]:
    """The status of the answers to the two spans of each call, by its trace."""
    assert written.name == STACK
    apply(cluster, sending_pod(SENDER, "default", CALL, node=NODES[0], seconds=LOAD_SECONDS))
    try:
        cluster.kubectl("wait", "-n", "default", f"pod/{SENDER}", "--for=condition=Ready", "--timeout=60s")
        return results(cluster, "default", SENDER)
    finally:
        cluster.kubectl("delete", "pod", "-n", "default", SENDER)


@pytest.fixture(scope="module")
def query(cluster: Host, written: Stack) -> Iterator[Callable[[str], list[dict[str, Any]]]]:
    """What that Prometheus answers."""
    assert written.name == STACK
    with cluster.forwarded(MONITORING, "service/prometheus", 9090) as address:
        yield lambda text: prometheus_query(address, text)


def test_the_program_deploys_no_prometheus(cluster: Host, written: Stack) -> None:
    assert written.name == STACK
    assert cluster.objects("deployments", "-n", MESH, "-l", "app.kubernetes.io/name=prometheus") == []


def test_what_the_collectors_have_counted_adds_up_to_what_was_sent(
    sent: dict[str, str], query: Callable[[str], list[dict[str, Any]]]
) -> None:
    assert set(sent.values()) == {"200200"}
    assert len(sent) > LOAD_SECONDS

    def counted() -> float:
        return sum(float(one["value"][1]) for one in query(CALLS))

    assert eventually(counted, lambda found: found >= len(sent), 60) == len(sent)


def test_each_collector_writes_series_with_a_label_of_its_own(
    cluster: Host, sent: dict[str, str], query: Callable[[str], list[dict[str, Any]]]
) -> None:
    assert sent
    pods = {pod["metadata"]["name"] for pod in cluster.pods("-n", MESH, "-l", "app.kubernetes.io/name=otel-collector")}
    found = eventually(lambda: query(CALLS), lambda series: len(series) == len(pods), 60)
    assert sorted(one["metric"]["collector"] for one in found) == sorted(pods)


def test_verify_follows_a_request_into_this_graph(cluster: Host, written: Stack) -> None:
    found = report(cluster, "--stack", written.name, *PATIENCE)
    assert found["exit"] == 0, found["hops"]
    assert found["request"]["graphed_seconds"] is not None


# Of what others run, verify says what is wrong, and they repair it.


def take_no_writes(host: Host) -> None:
    prometheus_of_others.deploy(host, {})


def take_writes(host: Host) -> None:
    prometheus_of_others.deploy(host, {}, RECEIVER)


def stop_it(host: Host) -> None:
    host.kubectl("scale", "-n", MONITORING, "deployment/prometheus", "--replicas=0")
    host.kubectl("wait", "-n", MONITORING, "pods", "-l", "app=prometheus", "--for=delete", "--timeout=60s")


def start_it(host: Host) -> None:
    host.kubectl("scale", "-n", MONITORING, "deployment/prometheus", "--replicas=1")
    prometheus_of_others.serves(host)


@pytest.mark.parametrize(
    ("inject", "repair", "code"),
    [(take_no_writes, take_writes, Code.NO_RECEIVER), (stop_it, start_it, Code.PROMETHEUS_DOWN)],
    ids=["takes no writes", "is down"],
)
def test_a_prometheus_of_others_is_named_when_it(
    cluster: Host,
    written: Stack,
    inject: Callable[[Host], None],
    repair: Callable[[Host], None],
    code: Code,
) -> None:
    inject(cluster)
    try:
        found = report(cluster, "--stack", written.name)
        broken = [hop for hop in found["hops"] if hop["status"] == "broken" and not hop["follows_from"]]
        assert [(hop["hop"], hop["code"]) for hop in broken] == [("prometheus", code)], found["hops"]
    finally:
        repair(cluster)
    assert report(cluster, "--stack", written.name, *PATIENCE)["exit"] == 0


def write_to_another_url(host: Host) -> None:
    exporters = {"prometheusremotewrite/graph": {"endpoint": f"{URL}/api/v1/push"}}
    configure_the_collector(host, {"exporters": exporters})


def let_nobody_in(host: Host) -> None:
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "nobody", "namespace": MONITORING},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress"]},
    }
    apply(host, policy)
    restart_the_collector(host)


def let_everybody_in(host: Host) -> None:
    host.kubectl("delete", "networkpolicies", "-n", MONITORING, "--all")


@pytest.mark.parametrize(
    "fault",
    [
        Fault("the collectors write to another URL", "generator", Code.WRITES_ELSEWHERE, write_to_another_url),
        Fault(
            "a policy lets nobody reach Prometheus",
            "generator",
            Code.POLICY_IN_THE_WAY,
            let_nobody_in,
            clean=let_everybody_in,
        ),
    ],
    ids=lambda fault: fault.name,
)
def test_the_cause_is_named_and_its_remedy_repairs_it_when(cluster: Host, written: Stack, fault: Fault) -> None:
    prove(cluster, fault, written)

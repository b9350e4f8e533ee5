"""What can break on a TempoStack of which the collector makes the graph, each as somebody might break it by mistake."""

import base64
import json
from collections.abc import Callable
from typing import Any

import bucket
from embedded import Host, eventually
from faults import (
    MESH,
    TRACING,
    Fault,
    apply,
    gone,
    name_another_provider,
    patch,
    scale_the_collector_to_0,
)

from verify.causes import Code

COLLECTOR, TEMPO = "opentelemetrycollector/otel", "tempostack/tempo"
POLICY_OF_OTHERS = "nothing-out"
OTLP = 4317


def of_part(part: str) -> str:
    return f"app.kubernetes.io/managed-by=tempo-operator,app.kubernetes.io/component={part}"


def configure_the_collector(host: Host, config: dict[str, Any]) -> None:
    """Merge into the collector's configuration, and wait until all of its pods run with it."""
    version = "jsonpath={.metadata.generation}"
    before = host.kubectl("get", "deployment", "-n", MESH, "otel-collector", "-o", version)
    patch(host, MESH, COLLECTOR, {"spec": {"config": config}})
    eventually(
        lambda: host.kubectl("get", "deployment", "-n", MESH, "otel-collector", "-o", version),
        lambda now: now != before,
        60,
    )
    host.kubectl("rollout", "status", "-n", MESH, "deployment/otel-collector", "--timeout=120s")


def send_to(endpoint: str) -> Callable[[Host], None]:
    def inject(host: Host) -> None:
        configure_the_collector(host, {"exporters": {"otlp_grpc": {"endpoint": endpoint}}})

    return inject


def speak_tls(host: Host) -> None:
    configure_the_collector(host, {"exporters": {"otlp_grpc": {"tls": {"insecure": False}}}})


def count_no_edges(host: Host) -> None:
    """The spans of an edge are counted no more, and those of each service are."""
    pipelines = {"traces": {"exporters": ["otlp_grpc", "spanmetrics"]}, "metrics/graph": {"receivers": ["spanmetrics"]}}
    configure_the_collector(host, {"service": {"pipelines": pipelines}})


def stop(part: str) -> Callable[[Host], None]:
    """Of a part, all pods, while the operator looks away."""

    def inject(host: Host) -> None:
        patch(host, TRACING, TEMPO, {"spec": {"managementState": "Unmanaged"}})
        kind = "statefulset" if part == "ingester" else "deployment"
        host.kubectl("scale", kind, "-n", TRACING, f"tempo-tempo-{part}", "--replicas=0")
        gone(host, TRACING, of_part(part))

    return inject


def ask_for_a_tenant(host: Host) -> None:
    change_tempo(host, {"multitenancy_enabled": True})


def change_tempo(host: Host, config: dict[str, Any]) -> None:
    """Merge into Tempo's configuration, and wait until all of its parts run with it."""
    before = revisions(host)
    patch(host, TRACING, TEMPO, {"spec": {"extraConfig": {"tempo": config}}})
    assert eventually(lambda: revisions(host), lambda now: now != before, 60) != before
    all_run(host)


def revisions(host: Host) -> list[int]:
    """The generations of the parts."""
    found = host.objects("deployments,statefulsets", "-n", TRACING, "-l", "app.kubernetes.io/managed-by=tempo-operator")
    return [one["metadata"]["generation"] for one in found]


def all_run(host: Host) -> None:
    for part in ("distributor", "querier", "query-frontend", "compactor"):
        host.kubectl("rollout", "status", "-n", TRACING, f"deployment/tempo-tempo-{part}", "--timeout=180s")
    host.kubectl("rollout", "status", "-n", TRACING, "statefulset/tempo-tempo-ingester", "--timeout=240s")


def delete_the_bucket(host: Host) -> None:
    """Delete the bucket with its content, and restart the parts that look into it."""
    bucket.delete(host)
    restart(host, "compactor", "querier")


def restart(host: Host, *parts: str) -> None:
    names = [f"deployment/tempo-tempo-{part}" for part in parts]
    host.kubectl("rollout", "restart", "-n", TRACING, *names)
    for name in names:
        host.kubectl("rollout", "status", "-n", TRACING, name, "--timeout=120s")


def use_a_wrong_key(host: Host) -> None:
    secret = bucket.secret_of_tempo(host)
    wrong = base64.b64encode(b"no-longer-the-key").decode()
    patch(host, TRACING, f"secret/{secret}", {"data": {"access_key_secret": wrong}})
    restart(host, "compactor")


def scrape_no_graph(host: Host) -> None:
    """The Service by which Prometheus finds the collectors leads to nobody."""
    selector = {"spec": {"selector": {"app.kubernetes.io/name": "nobody"}}}
    patch(host, MESH, "service/mesh-tracing-service-graph", selector)


def close_the_way_out(host: Host) -> None:
    """Somebody's policy lets the collector ask DNS, and nobody else."""
    dns = [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]
    apply(
        host,
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": POLICY_OF_OTHERS, "namespace": MESH},
            "spec": {
                "podSelector": {"matchLabels": {"app.kubernetes.io/name": "otel-collector"}},
                "policyTypes": ["Egress"],
                "egress": [{"ports": dns}],
            },
        },
    )
    restart_the_collector(host)


def restart_the_collector(host: Host) -> None:
    """Policies are for new connections: who is connected stays connected."""
    host.kubectl("rollout", "restart", "-n", MESH, "deployment/otel-collector")
    host.kubectl("rollout", "status", "-n", MESH, "deployment/otel-collector", "--timeout=120s")


def open_the_way_out(host: Host) -> None:
    policies = (POLICY_OF_OTHERS, "tracing-collector-out")
    host.kubectl("delete", "networkpolicy", "-n", MESH, *policies, "--ignore-not-found")


class ClosedDistributor:
    """No policy lets spans in: those that did are emptied, the operator's, which does not look again, and ours."""

    _POLICIES = ("mesh-tracing-tempo", "tempo-tempo-distributor")

    def __init__(self) -> None:
        self._rules: dict[str, Any] = {}

    def close(self, host: Host) -> None:
        for name in self._POLICIES:
            policy = json.loads(host.kubectl("get", "networkpolicy", "-n", TRACING, name, "-o", "json"))
            self._rules[name] = policy["spec"]["ingress"]
            others = [
                rule for rule in self._rules[name] if not any(p.get("port") == OTLP for p in rule.get("ports", []))
            ]
            patch(host, TRACING, f"networkpolicy/{name}", {"spec": {"ingress": others}})
        restart_the_collector(host)

    def open(self, host: Host) -> None:
        for name, rules in self._rules.items():
            patch(host, TRACING, f"networkpolicy/{name}", {"spec": {"ingress": rules}})
        host.kubectl("delete", "networkpolicy", "-n", TRACING, f"tracing-to-port-{OTLP}", "--ignore-not-found")


CLOSED = ClosedDistributor()


def start_what_looks_into_the_bucket(host: Host) -> None:
    """Those that have looked in vain look again after minutes only."""
    restart(host, "compactor", "querier", "query-frontend")
    host.kubectl("rollout", "restart", "-n", TRACING, "statefulset/tempo-tempo-ingester")
    all_run(host)


FAULTS = (
    Fault("the Telemetry names another provider", "provider", Code.PROVIDER_UNKNOWN, name_another_provider),
    Fault("the collector is scaled to 0", "collector", Code.COLLECTOR_STOPPED, scale_the_collector_to_0),
    Fault(
        "the collector's exporter has a wrong port",
        "collector",
        Code.COLLECTOR_ELSEWHERE,
        send_to("tempo-tempo-distributor.tracing-system.svc.cluster.local:4319"),
    ),
    Fault("only the collector speaks TLS to the distributor", "collector", Code.TLS_MISMATCH, speak_tls),
    Fault("the connector of the edges is not joined", "generator", Code.PROCESSOR_OFF, count_no_edges),
    Fault("Prometheus does not find the collectors", "generator", Code.NOT_SCRAPED, scrape_no_graph),
    Fault(
        "a policy lets the collector reach nobody",
        "collector",
        Code.POLICY_IN_THE_WAY,
        close_the_way_out,
        clean=open_the_way_out,
    ),
    Fault(
        "no policy lets spans reach the distributor",
        "collector",
        Code.POLICY_IN_THE_WAY,
        CLOSED.close,
        clean=CLOSED.open,
    ),
    *(
        Fault(f"the {part} is scaled to 0", "tempo", Code.TEMPO_STOPPED, stop(part), after_remedy=all_run)
        for part in ("distributor", "ingester", "querier", "query-frontend")
    ),
    Fault("Tempo wants a tenant", "tempo", Code.NO_TENANT, ask_for_a_tenant, after_remedy=all_run),
    Fault(
        "the key of the bucket is wrong",
        "object-store",
        Code.STORE_REFUSES,
        use_a_wrong_key,
        after_remedy=start_what_looks_into_the_bucket,
    ),
    Fault(
        "the bucket is gone",
        "object-store",
        Code.NO_BUCKET,
        delete_the_bucket,
        after_remedy=start_what_looks_into_the_bucket,
    ),
)

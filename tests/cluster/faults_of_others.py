"""What other people's objects do to spans, each as somebody might make it for a purpose of their own."""

import json
import time
from typing import Any

from embedded import Host, eventually
from faults import BOOKINFO, MESH, Fault, apply, change_mesh, change_tempo, patch, replace_tempo

from verify.causes import Code

TELEMETRY = "telemetries.telemetry.istio.io"
COLLECTOR = "service/otel-collector"


def put_an_older_telemetry_first(host: Host) -> None:
    """Make one for access logs, and the stack's own one anew: the API server says when each was made.

    Not one for metrics, with which istiod sends a filter that this cluster's Envoy does not have.
    """
    ours = json.loads(host.kubectl("get", TELEMETRY, "-n", MESH, "mesh-tracing", "-o", "json"))
    meta = {
        key: ours["metadata"][key] for key in ("name", "namespace", "labels", "annotations") if key in ours["metadata"]
    }
    host.kubectl("delete", TELEMETRY, "-n", MESH, "mesh-tracing")
    apply(host, _telemetry("access-logs", MESH, accessLogging=[{"providers": [{"name": "envoy"}]}]))
    # Times of creation are in whole seconds, and of two in the same second the name decides.
    time.sleep(1.1)
    apply(host, {**{key: ours[key] for key in ("apiVersion", "kind", "spec")}, "metadata": meta})


def report_no_spans(host: Host) -> None:
    apply(host, _telemetry("quiet", BOOKINFO, tracing=[{"disableSpanReporting": True}]))


def forget_the_telemetries(host: Host) -> None:
    for namespace, name in ((MESH, "access-logs"), (BOOKINFO, "quiet")):
        host.kubectl("delete", TELEMETRY, "-n", namespace, name, "--ignore-not-found")


def hide_the_collector_by_a_sidecar(host: Host) -> None:
    apply(
        host,
        {
            "apiVersion": "networking.istio.io/v1",
            "kind": "Sidecar",
            "metadata": {"name": "default", "namespace": BOOKINFO},
            "spec": {"egress": [{"hosts": ["./*"]}]},
        },
    )


def forget_the_sidecar(host: Host) -> None:
    host.kubectl("delete", "sidecars.networking.istio.io", "-n", BOOKINFO, "default", "--ignore-not-found")


def export_the_collector_nowhere(host: Host) -> None:
    host.kubectl("annotate", COLLECTOR, "-n", MESH, "networking.istio.io/exportTo=.", "--overwrite")


def export_as_before(host: Host) -> None:
    host.kubectl("annotate", COLLECTOR, "-n", MESH, "networking.istio.io/exportTo-")


def look_at_bookinfo_only(host: Host) -> None:
    host.kubectl("label", "namespace", BOOKINFO, "mesh-scope=yes")
    change_mesh(host, lambda mesh: mesh.update(discoverySelectors=[{"matchLabels": {"mesh-scope": "yes"}}]))


def look_at_everything(host: Host) -> None:
    def change(mesh: dict[str, Any]) -> None:
        mesh.pop("discoverySelectors", None)

    change_mesh(host, change)
    for namespace in (BOOKINFO, MESH):
        host.kubectl("label", "namespace", namespace, "mesh-scope-")


def name_the_port_otlp(host: Host) -> None:
    ports = [{"name": "otlp", "port": 4317, "targetPort": 4317, "protocol": "TCP"}]
    patch(host, MESH, "opentelemetrycollector/otel", {"spec": {"ports": ports}})

    def port() -> Any:
        found = json.loads(host.kubectl("get", COLLECTOR, "-n", MESH, "-o", "json"))["spec"]["ports"]
        return next((one.get("appProtocol") for one in found if one["port"] == 4317), None)

    assert eventually(port, lambda protocol: protocol is None, 60) is None


def name_the_port_as_before(host: Host) -> None:
    patch(host, MESH, "opentelemetrycollector/otel", {"spec": {"ports": None}})


def speak_tls_on_one_side(host: Host) -> None:
    exporters = {"otlp_grpc": {"tls": {"insecure": False}}}
    patch(host, MESH, "opentelemetrycollector/otel", {"spec": {"config": {"exporters": exporters}}})
    host.kubectl("rollout", "status", "-n", MESH, "deployment/otel-collector", "--timeout=120s")


def ask_for_a_tenant(host: Host) -> None:
    change_tempo(host, {"multitenancy_enabled": True})


def stop_dns(host: Host) -> None:
    host.kubectl("scale", "deployment/coredns", "-n", "kube-system", "--replicas=0")
    pods = ("pods", "-n", "kube-system", "-l", "k8s-app=kube-dns")
    assert eventually(lambda: host.objects(*pods), lambda found: not found, 60) == []


def one_dns_is_enough(host: Host) -> None:
    host.kubectl("scale", "deployment/coredns", "-n", "kube-system", "--replicas=1")
    host.kubectl("rollout", "status", "-n", "kube-system", "deployment/coredns", "--timeout=120s")


def take_few_bytes(host: Host) -> None:
    limits = {"rate_strategy": "local", "rate_limit_bytes": 200, "burst_size_bytes": 200}
    change_tempo(host, {"overrides": {"defaults": {"ingestion": limits}}})


def make_few_series(host: Host) -> None:
    change_tempo(host, {"overrides": {"defaults": {"metrics_generator": {"max_active_series": 10}}}})


def _telemetry(name: str, namespace: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "telemetry.istio.io/v1",
        "kind": "Telemetry",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }


FAULTS_OF_OTHERS = (
    Fault(
        "an older Telemetry of the mesh is for access logs only", "provider", Code.OLDER_TELEMETRY,
        put_an_older_telemetry_first, clean=forget_the_telemetries,
    ),
    Fault(
        "a Telemetry of the namespace reports no spans", "proxies", Code.OTHER_TELEMETRY,
        report_no_spans, clean=forget_the_telemetries,
    ),
    Fault(
        "a Sidecar leaves out the collector", "proxies", Code.SIDECAR_HIDES_COLLECTOR,
        hide_the_collector_by_a_sidecar, clean=forget_the_sidecar,
    ),
    Fault(
        "the collector's Service is exported to its own namespace", "proxies", Code.COLLECTOR_NOT_EXPORTED,
        export_the_collector_nowhere, clean=export_as_before,
    ),
    Fault(
        "the mesh does not look at the collector's namespace", "proxies", Code.NAMESPACE_NOT_DISCOVERED,
        look_at_bookinfo_only, clean=look_at_everything,
    ),
    Fault(
        "the collector's port is called otlp", "proxies", Code.WRONG_PROTOCOL,
        name_the_port_otlp, clean=name_the_port_as_before,
    ),
    Fault("only the collector speaks TLS to Tempo", "collector", Code.TLS_MISMATCH, speak_tls_on_one_side),
    Fault("Tempo wants a tenant", "tempo", Code.NO_TENANT, ask_for_a_tenant, after_remedy=replace_tempo),
    Fault("the cluster's DNS is down", "dns", Code.DNS_DOWN, stop_dns, clean=one_dns_is_enough),
    Fault(
        "Tempo takes few bytes in a second", "tempo", Code.RATE_LIMITED,
        take_few_bytes, after_remedy=replace_tempo,
    ),
    Fault(
        "the generator may make few series", "generator", Code.SERIES_LIMIT,
        make_few_series, after_remedy=replace_tempo,
    ),
)  # fmt: skip

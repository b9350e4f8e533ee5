"""A mesh for the tests of ``verify``: what its API server and its pods answer, and what hops see of it."""

import json
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import yaml

from verify.access.api_server import Answer
from verify.access.clock import Clock
from verify.access.cluster import Cluster
from verify.access.deadline import Deadline
from verify.causes import Code
from verify.deployment import Bookinfo, Deployment, Grafana, Kiali, Mesh, ObjectStore, Prometheus, Tempo, Tracing
from verify.findings import Because, Finding, Status
from verify.traffic.service_graph import Edge
from verify.world import Journey, Looks, World

Object = dict[str, Any]
Handler = Callable[[httpx.Request], httpx.Response]

DATA = Path(__file__).parent / "data"
COLLECTOR = "outbound|4317||otel-collector.istio-system.svc.cluster.local"
TEMPO_URL = "http://tempo-tempo.tracing-system.svc.cluster.local:3200"
PROMETHEUS_URL = "http://prometheus.istio-system.svc.cluster.local:9090"
PRODUCTPAGE_URL = "http://productpage.bookinfo.svc.cluster.local:9080/productpage"
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"

DEPLOYMENT = Deployment(
    cluster_uid="the-cluster",
    platform="kubernetes",
    operators=["tempo", "opentelemetry"],
    mesh=Mesh(
        installer="helm",
        by_charts=True,
        namespace="istio-system",
        revision="default",
        istiod="istiod",
        config_maps=["istio"],
        injection_labels={"istio-injection": "enabled"},
        namespaces=["bookinfo"],
    ),
    tracing=Tracing(
        provider="otel",
        telemetry="mesh-tracing",
        sampling_percentage=100,
        collector="otel",
        collector_namespace="istio-system",
        collector_host="otel-collector.istio-system.svc.cluster.local",
        collector_port=4317,
        collector_replicas=2,
        otlp_address="tempo-tempo.tracing-system.svc.cluster.local:4317",
    ),
    tempo=Tempo(
        mode="monolithic",
        name="tempo",
        namespace="tracing-system",
        query_url=TEMPO_URL,
        distributor_service="tempo-tempo",
        generator_service="tempo-tempo",
        processors=["service-graphs", "span-metrics"],
        object_store=ObjectStore(bucket="tempo", service="seaweedfs", job="seaweedfs-bucket"),
    ),
    prometheus=Prometheus(
        query_url=PROMETHEUS_URL,
        write_url=f"{PROMETHEUS_URL}/api/v1/write",
        namespace="istio-system",
        deployment="prometheus",
    ),
    grafana=Grafana(
        mode="config-map",
        namespace="istio-system",
        config_map="grafana-datasources-tracing",
        resources=[],
        datasource_uids=["tempo", "prometheus"],
        tempo_uid="tempo",
        prometheus_uid="prometheus",
        url=None,
    ),
    kiali=None,
    bookinfo=Bookinfo(namespace="bookinfo", traffic=True, url=PRODUCTPAGE_URL),
)
KIALI = Kiali(url="http://kiali.istio-system.svc.cluster.local:20001")
GRAFANA_BY_OPERATOR = Grafana(
    mode="operator",
    namespace="grafana",
    config_map=None,
    resources=["tracing-tempo", "tracing-prometheus"],
    datasource_uids=["tempo", "prometheus"],
    tempo_uid="tempo",
    prometheus_uid="prometheus",
    url=None,
)
GRAFANA_MANAGED = DEPLOYMENT.grafana.model_copy(
    update={"mode": "managed", "url": "http://grafana.istio-system.svc.cluster.local:3000"}
)


def part(model: Any, **changes: Any) -> Any:
    """A copy of one part of a deployment with some fields changed."""
    return model.model_copy(update=changes)


def deployment(**parts: Any) -> Deployment:
    return DEPLOYMENT.model_copy(update=parts)


# Kubernetes objects.


def pod(  # noqa: PLR0913  each is one property of a pod
    name: str,
    namespace: str = "bookinfo",
    *,
    ready: bool = True,
    sidecar: bool = False,
    labels: Mapping[str, str] | None = None,
    waiting: str = "",
    **spec: Any,
) -> Object:
    container = name.partition("-")[0]
    containers = [{"name": container}, *([{"name": "istio-proxy"}] if sidecar else [])]
    status: Object = {
        "phase": "Running" if ready else "Pending",
        "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
    }
    if waiting:
        status["containerStatuses"] = [{"name": container, "ready": False, "state": {"waiting": {"reason": waiting}}}]
    return {
        "metadata": {"name": name, "namespace": namespace, "labels": dict(labels or {})},
        "spec": {"containers": containers, **spec},
        "status": status,
    }


def tempo_labels(part: str, name: str = "tempo", instance: str = "tempo") -> dict[str, str]:
    """The labels that Tempo's operator gives pods; ``name`` is ``tempo`` for a TempoStack."""
    return {
        "app.kubernetes.io/name": name,
        "app.kubernetes.io/instance": instance,
        "app.kubernetes.io/component": part,
        "app.kubernetes.io/managed-by": "tempo-operator",
    }


def service(name: str, namespace: str, selector: Mapping[str, str], *ports: Mapping[str, Any]) -> Object:
    return {
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"selector": dict(selector), "ports": list(ports)},
    }


def config_map(name: str, namespace: str, **data: str) -> Object:
    return {"metadata": {"name": name, "namespace": namespace}, "data": data}


def resource(name: str, namespace: str = "", ready: str = "", message: str = "", **spec: Any) -> Object:
    """A custom resource, with the status of its condition ``Ready``."""
    found: Object = {"metadata": {"name": name, "namespace": namespace}, "spec": spec}
    if ready:
        found["status"] = {"conditions": [{"type": "Ready", "status": ready, "message": message}]}
    return found


def istio(ready: str, message: str = "") -> Object:
    """The Sail operator's resource of the mesh."""
    found = resource("default", ready=ready, message=message)
    found["spec"]["namespace"] = "istio-system"
    return found


MESH_CONFIG = """\
enableTracing: true
extensionProviders:
- name: otel
  opentelemetry:
    port: 4317
    service: otel-collector.istio-system.svc.cluster.local
rootNamespace: istio-system
"""
TELEMETRY = {
    "metadata": {"name": "mesh-tracing", "namespace": "istio-system"},
    "spec": {"tracing": [{"providers": [{"name": "otel"}], "randomSamplingPercentage": 100}]},
}
COLLECTOR_CONFIG: Object = {
    "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": "0.0.0.0:4317"}}}},
    "exporters": {"otlp": {"endpoint": "tempo-tempo.tracing-system.svc.cluster.local:4317"}},
    "service": {"pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["otlp"]}}},
}
DATASOURCES = """\
apiVersion: 1
datasources:
- name: Tempo
  uid: tempo
  type: tempo
  url: http://tempo-tempo.tracing-system.svc.cluster.local:3200
  jsonData:
    serviceMap:
      datasourceUid: prometheus
- name: Prometheus
  uid: prometheus
  type: prometheus
  url: http://prometheus.istio-system.svc.cluster.local:9090
"""


# The API server.


@dataclass
class Api:
    """An API server's objects by their path, and the paths that were asked for.

    ``logs`` and ``previous``, those of the run before, are by pod and container.
    """

    objects: dict[str, Object] = field(default_factory=dict)
    logs: dict[tuple[str, str], str] = field(default_factory=dict)
    previous: dict[tuple[str, str], str] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    queries: list[dict[str, str]] = field(default_factory=list)

    def put(self, collection: str, *objects: Object) -> None:
        """``collection`` is a path such as ``/api/v1/pods``; an object goes into its namespace."""
        root, _, plural = collection.rpartition("/")
        for one in objects:
            meta = one["metadata"]
            inside = f"namespaces/{meta['namespace']}/" if meta.get("namespace") else ""
            self.objects[f"{root}/{inside}{plural}/{meta['name']}"] = one

    def answer(self, path: str, query: Mapping[str, str]) -> tuple[int, bytes]:
        self.asked.append(path)
        self.queries.append(dict(query))
        if path in self.refused:
            return self.refused[path], b'{"kind": "Status", "message": "not shown"}'
        if path == "/version":
            return 200, b'{"gitVersion": "v1.34.0"}'
        if path.endswith("/log"):
            logs = self.previous if "previous" in query else self.logs
            text = logs.get((path.split("/")[-2], query["container"]))
            return (400, b"{}") if text is None else (200, text.encode())
        if path in self.objects:
            return 200, json.dumps(self.objects[path]).encode()
        found = self._listed(path, query.get("labelSelector", ""))
        return (404, b"{}") if found is None else (200, json.dumps({"items": found}).encode())

    def _listed(self, path: str, selector: str) -> list[Object] | None:
        root, _, plural = path.rpartition("/")
        everywhere = re.compile(rf"{re.escape(root)}(/namespaces/[^/]+)?/{re.escape(plural)}/[^/]+")
        found = [one for key, one in self.objects.items() if everywhere.fullmatch(key)]
        if not found:
            return None
        wanted = dict(entry.split("=") for entry in selector.split(",") if entry)
        return [one for one in found if wanted.items() <= one["metadata"].get("labels", {}).items()]


class StubCluster(Cluster):
    """A cluster whose API server is ``api``; ``answers`` has, by pod and port, what answers there."""

    def __init__(
        self,
        api: Api | None = None,
        answers: Mapping[tuple[str, int], Handler] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.context = "test"
        self.api = api or Api()
        # How ``Cluster`` interprets an answer is tested too.
        self._server: Any = _Server(self.api)
        self.deadline = Deadline()
        self._clock = clock or Clock()
        self.answers = dict(answers or {})

    def pod_client(self, pod: Mapping[str, Any], port: int, *, scheme: str = "http", path: str = "") -> httpx.Client:
        meta = pod["metadata"]
        self.api.asked.append(f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/portforward")
        handler = self.answers.get((meta["name"], port), _nothing)
        return httpx.Client(base_url=f"{scheme}://localhost:{port}{path}", transport=httpx.MockTransport(handler))

    def bearer(self) -> str | None:
        return None


def _nothing(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("Connection refused", request=request)


class _Server:
    """Replaces the API server in ``Cluster``; the answers are those of an ``Api``."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def get(self, path: str, query: Mapping[str, str]) -> Answer:
        return Answer(*self._api.answer(path, query))


def world(changed: Deployment = DEPLOYMENT, cluster: Cluster | None = None) -> World:
    return World(cluster or StubCluster(), changed, "local")


def journey(**changes: Any) -> Journey:
    """A journey that went well."""
    return replace(
        Journey(
            address=PRODUCTPAGE_URL,
            answered=9,
            trace_id=TRACE_ID,
            sent_at=1_800_000_000.0,
            stored_seconds=2.0,
            searchable_seconds=4.0,
            graphed_seconds=14.0,
        ),
        **changes,
    )


def looks(after: Any, before: Any = None, followed: Journey | None = None) -> Looks[Any]:
    return Looks(after if before is None else before, after, followed)


# Expectations of a finding.


def assert_broken(finding: Finding, because: Because, *, remedy: str) -> None:
    """``finding`` has this status, and its remedy begins with ``remedy`` and is one command for a shell."""
    assert (finding.status, finding.because) == (Status.BROKEN, because), finding
    assert finding.cause
    assert finding.remedy.startswith(remedy), finding.remedy
    assert_is_command(finding.remedy)
    assert_are_lines(finding)


def assert_warns(finding: Finding, code: Code, *, remedy: str) -> None:
    """``finding`` is a warning, and its remedy begins with ``remedy`` and is one command for a shell."""
    assert (finding.status, finding.code) == (Status.WARNING, code), finding
    assert finding.cause
    assert finding.remedy.startswith(remedy), finding.remedy
    assert_is_command(finding.remedy)
    assert_are_lines(finding)


def assert_is_command(remedy: str) -> None:
    assert "\n" not in remedy
    done = subprocess.run(["/bin/bash", "-n", "-c", remedy], check=False, capture_output=True, text=True)
    assert not done.stderr, done.stderr


def assert_are_lines(finding: Finding) -> None:
    assert all(text and "\n" not in text for text in finding.evidence), finding.evidence


def restore() -> str:
    return "PULUMI_K8S_ENABLE_PATCH_FORCE=true pulumi up --refresh --stack local"


# A whole mesh that works.


def metrics(**values: float) -> str:
    return "".join(f"{name} {value}\n" for name, value in values.items())


def healthy(clock: Clock | None = None) -> StubCluster:
    """The objects of the embedded cluster, with the stack of ``DEPLOYMENT``."""
    api = Api()
    api.put("/api/v1/namespaces", {"metadata": {"name": "bookinfo", "labels": {"istio-injection": "enabled"}}})
    api.put(
        "/api/v1/pods",
        pod("productpage-v1-1", sidecar=True, labels={"app": "productpage"}),
        pod("istiod-1", "istio-system", labels={"app": "istiod"}),
        pod("otc-container-1", "istio-system", labels={"app.kubernetes.io/instance": "istio-system.otel"}),
        pod("prometheus-1", "istio-system", labels={"app": "prometheus"}),
        pod("tempo-tempo-0", "tracing-system", labels=tempo_labels("tempo", "tempo-monolithic")),
        pod("seaweedfs-1", "tracing-system", labels={"app": "seaweedfs"}),
        pod("coredns-1", "kube-system", labels={"k8s-app": "kube-dns"}),
    )
    api.put(
        "/api/v1/services",
        service("productpage", "bookinfo", {"app": "productpage"}, {"port": 9080}),
        service("otel-collector", "istio-system", {"app.kubernetes.io/instance": "istio-system.otel"}, {"port": 4317}),
        service("prometheus", "istio-system", {"app": "prometheus"}, {"port": 9090}),
        service("tempo-tempo", "tracing-system", tempo_labels("tempo", "tempo-monolithic"), {"port": 3200}),
        service("seaweedfs", "tracing-system", {"app": "seaweedfs"}, {"port": 8333}),
        service("kube-dns", "kube-system", {"k8s-app": "kube-dns"}, {"port": 53}),
    )
    api.put(
        "/api/v1/configmaps",
        config_map("istio", "istio-system", mesh=MESH_CONFIG),
        config_map("grafana-datasources-tracing", "istio-system", **{"datasources.yaml": DATASOURCES}),
    )
    api.put(
        "/apis/apps/v1/deployments",
        _deployment("istiod", "istio-system", app="istiod"),
        _deployment("tempo-operator-controller", "tempo-operator-system"),
        _deployment("opentelemetry-operator-controller-manager", "opentelemetry-operator-system"),
    )
    api.put(
        "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
        webhook("istio-sidecar-injector", "istiod", "istio-system"),
    )
    api.put("/apis/telemetry.istio.io/v1/telemetries", TELEMETRY)
    api.put(
        "/apis/opentelemetry.io/v1beta1/opentelemetrycollectors",
        resource("otel", "istio-system", replicas=1, config=COLLECTOR_CONFIG),
    )
    api.put("/apis/tempo.grafana.com/v1alpha1/tempomonolithics", resource("tempo", "tracing-system", ready="True"))
    for name, container in (("otc-container-1", "otc-container"), ("tempo-tempo-0", "tempo")):
        api.logs[name, container] = "level=info msg=started\n"
    api.objects["/api/v1/namespaces/istio-system/pods/otc-container-1"]["spec"]["containers"] = [
        {"name": "otc-container"}
    ]
    return StubCluster(
        api,
        {
            ("istiod-1", 15014): _text(metrics(pilot_xds_pushes=3)),
            ("productpage-v1-1", 15000): _envoy,
            ("otc-container-1", 8888): _text(metrics(otelcol_receiver_accepted_spans_total=3)),
            ("tempo-tempo-0", 3200): _tempo,
            ("prometheus-1", 9090): _prometheus,
        },
        clock,
    )


def webhook(name: str, service_name: str, namespace: str) -> Object:
    return {
        "metadata": {"name": name},
        "webhooks": [{"clientConfig": {"service": {"name": service_name, "namespace": namespace}}}],
    }


def _deployment(name: str, namespace: str, **labels: str) -> Object:
    return {
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}},
        "status": {"readyReplicas": 1},
    }


def _text(text: str) -> Handler:
    return lambda _: httpx.Response(200, text=text)


def _envoy(request: httpx.Request) -> httpx.Response:
    if request.url.path == "/clusters":
        return httpx.Response(200, text=(DATA / "clusters.json").read_text())
    if request.url.params["resource"] == "dynamic_listeners":
        return httpx.Response(200, text=(DATA / "listeners.json").read_text())
    known = re.fullmatch(request.url.params["name_regex"], COLLECTOR)
    return httpx.Response(200, json={"configs": [{"cluster": {"name": COLLECTOR}}] if known else []})


def _tempo(request: httpx.Request) -> httpx.Response:
    if request.url.path == "/status/config":
        return httpx.Response(200, text=(DATA / "tempo-config.txt").read_text())
    if request.url.path == "/metrics":
        return httpx.Response(200, text=metrics(tempo_distributor_spans_received_total=3))
    if request.url.path == "/api/search":
        return httpx.Response(200, json={"traces": [{"traceID": TRACE_ID}]})
    return httpx.Response(200, json={"batches": []})


def _prometheus(request: httpx.Request) -> httpx.Response:
    if request.url.path.endswith("/flags"):
        return httpx.Response(200, json={"data": {"web.enable-remote-write-receiver": "true"}})
    if request.url.path.endswith("/query_exemplars"):
        return httpx.Response(200, json={"data": []})
    edge = {"client": "productpage.bookinfo", "server": "details.bookinfo"}
    return httpx.Response(200, json={"data": {"result": [{"metric": edge, "value": [0, "3"]}]}})


EDGE = Edge("productpage.bookinfo", "details.bookinfo")


def yaml_of(path: str) -> Any:
    return yaml.safe_load((Path(__file__).parents[3] / path).read_text())

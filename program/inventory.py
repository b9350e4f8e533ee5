"""Every object and every chart that the settings lead to, made by the functions that the components register it from.

The addresses that components hand to each other are plain text here instead of Outputs.
"""

import json
from collections.abc import Iterator

from objects.alerts.rules import build_alerts
from objects.applications import build_labels, build_restart
from objects.bookinfo import (
    build_application,
    build_bookinfo_namespace,
    build_bookinfo_telemetries,
    build_traffic,
    gateway_args,
)
from objects.bookinfo_gateway import build_proxy, build_routing, proxy_chart
from objects.charts import Chart
from objects.context import Object
from objects.control_plane import build_control_plane, istio_base, istio_cni, istiod
from objects.exposure import build_exposure
from objects.grafana import build_content, build_grafana, grafana_args, provisioned
from objects.kiali import build_kiali, build_prometheus_access, kiali_chart
from objects.mesh_config import MeshControlPlaneArgs, revision_suffix
from objects.namespaces import build_namespaces
from objects.network_policies import build_network_policies
from objects.object_store import build_object_store
from objects.operators import build_operator
from objects.prometheus import build_prometheus
from objects.tempo import build_beside, build_metrics_services, build_tempo
from objects.tempo_graph import build_tempo_graph
from objects.tempo_storage import build_store_copy, build_store_secret, object_stores, store_secret
from objects.tracing import build_telemetry
from objects.verification import build_verification
from program.plan import Plan
from program.verification import verification


def every_object(plan: Plan) -> Iterator[Object]:
    """Every object as it will be applied, and the mesh configuration that Istio's chart writes.

    Patches of other owners' objects, which mean nothing without the rest of the object, are left out, but for the
    labels of namespaces and the patches of kinds that an operator brings.
    """
    settings = plan.settings
    operators = plan.operators()
    yield from (obj for operator in operators.by("olm") for obj in build_operator(operator, operators).values())
    yield from build_namespaces(plan.namespaces()).values()
    yield from build_network_policies(plan.network_policies()).values()
    yield from _control_plane(plan.control_plane())
    if settings.prometheus.is_deployed:
        yield from build_prometheus(plan.prometheus()).values()
    if plan.has_alerts_of_others:
        yield from build_alerts(plan.alerts()).values()
    if settings.tempo.is_deployed:
        yield from _tempo(plan)
    yield from build_telemetry(plan.telemetry()).values()
    yield from _grafana(plan)
    if settings.namespaces.applications:
        yield from _applications(plan)
    if settings.bookinfo.enabled:
        yield from _bookinfo(plan)
    if settings.kiali.installer != "none":
        yield from build_prometheus_access(plan.kiali()).values()
    if settings.kiali.installer == "operator":
        yield build_kiali(plan.kiali())
    if settings.verify.enabled:
        yield from build_verification(verification(plan)).values()
    if plan.exposed_services:
        yield from build_exposure(plan.exposure()).values()


def every_chart(plan: Plan) -> Iterator[Chart]:
    """Every Helm release of the program's own."""
    if plan.settings.mesh.installer == "helm":
        args = plan.control_plane()
        yield istio_base(args)
        cni = istio_cni(args)
        if cni is not None:
            yield cni
        yield istiod(args)
    gateway = gateway_args(plan.bookinfo()) if plan.settings.bookinfo.enabled else None
    proxy = None if gateway is None else proxy_chart(gateway)
    if proxy is not None:
        yield proxy
    if plan.settings.kiali.installer == "helm":
        yield kiali_chart(plan.kiali())


def _control_plane(args: MeshControlPlaneArgs) -> Iterator[Object]:
    yield from build_control_plane(args).values()
    if args.mesh.installer == "helm":
        # The chart writes its value `meshConfig` into this ConfigMap.
        metadata = {"name": f"istio{revision_suffix(args.mesh.revision)}", "namespace": args.mesh.namespace}
        data = {"mesh": json.dumps(istiod(args)["values"]["meshConfig"])}
        yield {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def _tempo(plan: Plan) -> Iterator[Object]:
    args = plan.tempo()
    yield build_tempo(args, store_secret(args.tempo.storage))
    yield from build_metrics_services(args).values()
    if args.graph_beside:
        yield build_tempo_graph(args)
    yield from build_beside(args).values()
    yield from filter(None, (build_store_secret(args), build_store_copy(args)))
    for store in object_stores(args):
        yield from build_object_store(store).values()


def _grafana(plan: Plan) -> Iterator[Object]:
    args = plan.datasource()
    prometheus_url, _ = plan.prometheus_urls
    yield from build_content(args, provisioned(args, tempo_url=plan.tempo_url, prometheus_url=prometheus_url)).values()
    managed = grafana_args(args)
    if managed is not None:
        yield from build_grafana(managed).values()


def _applications(plan: Plan) -> Iterator[Object]:
    args = plan.applications()
    for application in args.applications:
        yield build_labels(application, args)
        # Of a kind that the cluster may not have.
        for rollout in application.rollouts:
            yield build_restart(application, "Rollout", rollout, "")


def _bookinfo(plan: Plan) -> Iterator[Object]:
    args = plan.bookinfo()
    yield build_bookinfo_namespace(args)
    yield from build_application(args).values()
    yield from build_traffic(args).values()
    yield from build_bookinfo_telemetries(args).values()
    gateway = gateway_args(args)
    if gateway is not None:
        yield from build_routing(gateway).values()
        yield from build_proxy(gateway).values()

"""Lint on what the settings merge into, before the first resource is registered.

The objects are those that the components register, made by the same functions from the same arguments, with the
addresses as plain text instead of Outputs.
"""

import datetime
import json
from collections.abc import Iterator

import pulumi

import lint
from objects.applications import build_labels
from objects.bookinfo import build_application, build_bookinfo_namespace, build_traffic, gateway_args
from objects.bookinfo_gateway import build_proxy, build_routing
from objects.context import Object
from objects.control_plane import build_control_plane, istiod
from objects.datasources import provisioning_file
from objects.exposure import build_exposure
from objects.grafana import build_content, build_grafana, grafana_args
from objects.kiali import build_kiali
from objects.mesh_config import MeshControlPlaneArgs, revision_suffix
from objects.namespaces import build_namespaces
from objects.object_store import build_object_store
from objects.operators import build_operator
from objects.prometheus import build_prometheus
from objects.tempo import build_tempo, object_store_args, store_secret
from objects.tracing import build_telemetry
from program.plan import Plan


class LintError(pulumi.RunError):
    """The settings would deploy what cannot work; Pulumi shows the message without a traceback."""

    def __init__(self, findings: list[str]) -> None:
        count = "one fault" if len(findings) == 1 else f"{len(findings)} faults"
        super().__init__("\n".join([f"what the settings ask for has {count}:", *(f"  - {one}" for one in findings)]))


def refuse_what_breaks(plan: Plan) -> None:
    """Raise ``LintError`` with every error; warnings stand in the output of ``pulumi preview`` and ``pulumi up``."""
    findings = lint.check(list(merged_objects(plan)), facts(plan))
    for finding in findings:
        if finding.severity is lint.Severity.WARNING:
            pulumi.log.warn(plan.without_secrets(str(finding)))
    errors = [finding for finding in findings if finding.severity is lint.Severity.ERROR]
    if errors:
        raise LintError([plan.without_secrets(str(error)) for error in errors])


def facts(plan: Plan) -> lint.Facts:
    """Facts about the cluster that stand in the settings but in no object."""
    settings = plan.settings
    ours = settings.prometheus.existing is None
    return lint.Facts(
        platform=settings.platform,
        tempo_operator_version=settings.operators.tempo_version,
        root_namespace=settings.mesh.namespace,
        cluster_domain=settings.cluster.domain,
        prometheus_native_histograms=settings.prometheus.native_histograms if ours else None,
        today=datetime.datetime.now(tz=datetime.UTC).date(),
    )


def merged_objects(plan: Plan) -> Iterator[Object]:
    """Every object as it will be applied.

    Secrets are left out, because their texts are not known yet, and so are patches of other owners' objects, which
    mean nothing without the rest of the object.
    """
    return (obj for obj in _objects(plan) if obj["kind"] != "Secret")


def _objects(plan: Plan) -> Iterator[Object]:
    settings = plan.settings
    if settings.operators.source == "olm":
        args = plan.operators()
        yield from (obj for operator in args.needed for obj in build_operator(operator, args).values())
    yield from build_namespaces(plan.namespaces()).values()
    yield from _control_plane(plan.control_plane())
    if settings.prometheus.existing is None:
        yield from build_prometheus(plan.prometheus()).values()
    yield from _tempo(plan)
    yield from build_telemetry(plan.telemetry()).values()
    yield from _grafana(plan)
    if settings.namespaces.applications:
        yield from _applications(plan)
    if settings.bookinfo.enabled:
        yield from _bookinfo(plan)
    if settings.kiali.installer == "operator":
        yield build_kiali(plan.kiali())
    if plan.exposed_services:
        yield from build_exposure(plan.exposure()).values()


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
    store = object_store_args(args)
    if store is not None:
        yield from build_object_store(store).values()


def _grafana(plan: Plan) -> Iterator[Object]:
    args = plan.datasource()
    prometheus_url, _ = plan.prometheus_urls
    yield from build_content(args, provisioning_file(tempo_url=plan.tempo_url, prometheus_url=prometheus_url)).values()
    managed = grafana_args(args)
    if managed is not None:
        yield from build_grafana(managed).values()


def _applications(plan: Plan) -> Iterator[Object]:
    args = plan.applications()
    for application in args.applications:
        yield build_labels(application, args)


def _bookinfo(plan: Plan) -> Iterator[Object]:
    args = plan.bookinfo()
    yield build_bookinfo_namespace(args)
    yield from build_application(args).values()
    yield from build_traffic(args).values()
    gateway = gateway_args(args)
    if gateway is not None:
        yield from build_routing(gateway).values()
        yield from build_proxy(gateway).values()

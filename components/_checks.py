"""Lint on what the settings merge into, before the first resource is registered.

The objects here are those that the components register, with the addresses as plain text instead of Outputs, and only
those kinds that a check reads; a test compares the two.
"""

import datetime
from collections.abc import Iterator
from typing import Any

import pulumi
import yaml

import lint
from components import _existing_istio, _manifests, _mesh_config, _sail
from components._addresses import KIALI, MINIO, TEMPO
from components._collector import build_collector
from components._datasources import build_datasources, datasource_spec
from components._package import labels
from components._plan import Plan
from components.grafana_tempo_datasource import DATASOURCES, GRAFANA_API, resource_name, to_provisioning_file
from components.kiali import build_kiali
from components.mesh_telemetry import NO_SIDECAR, TELEMETRY_NAME
from components.prometheus import build_manifests
from components.tempo_stack import KINDS


class LintError(pulumi.RunError):
    """The settings would deploy what cannot work; Pulumi shows the message without a traceback."""

    def __init__(self, findings: list[lint.Finding]) -> None:
        count = "one fault" if len(findings) == 1 else f"{len(findings)} faults"
        super().__init__("\n".join([f"what the settings ask for has {count}:", *(f"  - {one}" for one in findings)]))


def refuse_what_breaks(plan: Plan) -> None:
    """Raise ``LintError`` with every error; warnings stand in the output of ``pulumi preview`` and ``pulumi up``."""
    findings = lint.check(list(merged_objects(plan)), facts(plan))
    for finding in findings:
        if finding.severity is lint.Severity.WARNING:
            pulumi.log.warn(str(finding))
    errors = [finding for finding in findings if finding.severity is lint.Severity.ERROR]
    if errors:
        raise LintError(errors)


def facts(plan: Plan) -> lint.Facts:
    """What the settings say of the cluster and what no object shows."""
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


def merged_objects(plan: Plan) -> Iterator[dict[str, Any]]:
    """Every object that a check reads, as it will be applied."""
    yield from _namespaces(plan)
    yield from _mesh(plan)
    yield from _telemetry(plan)
    yield _tempo(plan)
    yield from _object_store(plan)
    yield from _prometheus(plan)
    yield from _consoles(plan)


def _namespaces(plan: Plan) -> Iterator[dict[str, Any]]:
    injected = _mesh_config.injection_labels(plan.settings.mesh.revision)
    for name in plan.settings.system_namespaces:
        # What stands on one that exists is not known here.
        if name not in plan.settings.namespaces.existing:
            yield _object("v1", "Namespace", name, None)
    for name in plan.settings.mesh_namespaces:
        yield _object("v1", "Namespace", name, None, labels=injected)


def _mesh(plan: Plan) -> Iterator[dict[str, Any]]:
    """The mesh's configuration in the form in which its installer keeps it."""
    args = plan.control_plane()
    mesh = args.plane.mesh
    if args.installer == "sail":
        yield _object(_sail.API_VERSION, "Istio", _sail.NAME, None, spec=_sail.build_istio(args.plane))
        if args.plane.installs_cni:
            yield _object(_sail.API_VERSION, "IstioCNI", _sail.NAME, None, spec=_sail.build_istio_cni(args.plane))
        if mesh.sail.update_strategy == "RevisionBased":
            yield _object(_sail.API_VERSION, "IstioRevisionTag", _sail.NAME, None, spec=_sail.build_tag())
        return
    if args.installer == "existing":
        name, mesh_config = _existing_istio.SHARED_MESH_CONFIG, _mesh_config.build_shared_mesh_config(plan.provider)
    else:
        # The chart writes its values of this name there.
        name = f"istio{_mesh_config.revision_suffix(mesh.revision)}"
        mesh_config = _mesh_config.build_istiod_values(args.plane)["meshConfig"]
    yield _object("v1", "ConfigMap", name, mesh.namespace, data={"mesh": yaml.safe_dump(mesh_config)})


def _telemetry(plan: Plan) -> Iterator[dict[str, Any]]:
    provider, tracing = plan.provider, plan.settings.tracing
    yield _object(
        "opentelemetry.io/v1beta1",
        "OpenTelemetryCollector",
        provider.collector,
        provider.namespace,
        labels=NO_SIDECAR,
        spec=build_collector(tracing.collector, otlp_address=plan.tempo_address.otlp_grpc),
    )
    yield _object(
        "telemetry.istio.io/v1",
        "Telemetry",
        TELEMETRY_NAME,
        plan.settings.mesh.namespace,
        spec=provider.telemetry_spec(tracing.sampling_percentage),
    )


def _tempo(plan: Plan) -> dict[str, Any]:
    tempo = plan.settings.tempo
    kind, build_spec = KINDS[tempo.mode]
    spec = build_spec(
        tempo,
        secret_name=None,  # no check reads it
        remote_write_url=plan.prometheus_endpoints.write_url,
        jaeger_ui=plan.jaeger_ui,
    )
    return _object("tempo.grafana.com/v1alpha1", kind, TEMPO, tempo.namespace, spec=spec)


def _object_store(plan: Plan) -> Iterator[dict[str, Any]]:
    storage = plan.settings.tempo.storage
    if storage.backend == "s3" and storage.s3.source == "minio":
        (deployment,) = _manifests.by_kind(_manifests.load("minio.yaml"), "Deployment")
        placed = _manifests.place(deployment, namespace=plan.settings.tempo.namespace, labels=labels(MINIO))
        yield _manifests.with_image(placed, storage.s3.minio.image)


def _prometheus(plan: Plan) -> Iterator[dict[str, Any]]:
    if plan.settings.prometheus.existing is None:
        yield from build_manifests(plan.prometheus())


def _consoles(plan: Plan) -> Iterator[dict[str, Any]]:
    tempo_url, prometheus_url = plan.tempo_address.query_url, plan.prometheus_endpoints.query_url
    grafana, namespace = plan.settings.grafana, plan.settings.grafana_namespace
    datasources = build_datasources(tempo_url=tempo_url, prometheus_url=prometheus_url)
    if grafana.mode == "operator":
        for datasource in datasources:
            spec = datasource_spec(datasource, instance_labels=grafana.instance_labels)
            name = resource_name(datasource["uid"])
            yield _object(GRAFANA_API, "GrafanaDatasource", name, namespace, spec=spec)
    else:
        data = {"datasources.yaml": to_provisioning_file(datasources)}
        yield _object("v1", "ConfigMap", DATASOURCES, namespace, data=data)
    if plan.settings.kiali.installer == "operator":
        args = plan.kiali(tempo_url=tempo_url, prometheus_url=prometheus_url, grafana_url=None)
        yield _object("kiali.io/v1alpha1", "Kiali", KIALI, plan.settings.mesh.namespace, spec=build_kiali(args))


def _object(api_version: str, kind: str, name: str, namespace: str | None, **content: Any) -> dict[str, Any]:
    metadata = {"name": name, "labels": content.pop("labels", {})} | (
        {} if namespace is None else {"namespace": namespace}
    )
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **content}

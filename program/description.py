"""What the program means to deploy, in the words of ``verify``, which compares the cluster with it."""

from typing import Any

from cluster.recorded import Recorded
from objects import addresses
from objects.addresses import COLLECTOR, OTLP_GRPC_PORT, PROMETHEUS, TEMPO
from objects.datasources import makes_tempo, tempo_uid
from objects.existing_istio import SHARED_MESH_CONFIG
from objects.grafana import DATASOURCES, resource_name
from objects.kiali import has_own_route
from objects.mesh_config import active_revision, injection_labels, revision_suffix
from objects.sampling import KEEP, RATIO
from objects.stores import STORES
from objects.telemetry import mesh_telemetry_name, namespace_telemetry_name
from objects.tempo_config import PROCESSORS
from program.plan import Plan
from verify import deployment
from verify.deployment import Deployment


def describe(plan: Plan, before: Recorded) -> Deployment:
    """The deployment that ``plan`` makes; all of it is known in a preview."""
    settings = plan.settings
    return Deployment(
        cluster_uid=plan.cluster_uid(before),
        platform=settings.platform,
        graph_source=plan.graph_source,
        operators=list(plan.operators().needed),
        mesh=_mesh(plan),
        tracing=_tracing(plan),
        tempo=_tempo(plan),
        prometheus=_prometheus(plan),
        grafana=_grafana(plan),
        kiali=_kiali(plan),
        bookinfo=_bookinfo(plan),
    )


def _mesh(plan: Plan) -> deployment.Mesh:
    mesh = plan.mesh
    revision = active_revision(mesh)
    suffix = revision_suffix(revision)
    shared = [SHARED_MESH_CONFIG] if mesh.installer == "existing" else []
    return deployment.Mesh(
        installer=mesh.installer,
        by_charts=not (mesh.installer == "sail" or mesh.is_patched),
        namespace=mesh.namespace,
        revision=revision,
        istiod=f"istiod{suffix}",
        config_maps=[f"istio{suffix}", *shared],
        injection_labels=injection_labels(mesh.revision),
        namespaces=plan.settings.mesh_namespaces,
    )


def _tracing(plan: Plan) -> deployment.Tracing:
    tracing, namespace = plan.settings.tracing, plan.settings.mesh.namespace
    return deployment.Tracing(
        provider=plan.mesh.provider,
        telemetry=mesh_telemetry_name(plan.mesh) if plan.scope == "mesh" else namespace_telemetry_name(),
        scope=plan.scope,
        sampling_percentage=tracing.sampling_percentage,
        collector=COLLECTOR,
        collector_namespace=namespace,
        collector_host=addresses.collector_host(namespace, plan.context),
        collector_port=OTLP_GRPC_PORT,
        collector_replicas=tracing.collector.replicas,
        otlp_address=plan.otlp_address,
        collector_in_mesh=tracing.collector.in_mesh,
        exceptions=[
            deployment.SampledApart(
                telemetry=namespace_telemetry_name(one.app),
                namespace=one.namespace,
                app=one.app,
                percentage=one.percentage,
            )
            for one in tracing.sampling.exceptions
        ],
        ratio_attribute=RATIO if plan.tempo().multiplies else None,
        ratios=list(tracing.shares.values()) if plan.tempo().multiplies else [],
        kept_trace_state="=".join(KEEP) if tracing.sampling.is_tail else None,
    )


def _tempo(plan: Plan) -> deployment.Tempo:
    tempo = plan.settings.tempo
    if tempo.existing is not None:
        return deployment.Tempo(
            mode="existing",
            name="",
            namespace="",
            query_url=tempo.existing.query_url or "",
            distributor_service="",
            generator_service="",
            processors=[],
            object_store=None,
            headers=tempo.existing.headers,
            ca=tempo.existing.ca,
        )
    return deployment.Tempo(
        mode=tempo.mode,
        name=TEMPO,
        namespace=tempo.namespace,
        query_url=addresses.tempo_query_url(tempo, plan.context),
        distributor_service=addresses.tempo_service(tempo, "distributor"),
        generator_service=addresses.tempo_graph_service()
        if plan.has_graph_beside
        else addresses.tempo_service(tempo, "metrics-generator"),
        processors=PROCESSORS if plan.graph_source == "tempo" else [],
        object_store=_object_store(plan),
    )


def _object_store(plan: Plan) -> deployment.ObjectStore | None:
    storage = plan.settings.tempo.storage
    if not storage.is_shared:
        return None
    own = storage.s3.own if storage.backend == "s3" else None
    return deployment.ObjectStore(
        bucket=storage.bucket,
        service=own,
        job=None if own is None else STORES[own].bucket_job,
    )


def _prometheus(plan: Plan) -> deployment.Prometheus:
    (query_url, write_url), ours = plan.prometheus_urls, plan.settings.prometheus.is_deployed
    return deployment.Prometheus(
        query_url=query_url,
        write_url=write_url,
        takes_writes=plan.settings.prometheus.scraping_hops is None,
        namespace=plan.settings.mesh.namespace if ours else None,
        deployment=PROMETHEUS if ours else None,
        scraped_url=plan.own_prometheus_url if ours and query_url != plan.own_prometheus_url else None,
        secret=plan.has_secret_urls,
        **_access(plan),
    )


def _access(plan: Plan) -> dict[str, Any]:
    """What an existing Prometheus wants to know of those who ask, without the password or token."""
    existing = plan.settings.prometheus.existing
    if existing is None:
        return {}
    auth = existing.auth
    return {
        "login": None if auth is None else auth.type,
        "username": None if auth is None else auth.username,
        "headers": existing.headers,
        "ca": existing.ca,
    }


def _grafana(plan: Plan) -> deployment.Grafana:
    grafana = plan.settings.grafana
    by_operator = grafana.mode == "operator"
    existing = plan.settings.tempo.existing
    uids = {"tempo": grafana.tempo.uid} if makes_tempo(existing) else {}
    if plan.existing_prometheus_uid is None:
        uids["prometheus"] = grafana.prometheus.uid
    return deployment.Grafana(
        mode=grafana.mode,
        namespace=plan.settings.grafana_namespace,
        config_map=None if by_operator else DATASOURCES,
        resources=[resource_name(role) for role in uids] if by_operator else [],
        datasource_uids=list(uids.values()),
        tempo_uid=tempo_uid(grafana, existing),
        prometheus_uid=plan.prometheus_uid,
        url=addresses.grafana_url(plan.settings.grafana_namespace, plan.context) if grafana.mode == "managed" else None,
    )


def _kiali(plan: Plan) -> deployment.Kiali | None:
    if plan.settings.kiali.installer == "none":
        return None
    # The Route that Kiali's installer creates leads to an encrypted port.
    encrypted = has_own_route(plan.settings.exposure)
    return deployment.Kiali(url=addresses.kiali_url(plan.settings.mesh.namespace, plan.context, encrypted=encrypted))


def _bookinfo(plan: Plan) -> deployment.Bookinfo | None:
    bookinfo = plan.settings.bookinfo
    if not bookinfo.enabled:
        return None
    gateway = bookinfo.gateway
    return deployment.Bookinfo(
        namespace=bookinfo.namespace,
        traffic=bookinfo.traffic.enabled,
        url=addresses.productpage_url(bookinfo.namespace, plan.context)
        if gateway == "none"
        else addresses.gateway_url(gateway, bookinfo.namespace, plan.context),
        gateway=None if gateway == "none" else addresses.BOOKINFO_GATEWAY,
    )

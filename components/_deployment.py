"""What the program means to deploy, in the words of ``verify``, which compares the cluster with it."""

from components import _existing_istio, _manifests, _mesh_config
from components._addresses import KIALI, KIALI_PORT, MINIO, PROMETHEUS, TEMPO, service_host
from components._datasources import PROMETHEUS_UID, TEMPO_UID
from components._plan import Plan
from components._tempo_config import PROCESSORS
from components.bookinfo import PRODUCTPAGE
from components.grafana_tempo_datasource import DATASOURCES, resource_name
from components.mesh_telemetry import TELEMETRY_NAME
from verify import deployment
from verify.deployment import Deployment


def describe(plan: Plan) -> Deployment:
    """The deployment that ``plan`` makes; all of it is known in a preview."""
    settings = plan.settings
    return Deployment(
        context=settings.cluster.context,
        server=settings.cluster.server,
        platform=settings.platform,
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
    mesh = plan.settings.mesh
    revision = _mesh_config.active_revision(mesh)
    suffix = _mesh_config.revision_suffix(revision)
    shared = [_existing_istio.SHARED_MESH_CONFIG] if mesh.installer == "existing" else []
    return deployment.Mesh(
        installer=mesh.installer,
        namespace=mesh.namespace,
        revision=revision,
        istiod=f"istiod{suffix}",
        config_maps=[f"istio{suffix}", *shared],
        injection_labels=_mesh_config.injection_labels(mesh.revision),
        namespaces=plan.settings.mesh_namespaces,
    )


def _tracing(plan: Plan) -> deployment.Tracing:
    provider, tracing = plan.provider, plan.settings.tracing
    return deployment.Tracing(
        provider=provider.name,
        telemetry=TELEMETRY_NAME,
        sampling_percentage=tracing.sampling_percentage,
        collector=provider.collector,
        collector_namespace=provider.namespace,
        collector_host=provider.service,
        collector_port=provider.port,
        collector_replicas=tracing.collector.replicas,
        otlp_address=plan.tempo_address.otlp_grpc,
    )


def _tempo(plan: Plan) -> deployment.Tempo:
    tempo, address = plan.settings.tempo, plan.tempo_address
    return deployment.Tempo(
        mode=tempo.mode,
        name=TEMPO,
        namespace=tempo.namespace,
        query_url=address.query_url,
        distributor_service=address.service("distributor"),
        generator_service=address.service("metrics-generator"),
        processors=PROCESSORS,
        object_store=_object_store(plan),
    )


def _object_store(plan: Plan) -> deployment.ObjectStore | None:
    storage = plan.settings.tempo.storage
    if storage.backend != "s3":
        return None
    ours = storage.s3.source == "minio"
    (job,) = _manifests.by_kind(_manifests.load("minio.yaml"), "Job")
    return deployment.ObjectStore(
        # With a Secret of the user's, only that one says which bucket.
        bucket=None if storage.s3.source == "secret" else storage.s3.bucket,
        service=MINIO if ours else None,
        job=job["metadata"]["name"] if ours else None,
    )


def _prometheus(plan: Plan) -> deployment.Prometheus:
    endpoints, ours = plan.prometheus_endpoints, plan.settings.prometheus.existing is None
    return deployment.Prometheus(
        query_url=endpoints.query_url,
        write_url=endpoints.write_url,
        namespace=plan.settings.mesh.namespace if ours else None,
        deployment=PROMETHEUS if ours else None,
    )


def _grafana(plan: Plan) -> deployment.Grafana:
    grafana, uids = plan.settings.grafana, (TEMPO_UID, PROMETHEUS_UID)
    by_operator = grafana.mode == "operator"
    return deployment.Grafana(
        mode=grafana.mode,
        namespace=plan.settings.grafana_namespace,
        config_map=None if by_operator else DATASOURCES,
        resources=[resource_name(uid) for uid in uids] if by_operator else [],
        tempo_uid=TEMPO_UID,
        prometheus_uid=PROMETHEUS_UID,
        url=plan.grafana_address.url if grafana.mode == "managed" else None,
    )


def _kiali(plan: Plan) -> deployment.Kiali | None:
    if plan.settings.kiali.installer == "none":
        return None
    host = service_host(KIALI, plan.settings.mesh.namespace, plan.settings.cluster.domain)
    # The Route of its own leads to a port that is encrypted.
    scheme = "https" if plan.kiali_address.own_route else "http"
    return deployment.Kiali(url=f"{scheme}://{host}:{KIALI_PORT}")


def _bookinfo(plan: Plan) -> deployment.Bookinfo | None:
    bookinfo = plan.settings.bookinfo
    if not bookinfo.enabled:
        return None
    host = service_host(PRODUCTPAGE.service, bookinfo.namespace, plan.settings.cluster.domain)
    return deployment.Bookinfo(
        namespace=bookinfo.namespace,
        traffic=bookinfo.traffic.enabled,
        url=f"http://{host}:{PRODUCTPAGE.port}/productpage",
    )

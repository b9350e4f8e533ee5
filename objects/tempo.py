"""Tempo as one of the two resources of its operator, and the Secret that describes its object store."""

from decimal import Decimal
from typing import Any

from pydantic import Field

from model import S3, ExistingPrometheus, Exposure, Images, ObjectStoreName, Platform, Storage, Tempo
from model.parts import to_kubernetes_env
from model.platform import DEFAULT_TEMPO_OPERATOR
from model.scalars import Image, Version, VersionOrMinor
from objects.addresses import TEMPO, TEMPO_HTTP_PORT, tempo_jobs, tempo_service
from objects.cloud_stores import account_annotations, cloud_secret, cloud_secret_data, credential_mode
from objects.context import Args, Object, Text, wait_for
from objects.exposure import external_host, ingress_annotations
from objects.metrics import build_metrics_service
from objects.object_store import ObjectStoreArgs, build_client_secret, build_copy
from objects.pod_security import POD, volumes_of
from objects.pods import build_pull_account, pull_account
from objects.prometheus_access import build_credentials, variables
from objects.rollout import Rollout
from objects.stores import STORES, ObjectStoreKeys
from objects.tempo_config import DEFAULT_TEMPO, PROCESSORS, build_monolithic_config, build_stack_config

TEMPO_API_VERSION = "tempo.grafana.com/v1alpha1"
_KINDS = {"monolithic": "TempoMonolithic", "stack": "TempoStack"}
# The first operator whose TempoStack has a metrics generator (tempo-operator, CHANGELOG.md).
_GENERATOR_SINCE = (0, 22)

# Different from the Secrets of our own stores: when the source changes, the new Secret is created before the old one is
# deleted.
_KEYS_SECRET = "tempo-s3-keys"  # noqa: S105  the name of a Secret

_JAEGER_UI = "jaeger"
# The group of the image's user.
_GROUP = 10001

# The parts of a TempoStack, each a Deployment or a StatefulSet.
_GENERATOR = "metrics-generator"
_PARTS = ("compactor", "distributor", "ingester", _GENERATOR, "querier", "query-frontend")


class TempoStackArgs(Args):
    """Arguments of ``TempoStack``."""

    remote_write_url: Text = Field(description="Where the metrics generator writes the service graph: a Prometheus.")
    tempo: Tempo = Field(default=Tempo(), description="Tempo and its storage.")
    exposure: Exposure = Field(default=Exposure(), description="Whether and how its Jaeger UI is reached from outside.")
    object_store_access_key: Text | None = Field(
        default=None, description="User of the object store; required for S3 storage, but not of source `secret`."
    )
    object_store_secret_key: Text | None = Field(
        default=None, description="Password of the object store, at least 8 characters; required like its user."
    )
    operator_version: VersionOrMinor = Field(
        default=DEFAULT_TEMPO_OPERATOR,
        description="Version of its operator: before 0.22 a TempoStack cannot make the service graph, and a Tempo of "
        "its own makes it.",
    )
    tempo_version: Version = Field(
        default=DEFAULT_TEMPO, description="Version of the Tempo that the operator runs, which decides over its keys."
    )
    existing_prometheus: ExistingPrometheus | None = Field(
        default=None, description="That Prometheus, where it is somebody else's: its login, headers and authority."
    )
    prometheus_credentials: Text | None = Field(
        default=None, description="Its password or token; required for `existing_prometheus.auth` without a `secret`."
    )
    azure_account_key: Text | None = Field(
        default=None, description="Key of the storage account; required for `tempo.storage.azure.source` `keys`."
    )
    gcs_key: Text | None = Field(
        default=None, description="Google's credentials file, as JSON; required for `tempo.storage.gcs.source` `keys`."
    )
    curl_image: Image = Field(default=Images().curl, description="The image of the Job that makes the bucket.")
    platform: Platform = Field(default="kubernetes", description="What the cluster is.")
    protect_data: bool = Field(default=False, description="Refuse to delete what holds traces until this is off again.")

    @property
    def graph_beside(self) -> bool:
        """Whether a Tempo of its own makes the service graph."""
        return graph_beside(self.tempo, self.operator_version)


def store_secret(storage: Storage) -> str | None:
    """The name of the Secret that describes the object store, if there is one."""
    if storage.backend != "s3" or storage.s3.source == "role":
        return cloud_secret(storage)
    own = storage.s3.own
    if own is not None:
        return STORES[own].client_secret
    return _KEYS_SECRET if storage.s3.source == "keys" else storage.s3.secret_name


def object_stores(args: TempoStackArgs) -> list[ObjectStoreArgs]:
    """The arguments of the object stores that we deploy: Tempo's, and after it the one that a stack moves from."""
    storage = args.tempo.storage
    if storage.backend != "s3":
        return []
    stores = (storage.s3.own, storage.s3.move_from)
    return [_object_store(store, args) for store in stores if store is not None]


def build_store_copy(args: TempoStackArgs) -> Object | None:
    """The Job that copies the traces out of the store that a stack moves from."""
    earlier = args.tempo.storage.s3.move_from
    stores = object_stores(args)
    return build_copy(stores[0], earlier) if stores and earlier is not None else None


def _object_store(store: ObjectStoreName, args: TempoStackArgs) -> ObjectStoreArgs:
    return ObjectStoreArgs(
        namespace=args.tempo.namespace,
        store=store,
        s3=args.tempo.storage.s3,
        keys=_keys(args),
        curl_image=args.curl_image,
        platform=args.platform,
        protect_data=args.protect_data,
        context=args.context,
    )


def cloud_store(args: TempoStackArgs) -> list[dict[str, Text]]:
    """What the settings say of a cloud's store, which Tempo reads at its start; empty for a store of another kind."""
    data = cloud_secret_data(args.tempo.storage, azure_account_key=args.azure_account_key, gcs_key=args.gcs_key)
    return [] if data is None else [dict(data)]


def build_store_secret(args: TempoStackArgs) -> Object | None:
    """The Secret for somebody else's object store, if the settings describe it."""
    storage = args.tempo.storage
    for data in cloud_store(args):
        metadata = args.context.metadata(str(cloud_secret(storage)), args.tempo.namespace, app=TEMPO)
        return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}
    if storage.backend != "s3" or storage.s3.source != "keys":
        return None
    return build_client_secret(
        args.context.metadata(_KEYS_SECRET, args.tempo.namespace, app=TEMPO),
        bucket=storage.s3.bucket,
        # The model requires the endpoint for this source.
        endpoint=storage.s3.endpoint or "",
        keys=_keys(args),
    )


def tempo_resource(tempo: Tempo) -> Object:
    """Kind and name of the resource that the operator makes Tempo of."""
    metadata = {"name": TEMPO, "namespace": tempo.namespace}
    return {"apiVersion": TEMPO_API_VERSION, "kind": _KINDS[tempo.mode], "metadata": metadata}


def graph_beside(tempo: Tempo, operator_version: str) -> bool:
    """Whether a Tempo of its own makes the service graph, because the TempoStack cannot."""
    major, minor, *_ = operator_version.split(".")
    return tempo.mode == "stack" and (int(major), int(minor)) < _GENERATOR_SINCE


def build_tempo(
    args: TempoStackArgs, secret_name: Text | None, *, revision: Text | None = None, awaited: bool = True
) -> Object:
    """The TempoMonolithic or the TempoStack; ``secret_name`` is that of ``store_secret``.

    ``awaited``: whether Pulumi's provider waits for it, as far as the operator's condition tells.
    """
    build_spec = build_monolithic_spec if args.tempo.mode == "monolithic" else build_stack_spec
    return {
        **tempo_resource(args.tempo),
        # Ready covers the pods as well as the objects; the operator documents the condition in the status. After an
        # update it is that of the old pods for a while.
        "metadata": args.context.metadata(
            TEMPO, args.tempo.namespace, annotations=wait_for("condition=Ready") if awaited else None
        ),
        "spec": build_spec(args, secret_name, revision),
    }


def unscaled(args: TempoStackArgs) -> TempoStackArgs:
    """``args`` without the numbers of pods: more or fewer pods are no other revision, and those that run go on."""
    tempo = args.tempo.model_copy(update={"parts": args.tempo.parts.unscaled()})
    return args.model_copy(update={"tempo": tempo})


def build_beside(args: TempoStackArgs) -> dict[str, Object]:
    """What has to be there before Tempo's pods: their ServiceAccount and their login, where the settings ask for them.

    For pull secrets the account is ours; the operator makes one otherwise.
    """
    account = build_pull_account(TEMPO, args.tempo.namespace, args.context)
    if account is not None and (identity := account_annotations(args.tempo.storage)):
        annotations = {**account["metadata"].get("annotations", {}), **identity}
        account = {**account, "metadata": {**account["metadata"], "annotations": annotations}}
    login = build_credentials(
        args.existing_prometheus,
        args.prometheus_credentials,
        consumer=TEMPO,
        namespace=args.tempo.namespace,
        context=args.context,
    )
    return {role: obj for role, obj in {"account": account, "prometheus": login}.items() if obj is not None}


def build_metrics_services(args: TempoStackArgs) -> dict[str, Object]:
    """A Service for the metrics of each part that is scraped."""
    return {
        f"{job}-metrics": build_metrics_service(
            job,
            args.tempo.namespace,
            port=TEMPO_HTTP_PORT,
            selector={
                "app.kubernetes.io/managed-by": "tempo-operator",
                "app.kubernetes.io/instance": resource,
                "app.kubernetes.io/component": part,
            },
            context=args.context,
        )
        for job, (resource, part) in tempo_jobs(args.tempo, graph_beside=args.graph_beside).items()
    }


def tempo_rollout(args: TempoStackArgs) -> Rollout:
    """The workloads that the operator makes, and where it writes the configuration with the revision."""
    monolithic = args.tempo.mode == "monolithic"
    stack = [part for part in _PARTS if part != _GENERATOR or not args.graph_beside]
    parts = [""] if monolithic else stack
    return Rollout(
        title="Tempo",
        namespace=args.tempo.namespace,
        workloads=tuple(tempo_service(args.tempo, part) for part in parts),
        seconds=args.context.timeouts.tempo,
        config_map=f"tempo-{TEMPO}-config" if monolithic else f"tempo-{TEMPO}",
        config_file="tempo.yaml",
    )


def _keys(args: TempoStackArgs) -> ObjectStoreKeys:
    access_key, secret_key = args.object_store_access_key, args.object_store_secret_key
    if access_key is None or secret_key is None:
        source = args.tempo.storage.s3.source
        raise ValueError(f"objectStoreAccessKey and objectStoreSecretKey: needed for tempo.storage.s3.source {source}")
    return ObjectStoreKeys(access_key=access_key, secret_key=secret_key)


def build_monolithic_spec(
    args: TempoStackArgs, secret_name: Text | None, revision: Text | None = None
) -> dict[str, Any]:
    """The spec of a TempoMonolithic whose single binary also runs the metrics generator.

    ``secret_name`` is that of the Secret that describes the object store, if there is one.
    """
    tempo, exposure = args.tempo, args.exposure
    spec: dict[str, Any] = {
        "storage": {"traces": _traces(tempo, secret_name)},
        "ingestion": {"otlp": {"grpc": {"enabled": True}, "http": {"enabled": True}}},
        "resources": tempo.resources.to_kubernetes(),
        # What containers declare, the operator sets itself.
        "podSecurityContext": _pod_security(args),
        # No release of the operator has a field for a priority class.
        **args.context.scheduling.to_kubernetes("nodeSelector", "tolerations", "affinity"),
        **_account(args),
        # The resource has no field for the generator; the operator merges this over the
        # configuration it renders.
        "extraConfig": {
            "tempo": build_monolithic_config(
                tempo, args.remote_write_url, revision, version=args.tempo_version, prometheus=args.existing_prometheus
            )
        },
    }
    if env := {**tempo.env, **variables(args.existing_prometheus, TEMPO)}:
        spec["env"] = to_kubernetes_env(env)
    if exposure.jaeger_ui:
        spec["jaegerui"] = _monolithic_jaeger_ui(exposure)
    return spec


def build_stack_spec(args: TempoStackArgs, secret_name: Text | None, revision: Text | None = None) -> dict[str, Any]:
    """The spec of a TempoStack, with a metrics generator where Tempo's operator supports one.

    The operator's network policies allow the generator to connect to port 9090 and DNS only.
    """
    tempo, exposure, parts = args.tempo, args.exposure, args.tempo.parts
    # What containers declare, the operator sets itself.
    pods = {
        "podSecurityContext": _pod_security(args),
        # No release of the operator has more fields for the parts.
        **args.context.scheduling.to_kubernetes("nodeSelector", "tolerations"),
    }
    template: dict[str, Any] = {
        "compactor": {**pods, **parts.compactor.to_kubernetes()},
        "distributor": {"component": {**pods, **parts.distributor.to_kubernetes()}},
        # The operator's webhook refuses fewer ingesters than a quorum of the replicas.
        "ingester": {"replicas": tempo.replication_factor, **pods, **parts.ingester.to_kubernetes()},
        "querier": {**pods, **parts.querier.to_kubernetes()},
        "queryFrontend": {"component": {**pods, **parts.query_frontend.to_kubernetes()}},
        "gateway": {"enabled": False},
    }
    if not args.graph_beside:
        template["metricsGenerator"] = {
            "enabled": True,
            "remoteWriteURLs": [args.remote_write_url],
            "processors": PROCESSORS,
            "component": {**pods, **parts.metrics_generator.to_kubernetes()},
        }
    if exposure.jaeger_ui:
        template["queryFrontend"]["jaegerQuery"] = _stack_jaeger_ui(exposure)
    spec: dict[str, Any] = {
        # The CRD requires the field, although it has a default.
        "managementState": "Managed",
        "storage": _store(tempo.storage, secret_name),
        "storageSize": tempo.storage.size,
        "replicationFactor": tempo.replication_factor,
        **_account(args),
        "retention": {"global": {"traces": tempo.retention}},
        # The operator divides the limits among the parts.
        "resources": {"total": tempo.resources.to_kubernetes()},
        "template": template,
        "extraConfig": {
            "tempo": build_stack_config(
                tempo, args.remote_write_url, revision, version=args.tempo_version, prometheus=args.existing_prometheus
            )
        },
    }
    if env := {**tempo.env, **variables(args.existing_prometheus, TEMPO)}:
        spec["env"] = to_kubernetes_env(env)
    if tempo.storage.storage_class is not None:
        spec["storageClassName"] = tempo.storage.storage_class
    return spec


def _pod_security(args: TempoStackArgs) -> dict[str, Any]:
    return {**POD, **volumes_of(_GROUP, args.platform)}


def _account(args: TempoStackArgs) -> dict[str, str]:
    return {"serviceAccount": pull_account(TEMPO)} if args.context.images.pull_secrets else {}


def _traces(tempo: Tempo, secret_name: Text | None) -> dict[str, Any]:
    storage = tempo.storage
    if storage.backend == "memory":
        return {"backend": "memory", **_memory_size(tempo)}
    traces: dict[str, Any] = {"backend": storage.backend, "size": storage.size}
    if storage.backend == "s3":
        traces["s3"] = {"secret": secret_name, **credential_mode(storage), **_tls(storage.s3)}
    elif storage.is_shared:
        traces[storage.backend] = {"secret": secret_name}
    if storage.storage_class is not None:
        traces["storageClassName"] = storage.storage_class
    return traces


def _store(storage: Storage, secret_name: Text | None) -> dict[str, Any]:
    secret = {"name": secret_name, "type": storage.backend, **credential_mode(storage)}
    return {"secret": secret, **(_tls(storage.s3) if storage.backend == "s3" else {})}


def _tls(s3: S3) -> dict[str, Any]:
    """Whether the store is called with TLS, and who signed its certificate.

    For a TempoMonolithic the operator takes the first from the endpoint, for a TempoStack from here alone.
    """
    if s3.is_encrypted is None:
        return {}
    authority = {} if s3.ca_name is None else {"caName": s3.ca_name}
    return {"tls": {"enabled": s3.is_encrypted, **authority}}


def _memory_size(tempo: Tempo) -> dict[str, str]:
    """The size of the volume in memory, which counts against the container's limit.

    A volume as large as the limit would get Tempo killed, and, because it outlives the container, killed again.
    """
    if "size" in tempo.storage.model_fields_set:
        return {"size": tempo.storage.size}
    limit = tempo.resources.limits.get("memory")
    return {} if limit is None else {"size": _half(limit)}


def _half(quantity: str) -> str:
    number = quantity.rstrip("mkKMGTPEi")
    return f"{(Decimal(number) / 2).normalize():f}{quantity.removeprefix(number)}"


def _monolithic_jaeger_ui(exposure: Exposure) -> dict[str, Any]:
    host = external_host(exposure, _JAEGER_UI)
    if exposure.kind == "route":
        return {"enabled": True, "route": {"enabled": True, "host": host, "termination": _termination(exposure)}}
    if exposure.kind == "ingress":
        return {"enabled": True, "ingress": {"enabled": True, "host": host, **_ingress_fields(exposure)}}
    # Tempo's operator makes no HTTPRoute.
    return {"enabled": True}


def _stack_jaeger_ui(exposure: Exposure) -> dict[str, Any]:
    host = external_host(exposure, _JAEGER_UI)
    if exposure.kind == "route":
        ingress = {"type": "route", "host": host, "route": {"termination": _termination(exposure)}}
        return {"enabled": True, "ingress": ingress}
    if exposure.kind == "ingress":
        return {"enabled": True, "ingress": {"type": "ingress", "host": host, **_ingress_fields(exposure)}}
    return {"enabled": True}


def _termination(exposure: Exposure) -> str:
    return "edge" if exposure.tls else "insecure"


def _ingress_fields(exposure: Exposure) -> dict[str, Any]:
    annotations = ingress_annotations(exposure, _JAEGER_UI)
    return {
        **({} if exposure.ingress_class is None else {"ingressClassName": exposure.ingress_class}),
        **({"annotations": annotations} if annotations else {}),
    }

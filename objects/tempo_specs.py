"""The specs of the two resources of Tempo's operator."""

from typing import Any

from model import Exposure
from model.parts import Resources, to_kubernetes_env
from model.scalars import as_go_writes
from objects.addresses import TEMPO
from objects.context import Text
from objects.exposure import external_host, ingress_annotations
from objects.pod_security import POD, volumes_of
from objects.pods import pull_account
from objects.prometheus_access import variables
from objects.tempo_args import TempoStackArgs
from objects.tempo_config import PROCESSORS, build_monolithic_config, build_stack_config
from objects.tempo_storage import monolithic_storage, stack_storage

_JAEGER_UI = "jaeger"
# The group of the image's user.
_GROUP = 10001
# The query frontend's share of all, a fortieth, is less than the 1024 MiB of ballast with which the operator starts it,
# and GOMEMLIMIT is four fifths of it: Go would collect garbage without a pause (N32).
_ROOM = Resources(requests={"cpu": "50m", "memory": "128Mi"}, limits={"memory": "2Gi"})


def build_monolithic_spec(
    args: TempoStackArgs, secret_name: Text | None, revision: Text | None = None
) -> dict[str, Any]:
    """The spec of a TempoMonolithic whose single binary also runs the metrics generator.

    ``secret_name`` is that of the Secret that describes the object store, if there is one.
    """
    tempo, exposure = args.tempo, args.exposure
    spec: dict[str, Any] = {
        "storage": {"traces": monolithic_storage(tempo, secret_name)},
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
                tempo,
                args.remote_write_url,
                revision,
                version=args.tempo_version,
                prometheus=args.existing_prometheus,
                makes_graph=args.makes_graph,
                multiplies=args.multiplies,
                dimensions=args.dimensions,
                max_series=args.max_series,
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
        "queryFrontend": {
            "component": {**pods, "resources": _ROOM.to_kubernetes(), **parts.query_frontend.to_kubernetes()}
        },
        "gateway": {"enabled": False},
    }
    if args.makes_graph:
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
        "storage": stack_storage(tempo.storage, secret_name),
        "storageSize": tempo.storage.size,
        "replicationFactor": tempo.replication_factor,
        **_account(args),
        # As the operator writes it back: another text of the same duration is a conflict at the next update.
        "retention": {"global": {"traces": as_go_writes(tempo.retention)}},
        # The operator divides the limits among the parts.
        "resources": {"total": tempo.resources.to_kubernetes()},
        "template": template,
        "extraConfig": {
            "tempo": build_stack_config(
                tempo,
                args.remote_write_url,
                revision,
                version=args.tempo_version,
                prometheus=args.existing_prometheus,
                multiplies=args.multiplies,
                dimensions=args.dimensions,
                max_series=args.max_series,
                writes_graph=args.graph_source == "tempo",
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

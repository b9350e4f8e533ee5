"""The specs of the two resources of Tempo's operator, one of which the settings choose."""

from decimal import Decimal
from typing import Any

from model import Exposure, Tempo
from objects.context import Text
from objects.exposure import external_host
from objects.tempo_config import PROCESSORS, build_monolithic_config, build_stack_config

_JAEGER_UI = "jaeger"


def build_tempo_monolithic(
    tempo: Tempo, *, secret_name: Text | None, remote_write_url: Text, exposure: Exposure
) -> dict[str, Any]:
    """The spec of a TempoMonolithic whose single binary also runs the metrics generator.

    ``secret_name`` is that of the Secret that describes the object store, if there is one.
    """
    spec: dict[str, Any] = {
        "storage": {"traces": _traces(tempo, secret_name)},
        "ingestion": {"otlp": {"grpc": {"enabled": True}, "http": {"enabled": True}}},
        "resources": tempo.resources.to_kubernetes(),
        # The resource has no field for the generator; the operator merges this over the
        # configuration it renders.
        "extraConfig": {"tempo": build_monolithic_config(tempo, remote_write_url)},
    }
    if exposure.jaeger_ui:
        spec["jaegerui"] = _monolithic_jaeger_ui(exposure)
    return spec


def build_tempo_stack(
    tempo: Tempo, *, secret_name: Text | None, remote_write_url: Text, exposure: Exposure
) -> dict[str, Any]:
    """The spec of a TempoStack with a metrics generator, which its operator knows from 0.22 on.

    The operator's network policies let the generator out on port 9090 only, besides DNS.
    """
    template: dict[str, Any] = {
        # Its webhook refuses fewer ingesters than the replicas need to agree.
        "ingester": {"replicas": tempo.replication_factor},
        "gateway": {"enabled": False},
        "metricsGenerator": {"enabled": True, "remoteWriteURLs": [remote_write_url], "processors": PROCESSORS},
    }
    if exposure.jaeger_ui:
        template["queryFrontend"] = {"jaegerQuery": _stack_jaeger_ui(exposure)}
    spec: dict[str, Any] = {
        # Its definition requires the field, although it has a default.
        "managementState": "Managed",
        "storage": {"secret": {"name": secret_name, "type": "s3"}},
        "storageSize": tempo.storage.size,
        "replicationFactor": tempo.replication_factor,
        "retention": {"global": {"traces": tempo.retention}},
        # The operator divides the limits among the parts.
        "resources": {"total": tempo.resources.to_kubernetes()},
        "template": template,
        "extraConfig": {"tempo": build_stack_config(tempo, remote_write_url)},
    }
    if tempo.storage.storage_class is not None:
        spec["storageClassName"] = tempo.storage.storage_class
    return spec


def _traces(tempo: Tempo, secret_name: Text | None) -> dict[str, Any]:
    storage = tempo.storage
    if storage.backend == "memory":
        return {"backend": "memory", **_memory_size(tempo)}
    traces: dict[str, Any] = {"backend": storage.backend, "size": storage.size}
    if storage.backend == "s3":
        traces["s3"] = {"secret": secret_name}
    if storage.storage_class is not None:
        traces["storageClassName"] = storage.storage_class
    return traces


def _memory_size(tempo: Tempo) -> dict[str, str]:
    """The size of the volume in memory, which counts against the container's limit.

    A volume as large as the limit would end Tempo, and, as it outlives the container, end it again.
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
        return {"enabled": True, "ingress": {"enabled": True, "host": host, **_ingress_class(exposure)}}
    # Tempo's operator makes no HTTPRoute.
    return {"enabled": True}


def _stack_jaeger_ui(exposure: Exposure) -> dict[str, Any]:
    host = external_host(exposure, _JAEGER_UI)
    if exposure.kind == "route":
        ingress = {"type": "route", "host": host, "route": {"termination": _termination(exposure)}}
        return {"enabled": True, "ingress": ingress}
    if exposure.kind == "ingress":
        return {"enabled": True, "ingress": {"type": "ingress", "host": host, **_ingress_class(exposure)}}
    return {"enabled": True}


def _termination(exposure: Exposure) -> str:
    return "edge" if exposure.tls else "insecure"


def _ingress_class(exposure: Exposure) -> dict[str, str]:
    return {} if exposure.ingress_class is None else {"ingressClassName": exposure.ingress_class}

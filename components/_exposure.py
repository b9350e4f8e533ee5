"""How a Service is reached from outside: its host name, its URL, and the object that leads to it."""

from dataclasses import dataclass
from typing import Any

import model
from components._package import labels, wait_for

# Every Service that is exposed calls its port by this name.
_PORT_NAME = "http"


@dataclass(frozen=True, kw_only=True)
class ExposedService:
    """A Service; ``name`` begins its host name, ``port`` is the Service's, and its pages begin at ``path``."""

    name: str
    namespace: str
    service: str
    port: int
    path: str = ""


def external_host(exposure: model.Exposure, name: str) -> str:
    return f"{name}.{exposure.domain}"


def external_url(exposure: model.Exposure, name: str) -> str:
    scheme = "https" if exposure.tls else "http"
    return f"{scheme}://{external_host(exposure, name)}"


def build_exposed(exposure: model.Exposure, service: ExposedService) -> dict[str, Any]:
    """The object of the kind in the settings that leads from outside to ``service``."""
    if exposure.kind == "route":
        return _object(service, "route.openshift.io/v1", "Route", _route(exposure, service), _admitted())
    if exposure.kind == "ingress":
        return _object(service, "networking.k8s.io/v1", "Ingress", _ingress(exposure, service), _not_awaited())
    if exposure.kind == "gateway-api":
        spec = _http_route(exposure, service)
        return _object(service, "gateway.networking.k8s.io/v1", "HTTPRoute", spec, _accepted())
    raise ValueError(f"{service.name}: nothing leads to it with exposure.kind {exposure.kind}; expose nothing then")


def _object(
    service: ExposedService, api_version: str, kind: str, spec: dict[str, Any], annotations: dict[str, str]
) -> dict[str, Any]:
    metadata = {
        "name": service.name,
        "namespace": service.namespace,
        "labels": labels(service.name),
        "annotations": annotations,
    }
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}


def _route(exposure: model.Exposure, service: ExposedService) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "host": external_host(exposure, service.name),
        "to": {"kind": "Service", "name": service.service},
        # By its name: a number would mean the pods' port.
        "port": {"targetPort": _PORT_NAME},
    }
    if exposure.tls:
        spec["tls"] = {"termination": "edge", "insecureEdgeTerminationPolicy": "Redirect"}
    return spec


def _ingress(exposure: model.Exposure, service: ExposedService) -> dict[str, Any]:
    host = external_host(exposure, service.name)
    backend = {"service": {"name": service.service, "port": {"number": service.port}}}
    spec: dict[str, Any] = {
        "rules": [{"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}]
    }
    if exposure.ingress_class is not None:
        spec["ingressClassName"] = exposure.ingress_class
    if exposure.tls:
        # Without a Secret of its own: the controller's default certificate.
        spec["tls"] = [{"hosts": [host]}]
    return spec


def _http_route(exposure: model.Exposure, service: ExposedService) -> dict[str, Any]:
    gateway_namespace, gateway = str(exposure.gateway).split("/")
    return {
        "parentRefs": [{"namespace": gateway_namespace, "name": gateway}],
        "hostnames": [external_host(exposure, service.name)],
        "rules": [{"backendRefs": [{"name": service.service, "port": service.port}]}],
    }


def _admitted() -> dict[str, str]:
    """A Route has conditions for each router, and is served by those that say Admitted."""
    return wait_for('jsonpath={.status.ingress[*].conditions[?@.type=="Admitted" && @.status=="True"].type}')


def _accepted() -> dict[str, str]:
    """An HTTPRoute has conditions for each gateway, and is served by those that say Accepted."""
    return wait_for('jsonpath={.status.parents[*].conditions[?@.type=="Accepted" && @.status=="True"].type}')


def _not_awaited() -> dict[str, str]:
    """An Ingress has no condition. Pulumi would wait for an address, which many controllers never write."""
    return {"pulumi.com/skipAwait": "true"}

"""How a Service is reached from outside: its host name, its URL, and the object that leads to it."""

from typing import Any

from pydantic import Field

from model import ExposedAs, Exposure
from model.parts import Section
from model.scalars import Name
from objects.context import Args, Context, Object, not_awaited, wait_for

# Every Service that is exposed calls its port by this name.
_PORT_NAME = "http"


class ExposedService(Section):
    """A Service to lead to."""

    name: Name = Field(description="What its host name begins with.")
    namespace: Name = Field(description="Its namespace.")
    service: Name = Field(description="The Service itself.")
    port: int = Field(description="Its port.")
    path: str = Field(default="", description="Where its pages begin.")


class ExposureArgs(Args):
    """Arguments of ``Exposure``."""

    exposure: Exposure = Field(description="What leads to the Services.")
    services: list[ExposedService] = Field(min_length=1, description="The Services; none need no component.")


def external_host(exposure: Exposure, name: str) -> str:
    return exposed_as(exposure, name).host or f"{name}.{exposure.domain}"


def exposed_as(exposure: Exposure, name: str) -> ExposedAs:
    """What is otherwise for the Service called ``name``."""
    return {str(key): value for key, value in exposure.services.items()}.get(name, ExposedAs())


def ingress_annotations(exposure: Exposure, name: str) -> dict[str, str]:
    """The annotations of an Ingress: those of all, and its own."""
    return {**exposure.annotations, **exposed_as(exposure, name).annotations}


def external_url(exposure: Exposure, name: str) -> str:
    scheme = "https" if exposure.tls else "http"
    return f"{scheme}://{external_host(exposure, name)}"


def build_exposure(args: ExposureArgs) -> dict[str, Object]:
    """The object that leads to each Service, by the Service's name."""
    return {service.name: build_exposed(args.exposure, service, args.context) for service in args.services}


def build_exposed(exposure: Exposure, service: ExposedService, context: Context) -> Object:
    """The Route, Ingress or HTTPRoute, as the settings choose, that leads from outside to ``service``."""
    if exposure.kind == "route":
        api_version, kind, spec, annotations = "route.openshift.io/v1", "Route", _route(exposure, service), _admitted()
    elif exposure.kind == "ingress":
        api_version, kind = "networking.k8s.io/v1", "Ingress"
        # An Ingress has no condition. Pulumi would wait for its address, which many controllers never write.
        spec = _ingress(exposure, service)
        annotations = {**ingress_annotations(exposure, service.name), **not_awaited()}
    elif exposure.kind == "gateway-api":
        api_version, kind = "gateway.networking.k8s.io/v1", "HTTPRoute"
        spec, annotations = _http_route(exposure, service), _accepted()
    else:
        raise ValueError(f"{service.name}: nothing leads to it with exposure.kind {exposure.kind}; expose nothing then")
    metadata = context.metadata(service.name, service.namespace, annotations=annotations)
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}


def _route(exposure: Exposure, service: ExposedService) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "host": external_host(exposure, service.name),
        "to": {"kind": "Service", "name": service.service},
        # The port's name: a Route takes a number for the pods' port, not the Service's.
        "port": {"targetPort": _PORT_NAME},
    }
    if exposure.tls:
        spec["tls"] = {"termination": "edge", "insecureEdgeTerminationPolicy": "Redirect"}
    return spec


def _ingress(exposure: Exposure, service: ExposedService) -> dict[str, Any]:
    host = external_host(exposure, service.name)
    backend = {"service": {"name": service.service, "port": {"number": service.port}}}
    spec: dict[str, Any] = {
        "rules": [{"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}]
    }
    if exposure.ingress_class is not None:
        spec["ingressClassName"] = exposure.ingress_class
    if exposure.tls:
        secret = exposed_as(exposure, service.name).tls_secret or exposure.tls_secret
        # Where no Secret is named, the controller uses its default certificate.
        spec["tls"] = [{"hosts": [host], **({} if secret is None else {"secretName": secret})}]
    return spec


def _http_route(exposure: Exposure, service: ExposedService) -> dict[str, Any]:
    gateway_namespace, gateway = str(exposure.gateway).split("/")
    return {
        "parentRefs": [{"namespace": gateway_namespace, "name": gateway}],
        "hostnames": [external_host(exposure, service.name)],
        "rules": [{"backendRefs": [{"name": service.service, "port": service.port}]}],
    }


def _admitted() -> dict[str, str]:
    """A Route has conditions for each router; a router that serves it sets Admitted."""
    return wait_for('jsonpath={.status.ingress[*].conditions[?@.type=="Admitted" && @.status=="True"].type}')


def _accepted() -> dict[str, str]:
    """An HTTPRoute has conditions for each gateway; a gateway that serves it sets Accepted."""
    return wait_for('jsonpath={.status.parents[*].conditions[?@.type=="Accepted" && @.status=="True"].type}')

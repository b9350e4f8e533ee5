"""The sample's way into the mesh: a proxy at its edge, and the routes from there to the product page.

The proxy answers inside the cluster only. What leads to it from outside is not this component's: that needs no more
than the name and the port of its Service, which ``service_name`` and ``PORT`` say without waiting.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.helm.v3 import Release

from components import _manifests
from components._addresses import service_host
from components._package import PACKAGE, labels, once_ready, owner_labels, wait_for, within
from components._restart import ANNOTATION, with_restart_hash

PORT = 80

GatewayKind = Literal["istio", "gateway-api"]

_NAME = "bookinfo-gateway"
_GATEWAY_CLASS = "istio"
# Not below 1024: the proxy runs as an ordinary user.
_POD_PORT = 8080
# A route has conditions for each gateway that it is attached to, written by that gateway's controller.
_ROUTE_ACCEPTED = (
    'jsonpath={.status.parents[?@.controllerName=="istio.io/gateway-controller"]'
    '.conditions[?@.type=="Accepted" && @.status=="True"].type}'
)
# What a browser asks the product page for.
_PAGES = ("/productpage", "/login", "/logout")
_FOLDERS = ("/static", "/api/v1/products")


@dataclass(frozen=True, kw_only=True)
class Backend:
    """The Service behind the gateway, in the gateway's namespace."""

    service: str
    port: int


@dataclass(frozen=True, kw_only=True)
class BookinfoGatewayArgs:
    """``chart`` says where Helm finds Istio's chart of a gateway; without it a Deployment of ours is injected."""

    kind: GatewayKind
    namespace: str
    injection_labels: Mapping[str, str]
    cluster_domain: str
    backend: Backend
    chart: Mapping[str, Any] | None
    restart_hash: str
    timeout_seconds: int


class BookinfoGateway(pulumi.ComponentResource):
    """A gateway that serves; ``service`` is its Service's name with all domains, and carries the wait for it."""

    service: pulumi.Output[str]

    def __init__(self, name: str, args: BookinfoGatewayArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"{PACKAGE}:BookinfoGateway", name, None, opts)
        self._name = name
        self._args = args
        created = self._create_for_istio() if args.kind == "istio" else self._create_for_gateway_api()

        host = service_host(service_name(args.kind), args.namespace, args.cluster_domain)
        self.service = once_ready(host, *created)
        self.register_outputs({"service": self.service})

    def _create_for_istio(self) -> list[pulumi.Resource]:
        args = self._args
        # Not awaited, either of them: they have no status unless istiod is told to write one.
        api = "networking.istio.io/v1"
        gateway = self._create("gateway", api, "Gateway", spec=build_istio_gateway())
        routes = build_virtual_service(args.backend, namespace=args.namespace, cluster_domain=args.cluster_domain)
        virtual_service = self._create("routes", api, "VirtualService", spec=routes)
        proxy = self._inject_proxy() if args.chart is None else self._release_proxy(args.chart)
        return [gateway, virtual_service, proxy]

    def _inject_proxy(self) -> pulumi.Resource:
        args = self._args
        manifests = [
            _manifests.place(obj, namespace=args.namespace, labels=owner_labels())
            for obj in _manifests.load("gateway.yaml")
        ]
        (deployment,) = _manifests.by_kind(manifests, "Deployment")
        before_the_pod = [
            _manifests.create(obj, prefix=self._name, opts=pulumi.ResourceOptions(parent=self))
            for obj in manifests
            if obj is not deployment
        ]
        return _manifests.create(
            with_restart_hash(deployment, args.restart_hash),
            prefix=self._name,
            opts=pulumi.ResourceOptions(
                parent=self,
                # The pod runs as the account, which may read the Secrets from the start.
                depends_on=before_the_pod,
                custom_timeouts=within(args.timeout_seconds),
            ),
        )

    def _release_proxy(self, chart: Mapping[str, Any]) -> pulumi.Resource:
        release: pulumi.CustomResource = Release(
            f"{self._name}-proxy",
            name=_NAME,
            namespace=self._args.namespace,
            values=build_chart_values(self._args.restart_hash),
            timeout=self._args.timeout_seconds,
            # A release that failed is rolled back, so that the next `up` starts from a state Helm accepts.
            atomic=True,
            cleanup_on_fail=True,
            opts=pulumi.ResourceOptions(parent=self),
            **chart,
        )
        return release

    def _create_for_gateway_api(self) -> list[pulumi.Resource]:
        args = self._args
        api = "gateway.networking.k8s.io/v1"
        gateway = self._create(
            "gateway",
            api,
            "Gateway",
            # The label chooses the control plane, as a namespace's does.
            labels={key: value for key, value in args.injection_labels.items() if key == "istio.io/rev"},
            # Istio makes the proxy, and says Programmed when its Service has an address.
            annotations={"networking.istio.io/service-type": "ClusterIP", **wait_for("condition=Programmed")},
            spec=build_api_gateway(args.restart_hash),
        )
        # No edge between the two: the route's status says when the gateway has accepted it.
        route = self._create(
            "routes", api, "HTTPRoute", annotations=wait_for(_ROUTE_ACCEPTED), spec=build_http_route(args.backend)
        )
        return [gateway, route]

    def _create(
        self, role: str, api_version: str, kind: str, *, spec: Mapping[str, Any], **metadata: Mapping[str, str]
    ) -> CustomResource:
        return CustomResource(
            f"{self._name}-{role}",
            api_version=api_version,
            kind=kind,
            metadata={
                "name": _NAME,
                "namespace": self._args.namespace,
                **metadata,
                "labels": {**labels(_NAME), **metadata.get("labels", {})},
            },
            spec=spec,
            opts=pulumi.ResourceOptions(parent=self, custom_timeouts=within(self._args.timeout_seconds)),
        )


def service_name(kind: GatewayKind) -> str:
    """The gateway's Service: for the Gateway API Istio makes it, and appends the class."""
    return _NAME if kind == "istio" else f"{_NAME}-{_GATEWAY_CLASS}"


def build_istio_gateway() -> dict[str, Any]:
    """The spec of Istio's Gateway, for every host name."""
    server = {"port": {"number": _POD_PORT, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}
    return {"selector": {"istio": _NAME}, "servers": [server]}


def build_virtual_service(backend: Backend, *, namespace: str, cluster_domain: str) -> dict[str, Any]:
    """The spec of a VirtualService from the gateway to ``backend``."""
    host = service_host(backend.service, namespace, cluster_domain)
    matches = [{"uri": {"exact": page}} for page in _PAGES] + [{"uri": {"prefix": folder}} for folder in _FOLDERS]
    route = {"destination": {"host": host, "port": {"number": backend.port}}}
    return {"hosts": ["*"], "gateways": [_NAME], "http": [{"match": matches, "route": [route]}]}


def build_api_gateway(restart_hash: str) -> dict[str, Any]:
    """The spec of a Gateway of the Gateway API, for every host name and for routes of its own namespace."""
    return {
        "gatewayClassName": _GATEWAY_CLASS,
        # Istio copies these to the pods, which a change therefore rolls.
        "infrastructure": {"annotations": {ANNOTATION: restart_hash}},
        "listeners": [
            {"name": "http", "port": PORT, "protocol": "HTTP", "allowedRoutes": {"namespaces": {"from": "Same"}}}
        ],
    }


def build_http_route(backend: Backend) -> dict[str, Any]:
    """The spec of an HTTPRoute from the gateway to ``backend``."""
    matches = [
        *({"path": {"type": "Exact", "value": page}} for page in _PAGES),
        *({"path": {"type": "PathPrefix", "value": folder}} for folder in _FOLDERS),
    ]
    rule = {"matches": matches, "backendRefs": [{"name": backend.service, "port": backend.port}]}
    return {"parentRefs": [{"name": _NAME}], "rules": [rule]}


def build_chart_values(restart_hash: str) -> dict[str, Any]:
    """The values of Istio's chart of a gateway."""
    return {
        "name": _NAME,
        "labels": {"app": _NAME, "istio": _NAME},
        "podAnnotations": {ANNOTATION: restart_hash},
        "service": {
            "type": "ClusterIP",
            "ports": [{"name": "http", "port": PORT, "protocol": "TCP", "targetPort": _POD_PORT}],
        },
        # It would need a metrics server.
        "autoscaling": {"enabled": False},
    }

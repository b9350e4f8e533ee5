"""The sample's way into the mesh: a proxy at its edge, and the routes from there to the product page."""

from typing import Any, Literal

import yaml
from pydantic import Field

from model import Mesh, Platform
from model.parts import value_at
from model.scalars import Name
from model.workloads import GatewayServiceType
from objects import manifests
from objects.addresses import BOOKINFO_GATEWAY, GATEWAY_CLASS, GATEWAY_PORT, PRODUCTPAGE, PRODUCTPAGE_PORT
from objects.charts import Chart, istio_chart
from objects.context import Args, Object, wait_for
from objects.mesh_config import injection_labels
from objects.pod_security import POD, restricted
from objects.pods import pod_fields
from objects.restart import restart_annotation, restarted_with

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


class BookinfoGatewayArgs(Args):
    """Arguments of ``BookinfoGateway``."""

    kind: Literal["istio", "gateway-api"] = Field(description="By which resources the gateway is made.")
    namespace: Name = Field(description="The sample's namespace.")
    mesh: Mesh = Field(default=Mesh(), description="The mesh that the gateway leads into.")
    platform: Platform = Field(default="kubernetes", description="What the cluster is.")
    restricted: bool = Field(
        default=False, description="Whether Pod Security `restricted` is enforced in the namespace."
    )
    service_type: GatewayServiceType = Field(default="ClusterIP", description="Type of the gateway's Service.")


def build_routing(args: BookinfoGatewayArgs) -> dict[str, Object]:
    """The gateway and its routes to the product page, for every host name."""
    return _istio_routing(args) if args.kind == "istio" else _api_routing(args)


def _istio_routing(args: BookinfoGatewayArgs) -> dict[str, Object]:
    # Neither is awaited: they have no status unless istiod is configured to write one.
    common = {
        "apiVersion": "networking.istio.io/v1",
        "metadata": args.context.metadata(BOOKINFO_GATEWAY, args.namespace),
    }
    return {
        "gateway": {**common, "kind": "Gateway", "spec": _istio_gateway()},
        "routes": {**common, "kind": "VirtualService", "spec": _virtual_service(args)},
    }


def _api_routing(args: BookinfoGatewayArgs) -> dict[str, Object]:
    # As on a namespace, the label selects the control plane.
    labels = {key: value for key, value in injection_labels(args.mesh.revision).items() if key == "istio.io/rev"}
    # Istio creates the proxy, and sets Programmed once the proxy's Service has an address.
    awaited = {"networking.istio.io/service-type": args.service_type, **wait_for("condition=Programmed")}
    accepted = wait_for(_ROUTE_ACCEPTED)
    return {
        **_completed_by_istio(args),
        "gateway": {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "Gateway",
            "metadata": args.context.metadata(BOOKINFO_GATEWAY, args.namespace, labels=labels, annotations=awaited),
            "spec": _api_gateway(args),
        },
        "routes": {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": args.context.metadata(BOOKINFO_GATEWAY, args.namespace, annotations=accepted),
            "spec": _http_route(),
        },
    }


def _completed_by_istio(args: BookinfoGatewayArgs) -> dict[str, Object]:
    """The ConfigMap whose parts Istio merges into what it makes for a Gateway of the Gateway API."""
    fields = {**args.context.scheduling.to_kubernetes(), **_security(args)}
    if not fields:
        return {}
    return {
        "pods": {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": args.context.metadata(BOOKINFO_GATEWAY, args.namespace),
            "data": {"deployment": yaml.safe_dump({"spec": {"template": {"spec": fields}}})},
        }
    }


def build_proxy(args: BookinfoGatewayArgs) -> dict[str, Object]:
    """The objects of ``manifests/gateway.yaml``: a proxy that istiod injects, where no chart brings one."""
    if args.kind != "istio" or args.mesh.installer == "helm":
        return {}
    built = {}
    for manifest in manifests.load("gateway.yaml"):
        labels = args.context.owner_labels()
        obj = manifests.place(manifest, namespace=args.namespace, labels=labels, context=args.context)
        if obj["kind"] == "Deployment":
            obj = restarted_with(restricted(obj) if args.restricted else obj, _annotation(args), args.context)
        elif obj["kind"] == "Service":
            obj = {**obj, "spec": {**obj["spec"], "type": args.service_type}}
        built[manifests.role(obj)] = obj
    return built


def proxy_chart(args: BookinfoGatewayArgs) -> Chart | None:
    """Istio's chart of a gateway, for a mesh that Helm installed."""
    if args.kind != "istio" or args.mesh.installer != "helm":
        return None
    return {
        **istio_chart(args.mesh, "gateway"),
        "name": BOOKINFO_GATEWAY,
        "namespace": args.namespace,
        "values": {
            "name": BOOKINFO_GATEWAY,
            "labels": {"app": BOOKINFO_GATEWAY, "istio": BOOKINFO_GATEWAY},
            "podAnnotations": _annotation(args),
            # As the sidecars have it. The chart says nothing, and the image's name before injection, which has no tag,
            # means that it is always pulled.
            "imagePullPolicy": value_at(args.mesh.values, "global.imagePullPolicy") or "IfNotPresent",
            "service": {
                "type": args.service_type,
                "ports": [{"name": "http", "port": GATEWAY_PORT, "protocol": "TCP", "targetPort": _POD_PORT}],
            },
            # Autoscaling would need a metrics server.
            "autoscaling": {"enabled": False},
            **_security(args),
            **pod_fields(args.context),
        },
    }


def _security(args: BookinfoGatewayArgs) -> dict[str, Any]:
    """The pods' own security context; the proxy's is Istio's, which leaves out what is the same for a whole pod."""
    return {"securityContext": POD} if args.restricted else {}


def _annotation(args: BookinfoGatewayArgs) -> dict[str, str]:
    return restart_annotation(args.mesh, args.platform, args.context)


def _istio_gateway() -> dict[str, Any]:
    server = {"port": {"number": _POD_PORT, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}
    return {"selector": {"istio": BOOKINFO_GATEWAY}, "servers": [server]}


def _virtual_service(args: BookinfoGatewayArgs) -> dict[str, Any]:
    host = args.context.host(PRODUCTPAGE, args.namespace)
    matches = [{"uri": {"exact": page}} for page in _PAGES] + [{"uri": {"prefix": folder}} for folder in _FOLDERS]
    route = {"destination": {"host": host, "port": {"number": PRODUCTPAGE_PORT}}}
    return {"hosts": ["*"], "gateways": [BOOKINFO_GATEWAY], "http": [{"match": matches, "route": [route]}]}


def _api_gateway(args: BookinfoGatewayArgs) -> dict[str, Any]:
    """The spec of a Gateway of the Gateway API, for routes of its own namespace."""
    # Istio copies these to the pods, so a change restarts them. After `app` it names the proxy in spans; without, some
    # of its versions do after the Deployment, others after `app.kubernetes.io/name` (istio: pkg/bootstrap/config.go,
    # serviceClusterOrDefault).
    infrastructure: dict[str, Any] = {
        "labels": {**args.context.owner_labels(), "app": BOOKINFO_GATEWAY},
        "annotations": _annotation(args),
    }
    if _completed_by_istio(args):
        infrastructure["parametersRef"] = {"group": "", "kind": "ConfigMap", "name": BOOKINFO_GATEWAY}
    return {
        "gatewayClassName": GATEWAY_CLASS,
        "infrastructure": infrastructure,
        "listeners": [
            {
                "name": "http",
                "port": GATEWAY_PORT,
                "protocol": "HTTP",
                "allowedRoutes": {"namespaces": {"from": "Same"}},
            }
        ],
    }


def _http_route() -> dict[str, Any]:
    matches = [
        *({"path": {"type": "Exact", "value": page}} for page in _PAGES),
        *({"path": {"type": "PathPrefix", "value": folder}} for folder in _FOLDERS),
    ]
    rule = {"matches": matches, "backendRefs": [{"name": PRODUCTPAGE, "port": PRODUCTPAGE_PORT}]}
    return {"parentRefs": [{"name": BOOKINFO_GATEWAY}], "rules": [rule]}

"""Waypoints of an ambient mesh: the Gateways, and the labels that lead to them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lint.objects import Manifests, Object, at, grouped, number, sequence, text, view
from lint.views.namespaces import selects_namespace

GATEWAY_API = "gateway.networking.k8s.io"
WAYPOINT_CLASS = "istio-waypoint"
USE_WAYPOINT = "istio.io/use-waypoint"
USE_WAYPOINT_NAMESPACE = "istio.io/use-waypoint-namespace"
# A reserved name (istio: pilot/pkg/serviceregistry/ambient/waypoints.go, GetUseWaypoint).
NONE = "none"
_HBONE = ("HBONE", 15008)


@dataclass(frozen=True)
class Attachment:
    """A label of ``owner``, which is in ``source`` or is that namespace, that sends its traffic through a waypoint."""

    owner: Object
    source: str
    namespace: str
    name: str


def waypoints(manifests: Manifests) -> Iterator[Object]:
    for gateway in manifests.of(GATEWAY_API, "Gateway"):
        if gateway.at("spec", "gatewayClassName") == WAYPOINT_CLASS:
            yield gateway


@view
def waypoints_by_name(manifests: Manifests) -> Mapping[tuple[str, str], Sequence[Object]]:
    """Return the waypoints by their namespace and their name."""
    return grouped(((waypoint.namespace, waypoint.name), waypoint) for waypoint in waypoints(manifests))


def attachments(manifests: Manifests) -> Iterator[Attachment]:
    for obj in (
        *manifests.of("", "Namespace", "Service", "Pod"),
        *manifests.of("networking.istio.io", "ServiceEntry", "WorkloadEntry"),
    ):
        name = text(obj.labels.get(USE_WAYPOINT))
        source = obj.name if obj.kind == "Namespace" else obj.namespace
        if name and source:
            yield Attachment(obj, source, text(obj.labels.get(USE_WAYPOINT_NAMESPACE)) or source, name)


def admits(manifests: Manifests, waypoint: Object, namespace: str) -> bool | None:
    """Whether the waypoint takes traffic of a namespace; None if that is not known.

    istio: pilot/pkg/serviceregistry/ambient/waypoints.go, AllowsAttachmentFromNamespace.
    """
    if waypoint.namespace == namespace:
        return True
    for listener in sequence(waypoint.at("spec", "listeners")):
        if (at(listener, "protocol"), number(at(listener, "port"))) == _HBONE:
            allowed = at(listener, "allowedRoutes", "namespaces")
            if at(allowed, "from") == "Selector":
                return selects_namespace(manifests, at(allowed, "selector"), namespace)
            return bool(at(allowed, "from") == "All")
    return False

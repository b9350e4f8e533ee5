"""What hides the collector's Service: Sidecars, exports, and the namespaces that istiod looks at."""

import json
import shlex
from collections.abc import Sequence

from verify.access.cluster import Object
from verify.causes import Code
from verify.obstacles.obstacle import Obstacle
from verify.obstacles.selectors import covers, labels_for, labels_of, selects
from verify.obstacles.surroundings import Surroundings, arguments, name_of, oldest_first
from verify.world import World

_EXPORT_TO = "networking.istio.io/exportTo"
_PUBLIC, _PRIVATE, _EXCLUDED = "*", ".", "~"


def egress(world: World, around: Surroundings, pod: Object) -> Obstacle | None:
    """Return the Sidecar that is for a pod, if its egress leaves out the collector."""
    sidecar = _sidecar_of(around, pod)
    listeners = [] if sidecar is None else (sidecar.get("spec") or {}).get("egress") or []
    if sidecar is None or not listeners or any(_lets_out(world, one, pod) for one in listeners):
        return None
    host = f"{_service_namespace(world)}/{world.deployment.tracing.collector_host}"
    hosts = ", ".join(host for one in listeners for host in one.get("hosts") or [])
    open_listener = next((index for index, one in enumerate(listeners) if "port" not in one), None)
    path, value = (
        ("/spec/egress/-", {"hosts": [host]})
        if open_listener is None
        else (f"/spec/egress/{open_listener}/hosts/-", host)
    )
    patch = json.dumps([{"op": "add", "path": path, "value": value}])
    return Obstacle(
        Code.SIDECAR_HIDES_COLLECTOR,
        f"Sidecar {name_of(sidecar)}: its egress has {hosts}",
        f"this Sidecar leaves out {host}, so its proxies have nowhere to send spans to",
        f"kubectl patch {arguments('sidecars.networking.istio.io', sidecar)} --type json --patch {shlex.quote(patch)}",
    )


def export(around: Surroundings, pod: Object) -> Obstacle | None:
    """Return what exports the collector's Service to other namespaces than a pod's."""
    if around.service is None:
        return None
    annotations = around.service["metadata"].get("annotations") or {}
    by_service = [name.strip() for name in annotations.get(_EXPORT_TO, "").split(",") if name.strip()]
    by_mesh = [str(name) for name in around.mesh.get("defaultServiceExportTo") or []]
    names, service = by_service or by_mesh, around.service["metadata"]
    reached = {service["namespace"] if name == _PRIVATE else name for name in names}
    if not names or (reached & {_PUBLIC, pod["metadata"]["namespace"]} and _EXCLUDED not in reached):
        return None
    place = (
        f"Service {name_of(around.service)}: {_EXPORT_TO}"
        if by_service
        else "mesh configuration: defaultServiceExportTo"
    )
    # The collector's operator copies the annotations of its resource to the Service.
    copied = around.resource is not None and _EXPORT_TO in (around.resource["metadata"].get("annotations") or {})
    owner = (
        arguments("opentelemetrycollectors", around.resource)
        if copied and around.resource
        else arguments("service", around.service)
    )
    return Obstacle(
        Code.COLLECTOR_NOT_EXPORTED,
        f"{place} is {', '.join(names)}",
        f"the collector's Service is not exported to namespace {pod['metadata']['namespace']}: proxies there have no "
        "address for it",
        f"kubectl annotate {owner} '{_EXPORT_TO}=*' --overwrite",
    )


def discovery(world: World, around: Surroundings) -> Obstacle | None:
    """Return the selectors that leave out the collector's namespace."""
    name, wanted = _service_namespace(world), around.mesh.get("discoverySelectors") or []
    namespace = around.namespaces.get(name)
    if not wanted or namespace is None or any(selects(one, labels_of(namespace)) for one in wanted):
        return None
    labels = next((found for one in wanted if (found := labels_for(one))), None)
    pairs = " ".join(shlex.quote(f"{key}={value}") for key, value in (labels or {}).items())
    mesh = world.deployment.mesh
    return Obstacle(
        Code.NAMESPACE_NOT_DISCOVERED,
        f"ConfigMap {mesh.namespace}/{mesh.config_maps[0]}: discoverySelectors do not select Namespace {name}",
        f"istiod looks only at the namespaces that discoverySelectors select, so it does not find the collector "
        f"in {name}",
        f"kubectl label namespace {name} {pairs} --overwrite"
        if labels
        else f"kubectl edit configmap {mesh.config_maps[0]} -n {mesh.namespace}",
    )


def _sidecar_of(around: Surroundings, pod: Object) -> Object | None:
    """The one that selects the pod, or that of its namespace, or that of the mesh.

    So istio: pilot/pkg/model/push_context.go, getSidecarScope.
    """
    namespace, labels = pod["metadata"]["namespace"], labels_of(pod)
    inside = [one for one in oldest_first(around.sidecars) if one["metadata"]["namespace"] == namespace]
    of_mesh = [one for one in oldest_first(around.sidecars) if one["metadata"]["namespace"] == around.root]
    selecting = [one for one in inside if _selector(one) and _selector(one).items() <= labels.items()]
    candidates = [*selecting, *_without_selector(inside), *_without_selector(of_mesh)]
    return candidates[0] if candidates else None


def _selector(sidecar: Object) -> dict[str, str]:
    return dict(((sidecar.get("spec") or {}).get("workloadSelector") or {}).get("labels") or {})


def _without_selector(sidecars: Sequence[Object]) -> list[Object]:
    return [one for one in sidecars if not _selector(one)]


def _lets_out(world: World, listener: Object, pod: Object) -> bool:
    """Whether an egress listener imports the collector's Service (istio: pilot/pkg/model/sidecar.go)."""
    host, home = world.deployment.tracing.collector_host, _service_namespace(world)
    port = (listener.get("port") or {}).get("number")
    if port not in (None, world.deployment.tracing.collector_port):
        return False
    imported = False
    for entry in listener.get("hosts") or []:
        namespace, _, pattern = entry.partition("/")
        excluded = namespace.startswith(_EXCLUDED)
        namespace = namespace.removeprefix(_EXCLUDED) or _PUBLIC
        namespace = pod["metadata"]["namespace"] if namespace == _PRIVATE else namespace
        if namespace in (_PUBLIC, home) and covers(pattern, host):
            if excluded:
                return False
            imported = True
    return imported


def _service_namespace(world: World) -> str:
    return world.deployment.tracing.collector_host.split(".")[1]

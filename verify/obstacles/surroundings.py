"""What is read of the mesh around the collector, to find what is in the way."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from verify.access.cluster import Object
from verify.world import World

_NETWORKING = "/apis/networking.istio.io/v1"
_REVISION = "istio.io/rev"


@dataclass(frozen=True)
class Surroundings:
    """The objects of all namespaces that may be in the way; those that may not be read are missing.

    ``namespaces`` are by name. ``mesh`` is the mesh configuration, ``root`` the namespace whose resources apply to the
    whole mesh. ``collector`` are the collector's pods, ``service`` and ``resource`` its Service and its own resource.
    ``unseen`` says, in a line each, what may not be looked at.
    """

    root: str
    mesh: Mapping[str, Any] = field(default_factory=dict)
    namespaces: Mapping[str, Object] = field(default_factory=dict)
    telemetries: Sequence[Object] = ()
    sidecars: Sequence[Object] = ()
    destination_rules: Sequence[Object] = ()
    network_policies: Sequence[Object] = ()
    collector: Sequence[Object] = ()
    service: Object | None = None
    resource: Object | None = None
    unseen: Sequence[str] = ()


def read(world: World) -> Surroundings:
    """Read them; raises ``CannotLookError`` if the API server does not answer."""
    cluster, mesh, tracing = world.cluster, world.deployment.mesh, world.deployment.tracing
    service, namespace = tracing.collector_host.split(".")[:2]
    inside = f"namespaces/{namespace}"
    configuration = mesh_configuration(
        cluster.read(f"/api/v1/namespaces/{mesh.namespace}/configmaps/{mesh.config_maps[0]}")
    )
    root = str(configuration.get("rootNamespace") or mesh.namespace)
    places = (root, namespace, *mesh.namespaces)
    namespaces = cluster.allowed("/api/v1/namespaces", "the labels of namespaces")
    telemetries = cluster.everywhere("/apis/telemetry.istio.io/v1", "telemetries", places)
    sidecars = cluster.everywhere(_NETWORKING, "sidecars", places)
    destination_rules = cluster.everywhere(_NETWORKING, "destinationrules", places)
    network_policies = cluster.allowed(
        f"/apis/networking.k8s.io/v1/{inside}/networkpolicies", f"networkpolicies in {namespace}"
    )
    listed = (namespaces, telemetries, sidecars, destination_rules, network_policies)
    return Surroundings(
        root=root,
        mesh=configuration,
        namespaces={one["metadata"]["name"]: one for one in namespaces.items},
        telemetries=of_revision(mesh.revision, telemetries.items),
        sidecars=sidecars.items,
        destination_rules=destination_rules.items,
        network_policies=network_policies.items,
        collector=cluster.pods_of(namespace, service),
        service=cluster.read(f"/api/v1/{inside}/services/{service}"),
        resource=cluster.read(
            f"/apis/opentelemetry.io/v1beta1/namespaces/{tracing.collector_namespace}/opentelemetrycollectors/"
            f"{tracing.collector}"
        ),
        unseen=[line for one in listed for line in one.unseen],
    )


def of_revision(revision: str, resources: Sequence[Object]) -> list[Object]:
    """Those that the istiod of a revision reads: it leaves out what has the label of another one."""
    labels = (one["metadata"].get("labels") or {} for one in resources)
    return [one for one, own in zip(resources, labels, strict=True) if own.get(_REVISION, revision) == revision]


def mesh_configuration(config_map: Object | None) -> Mapping[str, Any]:
    try:
        found = yaml.safe_load((config_map or {}).get("data", {}).get("mesh", ""))
    except yaml.YAMLError:
        return {}
    return found if isinstance(found, dict) else {}


def name_of(obj: Object) -> str:
    return f"{obj['metadata']['namespace']}/{obj['metadata']['name']}"


def arguments(kind: str, obj: Object) -> str:
    """``KIND NAME -n NAMESPACE`` for kubectl."""
    meta = obj["metadata"]
    return f"{kind} {shlex.quote(meta['name'])} -n {shlex.quote(meta['namespace'])}"


def oldest_first(objects: Sequence[Object]) -> list[Object]:
    """In the order in which istiod looks at them (istio: pilot/pkg/model/config.go, sortConfigByCreationTime)."""
    return sorted(
        objects, key=lambda one: (str(one["metadata"].get("creationTimestamp") or ""), one["metadata"]["name"])
    )

"""Istio's names and values, computed from the settings: revision, labels, and the values of its charts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components._addresses import service_host
from components._merge import merge
from components._tracing import TracingProvider
from model import Mesh

DEFAULT_REVISION = "default"
# Of an istiod of whatever revision: its own Service is named after the revision, and a Prometheus whose
# configuration changed with that would restart, and lose what it holds in memory.
ISTIOD_METRICS = "mesh-tracing-istiod"
ISTIOD_METRICS_PORT = 15014


@dataclass(frozen=True, kw_only=True)
class ControlPlane:
    """What the values of Istio's charts are computed from; ``namespaces`` are those that istiod may have to see."""

    mesh: Mesh
    provider: TracingProvider
    openshift: bool
    installs_cni: bool
    cluster_domain: str
    namespaces: Sequence[str]


def active_revision(mesh: Mesh) -> str:
    """The revision whose istiod injects and configures the workloads."""
    if mesh.installer == "sail" and mesh.sail.update_strategy == "RevisionBased":
        # The operator makes the name of the resource's and of a full version, and no other is ever set.
        return f"{DEFAULT_REVISION}-{sail_version(mesh).replace('.', '-')}"
    return mesh.revision


def sail_version(mesh: Mesh) -> str:
    """The version as the Sail operator spells it."""
    return f"v{mesh.version}"


def injection_labels(revision: str) -> dict[str, str]:
    """Only the revision called ``default``, or a tag of that name, obeys the short label."""
    if revision == DEFAULT_REVISION:
        return {"istio-injection": "enabled"}
    return {"istio.io/rev": revision}


def revision_suffix(revision: str) -> str:
    """What Istio's charts append to a name."""
    return "" if revision == DEFAULT_REVISION else f"-{revision}"


def istiod_metrics_address(mesh: Mesh, cluster_domain: str) -> str:
    return f"{service_host(ISTIOD_METRICS, mesh.namespace, cluster_domain)}:{ISTIOD_METRICS_PORT}"


def proxy_config(mesh: Mesh) -> dict[str, Any]:
    """The part of the mesh configuration that a proxy reads once, at its start."""
    mesh_config = mesh.values.get("meshConfig") or {}
    return dict(mesh_config.get("defaultConfig") or {})


def injector_values(mesh: Mesh) -> dict[str, Any]:
    """The user's values that the injector writes into a pod, which keeps them until it is made anew."""
    chart_global = mesh.values.get("global") or {}
    return {
        "global": {key: chart_global[key] for key in ("proxy", "proxy_init", "variant") if key in chart_global},
        "sidecarInjectorWebhook": mesh.values.get("sidecarInjectorWebhook") or {},
    }


def build_base_values(plane: ControlPlane) -> dict[str, Any]:
    return {
        # istiod takes configuration without a revision for its own only if this names it. A change of it is made
        # before the new istiod serves: until then validation has to let everything pass, and istiod itself closes it.
        "defaultRevision": plane.mesh.revision,
        "base": {"validationFailurePolicy": "Ignore"},
        "global": {"istioNamespace": plane.mesh.namespace, **_platform(plane)},
    }


def build_cni_values(plane: ControlPlane) -> dict[str, Any]:
    return {"global": {**_images(plane.mesh), **_platform(plane)}}


def build_istiod_values(plane: ControlPlane) -> dict[str, Any]:
    """The values that every installer shares, and those that an operator would decide for itself."""
    revision = plane.mesh.revision
    installer_values = {
        "revision": "" if revision == DEFAULT_REVISION else revision,
        "global": _platform(plane),
    }
    return merge(installer_values, build_mesh_values(plane))


def build_mesh_values(plane: ControlPlane) -> dict[str, Any]:
    """Our values, with the user's merged over them and our tracing provider first in its list.

    ``model.Mesh`` refuses the user's values that would contradict ours.
    """
    mesh = plane.mesh
    # No default tracing provider: the Telemetry resource alone switches tracing on, once the
    # collector serves.
    mesh_config: dict[str, Any] = {"enableTracing": True}
    if mesh.discovery_namespaces_only:
        mesh_config["discoverySelectors"] = [_namespace_selector(plane.namespaces)]
    ours: dict[str, Any] = {
        "global": {
            "istioNamespace": mesh.namespace,
            "proxy": {"clusterDomain": plane.cluster_domain},
            **_images(mesh),
        },
        "meshConfig": mesh_config,
    }
    if plane.installs_cni:
        ours["pilot"] = {"cni": {"enabled": True}}

    values = merge(ours, mesh.values)
    # A merge replaces lists, so the providers are joined by hand.
    others = values["meshConfig"].get("extensionProviders") or []
    values["meshConfig"]["extensionProviders"] = [plane.provider.extension_provider(), *others]
    return values


def build_shared_mesh_config(provider: TracingProvider) -> dict[str, Any]:
    """A mesh configuration of nothing but our provider, which istiod joins to its own by the providers' names."""
    return {"extensionProviders": [provider.extension_provider()]}


def _images(mesh: Mesh) -> dict[str, str]:
    images = {"hub": mesh.hub, "tag": mesh.tag}
    return {key: value for key, value in images.items() if value is not None}


def _platform(plane: ControlPlane) -> Mapping[str, str]:
    return {"platform": "openshift"} if plane.openshift else {}


def _namespace_selector(namespaces: Sequence[str]) -> dict[str, Any]:
    # The API server itself puts this label on every namespace, so it cannot be missing or stale.
    return {
        "matchExpressions": [
            {
                "key": "kubernetes.io/metadata.name",
                "operator": "In",
                "values": sorted(namespaces),
            }
        ]
    }

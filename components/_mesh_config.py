"""The values of Istio's charts and the labels its injector obeys, computed from the settings."""

from collections.abc import Mapping, Sequence
from typing import Any

from components._addresses import service_host
from components._tracing import TracingProvider
from model import Mesh

DEFAULT_REVISION = "default"


def injection_labels(revision: str) -> dict[str, str]:
    """Only the revision called ``default`` obeys the short label."""
    if revision == DEFAULT_REVISION:
        return {"istio-injection": "enabled"}
    return {"istio.io/rev": revision}


def istiod_metrics_address(mesh: Mesh, cluster_domain: str) -> str:
    service = "istiod" if mesh.revision == DEFAULT_REVISION else f"istiod-{mesh.revision}"
    return f"{service_host(service, mesh.namespace, cluster_domain)}:15014"


def proxy_config(mesh: Mesh) -> dict[str, Any]:
    """The part of the mesh configuration that a proxy reads once, at its start."""
    mesh_config = mesh.values.get("meshConfig") or {}
    return dict(mesh_config.get("defaultConfig") or {})


def build_base_values(mesh: Mesh) -> dict[str, Any]:
    return {"defaultRevision": mesh.revision, "global": {"istioNamespace": mesh.namespace}}


def build_istiod_values(
    mesh: Mesh, *, provider: TracingProvider, cluster_domain: str, namespaces: Sequence[str]
) -> dict[str, Any]:
    """Our values, with the user's merged over them and our tracing provider first in its list.

    ``model.Mesh`` refuses the user's values that would contradict ours.
    """
    chart_global: dict[str, Any] = {
        "istioNamespace": mesh.namespace,
        "proxy": {"clusterDomain": cluster_domain},
    }
    if mesh.hub is not None:
        chart_global["hub"] = mesh.hub
    if mesh.tag is not None:
        chart_global["tag"] = mesh.tag

    # No default tracing provider: the Telemetry resource alone switches tracing on, once the
    # collector serves.
    mesh_config: dict[str, Any] = {"enableTracing": True}
    if mesh.discovery_namespaces_only:
        mesh_config["discoverySelectors"] = [_namespace_selector(namespaces)]

    values = merge(
        {
            "revision": "" if mesh.revision == DEFAULT_REVISION else mesh.revision,
            "global": chart_global,
            "meshConfig": mesh_config,
        },
        mesh.values,
    )
    # A merge replaces lists, so the providers are joined by hand.
    others = values["meshConfig"].get("extensionProviders") or []
    values["meshConfig"]["extensionProviders"] = [provider.extension_provider(), *others]
    return values


def merge(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    """``upper`` over ``lower``: maps are merged, everything else is replaced."""
    merged = dict(lower)
    for key, value in upper.items():
        below = merged.get(key)
        both_maps = isinstance(below, Mapping) and isinstance(value, Mapping)
        merged[key] = merge(below, value) if both_maps else value  # type: ignore[arg-type]
    return merged


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

"""What the checks need of an istiod that somebody else has installed: who did, and what configuration it reads."""

from collections.abc import Mapping
from typing import Any

import yaml

from cluster.reader import Object
from model import SPARE_PROVIDER, TRACING_PROVIDER
from model.mesh import ACCESS_LOGS_SUFFIX
from objects.existing_istio import SHARED_MESH_VARIABLE

# Helm writes them into every object of a release.
_RELEASE = "meta.helm.sh/release-name"
_RELEASE_NAMESPACE = "meta.helm.sh/release-namespace"
# Istio's label of a resource for one revision, and of a tag's webhook for the revision behind it.
_REVISION = "istio.io/rev"
# The settings of `defaultConfig.tracing` that name a backend (istio: api/mesh/v1alpha1/proxy.proto, Tracing).
_BACKENDS = frozenset({"datadog", "lightstep", "openCensusAgent", "stackdriver", "zipkin"})


def of_deployment(deployment: Object) -> dict[str, Any]:
    """Who installed this istiod, and the ConfigMap that it reads beside its own; nothing of other Deployments."""
    metadata = deployment["metadata"]
    if (metadata.get("labels") or {}).get("app") != "istiod":
        return {}
    variables = {
        variable["name"]: variable.get("value")
        for container in deployment["spec"]["template"]["spec"]["containers"]
        for variable in container.get("env") or []
    }
    owners = [str(owner.get("apiVersion")) for owner in metadata.get("ownerReferences") or []]
    return {
        "by_sail": any(owner.startswith("sailoperator.io/") for owner in owners),
        "release": (metadata.get("annotations") or {}).get(_RELEASE),
        "release_namespace": (metadata.get("annotations") or {}).get(_RELEASE_NAMESPACE),
        "shared": variables.get(SHARED_MESH_VARIABLE),
    }


def of_config_map(config_map: Object) -> dict[str, Any]:
    """Whether a mesh configuration lets istiod trace, and already does, and where its providers of our names lead to.

    Other providers, whose headers may be secrets, are left out.
    """
    try:
        mesh = yaml.safe_load((config_map.get("data") or {}).get("mesh") or "")
    except yaml.YAMLError:
        return {}
    if not isinstance(mesh, Mapping):
        return {}
    return {
        "traces": mesh.get("enableTracing") is not False,
        "providers": _lead_to(mesh.get("extensionProviders")),
        "access_logs": _of_access_logs(mesh.get("extensionProviders")),
        "default_providers": _names(_inside(mesh, "defaultProviders").get("tracing")),
        "backends": sorted(_BACKENDS & _inside(_inside(mesh, "defaultConfig"), "tracing").keys()),
    }


def of_telemetry(telemetry: Object) -> dict[str, Any]:
    """Where a Telemetry applies, and whether it says anything of tracing."""
    metadata, spec = telemetry["metadata"], telemetry.get("spec") or {}
    return {
        "namespace": metadata.get("namespace"),
        "revision": (metadata.get("labels") or {}).get(_REVISION),
        "traces": bool(spec.get("tracing")),
    }


def of_webhook(webhook: Object) -> dict[str, Any]:
    """The revision behind a revision tag."""
    return {"revision": (webhook["metadata"].get("labels") or {}).get(_REVISION)}


def _lead_to(providers: Any) -> dict[str, str]:
    """The host and the port of each provider of our names, which have no case to istiod."""
    found: dict[str, str] = {}
    for provider in providers if isinstance(providers, list) else []:
        name = str(provider.get("name")).lower() if isinstance(provider, Mapping) else ""
        if name in {TRACING_PROVIDER, SPARE_PROVIDER}:
            otlp = provider.get("opentelemetry")
            leads_to = f"{otlp.get('service')}:{otlp.get('port')}" if isinstance(otlp, Mapping) else "no collector"
            found.setdefault(name, leads_to)
    return found


def _of_access_logs(providers: Any) -> list[str]:
    """The providers of access logs that have a name of ours."""
    found = [one for one in providers if isinstance(one, Mapping)] if isinstance(providers, list) else []
    ours = {f"{name}{ACCESS_LOGS_SUFFIX}" for name in (TRACING_PROVIDER, SPARE_PROVIDER)}
    return [str(one["name"]) for one in found if one.get("name") in ours and "envoyFileAccessLog" in one]


def _inside(config: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = config.get(key)
    return found if isinstance(found, Mapping) else {}


def _names(listed: Any) -> list[str]:
    return [str(name) for name in listed] if isinstance(listed, list) else []

"""What the checks need of an istiod that somebody else has installed: who did, and what configuration it reads."""

from collections.abc import Mapping
from typing import Any

import yaml

from cluster.reader import Object
from model import TRACING_PROVIDER
from objects.existing_istio import SHARED_MESH_VARIABLE

# Helm writes it into every object of a release.
_RELEASE = "meta.helm.sh/release-name"


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
        "shared": variables.get(SHARED_MESH_VARIABLE),
    }


def of_config_map(config_map: Object) -> dict[str, Any]:
    """Whether a mesh configuration lets istiod trace, and where its provider of our name leads to, if it has one.

    Other providers, whose headers may be secrets, are left out.
    """
    try:
        mesh = yaml.safe_load((config_map.get("data") or {}).get("mesh") or "")
    except yaml.YAMLError:
        return {}
    if not isinstance(mesh, Mapping):
        return {}
    return {"traces": mesh.get("enableTracing") is not False, "provider": _leads_to(mesh.get("extensionProviders"))}


def _leads_to(providers: Any) -> str | None:
    """The host and the port of the provider of our name; None if there is none."""
    for provider in providers if isinstance(providers, list) else []:
        if isinstance(provider, Mapping) and provider.get("name") == TRACING_PROVIDER:
            otlp = provider.get("opentelemetry")
            return f"{otlp.get('service')}:{otlp.get('port')}" if isinstance(otlp, Mapping) else "no collector"
    return None

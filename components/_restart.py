"""The hash of what a sidecar reads only when it starts.

It goes into the annotations of the pod templates of the mesh's workloads, so that a change of it
restarts them. It is computed from plain values: were it taken from another resource's output, then
a replacement of that resource would make the whole pod template unknown, and Pulumi would replace
the Deployment instead of rolling it.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from components._tracing import TracingProvider

ANNOTATION = "mesh-tracing/sidecar-config"


def digest(value: object) -> str:
    """A short hash of ``value`` that does not depend on the order of its keys."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def sidecar_config_hash(
    *,
    revision: str,
    injection_labels: Mapping[str, str],
    proxy_config: Mapping[str, Any],
    provider: TracingProvider,
) -> str:
    """Sampling is not an argument: istiod pushes it to running proxies."""
    return digest(
        {
            "revision": revision,
            "injection": dict(injection_labels),
            "proxyConfig": dict(proxy_config),
            "provider": provider.extension_provider(),
        }
    )

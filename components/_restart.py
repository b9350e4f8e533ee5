"""The hash of what a sidecar reads only when it starts.

It goes into the annotations of the pod templates of the mesh's workloads, so that a change of it
restarts them. It is computed from plain values: were it taken from another resource's output, then
a replacement of that resource would make the whole pod template unknown, and Pulumi would replace
the Deployment instead of rolling it.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from components._package import owner_labels
from components._tracing import TracingProvider

ANNOTATION = "mesh-tracing/sidecar-config"


def digest(value: object) -> str:
    """A short hash of ``value`` that does not depend on the order of its keys."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


@dataclass(frozen=True, kw_only=True)
class SidecarConfig:
    """All of that, in plain values.

    Sampling is not in it: istiod pushes it to running proxies. The image is: a proxy stays of the version that
    injected it, whatever becomes of its control plane.
    """

    revision: str
    injection_labels: Mapping[str, str]
    injector: Mapping[str, Any]
    proxy_image: Mapping[str, str | None]
    proxy_config: Mapping[str, Any]
    provider: TracingProvider

    def restart_hash(self) -> str:
        return digest(asdict(self))


def with_restart_hash(manifest: dict[str, Any], restart_hash: str) -> dict[str, Any]:
    """A copy of a Deployment whose pods are rolled when ``restart_hash`` changes."""
    spec = manifest["spec"]
    template = spec["template"]
    metadata = template["metadata"]
    metadata = {
        **metadata,
        "labels": {**owner_labels(), **metadata["labels"]},
        "annotations": {**metadata.get("annotations", {}), ANNOTATION: restart_hash},
    }
    return {**manifest, "spec": {**spec, "template": {**template, "metadata": metadata}}}

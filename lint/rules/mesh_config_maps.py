"""ConfigMaps with a mesh configuration that istiod does not read."""

import re
from collections.abc import Iterator

from lint.facts import Facts
from lint.findings import Fault, Severity, warning
from lint.objects import Manifests, Object, parsed
from lint.rule import rule
from lint.views.mesh import is_mesh_config, is_plain

_NAME = "istio"
_REVISION = "istio.io/rev"
# Whoever calls a ConfigMap so says what it is for, and means no revision.
_PURPOSE = re.compile(rf"{_NAME}-.*(?:config|mesh|telemetry|trac|otel|zipkin|jaeger|tempo|log|custom|override).*")


@rule(
    code="N3",
    title="istiod does not read a ConfigMap with a mesh configuration",
    levels=(Severity.WARNING,),
    why=(
        "istiod reads its mesh configuration from the ConfigMap `istio` in its own namespace, of a revision from "
        "`istio-<revision>`, and what the variable `SHARED_MESH_CONFIG` names. Nobody reads another one. It is not "
        "reported where a name could be that of a revision."
    ),
    remedy="Set it where Istio is installed: `meshConfig` in the values of the chart, an Istio or an IstioOperator.",
    example="""
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: mesh-config, namespace: istio-system}
        data:
          mesh: |
            enableTracing: true
            defaultConfig: {tracing: {sampling: 100}}
    """,
    source="istio: pilot/pkg/bootstrap/mesh.go, getMeshConfigMapName; istio: pilot/pkg/features, SharedMeshConfig",
)
def config_map_that_istiod_does_not_read(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for obj in manifests.of("", "ConfigMap"):
        if is_mesh_config(parsed(obj.at("data", "mesh"))) and _is_of_nobody(obj) and not _is_named(manifests, obj):
            yield warning(
                obj.where("metadata", "name"),
                f"istiod reads the ConfigMap {_NAME}, or {_NAME}-<revision>, and no {obj.name}",
                "set it as meshConfig where Istio is installed",
            )


def _is_of_nobody(obj: Object) -> bool:
    if not is_plain(obj.name) or obj.name == _NAME or _REVISION in obj.labels:
        return False
    return not obj.name.startswith(f"{_NAME}-") or _PURPOSE.fullmatch(obj.name) is not None


def _is_named(manifests: Manifests, obj: Object) -> bool:
    """Whether another object names it, as the variable SHARED_MESH_CONFIG does."""
    others = (other for other in manifests.objects if other is not obj)
    return any(obj.name == found for other in others for _, found in other.strings)

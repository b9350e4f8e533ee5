"""ConfigMaps with a mesh configuration that istiod does not read."""

import re
from collections.abc import Iterator, Mapping

from lint.facts import Facts
from lint.findings import Fault, Severity, warning
from lint.objects import Manifests, Object, grouped, parsed, view
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
    return not _naming(manifests).get(obj.name, frozenset()) <= {id(obj)}


@view
def _naming(manifests: Manifests) -> Mapping[str, frozenset[int]]:
    """Return for the name of each ConfigMap which objects have it among their texts, by ``id``."""
    names = {obj.name for obj in manifests.of("", "ConfigMap")}
    found = grouped((name, id(obj)) for obj in manifests.objects for _, name in obj.strings if name in names)
    return {name: frozenset(objects) for name, objects in found.items()}

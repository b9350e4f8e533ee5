"""Examples for lint/rules/mesh_config_maps.py."""

from cases.base import Example, replaced

_CONFIG_MAP = """
apiVersion: v1
kind: ConfigMap
metadata: {name: istio-tracing, namespace: istio-system}
data:
  mesh: |
    enableTracing: true
    defaultConfig: {holdApplicationUntilProxyStarts: true}
"""

EXAMPLES = {
    "config_map_that_istiod_does_not_read": Example(
        "warning N3 ConfigMap istio-system/istio-tracing: metadata.name",
        wrong=_CONFIG_MAP,
        right=replaced(_CONFIG_MAP, "istio-tracing", "istio-canary"),
    ),
}

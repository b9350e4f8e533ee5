"""Examples for lint/rules/config_volumes.py."""

from cases.base import Example, replaced
from cases.config_files import COLLECTOR, TEMPO

_CONFIG_MAP = """
---
apiVersion: v1
kind: ConfigMap
metadata: {name: tempo, namespace: tracing-system}
data: {tempo.yaml: "# the configuration"}
"""

EXAMPLES = {
    "volume_of_tempo_that_is_not_there": Example(
        "error N31 Deployment tracing-system/tempo: spec.template.spec.volumes[0].configMap",
        wrong=TEMPO + replaced(_CONFIG_MAP, "tempo.yaml:", "tempo.yml:"),
        right=TEMPO + _CONFIG_MAP,
    ),
    "volume_of_a_collector_that_is_not_there": Example(
        "error N25 Deployment tracing-system/tempo: spec.template.spec.volumes[0].configMap.name",
        wrong=COLLECTOR + replaced(_CONFIG_MAP, "name: tempo,", "name: tempo-config,"),
        right=COLLECTOR + _CONFIG_MAP,
    ),
}

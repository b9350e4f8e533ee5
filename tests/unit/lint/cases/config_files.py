"""Examples for lint/rules/config_files.py."""

from cases.base import Example, replaced

TEMPO = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: tempo, namespace: tracing-system}
spec:
  selector: {matchLabels: {app: tempo}}
  template:
    metadata: {labels: {app: tempo}}
    spec:
      containers:
        - name: tempo
          image: grafana/tempo:2.10.8
          args: [-config.file=/conf/tempo.yaml]
          volumeMounts: [{name: conf, mountPath: /conf}]
      volumes: [{name: conf, configMap: {name: tempo}}]
"""
COLLECTOR = replaced(
    replaced(TEMPO, "grafana/tempo:2.10.8", "otel/opentelemetry-collector-contrib:0.150.0"), "-config.file", "--config"
)

EXAMPLES = {
    "configuration_of_tempo_that_is_not_mounted": Example(
        "error N31 Deployment tracing-system/tempo: spec.template.spec.containers[0].volumeMounts",
        wrong=replaced(TEMPO, "mountPath: /conf", "mountPath: /etc/tempo"),
        right=TEMPO,
    ),
    "configuration_of_a_collector_that_is_not_mounted": Example(
        "error N25 Deployment tracing-system/tempo: spec.template.spec.containers[0].volumeMounts",
        wrong=replaced(COLLECTOR, "mountPath: /conf", "mountPath: /etc/otel"),
        right=COLLECTOR,
    ),
}

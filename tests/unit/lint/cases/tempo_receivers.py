"""Examples for lint/rules/tempo_receivers.py."""

from cases.base import PLAIN, Example, replaced

PROTOCOLS = 'data["tempo.yaml"].distributor.receivers.otlp.protocols'
WITH_SERVER = replaced(PLAIN, "    compactor: {}\n", "    compactor: {}\n    server: {http_listen_port: 3200}\n")

PROBED = replaced(WITH_SERVER, "args: [", "readinessProbe: {httpGet: {path: /ready, port: 3200}}\n          args: [")

EXAMPLES = {
    "tempo_on_localhost": Example(
        f"error N31 ConfigMap tracing-system/tempo: {PROTOCOLS}.grpc.endpoint",
        wrong=replaced(PLAIN, 'grpc: {endpoint: "0.0.0.0:4317"}', "grpc: {}"),
        right=PLAIN,
    ),
    "port_that_is_taken": Example(
        f"error N31 ConfigMap tracing-system/tempo: {PROTOCOLS}.grpc.endpoint",
        wrong=replaced(WITH_SERVER, "0.0.0.0:4317", "0.0.0.0:3200"),
        right=WITH_SERVER,
    ),
    "receiver_that_tempo_does_not_have": Example(
        'error N31 ConfigMap tracing-system/tempo: data["tempo.yaml"].distributor.receivers.zipkins',
        wrong=replaced(PLAIN, "receivers: {", "receivers: {zipkins: {}, "),
        right=replaced(PLAIN, "receivers: {", "receivers: {zipkin: {endpoint: 0.0.0.0:9411}, "),
    ),
    "setting_that_a_receiver_does_not_know": Example(
        'error N31 ConfigMap tracing-system/tempo: data["tempo.yaml"].distributor.receivers.jaeger.grpc',
        wrong=replaced(PLAIN, "receivers: {", "receivers: {jaeger: {grpc: {}}, "),
        right=replaced(PLAIN, "receivers: {", "receivers: {jaeger: {protocols: {grpc: {endpoint: 0.0.0.0:14250}}}, "),
    ),
    "probe_of_another_port": Example(
        "error N31 StatefulSet tracing-system/tempo: spec.template.spec.containers[0].readinessProbe",
        wrong=replaced(PROBED, "port: 3200}}", "port: 3100}}"),
        right=PROBED,
    ),
}

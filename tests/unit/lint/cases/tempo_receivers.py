"""Examples for lint/rules/tempo_receivers.py."""

from cases.base import PLAIN, Example, replaced

PROTOCOLS = 'data["tempo.yaml"].distributor.receivers.otlp.protocols'
WITH_SERVER = replaced(PLAIN, "    compactor: {}\n", "    compactor: {}\n    server: {http_listen_port: 3200}\n")

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
}

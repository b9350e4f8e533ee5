"""Examples for lint/rules/tempo_receivers.py."""

from cases.base import PLAIN, Example, replaced

PROTOCOLS = 'data["tempo.yaml"].distributor.receivers.otlp.protocols'

EXAMPLES = {
    "tempo_on_localhost": Example(
        f"error N31 ConfigMap tracing-system/tempo: {PROTOCOLS}.grpc.endpoint",
        wrong=replaced(PLAIN, 'grpc: {endpoint: "0.0.0.0:4317"}', "grpc: {}"),
        right=PLAIN,
    ),
}

"""Examples for lint/rules/remote_write.py."""

from cases.base import EXTRA, GENERATOR, PROMETHEUS, STACK, Example, replaced

EXAMPLES = {
    "prometheus_without_receiver": Example(
        "error N7 Deployment istio-system/metrics: spec.template.spec.containers[1].args",
        wrong=replaced(GENERATOR + PROMETHEUS, ", --web.enable-remote-write-receiver", ""),
        right=GENERATOR + PROMETHEUS,
    ),
    "port_closed_by_network_policy": Example(
        "error N8 TempoStack tracing-system/big: spec.template.metricsGenerator.remoteWriteURLs[0]",
        wrong=replaced(STACK, ":9090", ":80"),
        right=STACK,
    ),
    "native_histograms_only": Example(
        f"error N16 {EXTRA}.overrides.defaults.metrics_generator.generate_native_histograms",
        wrong=replaced(GENERATOR, "{processors", "{generate_native_histograms: native, processors"),
        right=replaced(GENERATOR, "{processors", "{generate_native_histograms: both, processors"),
        facts={"prometheus_native_histograms": False},
    ),
    "feature_flag_without_effect": Example(
        "warning N16 Deployment istio-system/metrics: spec.template.spec.containers[1].args",
        wrong=replaced(PROMETHEUS, "receiver]", "receiver, --enable-feature=native-histograms]"),
        right=replaced(PROMETHEUS, "receiver]", "receiver, --enable-feature=exemplar-storage]"),
    ),
}

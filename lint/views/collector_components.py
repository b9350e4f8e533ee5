"""What components of a collector can do, and which settings they have."""

from collections.abc import Mapping

# By role and kind: the signals of a component that does not take all of traces, metrics and logs
# (opentelemetry-collector-contrib: the metadata.yaml of each component, `stability`).
_TRACES = frozenset({"traces"})
_METRICS = frozenset({"metrics"})
_LOGS = frozenset({"logs"})
_BESIDE_TRACES = _METRICS | _LOGS

SIGNALS: Mapping[str, Mapping[str, frozenset[str]]] = {
    "receivers": {
        "carbon": _METRICS,
        "collectd": _METRICS,
        "docker_stats": _METRICS,
        "elasticsearch": _METRICS,
        "filelog": _LOGS,
        "fluentforward": _LOGS,
        "hostmetrics": _BESIDE_TRACES,
        "httpcheck": _METRICS,
        "jaeger": _TRACES,
        "journald": _LOGS,
        "k8s_cluster": _BESIDE_TRACES,
        "k8s_events": _LOGS,
        "k8sobjects": _LOGS,
        "kafkametrics": _METRICS,
        "kubeletstats": _METRICS,
        "mongodb": _METRICS,
        "mysql": _BESIDE_TRACES,
        "nginx": _METRICS,
        "postgresql": _BESIDE_TRACES,
        "prometheus": _METRICS,
        "prometheus_simple": _METRICS,
        "rabbitmq": _METRICS,
        "redis": _METRICS,
        "statsd": _METRICS,
        "syslog": _LOGS,
        "tcplog": _LOGS,
        "udplog": _LOGS,
        "zipkin": _TRACES,
    },
    "processors": {
        "cumulativetodelta": _METRICS,
        "deltatocumulative": _METRICS,
        "deltatorate": _METRICS,
        "groupbytrace": _TRACES,
        "metricsgeneration": _METRICS,
        "metricstransform": _METRICS,
        "probabilistic_sampler": _TRACES | _LOGS,
        "span": _TRACES,
        "tail_sampling": _TRACES,
    },
    "exporters": {
        "loki": _LOGS,
        "prometheus": _METRICS,
        "prometheusremotewrite": _METRICS,
        "zipkin": _TRACES,
    },
}

# Exporters that have no endpoint by themselves, with the settings of which one is enough (`Validate` in their
# config.go; the one for remote writes parses it in exporter.go).
_OF_OTLP_HTTP = ("endpoint", "traces_endpoint", "metrics_endpoint", "logs_endpoint", "profiles_endpoint")
ENDPOINTS: Mapping[str, tuple[str, ...]] = {
    "loki": ("endpoint",),
    "otlp": ("endpoint",),
    "otlp_grpc": ("endpoint",),
    "otlp_http": _OF_OTLP_HTTP,
    "otlphttp": _OF_OTLP_HTTP,
    "prometheusremotewrite": ("endpoint",),
    "zipkin": ("endpoint",),
}

# Settings, as the `mapstructure` of the Go code names them, of collectors from 0.100 to 0.158; some have come or gone
# between. opentelemetry-collector: config.go of each component, config/configgrpc and config/confighttp.
_OF_AN_EXPORTER = frozenset({"batcher", "retry_on_failure", "sending_queue", "timeout"})
_OF_A_CLIENT = frozenset(
    {"auth", "compression", "endpoint", "headers", "middlewares", "read_buffer_size", "tls", "write_buffer_size"}
)
_OTLP = _OF_AN_EXPORTER | _OF_A_CLIENT | {"authority", "balancer_name", "keepalive", "user_agent", "wait_for_ready"}
_OTLP_HTTP = (
    _OF_AN_EXPORTER
    | _OF_A_CLIENT
    | frozenset(_OF_OTLP_HTTP)
    | {
        "compression_params",
        "cookies",
        "disable_keep_alives",
        "encoding",
        "force_attempt_http2",
        "http2_ping_timeout",
        "http2_read_idle_timeout",
        "idle_conn_timeout",
        "max_conns_per_host",
        "max_idle_conns",
        "max_idle_conns_per_host",
        "proxy_url",
    }
)
SETTINGS: Mapping[str, Mapping[str, frozenset[str]]] = {
    "receivers": {"otlp": frozenset({"protocols"})},
    "processors": {
        "batch": frozenset(
            {"metadata_cardinality_limit", "metadata_keys", "send_batch_max_size", "send_batch_size", "timeout"}
        ),
        "memory_limiter": frozenset(
            {
                "check_interval",
                "limit_mib",
                "limit_percentage",
                "max_gc_interval_when_hard_limited",
                "max_gc_interval_when_soft_limited",
                "min_gc_interval_when_hard_limited",
                "min_gc_interval_when_soft_limited",
                "spike_limit_mib",
                "spike_limit_percentage",
            }
        ),
    },
    "exporters": {
        "debug": frozenset(
            {
                "output_paths",
                "sampling_initial",
                "sampling_thereafter",
                "sending_queue",
                "use_internal_logger",
                "verbosity",
            }
        ),
        "otlp": _OTLP,
        "otlp_grpc": _OTLP,
        "otlp_http": _OTLP_HTTP,
        "otlphttp": _OTLP_HTTP,
    },
}

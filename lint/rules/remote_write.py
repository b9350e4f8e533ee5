"""The way from Tempo's metrics generator to Prometheus."""

from collections.abc import Iterator

from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.lifecycle import lifecycle
from lint.objects import Manifests, Path
from lint.rule import rule
from lint.rules.tempo import GENERATOR
from lint.views import prometheus as _prometheus
from lint.views.hosts import service_of
from lint.views.remote_writes import Write, remote_writes
from lint.views.tempos import tempos

_OPEN_PORT = 9090
_OPENSHIFT_MONITORING = frozenset({"openshift-monitoring", "openshift-user-workload-monitoring"})
# By feature: the change since which its flag does nothing, what that means, and what to do.
_WITHOUT_EFFECT = {
    "native-histograms": (
        "native histograms need no feature flag",
        "since Prometheus 3.9 the feature native-histograms changes nothing: what is written is always taken",
        "leave it out, and set scrape_native_histograms: true if they are to be scraped too",
    ),
    "remote-write-receiver": (
        "the receiver has no feature flag",
        "Prometheus 3 has no feature remote-write-receiver, and takes no remote writes by it",
        "set enableRemoteWriteReceiver, or start it with --web.enable-remote-write-receiver",
    ),
    "otlp-write-receiver": (
        "the receiver has no feature flag",
        "Prometheus 3 has no feature otlp-write-receiver, and takes no OTLP by it",
        "set enableOTLPReceiver, or start it with --web.enable-otlp-receiver",
    ),
}
_HISTOGRAMS: tuple[Path, ...] = (
    ("overrides", "defaults", "metrics_generator", "generate_native_histograms"),
    ("overrides", "metrics_generator_generate_native_histograms"),
)


@rule(
    code="N7",
    title="Prometheus does not accept remote writes",
    levels=(Severity.ERROR,),
    why=(
        "Tempo's metrics generator sends the service graph by remote write. Prometheus answers every remote write "
        "with 404 unless its receiver is switched on, and OpenShift's own monitoring has no receiver at all."
    ),
    remedy=(
        "Start Prometheus with `--web.enable-remote-write-receiver`, in resources of its operator "
        "`enableRemoteWriteReceiver: true`, in values of the chart prometheus `server.extraFlags`. On OpenShift, write "
        "to a Prometheus of your own or to a MonitoringStack."
    ),
    example="""
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoMonolithic
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          extraConfig:
            tempo:
              metrics_generator:
                storage:
                  path: /var/tempo/generator/wal
                  remote_write: [{url: "http://prometheus-operated.monitoring.svc:9090/api/v1/write"}]
              overrides:
                defaults: {metrics_generator: {processors: [service-graphs]}}
        ---
        apiVersion: monitoring.coreos.com/v1
        kind: Prometheus
        metadata: {name: main, namespace: monitoring}
        spec: {enableRemoteWriteReceiver: false}
    """,
    source=(
        "prometheus: web/api/v1/api.go; prometheus: cmd/prometheus/main.go; "
        "https://github.com/openshift/cluster-monitoring-operator/issues/2217"
    ),
)
def prometheus_without_receiver(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for write in remote_writes(manifests, facts):
        service = service_of(write.endpoint.host, cluster_domain=facts.cluster_domain)
        if service and service.namespace in _OPENSHIFT_MONITORING:
            yield error(
                write.where,
                f"OpenShift's own monitoring in {service.namespace} cannot take remote writes",
                "write to a Prometheus of your own, or to a MonitoringStack",
            )
            continue
        found = write.targets(manifests, facts)
        for prometheus in found:
            if not prometheus.has_receiver:
                yield error(
                    prometheus.owner.where(*prometheus.receiver_at),
                    f"{write.tempo.owner.label} writes to {write.endpoint}, and this Prometheus answers writes with "
                    "404",
                    prometheus.remedy,
                )
        if not found and facts.prometheus_remote_write_receiver is False:
            yield error(
                write.where,
                f"the Prometheus at {write.endpoint} does not take remote writes",
                "start it with --web.enable-remote-write-receiver",
            )


@rule(
    code="N8",
    title="The operator's network policies drop the remote writes",
    levels=(Severity.ERROR,),
    why=(
        "The NetworkPolicies that Tempo's operator makes for a TempoStack let the metrics generator send to port 9090"
        " and to no other."
    ),
    remedy="Write to a Service on port 9090, or set `spec.networkPolicy.enabled: false`.",
    example="""
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoStack
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          template:
            metricsGenerator:
              enabled: true
              remoteWriteURLs: ["http://mimir.monitoring.svc:8080/api/v1/push"]
    """,
    source=(
        "tempo-operator: internal/manifests/networkpolicies/components.go; "
        "tempo-operator: internal/manifests/manifestutils/constants.go"
    ),
)
def port_closed_by_network_policy(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for write in remote_writes(manifests, facts):
        tempo = write.tempo.owner
        if (
            tempo.kind == "TempoStack"
            and tempo.at(*GENERATOR, "enabled") is True
            and tempo.at("spec", "networkPolicy", "enabled") is not False
            and write.endpoint.port != _OPEN_PORT
        ):
            yield error(
                write.where,
                f"the operator's network policies let the generator out on port {_OPEN_PORT} only, and writes to "
                f"{write.endpoint} are dropped",
                f"write to a Service on port {_OPEN_PORT}, or set spec.networkPolicy.enabled: false",
            )


@rule(
    code="N16",
    title="The service graph's latencies are native histograms only",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "A Prometheus before 3.9 that does not have native histograms switched on keeps nothing of them, and the "
        "service graph is empty. It is an error if Prometheus is known not to have them, and a warning if that is not "
        "known."
    ),
    remedy="Use `classic` or `both`.",
    example="""
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoMonolithic
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          extraConfig:
            tempo:
              overrides:
                defaults: {metrics_generator: {generate_native_histograms: native}}
    """,
    source="tempo: modules/overrides/config.go; prometheus: CHANGELOG.md",
)
def native_histograms_only(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    if facts.prometheus_native_histograms is True:
        return
    writes: dict[int, list[Write]] = {}
    for write in remote_writes(manifests, facts):
        writes.setdefault(id(write.tempo.owner), []).append(write)
    for tempo in tempos(manifests, facts):
        targets = [
            prometheus for write in writes.get(id(tempo.owner), ()) for prometheus in write.targets(manifests, facts)
        ]
        if targets and all(prometheus.has_native_histograms for prometheus in targets):
            continue
        for path in _HISTOGRAMS:
            if tempo.at(*path) == "native":
                known = facts.prometheus_native_histograms is False
                yield (error if known else warning)(
                    tempo.where(*path),
                    f"{'Prometheus' if known else 'a Prometheus'} without native histograms stores none of them, and "
                    "the service graph is empty",
                    "use classic or both",
                )


@rule(
    code="N16",
    title="Prometheus has a feature flag without effect",
    levels=(Severity.WARNING,),
    why=(
        "Since Prometheus 3.9 the flag `native-histograms` changes nothing. Native histograms that are written to it "
        "are always taken, and those of scraped pods only with `scrape_native_histograms: true`, which older releases "
        "do not start with. Since 3.0 it does not know `remote-write-receiver` and `otlp-write-receiver`, and takes no "
        "such writes unless flags of their own say so. An image without a version, and values of a chart that name "
        "none, are taken for the newest release."
    ),
    remedy=(
        "Leave the flag out. Set `scrape_native_histograms: true` in the scrape configuration, if native histograms "
        "are to be scraped too; start Prometheus with `--web.enable-remote-write-receiver` or "
        "`--web.enable-otlp-receiver`, in resources of its operator `enableRemoteWriteReceiver` or "
        "`enableOTLPReceiver`."
    ),
    example="""
        apiVersion: monitoring.coreos.com/v1
        kind: Prometheus
        metadata: {name: main, namespace: monitoring}
        spec: {version: v3.13.5, enableFeatures: [native-histograms]}
    """,
    source="prometheus: cmd/prometheus/main.go, setFeatureListOptions; prometheus: CHANGELOG.md",
)
def feature_flag_without_effect(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for prometheus in _prometheus.every(manifests):
        for feature, (change, why, remedy) in _WITHOUT_EFFECT.items():
            if feature in prometheus.features and prometheus.may_be_from(lifecycle().first_release(change)):
                yield warning(prometheus.owner.where(*prometheus.features_at), why, remedy)

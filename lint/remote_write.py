"""The way from Tempo's metrics generator to Prometheus."""

from collections.abc import Iterator
from dataclasses import dataclass

from lint import _prometheus
from lint._hosts import Endpoint, endpoint, service_of
from lint._objects import Cluster, Object, Path, at, sequence, text
from lint._services import TEMPO
from lint.facts import Facts
from lint.findings import Fault, error, warning
from lint.tempo import CONFIG, GENERATOR

_OPEN_PORT = 9090
_OPENSHIFT_MONITORING = frozenset({"openshift-monitoring", "openshift-user-workload-monitoring"})
_HISTOGRAMS: tuple[Path, ...] = (
    ("overrides", "defaults", "metrics_generator", "generate_native_histograms"),
    ("overrides", "metrics_generator_generate_native_histograms"),
)


@dataclass(frozen=True)
class _Write:
    """One URL that a Tempo writes to."""

    tempo: Object
    path: Path
    endpoint: Endpoint

    @property
    def where(self) -> str:
        return self.tempo.where(*self.path)

    def targets(self, cluster: Cluster, facts: Facts) -> list[_prometheus.Prometheus]:
        service = service_of(
            self.endpoint.host, cluster_domain=facts.cluster_domain, own_namespace=self.tempo.namespace
        )
        return _prometheus.find(cluster, service) if service else []


def prometheus_without_receiver(cluster: Cluster, facts: Facts) -> Iterator[Fault]:
    """N7: Prometheus answers writes with 404 unless it was told to take them."""
    for write in _writes(cluster):
        service = service_of(write.endpoint.host, cluster_domain=facts.cluster_domain)
        if service and service.namespace in _OPENSHIFT_MONITORING:
            yield error(
                write.where,
                f"OpenShift's own monitoring in {service.namespace} cannot take remote writes",
                "write to a Prometheus of your own, or to a MonitoringStack",
            )
            continue
        found = write.targets(cluster, facts)
        for prometheus in found:
            if not prometheus.has_receiver:
                yield error(
                    prometheus.owner.where(*prometheus.receiver_at),
                    f"{write.tempo.label} writes to {write.endpoint}, and this Prometheus answers writes with 404",
                    prometheus.remedy,
                )
        if not found and facts.prometheus_remote_write_receiver is False:
            yield error(
                write.where,
                f"the Prometheus at {write.endpoint} does not take remote writes",
                "start it with --web.enable-remote-write-receiver",
            )


def port_closed_by_network_policy(cluster: Cluster, _facts: Facts) -> Iterator[Fault]:
    """N8: the operator's policies let the generator out on one port only."""
    for write in _writes(cluster):
        tempo = write.tempo
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


def native_histograms_only(cluster: Cluster, facts: Facts) -> Iterator[Fault]:
    """N16: the graph's latencies are then only where a Prometheus keeps native histograms."""
    if facts.prometheus_native_histograms is True:
        return
    for tempo in cluster.of(TEMPO, "TempoMonolithic", "TempoStack"):
        targets = [
            prometheus
            for write in _writes(cluster)
            if write.tempo is tempo
            for prometheus in write.targets(cluster, facts)
        ]
        if targets and all(prometheus.has_native_histograms for prometheus in targets):
            continue
        for path in _HISTOGRAMS:
            if tempo.at(*CONFIG, *path) == "native":
                known = facts.prometheus_native_histograms is False
                yield (error if known else warning)(
                    tempo.where(*CONFIG, *path),
                    f"a Prometheus without native histograms{'' if known else ', if it is one,'} keeps nothing of "
                    "them, and the service graph is empty",
                    "use classic or both",
                )


def _writes(cluster: Cluster) -> Iterator[_Write]:
    for tempo in cluster.of(TEMPO, "TempoMonolithic", "TempoStack"):
        for path, url in _urls(tempo):
            target = endpoint(url)
            if target is not None:
                yield _Write(tempo, path, target)


def _urls(tempo: Object) -> Iterator[tuple[Path, str]]:
    extra: Path = (*CONFIG, "metrics_generator", "storage", "remote_write")
    replaced = sequence(tempo.at(*extra))
    for index, entry in enumerate(replaced):
        yield (*extra, index, "url"), text(at(entry, "url"))
    # A list in extraConfig replaces the one that the operator writes.
    if tempo.kind == "TempoStack" and not replaced:
        native: Path = (*GENERATOR, "remoteWriteURLs")
        for index, url in enumerate(sequence(tempo.at(*native))):
            yield (*native, index), text(url)

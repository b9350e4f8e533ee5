"""The path at which Prometheus takes remote writes."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.objects import Manifests, Path, Place, at, sequence, text
from lint.rule import rule
from lint.templates import is_unknown
from lint.views.collectors import collectors, kind_of
from lint.views.prometheus import OPERATORS
from lint.views.remote_writes import remote_writes
from lint.views.values import values

_PATH = "/api/v1/write"


@rule(
    code="N7",
    title="Remote writes go to a path that Prometheus does not serve",
    levels=(Severity.ERROR,),
    why=(
        "Prometheus takes remote writes at `/api/v1/write`, below its route prefix if it has one: `routePrefix`, "
        "`--web.route-prefix`, or the path of `--web.external-url`. It answers those at another path with 404, as at "
        "the `/api/v1/push` of Mimir."
    ),
    remedy="End the URL with the prefix and `/api/v1/write`.",
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
                  remote_write: [{url: "http://prometheus-operated.monitoring.svc:9090/api/v1/push"}]
              overrides:
                defaults: {metrics_generator: {processors: [service-graphs]}}
        ---
        apiVersion: monitoring.coreos.com/v1
        kind: Prometheus
        metadata: {name: main, namespace: monitoring}
        spec: {enableRemoteWriteReceiver: true, version: v3.13.5}
    """,
    source="prometheus: cmd/prometheus/main.go, web.route-prefix, and web/api/v1/api.go, Register",
)
def writes_to_another_path(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for write in remote_writes(manifests, facts):
        path = urlsplit(write.url).path.rstrip("/")
        served = {one.prefix + _PATH for one in write.targets(manifests, facts)}
        if served and path not in served and not any(map(is_unknown, (path, *served))):
            yield error(
                write.where,
                f"the Prometheus there takes remote writes at {min(served)}, and answers others with 404",
                f"end the URL with {min(served)}",
            )


@rule(
    code="N7",
    title="A remote write has no path",
    levels=(Severity.WARNING,),
    why=(
        "Nothing takes remote writes at the address of a host alone: Prometheus takes them at `/api/v1/write`, Mimir "
        "at `/api/v1/push`, and both answer with 404 elsewhere. It is a warning, since a proxy may add "
        "the path."
    ),
    remedy="Add the path, as `/api/v1/write`.",
    example="""
        apiVersion: monitoring.coreos.com/v1
        kind: Prometheus
        metadata: {name: main, namespace: monitoring}
        spec:
          version: v3.13.5
          remoteWrite: [{url: "http://prometheus.example.com:9090"}]
    """,
    source="prometheus: web/api/v1/api.go, Register; mimir: pkg/api/api.go",
)
def write_without_path(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for place, url in (*_writes_of_tempo(manifests, facts), *_writes_of_others(manifests, facts)):
        parts = urlsplit(url)
        if parts.scheme in {"http", "https"} and parts.netloc and not parts.path.strip("/") and not is_unknown(url):
            yield warning(place, "no receiver takes remote writes at a host alone", f"add the path, as {_PATH}")


def _writes_of_tempo(manifests: Manifests, facts: Facts) -> Iterator[tuple[Place, str]]:
    """Those whose receiver is not known: another rule reports the others."""
    for write in remote_writes(manifests, facts):
        if not write.targets(manifests, facts):
            yield write.where, write.url


def _writes_of_others(manifests: Manifests, facts: Facts) -> Iterator[tuple[Place, str]]:
    for group in OPERATORS:
        for obj in manifests.of(group, "Prometheus", "PrometheusAgent"):
            for index, entry in enumerate(sequence(obj.at("spec", "remoteWrite"))):
                yield obj.where("spec", "remoteWrite", index, "url"), text(at(entry, "url"))
    path: Path = ("prometheus", "prometheusSpec", "remoteWrite")
    for one in values(manifests, "kube-prometheus-stack"):
        for index, entry in enumerate(sequence(one.at(*path))):
            yield one.where(*path, index, "url"), text(at(entry, "url"))
    for collector in collectors(manifests, facts):
        used = {name for pipeline in collector.pipelines() for name in pipeline.exporters}
        for name in sorted(one for one in used if kind_of(one) == "prometheusremotewrite"):
            yield collector.where("exporters", name, "endpoint"), text(collector.at("exporters", name, "endpoint"))

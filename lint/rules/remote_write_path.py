"""The path at which Prometheus takes remote writes."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from lint.facts import Facts
from lint.findings import Fault, Severity, error
from lint.objects import Manifests
from lint.rule import rule
from lint.templates import is_unknown
from lint.views.remote_writes import remote_writes

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

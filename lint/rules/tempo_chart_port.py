"""The port at which the chart tempo looks for its Tempo."""

from collections.abc import Iterator

from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.objects import Manifests, Path, number
from lint.rule import rule
from lint.views.tempo_chart_service import port_of_queries
from lint.views.values import values

_PORT: Path = ("tempo", "server", "http_listen_port")


@rule(
    code="N31",
    title="Tempo listens on another port than its chart says",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "In the chart tempo the port of the Service is fixed, and that of the chart's own probes: 3200, and 3100 "
        "before "
        "1.23. With another one in `tempo.server.http_listen_port` no query reaches Tempo, and the pod never becomes "
        "ready. It is a warning where no version of the chart is named, for the newest may be installed."
    ),
    remedy="Leave `tempo.server.http_listen_port` out.",
    example="""
        apiVersion: helm.toolkit.fluxcd.io/v2
        kind: HelmRelease
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          chart: {spec: {chart: tempo, version: 1.26.0}}
          values: {tempo: {server: {http_listen_port: 3100}}}
    """,
    source="grafana-community/helm-charts: charts/tempo/templates/_ports.tpl and statefulset.yaml, and values.yaml",
)
def port_that_the_chart_does_not_serve(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for one in values(manifests, "tempo"):
        written, served = number(one.at(*_PORT)), port_of_queries(one.version)
        # The templates of a copy of the chart are its own.
        if written is not None and served not in {None, written} and not one.of_ones_own:
            yield (warning if one.version is None else error)(
                one.where(*_PORT),
                f"the chart's Service and its own probes are fixed to {served}, and nothing answers there",
                "leave it out",
            )

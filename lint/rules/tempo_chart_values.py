"""Values for one of Tempo's charts that only the other one reads."""

from collections.abc import Iterator, Mapping

from lint.facts import Facts
from lint.findings import Fault, Severity, warning
from lint.objects import Manifests, Path, dotted, text
from lint.rule import rule
from lint.views.charts import charts
from lint.views.tempo_values import CHARTS
from lint.views.values import values

# What looks like a setting of Tempo and stands in no template of the chart
# (grafana-community/helm-charts: charts/tempo and charts/tempo-distributed).
_NOT_READ: Mapping[str, tuple[Path, ...]] = {
    "tempo": (
        ("tempo", "structuredConfig"),
        *(
            (key,)
            for key in (
                "compactor",
                "distributor",
                "extraArgs",
                "extraEnv",
                "extraEnvFrom",
                "gateway",
                "ingester",
                "multitenancyEnabled",
                "overrides",
                "querier",
                "queryFrontend",
                "receivers",
                "retention",
                "server",
                "storage",
                "traces",
            )
        ),
    ),
    "tempo-distributed": tuple(
        ("tempo", key)
        for key in (
            "extraArgs",
            "extraEnv",
            "ingester",
            "multitenancyEnabled",
            "overrides",
            "querier",
            "queryFrontend",
            "receivers",
            "retention",
            "server",
            "storage",
        )
    ),
}
# Of the chart loki, which has one chart for all modes.
_OF_LOKI: tuple[Path, ...] = (("deploymentMode",), ("singleBinary",))


@rule(
    code="N35",
    title="A chart of Tempo does not read a value that another one reads",
    levels=(Severity.WARNING,),
    why=(
        "The chart tempo has Tempo's settings below `tempo`, the chart tempo-distributed has them at the top and in "
        "`tempo.structuredConfig`; `singleBinary` is of the chart loki. Helm ignores a value that stands in the "
        "other's place, and the default holds."
    ),
    remedy="Move it to where the chart reads it, or install the other chart.",
    example="""
        apiVersion: helm.toolkit.fluxcd.io/v2
        kind: HelmRelease
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          chart: {spec: {chart: tempo}}
          values: {storage: {trace: {backend: s3}}}
    """,
    source="grafana-community/helm-charts: values.yaml and templates of charts/tempo and charts/tempo-distributed",
)
def value_of_the_other_chart(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    said = {id(chart.owner): chart.name for chart in charts(manifests)}
    for one in values(manifests, *CHARTS):
        is_said = said.get(id(one.owner)) == one.chart
        for path in (*_OF_LOKI, *_NOT_READ[one.chart]) if is_said else _OF_LOKI:
            # A configuration of one's own may read any value.
            if one.at(*path) and ".Values." + dotted(path) not in text(one.at("config")):
                yield warning(
                    one.where(*path),
                    f"the chart {one.chart} reads no such value, and its default holds",
                    "write it as the values.yaml of this chart has it, or install the other one",
                )

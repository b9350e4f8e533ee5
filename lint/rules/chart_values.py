"""Values that no version of a chart reads."""

import difflib
from collections.abc import Iterator, Mapping

from lint.chart_values import CHARTS, inner_names, keys
from lint.facts import Facts
from lint.findings import Fault, Severity, warning
from lint.objects import Key, Manifests, Path, at, dotted, mapping, text
from lint.rule import rule
from lint.rules.tempo_chart_values import OF_LOKI, OF_THE_OTHER_CHART
from lint.rules.tempo_charts import MISNAMED
from lint.tempo_keys import below, unknown
from lint.views.charts import charts
from lint.views.values import Values, values

# The other charts whose values are taken for those of a chart.
_RESEMBLING: Mapping[str, tuple[str, ...]] = {
    "tempo": ("tempo-distributed",),
    "tempo-distributed": ("tempo",),
}
# What any chart may have: where it is not read, people take it from another one.
_USUAL = frozenset(
    {
        "affinity",
        "autoscaling",
        "config",
        "configMap",
        "env",
        "extraArgs",
        "extraEnv",
        "extraEnvFrom",
        "extraPorts",
        "extraVolumeMounts",
        "extraVolumes",
        "ingress",
        "nodeSelector",
        "persistence",
        "podAnnotations",
        "podLabels",
        "resources",
        "securityContext",
        "service",
        "serviceAccount",
        "serviceMonitor",
        "tolerations",
    }
)
# Of Helm, and of charts around this one: a condition and values for all.
_OF_HELM = frozenset({"enabled", "exports", "global", "tags"})
# What other rules say more about.
_KNOWN_FAULTS: Mapping[str, tuple[Path, ...]] = {
    "tempo": (*OF_LOKI, *MISNAMED["tempo"]),
    "tempo-distributed": (*OF_LOKI, *MISNAMED["tempo-distributed"], *OF_THE_OTHER_CHART),
}
_LIKE = 0.85


@rule(
    code="N35",
    title="A chart reads no such value",
    levels=(Severity.WARNING,),
    why=(
        "Helm takes any value, and a chart reads those that its templates ask for: another one has no effect, and the "
        "default holds. It is looked at for the charts tempo, tempo-distributed, grafana and "
        "opentelemetry-collector. In a file that does not say whose values it has, only a value is reported that has "
        "its place elsewhere, or is one of a chart that resembles it."
    ),
    remedy="Write the value as the values.yaml of the chart has it, at its place.",
    example="""
        apiVersion: helm.toolkit.fluxcd.io/v2
        kind: HelmRelease
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          chart: {spec: {chart: tempo}}
          values:
            ingress: {enabled: true}
    """,
    source="lint/chart_values, read from the values.yaml and the templates of each version of a chart",
    # A value is not read, whatever it is.
    reads_variables=True,
)
def value_that_the_chart_does_not_read(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    said = {id(chart.owner): chart.name for chart in charts(manifests)}
    for one in values(manifests, *CHARTS):
        found = [path for path in unknown(one.content, keys(one.chart)) if _is_meant(one, path)]
        if said.get(id(one.owner)) != one.chart:
            found = _certain(one, found)
        for path in found:
            yield warning(
                one.where(*path),
                f"no version of the chart {one.chart} reads this value, and its default holds",
                _remedy(one.chart, path),
            )


def _is_meant(one: Values, path: Path) -> bool:
    """Whether it is a setting that asks for something, and for this chart."""
    key = str(path[-1])
    # Such names are for parts that YAML itself repeats.
    is_anchor = key.startswith(("x-", "_", ".")) or key == "<<"
    is_known = any(other[: len(path)] == path and one.at(*other) for other in _KNOWN_FAULTS.get(one.chart, ()))
    value = at(one.content, *path)
    is_empty = value in (None, "", False) or value in ({}, [])
    # A configuration of one's own may read any value.
    is_read = ".Values." + dotted(path) in text(one.at("config"))
    is_of_helm = len(path) == 1 and key in _OF_HELM
    return not (is_anchor or is_known or is_empty or is_read or is_of_helm)


def _certain(one: Values, found: list[Path]) -> list[Path]:
    """What is surely meant for this chart, of values that may be those of one's own."""
    if one.chart in _RESEMBLING and "repository" in mapping(one.at("image")):
        return []
    explained = [path for path in found if _has_a_place(one.chart, path)]
    return explained if len(explained) * 2 > len(found) else []


def _has_a_place(chart: str, path: Path) -> bool:
    key = str(path[-1])
    near = _near(chart, path)
    elsewhere = any(key in keys(other) for other in _RESEMBLING.get(chart, ()))
    return bool(near) or elsewhere or key in _USUAL or (len(path) == 1 and key in inner_names(chart))


def _near(chart: str, path: Path) -> list[str]:
    return difflib.get_close_matches(str(path[-1]), below(keys(chart), path[:-1]) or (), 1, _LIKE)


def _remedy(chart: str, path: tuple[Key, ...]) -> str:
    near = _near(chart, path)
    return f"write {near[0]}" if near else "write it as the values.yaml of this chart has it, at its place"

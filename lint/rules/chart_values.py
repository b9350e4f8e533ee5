"""Values that no version of a chart reads."""

import posixpath
import re
from collections.abc import Iterator, Mapping

from lint.chart_values import CHARTS, inner_names, is_recorded, keys, names_of_others, newest, places_of
from lint.facts import Facts
from lint.findings import Fault, Severity, warning
from lint.nearest import nearest
from lint.objects import Key, Manifests, Path, at, dotted, mapping, text
from lint.rule import rule
from lint.rules.tempo_chart_values import OF_LOKI, OF_THE_OTHER_CHART
from lint.rules.tempo_charts import MISNAMED
from lint.tempo_keys import Keys, below, unknown
from lint.views.values import Values, values

# The other charts whose values are taken for those of a chart.
_RESEMBLING: Mapping[str, tuple[str, ...]] = {
    "tempo": ("tempo-distributed",),
    "tempo-distributed": ("tempo",),
}
# What the program of a chart reads in its own configuration, and its chart below another key.
_OF_PROGRAM: Mapping[str, frozenset[str]] = {
    "grafana-agent": frozenset({"integrations", "logs", "metrics", "server", "traces"}),
    "opentelemetry-collector": frozenset({"connectors", "exporters", "extensions", "processors", "receivers"}),
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
# What older versions had, and newer ones do anyway.
_HARMLESS: Mapping[str, frozenset[Path]] = {"istiod": frozenset({("pilot", "enabled")})}
# What older versions had under another name, of which other rules say what follows.
_RENAMED = frozenset({"global_overrides"})
# What other rules say more about.
_KNOWN_FAULTS: Mapping[str, tuple[Path, ...]] = {
    "tempo": (*OF_LOKI, *MISNAMED["tempo"]),
    "tempo-distributed": (*OF_LOKI, *MISNAMED["tempo-distributed"], *OF_THE_OTHER_CHART),
}
_LIKE = 0.85
_WORD = re.compile(r"[^a-z0-9]+")
# So many values that a chart reads tell that the others were meant for it too.
_ENOUGH = 4


@rule(
    code="N35",
    title="A chart reads no such value",
    levels=(Severity.WARNING,),
    why=(
        "Helm takes any value, and a chart reads those that its templates ask for: another one has no effect, and the "
        "default holds. It is looked at for the charts that bring tracing, for the version that is named beside them "
        "or in the Chart.yaml beside their file, or else for all versions. Where nothing says whose values "
        "a file has, only one is reported that has its place elsewhere, or is one of a chart that resembles it."
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
    for one in values(manifests, *CHARTS):
        found = [path for path in unknown(one.content, keys(one.chart, one.version)) if _is_meant(one, path)]
        certain = found if one.said is not None else _certain(one, found)
        is_known = is_recorded(one.chart, one.version)
        says = "the version that is named has no such" if is_known else "no version has such a"
        yield from (_fault(one, path, says) for path in certain)
        # Who names no version gets the newest one.
        if one.version is None and _gets_the_newest(one):
            today = unknown(one.content, keys(one.chart, newest(one.chart)))
            gone = [path for path in today if path not in found and path[-1] not in _RENAMED and _is_meant(one, path)]
            yield from (_fault(one, path, "newer versions have no such") for path in gone)


def _fault(one: Values, path: Path, says: str) -> Fault:
    return warning(
        one.where(*path), f"{says} value, and the default of the chart {one.chart} holds", _remedy(one, path)
    )


def _gets_the_newest(one: Values) -> bool:
    """Whether it is the chart from its repository that is installed, and no copy of it in a folder."""
    return not one.said.is_in_a_folder if one.said is not None else _is_named(one)


def _is_named(one: Values) -> bool:
    """Whether the file is called after the chart, as tempo-values.yaml, and most of its keys are those of the chart."""
    name = posixpath.basename(one.owner.source.name).lower() if one.owner.source else ""
    words = _WORD.split(name.rpartition(".")[0])
    is_called = "values" in words and all(word in words for word in one.chart.split("-"))
    strange = sum(key not in keys(one.chart) for key in one.content)
    return is_called and not one.of_ones_own and strange * 2 < len(one.content)


def _is_meant(one: Values, path: Path) -> bool:
    """Whether it is a setting that asks for something, and for this chart."""
    key = str(path[-1])
    # Such names are for parts that YAML itself repeats.
    is_anchor = key.startswith(("x-", "_", ".")) or key == "<<"
    is_known = any(other[: len(path)] == path and one.at(*other) for other in _KNOWN_FAULTS.get(one.chart, ()))
    value = at(one.content, *path)
    # What is switched off was meant to be on by somebody: by another chart, of which the value is.
    is_empty = value in (None, "", False) or value in ({}, [])
    is_empty = is_empty and not (value is False and one.said and key in names_of_others(one.chart))
    # A configuration of one's own may read any value.
    is_read = ".Values." + dotted(path) in text(one.at("config"))
    is_of_helm = len(path) == 1 and key in _OF_HELM
    is_harmless = path in _HARMLESS.get(one.chart, ())
    return not (is_anchor or is_known or is_empty or is_read or is_of_helm or is_harmless)


def _certain(one: Values, found: list[Path]) -> list[Path]:
    """What is surely meant for this chart, of values that may be those of one's own."""
    if one.of_ones_own:
        return []
    if one.chart in _RESEMBLING and "repository" in mapping(one.at("image")):
        return []
    fits = _fits(one, found)
    if _is_named(one) and not one.path:
        return [path for path in found if len(path) > 1 or _has_a_place(one.chart, path)]
    explained = [path for path in found if _has_a_place(one.chart, path) or (fits and _is_of_a_chart(one.chart, path))]
    return explained if len(explained) * 2 > len(found) else []


def _fits(one: Values, found: list[Path]) -> bool:
    """Whether the values are those of the chart but for a few, and not those of a chart around it and others."""
    if any(len(path) == 1 and path[0] in CHARTS for path in found):
        return False
    strange = sum(len(path) == 1 for path in found)
    return len(one.content) - strange >= _ENOUGH and strange * 4 <= len(one.content)


def _has_a_place(chart: str, path: Path) -> bool:
    key = str(path[-1])
    near = _near(chart, path)
    elsewhere = any(key in keys(other) for other in _RESEMBLING.get(chart, ()))
    elsewhere = elsewhere or (len(path) == 1 and key in _OF_PROGRAM.get(chart, ()))
    return bool(near) or elsewhere or key in _USUAL or (len(path) == 1 and key in inner_names(chart))


def _is_of_a_chart(chart: str, path: Path) -> bool:
    """Whether another chart has it at the top, or it belongs below a key beside it."""
    is_at_the_top = len(path) == 1 and any(path[0] in keys(other) for other in CHARTS)
    return is_at_the_top or bool(_belongs_below(keys(chart), path))


def _belongs_below(known: Keys, path: Path) -> list[str]:
    """The keys beside it below which charts have it: ``resources`` for ``limits``."""
    return sorted(places_of(str(path[-1])) & (below(known, path[:-1]) or {}).keys())


def _near(chart: str, path: Path) -> str | None:
    return nearest(str(path[-1]), below(keys(chart), path[:-1]) or (), _LIKE)


def _remedy(one: Values, path: tuple[Key, ...]) -> str:
    near = _near(one.chart, path)
    if near:
        return f"write {near}"
    around = _belongs_below(keys(one.chart, one.version), path)
    if len(around) == 1:
        return f"move it below {around[0]}"
    return "write it as the values.yaml of this chart has it, at its place"

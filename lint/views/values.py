"""The values of Helm charts, wherever they stand: in what installs a chart, in a ConfigMap, in a file of their own."""

import posixpath
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from lint.objects import Key, Manifests, Object, Path, Place, at, mapping, parsed, sequence, text, view
from lint.views.charts import Chart, argo_sources, charts
from lint.views.git_charts import chart_in_git
from lint.views.versions import Minor, minor

# What installs a chart: where it keeps the values, as a map or as a text.
_INSIDE: tuple[tuple[str, str, Path], ...] = (
    ("helm.sh", "Release", ("spec", "values")),
    ("helm.toolkit.fluxcd.io", "HelmRelease", ("spec", "values")),
    ("helm.cattle.io", "HelmChart", ("spec", "valuesContent")),
    ("helm.cattle.io", "HelmChartConfig", ("spec", "valuesContent")),
)
# Where what installs a chart says into which namespace.
_NAMESPACES: tuple[Path, ...] = (
    ("spec", "targetNamespace"),
    ("spec", "destination", "namespace"),
    ("spec", "template", "spec", "destination", "namespace"),
    ("spec", "namespace"),
)
# Where a chart says on which others it depends; the second one is of Helm 2.
_OF_A_CHART = ("Chart.yaml", "requirements.yaml")
_IN_CONFIG_MAPS = ("values.yaml", "values.yml")


def _has(*keys: str) -> Callable[[Mapping[Any, Any]], bool]:
    return lambda values: any(key in values for key in keys)


# By which keys of its own a chart's values are known, where nothing says whose they are.
_KNOWN_BY: Mapping[str, Callable[[Mapping[Any, Any]], bool]] = {
    "istiod": _has("meshConfig", "pilot"),
    "kube-prometheus-stack": lambda values: isinstance(at(values, "prometheus", "prometheusSpec"), Mapping),
    "tempo-distributed": lambda values: (
        isinstance(values.get("metricsGenerator"), Mapping)
        or (isinstance(values.get("distributor"), Mapping) and isinstance(values.get("traces"), Mapping))
        or (isinstance(at(values, "storage", "trace"), Mapping) and _has("queryFrontend", "traces", "gateway")(values))
    ),
    "tempo": lambda values: (
        isinstance(values.get("tempoQuery"), Mapping)
        or any(
            key in mapping(values.get("tempo"))
            for key in (
                "metricsGenerator",
                "overrides",
                "storage",
                "receivers",
                "reportingEnabled",
                "repository",
                "retention",
            )
        )
    ),
    "opentelemetry-collector": lambda values: any(
        key in mapping(values.get("config")) for key in ("receivers", "exporters", "service", "processors")
    ),
    "grafana": lambda values: (
        "grafana.ini" in values
        or isinstance(values.get("additionalDataSources"), list)
        or any(isinstance(at(one, "datasources"), list) for one in mapping(values.get("datasources")).values())
    ),
    "grafana-agent": lambda values: (
        at(values, "agent", "mode") in ("flow", "static") or isinstance(at(values, "agent", "configMap"), Mapping)
    ),
    "opentelemetry-operator": lambda values: isinstance(at(values, "manager", "collectorImage"), Mapping),
    "kiali-server": lambda values: isinstance(values.get("external_services"), Mapping),
    "kiali-operator": lambda values: isinstance(at(values, "cr", "spec"), Mapping),
    "prometheus": lambda values: isinstance(at(values, "server"), Mapping) and "extraFlags" in values["server"],
}


# Charts that install others: by key, of which chart the values below it are.
_PARTS: Mapping[str, Mapping[str, str]] = {"lgtm-distributed": {"tempo": "tempo-distributed"}}


@dataclass(frozen=True)
class Values:
    """``chart`` is the chart's name without a repository; ``path`` leads to ``content`` in ``owner``.

    ``said`` is what names the chart; it is None where only the keys tell whose values they are. Those below a key
    ``of_ones_own`` may be for templates of the chart around them, and only resemble those of ``chart``.
    """

    owner: Object
    path: Path
    chart: str
    content: Mapping[Any, Any]
    said: Chart | None = None
    of_ones_own: bool = False

    @property
    def version(self) -> Minor | None:
        """The version of the chart, as far as one is named; what lies in a folder has the one that it has there."""
        return minor(self.said.version) if self.said and not self.said.is_in_a_folder else None

    @property
    def namespace(self) -> str:
        """Where the release goes, as far as the owner says it."""
        for path in _NAMESPACES:
            if text(self.owner.at(*path)):
                return text(self.owner.at(*path))
        return self.owner.namespace

    @property
    def are_all(self) -> bool | None:
        """Whether the release has no other values; None for a file, which may be one of several."""
        if self.owner.kind in ("", "ConfigMap"):
            return None
        source = self.owner.at(*self.path[: self.path.index("helm") + 1]) if "helm" in self.path else None
        more = (
            # What has a target sets one value.
            [one for one in sequence(self.owner.at("spec", "valuesFrom")) if not at(one, "targetPath")],
            self.owner.at("spec", "valueYamlFiles"),
            self.owner.at("spec", "set"),
            *(at(source, field) for field in ("valueFiles", "parameters", "fileParameters")),
        )
        return not any(more) and self.owner.kind != "HelmChartConfig"

    @cached_property
    def known_as(self) -> str:
        """The chart of which they have keys, or nothing."""
        return _chart_of(self.content)

    @cached_property
    def below_an_alias(self) -> "Sequence[Values]":
        """The values of dependencies that the chart around them calls by another name."""
        return [
            Values(self.owner, (*self.path, alias), chart, below, of_ones_own=True)
            for alias, below in self.content.items()
            if isinstance(alias, str) and alias not in _KNOWN_BY and isinstance(below, Mapping)
            if (chart := _chart_of(below))
        ]

    def at(self, *path: Key) -> Any:
        return at(self.content, *path)

    def where(self, *path: Key) -> Place:
        return self.owner.where(*self.path, *path)


@view
def values(manifests: Manifests, *wanted: str) -> tuple[Values, ...]:
    """Return the values of the charts called ``wanted``; those of a dependency stand below its name."""
    return tuple(_values(manifests, wanted))


def _values(manifests: Manifests, wanted: Collection[str]) -> Iterator[Values]:
    for root in _roots(manifests):
        if root.said is not None and root.chart in _PARTS and root.chart not in wanted:
            yield from _of_parts(root, root.said, wanted)
            continue
        is_said = root.chart in _KNOWN_BY or root.chart in wanted
        known = root.chart if is_said else root.known_as
        if known in wanted:
            manifests.recognise(root.owner)
            yield root if is_said else replace(root, chart=known, said=None)
            continue
        for name in wanted:
            below = mapping(root.content.get(name))
            if below and name in _KNOWN_BY and _KNOWN_BY[name](below):
                manifests.recognise(root.owner)
                yield Values(root.owner, (*root.path, name), name, below)
        if not known:
            for found in root.below_an_alias:
                if found.chart in wanted:
                    manifests.recognise(root.owner)
                    yield found


def _of_parts(root: Values, said: Chart, wanted: Collection[str]) -> Iterator[Values]:
    """The values of the charts that one installs; which version of them it takes is not known."""
    for key, chart in _PARTS[root.chart].items():
        below = mapping(root.content.get(key))
        if chart in wanted and below.get("enabled") is not False:
            part = replace(said, name=chart, version="")
            yield replace(root, path=(*root.path, key), chart=chart, content=below, said=part)


def every_chart(manifests: Manifests) -> Iterator[Values]:
    """Yield the values of all charts, also of those of which nothing is known, and every document without a kind."""
    yield from _roots(manifests)


def _chart_of(content: Mapping[Any, Any]) -> str:
    return next((chart for chart, is_known in _KNOWN_BY.items() if is_known(content)), "")


@view
def _roots(manifests: Manifests) -> tuple[Values, ...]:
    """All values, those of charts that are not known too; ``chart`` is empty where nothing says whose they are."""
    return tuple(_found_roots(manifests))


def _found_roots(manifests: Manifests) -> Iterator[Values]:
    installed: dict[int, list[Chart]] = {}
    for chart in charts(manifests):
        installed.setdefault(id(chart.owner), []).append(chart)
    for group, kind, path in _INSIDE:
        for obj in manifests.of(group, kind):
            said = _one_of(installed.get(id(obj), ()))
            yield Values(obj, path, said.name if said else obj.name, _content(obj.at(*path)), said)
    for obj, source in argo_sources(manifests):
        in_git = chart_in_git(obj.at(*source))
        name = in_git.name if in_git else text(obj.at(*source, "chart")).rpartition("/")[2]
        said = _one_of([chart for chart in installed.get(id(obj), ()) if chart.name == name])
        for field in ("values", "valuesObject"):
            place: Path = (*source, "helm", field)
            if obj.at(*place) is not None:
                yield Values(obj, place, name, _content(obj.at(*place)), said)
    for chart in charts(manifests):
        for place in chart.values:
            said = None if chart.is_of_ones_own else chart
            yield Values(chart.owner, place, chart.name, mapping(chart.owner.at(*place)), said)
    yield from _in_files(manifests)


def _in_files(manifests: Manifests) -> Iterator[Values]:
    for obj in manifests.of("", "ConfigMap"):
        for key in _IN_CONFIG_MAPS:
            if obj.at("data", key) is not None:
                yield Values(obj, ("data", key), "", _content(obj.at("data", key)))
    named, dependencies = _charts_of_files(manifests), _dependencies(manifests)
    folders = {posixpath.dirname(_place(obj)) for obj in manifests.documents() if _is_chart_yaml(obj)}
    for obj in manifests.documents():
        content, said = mapping(obj.raw), named.get(id(obj))
        folder, file = posixpath.split(_place(obj))
        beside = dependencies.get(folder, ()) if "values" in file else ()
        below = [chart for chart in beside if mapping(content.get(chart.key))]
        for chart in below:
            yield Values(obj, (chart.key,), chart.name, mapping(content[chart.key]), chart)
        keys = {chart.key for chart in below}
        rest = {key: value for key, value in content.items() if key not in keys} if keys else content
        is_its_own = folder in folders and "values" in file
        yield Values(obj, (), said.name if said else "", rest, said, of_ones_own=is_its_own)


def _is_chart_yaml(obj: Object) -> bool:
    return posixpath.basename(_place(obj)) == "Chart.yaml" and bool(obj.at("apiVersion")) and bool(obj.at("name"))


def _charts_of_files(manifests: Manifests) -> Mapping[int, Chart]:
    """By document, the chart for which another object names its file."""
    documents: dict[str, list[Object]] = {}
    for obj in manifests.documents():
        documents.setdefault(_place(obj), []).append(obj)
    found: dict[int, list[Chart]] = {}
    for chart in charts(manifests):
        for name in chart.files:
            # Of Argo CD: a file of another source, which is called $name, by its path there.
            if name.startswith("$"):
                below = name.partition("/")[2]
                places = [file for file in documents if file and f"/{file}".endswith(f"/{below}")]
            else:
                places = [posixpath.normpath(posixpath.join(posixpath.dirname(_place(chart.owner)), name))]
            for obj in (obj for place in places for obj in documents.get(place, ())):
                found.setdefault(id(obj), []).append(chart)
    said = {document: _one_of(several) for document, several in found.items()}
    return {document: chart for document, chart in said.items() if chart is not None and not chart.is_of_ones_own}


def _dependencies(manifests: Manifests) -> Mapping[str, Sequence[Chart]]:
    """By folder, the charts on which the one there depends; its own values are in a file beside."""
    found: dict[str, list[Chart]] = {}
    for chart in charts(manifests):
        folder, file = posixpath.split(_place(chart.owner))
        if file in _OF_A_CHART and chart.key and not chart.is_of_ones_own:
            found.setdefault(folder, []).append(chart)
    return found


def _place(obj: Object) -> str:
    return posixpath.normpath(obj.source.name) if obj.source else ""


def _one_of(several: Sequence[Chart]) -> Chart | None:
    """The chart that they all are, without its version if they differ in that; None if they are several."""
    if len({chart.name for chart in several}) != 1:
        return None
    is_same = len({chart.version for chart in several}) == 1
    return several[0] if is_same else replace(several[0], version="")


def _content(found: object) -> Mapping[Any, Any]:
    return mapping(parsed(found) if isinstance(found, str) else found)

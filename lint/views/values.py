"""The values of Helm charts, wherever they stand: in what installs a chart, in a ConfigMap, in a file of their own."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lint.objects import Key, Manifests, Object, Path, Place, at, mapping, parsed, sequence, text, view
from lint.views.charts import argo_sources, charts

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
    "tempo": lambda values: any(
        key in mapping(values.get("tempo"))
        for key in ("metricsGenerator", "overrides", "storage", "receivers", "reportingEnabled", "retention")
    ),
    "opentelemetry-collector": lambda values: any(
        key in mapping(values.get("config")) for key in ("receivers", "exporters", "service", "processors")
    ),
    "grafana": lambda values: (
        "grafana.ini" in values
        or isinstance(values.get("additionalDataSources"), list)
        or any(isinstance(at(one, "datasources"), list) for one in mapping(values.get("datasources")).values())
    ),
    "kiali-server": lambda values: isinstance(values.get("external_services"), Mapping),
    "kiali-operator": lambda values: isinstance(at(values, "cr", "spec"), Mapping),
    "prometheus": lambda values: isinstance(at(values, "server"), Mapping) and "extraFlags" in values["server"],
}


@dataclass(frozen=True)
class Values:
    """``chart`` is the chart's name without a repository; ``path`` leads to ``content`` in ``owner``."""

    owner: Object
    path: Path
    chart: str
    content: Mapping[Any, Any]

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

    def at(self, *path: Key) -> Any:
        return at(self.content, *path)

    def where(self, *path: Key) -> Place:
        return self.owner.where(*self.path, *path)


def values(manifests: Manifests, *wanted: str) -> Iterator[Values]:
    """Yield the values of the charts called ``wanted``; those of a dependency stand below its name."""
    for owner, path, chart, content in _roots(manifests):
        known = chart if chart in _KNOWN_BY else _chart_of(content)
        if known in wanted:
            manifests.recognise(owner)
            yield Values(owner, path, known, content)
            continue
        for name in wanted:
            below = mapping(content.get(name))
            if below and _KNOWN_BY[name](below):
                manifests.recognise(owner)
                yield Values(owner, (*path, name), name, below)
        if not known:
            yield from _below_an_alias(manifests, owner, path, content, wanted)


def _below_an_alias(
    manifests: Manifests, owner: Object, path: Path, content: Mapping[Any, Any], wanted: Collection[str]
) -> Iterator[Values]:
    """The values of dependencies that the chart around them calls by another name."""
    for alias, below in content.items():
        if isinstance(alias, str) and alias not in _KNOWN_BY and isinstance(below, Mapping):
            chart = _chart_of(below)
            if chart in wanted:
                manifests.recognise(owner)
                yield Values(owner, (*path, alias), chart, below)


def every_chart(manifests: Manifests) -> Iterator[Values]:
    """Yield the values of all charts, also of those of which nothing is known, and every document without a kind."""
    return (Values(owner, path, chart, content) for owner, path, chart, content in _roots(manifests))


def _chart_of(content: Mapping[Any, Any]) -> str:
    return next((chart for chart, is_known in _KNOWN_BY.items() if is_known(content)), "")


_Root = tuple[Object, Path, str, Mapping[Any, Any]]


@view
def _roots(manifests: Manifests) -> tuple[_Root, ...]:
    """Every owner of values, with the path to them and the chart's name if the owner says it."""
    return tuple(_found_roots(manifests))


def _found_roots(manifests: Manifests) -> Iterator[_Root]:
    named = {id(chart.owner): chart.name for chart in charts(manifests)}
    for group, kind, path in _INSIDE:
        for obj in manifests.of(group, kind):
            name = named.get(id(obj)) or obj.name
            yield obj, path, name, _content(obj.at(*path))
    for obj, source in argo_sources(manifests):
        name = text(obj.at(*source, "chart")).rpartition("/")[2]
        for field in ("values", "valuesObject"):
            place: Path = (*source, "helm", field)
            if obj.at(*place) is not None:
                yield obj, place, name, _content(obj.at(*place))
    for obj in manifests.of("", "ConfigMap"):
        for key in _IN_CONFIG_MAPS:
            if obj.at("data", key) is not None:
                yield obj, ("data", key), "", _content(obj.at("data", key))
    for obj in manifests.documents():
        yield obj, (), "", mapping(obj.raw)


def _content(found: object) -> Mapping[Any, Any]:
    return mapping(parsed(found) if isinstance(found, str) else found)

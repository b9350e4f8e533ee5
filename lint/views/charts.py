"""Helm charts that objects install: by Flux, Argo CD, Rancher's controllers, Kustomize, Helmfile, another chart, or
Pulumi's resource Release."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from lint.objects import Manifests, Object, Path, at, mapping, sequence, text, view
from lint.views.git_charts import chart_in_git

# By the kind that installs a chart: where its name and its version are.
_FIELDS: dict[tuple[str, str], tuple[Path, Path]] = {
    ("helm.sh", "Release"): (("spec", "chart"), ("spec", "version")),
    ("helm.toolkit.fluxcd.io", "HelmRelease"): (
        ("spec", "chart", "spec", "chart"),
        ("spec", "chart", "spec", "version"),
    ),
    ("helm.cattle.io", "HelmChart"): (("spec", "chart"), ("spec", "version")),
}
_FLUX_SOURCES = "source.toolkit.fluxcd.io"
# Of these Flux takes a folder, whatever the version says (fluxcd/source-controller, api/v1/helmchart_types.go).
_SOURCES_OF_FOLDERS = {"GitRepository", "Bucket"}
_REFERENCE: Path = ("spec", "chartRef")
_ARGO_CD = "argoproj.io"
_KUSTOMIZATION = "Kustomization"
# Lists of charts, by the key of the list: the fields with a chart's name.
_LISTS = {"helmCharts": "name", "dependencies": "name", "releases": "chart"}
# A parameter of an ApplicationSet, with a dot before it if it is a template of Go.
_PARAMETER = re.compile(r"\{\{-?\s*\.?([\w.-]+?)\s*-?\}\}")


@dataclass(frozen=True)
class Chart:
    """``name`` is without a repository; ``path`` leads to the version in the object that installs the chart, or to
    what says where it is."""

    owner: Object
    name: str
    version: str
    path: Path

    @property
    def is_in_a_folder(self) -> bool:
        """Whether it lies beside what installs it, and so has the version that it has there."""
        around = at(self.owner.raw, *self.path[:-1])
        chart, source = text(at(around, "chart")), text(at(around, "sourceRef", "kind"))
        return chart.startswith((".", "/")) or source in _SOURCES_OF_FOLDERS

    @property
    def is_of_ones_own(self) -> bool:
        """Whether a list of charts takes it from a folder beside, where a chart of any content may have the name."""
        around = (text(self._entry.get(field)) for field in ("chart", "repository"))
        return any(place.startswith((".", "/", "file:")) for place in around)

    @property
    def key(self) -> str:
        """Under which key its values are in the values of the chart that depends on it; empty if none does."""
        return text(at(self._entry, "alias")) or self.name if self.path[:1] == ("dependencies",) else ""

    @property
    def values(self) -> tuple[Path, ...]:
        """Where its values are in an entry of a list of charts, such as that of Kustomize or of Helmfile."""
        around = self.path[:-1]
        several = tuple((*around, "values", index) for index, _ in enumerate(sequence(at(self._entry, "values"))))
        places: tuple[Path, ...] = ((*around, "valuesInline"), (*around, "values"), *several)
        is_listed = self.owner.kind in ("", _KUSTOMIZATION)
        return tuple(path for path in places if is_listed and mapping(at(self.owner.raw, *path)))

    @property
    def files(self) -> tuple[str, ...]:
        """The files with values that stand beside its name, as they are named there."""
        entry = self._entry
        # Of Kustomize, of Argo CD, of Fleet, and of Helmfile.
        lists: tuple[Path, ...] = (("additionalValuesFiles",), ("helm", "valueFiles"), ("valuesFiles",), ("values",))
        names = (at(entry, "valuesFile"), *(name for path in lists for name in sequence(at(entry, *path))))
        return tuple(filter(None, map(text, names)))

    @property
    def _entry(self) -> Mapping[Any, Any]:
        return mapping(at(self.owner.raw, *self.path[:-1]))

    @property
    def origin(self) -> str:
        """Where it is taken from, as far as that stands beside the version: an address, or the name of a source."""
        around = at(self.owner.raw, *self.path[:-1])
        said = (at(around, key) for key in ("repoURL", "repository", "repo", "chart"))
        named = (at(around, reference, "name") for reference in ("sourceRef", "chartRef"))
        return " ".join(filter(None, map(text, (*said, *named))))


@view
def charts(manifests: Manifests) -> tuple[Chart, ...]:
    return tuple(_charts(manifests))


def _charts(manifests: Manifests) -> Iterator[Chart]:
    for (group, kind), (chart, version) in _FIELDS.items():
        for obj in manifests.of(group, kind):
            if obj.at(*_REFERENCE) is None:
                yield _chart(obj, chart, version)
    yield from _referred_to(manifests)
    for obj, source in argo_sources(manifests):
        yield from _of_source(obj, source)
    for obj in (*manifests.of("kustomize.config.k8s.io", _KUSTOMIZATION), *manifests.documents()):
        yield from _listed(obj)


def argo_sources(manifests: Manifests) -> Iterator[tuple[Object, Path]]:
    """Yield each source of an Application, also of those that an ApplicationSet makes, with its path."""
    for obj in manifests.of(_ARGO_CD, "Application", "ApplicationSet"):
        spec: Path = ("spec", "template", "spec") if obj.kind == "ApplicationSet" else ("spec",)
        yield obj, (*spec, "source")
        for index, _ in enumerate(sequence(obj.at(*spec, "sources"))):
            yield obj, (*spec, "sources", index)


def _of_source(obj: Object, source: Path) -> Iterator[Chart]:
    chart = _chart(obj, (*source, "chart"), (*source, "targetRevision"))
    in_git = chart_in_git(obj.at(*source))
    if in_git is not None:
        yield replace(chart, name=in_git.name, version=in_git.version)
        return
    name, version = _PARAMETER.fullmatch(chart.name), _PARAMETER.fullmatch(chart.version)
    if obj.kind != "ApplicationSet" or not (name or version):
        yield chart
        return
    elements = [*_elements(obj, ("spec", "generators"))]
    if not elements:
        # Those of Git, for instance, whose parameters are names of folders.
        yield chart
    for path, element in elements:
        where = tuple(version[1].split(".")) if version else ()
        yield Chart(
            obj,
            text(at(element, *name[1].split("."))) if name else chart.name,
            text(at(element, *where)) if version else chart.version,
            (*path, *where) if version else chart.path,
        )


def _elements(obj: Object, generators: Path) -> Iterator[tuple[Path, Mapping[Any, Any]]]:
    """The elements of lists among the generators of an ApplicationSet, some of which combine others."""
    for index, generator in enumerate(sequence(obj.at(*generators))):
        path: Path = (*generators, index)
        for place, element in enumerate(sequence(at(generator, "list", "elements"))):
            yield (*path, "list", "elements", place), mapping(element)
        for combined in ("matrix", "merge"):
            yield from _elements(obj, (*path, combined, "generators"))


def _listed(obj: Object) -> Iterator[Chart]:
    """The charts in a list: of Kustomize, of Helmfile, or those that a chart depends on."""
    for key, name in _LISTS.items():
        for index, entry in enumerate(sequence(obj.at(key))):
            if text(at(entry, name)):
                yield _chart(obj, (key, index, name), (key, index, "version"))
    # Of Rancher's Fleet.
    if text(obj.at("helm", "chart")):
        yield _chart(obj, ("helm", "chart"), ("helm", "version"))


def _referred_to(manifests: Manifests) -> Iterator[Chart]:
    """Charts of Flux that lie in a registry of images, each in a repository of its own."""
    repositories = {(obj.namespace, obj.name): obj for obj in manifests.of(_FLUX_SOURCES, "OCIRepository")}
    for obj in manifests.of("helm.toolkit.fluxcd.io", "HelmRelease"):
        reference = obj.at(*_REFERENCE)
        namespace = text(at(reference, "namespace")) or obj.namespace
        repository = repositories.get((namespace, text(at(reference, "name"))))
        if repository is not None and at(reference, "kind") == "OCIRepository":
            name = text(repository.at("spec", "url")).rstrip("/").rpartition("/")[2]
            yield Chart(obj, name, text(repository.at("spec", "ref", "tag")), _REFERENCE)


def release_name(obj: Object) -> str:
    """What the release is called that ``obj`` installs; empty if it installs none."""
    if obj.kind == "HelmRelease":
        target = text(obj.at("spec", "targetNamespace"))
        return text(obj.at("spec", "releaseName")) or (f"{target}-{obj.name}" if target else obj.name)
    if obj.kind == "Application":
        sources = (obj.at("spec", "source"), *sequence(obj.at("spec", "sources")))
        named = [name for source in sources if (name := text(at(source, "helm", "releaseName")))]
        return named[0] if named else obj.name
    return obj.name if obj.kind == "HelmChart" else ""


def _chart(obj: Object, chart: Path, version: Path) -> Chart:
    name = text(at(obj.raw, *chart)).rpartition("/")[2]
    return Chart(obj, name, text(at(obj.raw, *version)), version)

"""Helm charts that objects install: by Flux, Argo CD, Rancher's controller, or Pulumi's resource Release."""

from collections.abc import Iterator
from dataclasses import dataclass

from lint.objects import Manifests, Object, Path, at, sequence, text

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
_REFERENCE: Path = ("spec", "chartRef")


@dataclass(frozen=True)
class Chart:
    """``name`` is without a repository; ``path`` leads to the version in the object that installs the chart, or to
    what says where it is."""

    owner: Object
    name: str
    version: str
    path: Path


def charts(manifests: Manifests) -> Iterator[Chart]:
    for (group, kind), (chart, version) in _FIELDS.items():
        for obj in manifests.of(group, kind):
            if obj.at(*_REFERENCE) is None:
                yield _chart(obj, chart, version)
    yield from _referred_to(manifests)
    for obj in manifests.of("argoproj.io", "Application"):
        yield _chart(obj, ("spec", "source", "chart"), ("spec", "source", "targetRevision"))
        for index, _ in enumerate(sequence(obj.at("spec", "sources"))):
            source: Path = ("spec", "sources", index)
            yield _chart(obj, (*source, "chart"), (*source, "targetRevision"))


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
        return text(obj.at("spec", "source", "helm", "releaseName")) or obj.name
    return obj.name if obj.kind == "HelmChart" else ""


def _chart(obj: Object, chart: Path, version: Path) -> Chart:
    name = text(at(obj.raw, *chart)).rpartition("/")[2]
    return Chart(obj, name, text(at(obj.raw, *version)), version)

"""Charts with the repository that they are taken from, wherever both are said."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from lint.objects import Key, Manifests, Object, Path, Place, at, mapping, sequence, text, view
from lint.views.git_charts import chart_in_git


@dataclass(frozen=True)
class Taken:
    """A chart by its name and its version, as it is written, and the address of its repository, without a scheme.

    ``where`` is the place of the address, or of what names it; ``version_path`` leads to the version.
    """

    owner: Object
    name: str
    version: str
    address: str
    where: Place
    version_path: Path

    @property
    def version_place(self) -> Place:
        return self.owner.where(*self.version_path)


@view
def taken_charts(manifests: Manifests) -> tuple[Taken, ...]:
    return tuple(_taken_charts(manifests))


def _taken_charts(manifests: Manifests) -> Iterator[Taken]:
    for obj in manifests.of("argoproj.io", "Application"):
        yield _of_argo(obj, ("spec", "source"))
        for index, _ in enumerate(sequence(obj.at("spec", "sources"))):
            yield _of_argo(obj, ("spec", "sources", index))
    for obj in manifests.of("helm.cattle.io", "HelmChart"):
        yield _taken(obj, ("spec",), "chart", "repo", "version")
    # A Chart.yaml has a version of the API and no kind, and a Kustomization needs neither.
    for obj in (*manifests.of("kustomize.config.k8s.io", "Kustomization"), *manifests.documents()):
        for key, repository in (("helmCharts", "repo"), ("dependencies", "repository")):
            for index, _ in enumerate(sequence(obj.at(key))):
                manifests.recognise(obj)
                yield _taken(obj, (key, index), "name", repository, "version")
    yield from _by_flux(manifests)


def _of_argo(obj: Object, source: Path) -> Taken:
    taken = _taken(obj, source, "chart", "repoURL", "targetRevision")
    in_git = chart_in_git(obj.at(*source))
    return replace(taken, name=in_git.name, version=in_git.version, address=in_git.address) if in_git else taken


def _by_flux(manifests: Manifests) -> Iterator[Taken]:
    repositories = {
        (obj.namespace, obj.name): text(obj.at("spec", "url"))
        for obj in manifests.of("source.toolkit.fluxcd.io", "HelmRepository")
    }
    for obj in manifests.of("helm.toolkit.fluxcd.io", "HelmRelease"):
        path: Path = ("spec", "chart", "spec")
        source = mapping(obj.at(*path, "sourceRef"))
        namespace = text(source.get("namespace")) or obj.namespace
        if source.get("kind") in {None, "HelmRepository"}:
            yield Taken(
                owner=obj,
                name=text(obj.at(*path, "chart")),
                version=text(obj.at(*path, "version")),
                address=_address(repositories.get((namespace, text(source.get("name"))), "")),
                where=obj.where(*path, "sourceRef"),
                version_path=(*path, "version"),
            )


def _taken(obj: Object, path: Path, name: Key, repository: Key, version: Key) -> Taken:
    found = at(obj.raw, *path)
    return Taken(
        owner=obj,
        name=text(at(found, name)),
        version=text(at(found, version)),
        address=_address(text(at(found, repository))),
        where=obj.where(*path, repository),
        version_path=(*path, version),
    )


def _address(repository: str) -> str:
    return repository.partition("://")[2].rstrip("/")

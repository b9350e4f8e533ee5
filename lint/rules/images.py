"""Images that no registry serves any more, and charts that are not where they were."""

import datetime
import re
from collections.abc import Callable, Iterator

from lint.chart_values.releases import is_published
from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.lifecycle import Event, lifecycle
from lint.objects import Manifests, Place
from lint.rule import rule
from lint.views.chart_sources import taken_charts
from lint.views.images import images
from lint.views.versions import exact

_LEVELS = (Severity.ERROR, Severity.WARNING)
# Where the address of a chart repository stands: Flux, Argo CD, a Chart.yaml, Rancher and Kustomize.
_ADDRESSES = frozenset({"url", "repoURL", "repository", "repo"})


@rule(
    code="N34",
    title="No registry serves an image any more",
    levels=_LEVELS,
    why=(
        "Its project has given up the registry or the tag, so a pod that starts on a new node waits for it for ever. "
        "It is a warning if that is announced. `lint/lifecycle.yaml` lists these images."
    ),
    remedy="Take the image that the finding names.",
    example="""
        apiVersion: v1
        kind: Pod
        metadata: {name: operator, namespace: tracing-system}
        spec:
          containers: [{name: proxy, image: "gcr.io/kubebuilder/kube-rbac-proxy:v0.16.0"}]
    """,
    source="lint/lifecycle.yaml, with a source for each image",
)
def image_that_is_gone(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    day = _day(facts)
    for image in images(manifests):
        for gone in lifecycle().retired_images:
            if gone.is_known(day) and gone.has(image.name, image.tag):
                what = f"{image.name}{':' if image.tag else ''}{image.tag}"
                when = f", since {gone.since}" if gone.has_happened(day) else f" from {gone.since} on"
                why = f"no registry serves {what} any more{when}"
                yield _severity(gone, day)(image.where, why, f"take {gone.instead}")


@rule(
    code="N34",
    title="A chart repository is gone",
    levels=_LEVELS,
    why="Nothing answers at its address any more, so Helm, Flux and Argo CD install no chart from there.",
    remedy="Take the repository of the project whose chart it is.",
    example="""
        apiVersion: source.toolkit.fluxcd.io/v1
        kind: HelmRepository
        metadata: {name: stable, namespace: flux-system}
        spec: {url: "https://kubernetes-charts.storage.googleapis.com"}
    """,
    source=(
        "https://helm.sh/blog/new-location-stable-incubator-charts/; "
        "https://github.com/microsoft/azure-pipelines-tasks/issues/14118"
    ),
)
def chart_repository_that_is_gone(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    day = _day(facts)
    hosts = {host.host: host for host in lifecycle().retired_hosts if host.product == "helm" and host.is_known(day)}
    for obj in manifests.objects:
        for path, found in obj.strings:
            host = hosts.get(_host_of(found)) if path[-1:] and path[-1] in _ADDRESSES else None
            if host is not None:
                why = f"nothing answers at {host.host} since {host.since}"
                yield _severity(host, day)(obj.where(*path), why, f"take {host.instead}")


def _host_of(address: str) -> str:
    """The host of a URL; nothing for another text."""
    match = re.fullmatch(r"https?://([^/]+)(?:/.*)?", address)
    return match[1] if match else ""


@rule(
    code="N34",
    title="A chart gets no new versions where it is taken from",
    levels=(Severity.WARNING,),
    why=(
        "Its maintainers have moved it to another repository. The old one keeps the versions that it has, and gets no "
        "new ones, so neither the chart nor what it installs is repaired there."
    ),
    remedy="Take the repository that the finding names; the chart has the same name there.",
    example="""
        apiVersion: argoproj.io/v1alpha1
        kind: Application
        metadata: {name: tempo, namespace: argocd}
        spec:
          source: {repoURL: "https://grafana.github.io/helm-charts", chart: tempo, targetRevision: 1.24.4}
    """,
    source=(
        "https://github.com/grafana/helm-charts/issues/4087; https://github.com/grafana-community/helm-charts/issues/2"
    ),
)
def chart_that_moved(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for moved in lifecycle().moved_charts:
        if moved.is_known(_day(facts)):
            for taken in taken_charts(manifests):
                if taken.name in moved.charts and taken.address == moved.repository:
                    yield warning(
                        taken.where,
                        f"the chart {taken.name} gets no new versions here since {moved.since}",
                        f"take {moved.instead}",
                    )


@rule(
    code="N34",
    title="A version of a chart was never published",
    levels=(Severity.ERROR,),
    why=(
        "The repository has older and newer versions of the chart, and not this one, so Helm, Flux and Argo CD install "
        "nothing. It is looked at for the charts that bring tracing, from their own repositories."
    ),
    remedy="Take a version that the repository has: `helm search repo --versions` lists them.",
    example="""
        apiVersion: argoproj.io/v1alpha1
        kind: Application
        metadata: {name: collector, namespace: argocd}
        spec:
          source:
            repoURL: https://open-telemetry.github.io/opentelemetry-helm-charts
            chart: opentelemetry-collector
            targetRevision: 0.97.7
    """,
    source="lint/chart_values/releases.json, read from the tags of each repository",
)
def chart_version_that_was_never_published(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for taken in taken_charts(manifests):
        wanted = exact(taken.version)
        has_moved = any(
            taken.name in moved.charts and taken.address == moved.repository for moved in lifecycle().moved_charts
        )
        if wanted is not None and not is_published(taken.address, taken.name, wanted, has_moved=has_moved):
            yield error(
                taken.version_place,
                f"{taken.address} has no version {taken.version} of the chart {taken.name}, and nothing is installed",
                "take a version that it has",
            )


def _day(facts: Facts) -> datetime.date:
    """Without a day, what is recorded has happened."""
    return facts.today or lifecycle().last_read()


def _severity(event: Event, day: datetime.date) -> Callable[[Place, str, str], Fault]:
    return error if event.has_happened(day) else warning

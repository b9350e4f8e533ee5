"""Where Helm finds a chart."""

from typing import Any

from pulumi_kubernetes.helm.v3 import RepositoryOptsArgs

from model import Mesh


def chart_source(chart: str, *, repository: str, version: str) -> dict[str, Any]:
    """A release's arguments for ``chart`` in an OCI registry, in a chart repository, or in a folder."""
    location = repository.rstrip("/")
    if location.startswith("oci://"):
        return {"chart": f"{location}/{chart}", "version": version}
    if location.startswith("https://"):
        return {"chart": chart, "version": version, "repository_opts": RepositoryOptsArgs(repo=location)}
    # A chart in a folder carries its own version.
    return {"chart": f"{location}/{chart}"}


def istio_chart(mesh: Mesh, chart: str) -> dict[str, Any]:
    """The same for one of Istio's own charts."""
    return chart_source(chart, repository=mesh.chart_repository, version=mesh.version)

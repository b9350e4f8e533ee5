"""Where Helm finds a chart."""

from typing import Any

from model import Mesh
from objects.mesh_config import istio_version

# The arguments of a Helm release that say what it installs: its chart, name, namespace and values.
Chart = dict[str, Any]


def chart_source(chart: str, *, repository: str, version: str | None) -> Chart:
    """A release's arguments for ``chart`` in an OCI registry, in a chart repository, or in a folder."""
    location = repository.rstrip("/")
    if location.startswith("oci://"):
        return {"chart": f"{location}/{chart}", "version": version}
    if location.startswith("https://"):
        return {"chart": chart, "version": version, "repositoryOpts": {"repo": location}}
    # A chart in a folder carries its own version.
    return {"chart": f"{location}/{chart}"}


def istio_chart(mesh: Mesh, chart: str) -> Chart:
    """A release's arguments for one of Istio's own charts."""
    return chart_source(chart, repository=mesh.chart_repository, version=istio_version(mesh))

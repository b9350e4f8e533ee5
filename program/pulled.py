"""Every image, chart, release manifest and package that a stack pulls."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from model import Images
from model.platform import DEFAULT_OPENTELEMETRY_OPERATOR
from objects.charts import Chart
from objects.context import Object
from objects.kiali import KIALI_IMAGE, build_kiali
from objects.mesh_config import installs_cni, released_hub
from objects.operators import package, release_files
from objects.pods import images_of
from objects.tempo import build_tempo
from objects.tracing import build_telemetry
from program.inventory import every_chart, every_object
from program.plan import Plan

# Tempo's version by the minor version of its operator, as released (`RELATED_IMAGE_TEMPO` in its release manifest).
_TEMPO_OF_OPERATOR: Mapping[str, str] = {"0.19": "2.9.0", "0.20": "2.10.0", "0.21": "2.10.5", "0.22": "2.10.8"}
_COLLECTOR = "ghcr.io/open-telemetry/opentelemetry-collector-releases/opentelemetry-collector"


@dataclass(frozen=True, kw_only=True)
class PulledImage:
    """An image, what runs it, and where pods pull it from if that is a mirror.

    Where ``chosen_by`` says so, somebody else names the image; it is None then if only they know it.
    """

    image: str | None
    mirrored: str | None = None
    used_by: list[str]
    chosen_by: str | None = None


@dataclass(frozen=True, kw_only=True)
class Pulled:
    """All that a stack pulls: images onto the nodes, charts and manifests onto the machine that runs Pulumi."""

    images: list[PulledImage]
    charts: list[dict[str, Any]]
    manifests: list[dict[str, str]]
    packages: list[dict[str, str | None]]


def pulled(plan: Plan) -> Pulled:
    """What the stack of ``plan`` pulls."""
    # Without the mirrors, all names are those of the sources.
    without = plan.settings.model_copy(update={"images": Images(curl=plan.settings.images.curl)})
    return Pulled(
        images=[*_named(Plan(without), plan.settings.images), *_chosen(plan)],
        charts=[_chart(chart) for chart in every_chart(plan)],
        manifests=[{"operator": name, "file": file} for name, file in release_files(plan.operators()).items()],
        packages=list(_packages(plan)),
    )


def _named(plan: Plan, mirrors: Images) -> Iterator[PulledImage]:
    """Each image that the program names, once."""
    users: dict[str, list[str]] = {}
    for image, user in (*_of_objects(every_object(plan)), *_of_charts(plan), *_of_manifests(plan)):
        users.setdefault(image, []).append(user)
    for image, found in sorted(users.items()):
        copy = mirrors.mirrored(image)
        yield PulledImage(image=image, mirrored=None if copy == image else copy, used_by=list(dict.fromkeys(found)))


def _of_objects(objects: Iterable[Object]) -> Iterator[tuple[str, str]]:
    return ((image, _title(obj)) for obj in objects for image in images_of(obj))


def _of_charts(plan: Plan) -> Iterator[tuple[str, str]]:
    """The images of charts whose registry the program can name."""
    # With the version that it gets where the settings name none.
    mesh, kiali = plan.mesh, plan.settings.kiali
    hub, tag = released_hub(mesh), mesh.tag or mesh.version
    if hub is not None:
        yield f"{hub}/pilot:{tag}", "istiod"
        yield f"{hub}/proxyv2:{tag}", "sidecars and gateways"
        if installs_cni(mesh, plan.settings.platform):
            yield f"{hub}/install-cni:{tag}", "Istio's CNI plugin"
    if kiali.installer == "helm":
        yield f"{KIALI_IMAGE}:v{kiali.version}", "chart kiali-server"


def _of_manifests(plan: Plan) -> Iterator[tuple[str, str]]:
    """What release manifests name that are in a folder: the operators, and what these are told to run."""
    for file in map(Path, release_files(plan.operators()).values()):
        if file.is_file():
            objects = yaml.safe_load_all(file.read_text(encoding="utf-8"))
            yield from ((image, f"release manifest {file}") for obj in objects if obj for image in images_of(obj))


def _chosen(plan: Plan) -> Iterator[PulledImage]:
    """The images that others name."""
    settings, operators = plan.settings, plan.operators()
    if settings.mesh.installer == "existing":
        yield _by("whoever installed the mesh", "sidecars and gateways")
    elif released_hub(settings.mesh) is None:
        yield _by("Sail's operator", "istiod, sidecars and gateways")
    if settings.tempo.is_deployed and "tempo" not in operators.by("manifests"):
        yield _by("Tempo's operator", _title(build_tempo(plan.tempo(), None)), _tempo_image(plan))
    if settings.tracing.collector.image is None:
        collector = build_telemetry(plan.telemetry())["collector"]
        yield _by("OpenTelemetry's operator", _title(collector), _collector_image(plan))
    if settings.kiali.installer == "operator":
        yield _by("Kiali's operator", _title(build_kiali(plan.kiali())))
    for operator in operators.by("olm"):
        yield _by("the package", f"operator {package(operator, settings.operators).name}")
    for file in release_files(operators).values():
        if not Path(file).is_file():
            yield _by("the release manifest; in operators.manifestFolder it would be read", file)


def _by(chosen_by: str, user: str, image: str | None = None) -> PulledImage:
    return PulledImage(image=image, used_by=[user], chosen_by=chosen_by)


def _tempo_image(plan: Plan) -> str | None:
    version = _TEMPO_OF_OPERATOR.get(".".join(plan.releases.tempo_operator.split(".")[:2]))
    return f"docker.io/grafana/tempo:{version}" if version is not None and _as_released(plan) else None


def _collector_image(plan: Plan) -> str | None:
    # The operator runs the collector of its own version.
    operators = plan.settings.operators
    installed = DEFAULT_OPENTELEMETRY_OPERATOR if operators.source_of("opentelemetry") == "manifests" else None
    version = operators.opentelemetry_version or installed
    return f"{_COLLECTOR}:{version}" if version is not None and _as_released(plan) else None


def _as_released(plan: Plan) -> bool:
    """Whether the operators are those of their projects; Red Hat's builds run Red Hat's images."""
    operators = plan.settings.operators
    return plan.settings.platform != "openshift" or (operators.source == "olm" and operators.catalog != "redhat")


def _chart(chart: Chart) -> dict[str, Any]:
    repository = (chart.get("repositoryOpts") or {}).get("repo")
    return {
        "chart": chart["chart"],
        "version": chart.get("version"),
        "repository": repository,
        "release": f"{chart['namespace']}/{chart['name']}",
    }


def _packages(plan: Plan) -> Iterator[dict[str, str | None]]:
    operators = plan.settings.operators
    for operator in plan.operators().by("olm"):
        found = package(operator, operators)
        yield {
            "package": found.name,
            "channel": found.channel,
            "catalog": f"{found.source_namespace}/{found.source}",
            "startingVersion": operators.starting_versions.get(operator),
        }


def _title(obj: Object) -> str:
    metadata = obj["metadata"]
    return f"{obj['kind']} {metadata['namespace']}/{metadata['name']}"

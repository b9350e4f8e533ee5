"""Which releases a stack's parts have, learnt from its cluster: nobody has to set a version so that it is right.

An operator's definitions say more than its version, and everybody who may log in may read them. Where they are not
there yet, the catalog says which release it would install. Where nothing is known, it is the newest release that this
program was made for.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from cluster.definitions import field_at, openapi_path
from cluster.paths import path_of
from cluster.recorded import Recorded
from cluster.seen import Seen
from lint.lifecycle import lifecycle
from model import Mesh, OperatorName, Platform
from model.mesh import DEFAULT_ISTIO
from model.platform import DEFAULT_TEMPO_OPERATOR
from model.scalars import is_full_version
from model.stack import Settings
from objects.mesh_config import SAIL_API_VERSION
from objects.operators import package, package_manifest
from objects.tempo import TEMPO_API_VERSION, tempo_resource
from objects.tempo_config import DEFAULT_TEMPO

# The first release of Tempo's operator that has a field, the newest first.
_TELLTALES = (("0.22.0", "TempoStack", "template.metricsGenerator"), ("0.21.0", "TempoMonolithic", "env"))
_BEFORE_THEM = "0.20.0"
# The kinds whose definitions tell a release.
TELLING = frozenset({"Istio", *(kind for _, kind, _ in _TELLTALES)})
# The Sail operator's package on each platform.
_SAIL: Mapping[Platform, str] = {"openshift": "servicemeshoperator3", "kubernetes": "sailoperator"}


@dataclass(frozen=True)
class Releases:
    """Each is a version such as 1.30.3, without a leading v."""

    settings: Settings
    seen: Seen
    before: Recorded

    @cached_property
    def istio(self) -> str | None:
        """The Istio to install; None if the mesh exists, and its owner decides."""
        mesh = self.settings.mesh
        if mesh.installer == "sail":
            return _chosen(mesh, self.offered_istio, self._installed_istio) or self._istio_of_catalog
        return mesh.version or (DEFAULT_ISTIO if mesh.installer == "helm" else None)

    @cached_property
    def offered_istio(self) -> list[str]:
        """Every Istio that the cluster's Sail operator installs; empty if not known."""
        texts = field_at(self.seen.definition(SAIL_API_VERSION, "Istio"), "version")
        versions = [text.removeprefix("v") for text in texts] if isinstance(texts, list) else []
        return [version for version in versions if is_full_version(version)]

    @cached_property
    def tempo_operator(self) -> str:
        """Tempo's operator: the one that this update installs, or the newest whose fields the cluster has."""
        operators = self.settings.operators
        source = operators.source_of("tempo")
        if source == "manifests":
            return operators.tempo_version or DEFAULT_TEMPO_OPERATOR
        known = self._tempo_operator_by_its_definitions or operators.tempo_version
        if known is None and source == "olm":
            known = self._offered_by_catalog("tempo") or lifecycle().newest_in_catalog(
                operators.catalog, "tempo-operator"
            )
        return known or DEFAULT_TEMPO_OPERATOR

    @cached_property
    def tempo(self) -> str:
        """The Tempo that the operator runs, as the stack's own resource reports it."""
        found = self.seen.answers.get(path_of(tempo_resource(self.settings.tempo))) or {}
        return str(found.get("versions", {}).get("tempoVersion") or DEFAULT_TEMPO)

    @property
    def _tempo_operator_by_its_definitions(self) -> str | None:
        shapes = {kind: self.seen.definition(TEMPO_API_VERSION, kind) for _, kind, _ in _TELLTALES}
        if None in shapes.values():
            return None
        has = (release for release, kind, path in _TELLTALES if field_at(shapes[kind], path) is not False)
        return next(has, _BEFORE_THEM)

    @property
    def _installed_istio(self) -> str | None:
        """The Istio that this stack installed with the Sail operator."""
        found = (made["spec"].get("version") for made in self.before.objects() if made["kind"] == "Istio")
        version = next(found, None)
        return None if version is None else str(version).removeprefix("v")

    @property
    def _istio_of_catalog(self) -> str:
        """The newest Istio of the release that the catalog would install, or that is in the platform's catalog."""
        mesh, operators = self.settings.mesh, self.settings.operators
        name = (
            package("mesh", operators).name if operators.source_of("mesh") == "olm" else _SAIL[self.settings.platform]
        )
        offered = lifecycle().carried(name, self._offered_by_catalog("mesh"), "istio")
        return _chosen(mesh, offered, None) or mesh.version or DEFAULT_ISTIO

    def _offered_by_catalog(self, operator: OperatorName) -> str | None:
        """The version that the catalog has in the stack's channel."""
        found = package(operator, self.settings.operators)
        offer = self.seen.answers.get(path_of(package_manifest(found))) or {}
        version = offer.get("channels", {}).get(found.channel)
        return None if version is None else str(version).removeprefix("v").partition("-")[0]


def releases_to_look_at(settings: Settings) -> Iterator[str]:
    """The API paths that tell them."""
    yield openapi_path(TEMPO_API_VERSION)
    yield path_of(tempo_resource(settings.tempo))
    if settings.mesh.installer == "sail":
        yield openapi_path(SAIL_API_VERSION)


def _chosen(mesh: Mesh, offered: Iterable[str], installed: str | None) -> str | None:
    """The version that the settings ask for, or that is installed, or the newest; None if it is not offered."""
    wanted = mesh.version
    if wanted is not None and is_full_version(wanted):
        return wanted
    fitting = [version for version in offered if wanted is None or version.startswith(f"{wanted}.")]
    if wanted is None and installed in fitting:
        # An operator that was upgraded does not take the mesh with it.
        return installed
    return max(fitting, key=_order, default=None)


def _order(version: str) -> tuple[bool, list[int]]:
    """Newer versions later, and every release after what comes before one, which the project's operator offers too."""
    numbers, _, early = version.partition("-")
    return not early, [int(number) for number in numbers.split(".")]

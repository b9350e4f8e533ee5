"""Tenants and the gateway in front of them, as a TempoStack and a TempoMonolithic have them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lint.objects import Key, Manifests, Object, Path, Place, mapping, sequence, text
from lint.views.services import TEMPO

STATIC, OPENSHIFT = "static", "openshift"
# Below it the gateway takes spans and answers queries, with the tenant's name next.
GATEWAY_PATH = "/api/traces/v1/"
# The field is optional, and static is its default.
_MODES = {"": STATIC, STATIC: STATIC, OPENSHIFT: OPENSHIFT}


@dataclass(frozen=True)
class Tenants:
    """``path`` leads to them in ``owner``, ``gateway`` to what switches the gateway on."""

    owner: Object
    path: Path
    gateway: Path
    has_gateway: bool

    @property
    def are_declared(self) -> bool:
        return self.owner.at(*self.path) is not None

    @property
    def mode(self) -> str:
        return _MODES.get(text(self.at("mode")), "")

    @property
    def authentication(self) -> Sequence[Any]:
        return sequence(self.at("authentication"))

    def at(self, *path: Key) -> Any:
        return self.owner.at(*self.path, *path)

    def where(self, *path: Key) -> Place:
        return self.owner.where(*self.path, *path)


def tenants(manifests: Manifests) -> Iterator[Tenants]:
    for obj in manifests.of(TEMPO, "TempoStack"):
        gateway: Path = ("spec", "template", "gateway", "enabled")
        yield Tenants(obj, ("spec", "tenants"), gateway, obj.at(*gateway) is True)
    for obj in manifests.of(TEMPO, "TempoMonolithic"):
        path: Path = ("spec", "multitenancy")
        # Without tenants it has no gateway (tempo-operator: api/tempo/v1alpha1/tempomonolithic_types.go).
        is_on = obj.at(*path, "enabled") is True and bool(mapping(obj.at(*path)).get("authentication"))
        yield Tenants(obj, path, (*path, "enabled"), is_on)

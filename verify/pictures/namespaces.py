"""A service graph that is too large for one picture, namespace by namespace."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

from verify.traffic.service_graph import Comparison, Edge

NO_NAMESPACE = "(no namespace)"
# More boxes than these are no longer taken in at a glance.
_MAX_SERVICES_TOGETHER = 30


@dataclass(frozen=True)
class Namespace:
    """The part of a comparison that is about one namespace: its own services, and all calls by them and of them."""

    name: str
    services: frozenset[str]
    comparison: Comparison

    @property
    def inner(self) -> frozenset[Edge]:
        """The calls between its own services."""
        return frozenset(
            edge for edge in self.comparison.edges if edge.client in self.services and edge.server in self.services
        )


@dataclass(frozen=True)
class Split:
    """A comparison, and its namespaces by name."""

    comparison: Comparison

    @cached_property
    def services(self) -> frozenset[str]:
        return frozenset(name for edge in self.comparison.edges for name in (edge.client, edge.server))

    @cached_property
    def namespaces(self) -> Mapping[str, Namespace]:
        services: dict[str, set[str]] = {}
        for name in self.services:
            services.setdefault(home(name), set()).add(name)
        return {name: self._namespace(name, own) for name, own in sorted(services.items())}

    @property
    def is_large(self) -> bool:
        """Whether one picture cannot show it, and several can."""
        return len(self.services) > _MAX_SERVICES_TOGETHER and len(self.namespaces) > 1

    def _namespace(self, name: str, own: Collection[str]) -> Namespace:
        found, expected = self.comparison.found, self.comparison.expected
        mine = {edge for edge in self.comparison.edges if edge.client in own or edge.server in own}
        part = Comparison({edge: found[edge] for edge in sorted(mine & found.keys())}, expected & mine)
        return Namespace(name, frozenset(own), part)


def parts(name: str) -> tuple[str, str]:
    """Return a service's own name and its namespace, which is empty when the name has none."""
    service, _, namespace = name.rpartition(".")
    return (service, namespace) if service else (name, "")


def home(name: str) -> str:
    """Return the namespace in which a service is listed."""
    return parts(name)[1] or NO_NAMESPACE

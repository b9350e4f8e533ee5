"""Where the proxies send their spans: the Service of each tracing provider, and who uses it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lint.facts import Facts
from lint.objects import Manifests, Object, mapping, sequence, view
from lint.views.mesh import Provider, root_namespaces, same_name, tracers
from lint.views.namespaces import INJECT, ambient, injected, known
from lint.views.services import OPENTELEMETRY, Service, service_at
from lint.views.telemetry import used_providers
from lint.views.workloads import WORKLOADS


@dataclass(frozen=True)
class Destination:
    """``owner`` is what declares the host: a Service, a ServiceEntry, or the resource whose operator makes a Service.

    ``users`` are the namespaces whose Telemetries name the provider; None is the whole mesh. It is ``sure`` that it
    is used if anything among the objects says so.
    """

    provider: Provider
    host: str
    namespace: str
    owner: Object | None
    service: Service | None
    users: frozenset[str] | None
    sure: bool

    def is_used_in(self, namespace: str) -> bool:
        return self.users is None or namespace in self.users


@view
def destinations(manifests: Manifests, facts: Facts) -> tuple[Destination, ...]:
    """Return one for each provider in use whose host is in a namespace that is known."""
    users, found = _users(manifests, facts), []
    for provider in tracers(manifests):
        name = same_name(provider.name)
        if users and name not in users:
            continue
        service, namespace, owner = None, provider.prefix, None
        target = provider.target(facts)
        if target is not None:
            service = service_at(manifests, target)
            namespace, owner = target.namespace, service.owner if service else None
        for entry in manifests.of("networking.istio.io", "ServiceEntry"):
            if owner is None and provider.host in sequence(entry.at("spec", "hosts")):
                namespace, owner = entry.namespace, entry
        if namespace and provider.host:
            found.append(
                Destination(provider, provider.host, namespace, owner, service, users.get(name), name in users)
            )
    return tuple(found)


def _users(manifests: Manifests, facts: Facts) -> dict[str, frozenset[str] | None]:
    """Return who uses a provider, by the provider's name."""
    roots = root_namespaces(manifests, facts)
    users: dict[str, frozenset[str] | None] = {}
    for place, name in used_providers(manifests):
        namespace, before = place.owner.namespace, users.get(same_name(name), frozenset())
        if not name:
            continue
        for_mesh = place.owner.kind != "Telemetry" or namespace in roots or before is None
        users[same_name(name)] = None if for_mesh else frozenset({*(before or ()), namespace})
    return users


def has_sidecar(manifests: Manifests, to: Destination) -> bool | None:
    """Whether the pods behind the Service have a sidecar, or are in the mesh otherwise; None if that is not known."""
    if to.owner is None or to.owner.kind == "ServiceEntry":
        return None
    if to.namespace in ambient(manifests):
        return True
    by_operator = to.owner.group == OPENTELEMETRY
    wishes = [pod.get(INJECT) for pod in pods_behind(manifests, to)]
    wishes += [to.owner.at("spec", "podAnnotations", INJECT)] if by_operator else []
    if "false" in wishes or "true" in wishes:
        return "false" not in wishes
    if to.namespace in injected(manifests):
        return True
    # The operator's pods get none unless somebody wants one, and nobody among the objects does.
    return False if by_operator or to.namespace in known(manifests) else None


def pods_behind(manifests: Manifests, to: Destination) -> list[Mapping[Any, Any]]:
    """Return the labels of the pods behind the Service, as far as they are known; they may have more."""
    owner = to.owner
    if owner is None:
        return []
    if owner.group == OPENTELEMETRY:
        return [_of_operator(owner)]
    selector = mapping(owner.at("spec", "selector"))
    found = [
        mapping(obj.at("spec", "template", "metadata", "labels"))
        for obj in manifests.of("apps", *WORKLOADS)
        if obj.namespace == owner.namespace
    ]
    matching = [labels for labels in found if selector and all(labels.get(key) == one for key, one in selector.items())]
    return matching or [selector]


def _of_operator(collector: Object) -> Mapping[Any, Any]:
    """Return the labels that the operator gives to the pods (otel-op: internal/manifests/manifestutils/labels.go)."""
    part = "app.kubernetes.io/"
    return {
        f"{part}name": f"{collector.name}-collector",
        **collector.labels,
        f"{part}managed-by": "opentelemetry-operator",
        f"{part}instance": f"{collector.namespace}.{collector.name}",
        f"{part}part-of": "opentelemetry",
        f"{part}component": "opentelemetry-collector",
    }

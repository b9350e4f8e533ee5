"""What Kiali is told of tracing: in its resource, in its ConfigMap, and in the values of its charts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lint.facts import Facts
from lint.objects import Manifests, Object, Path, Place, at, mapping, parsed, text, view
from lint.views.hosts import Endpoint, ServiceName, endpoint, service_of
from lint.views.values import values

TRACING: Path = ("external_services", "tracing")


@dataclass(frozen=True)
class Kiali:
    """``path`` leads to all ``settings`` in ``owner``."""

    owner: Object
    path: Path
    namespace: str
    settings: Mapping[Any, Any]

    @property
    def tracing(self) -> Mapping[Any, Any]:
        return mapping(at(self.settings, *TRACING))

    def where(self, key: str) -> Place:
        return self.owner.where(*self.path, *TRACING, key)


@dataclass(frozen=True)
class Asked:
    """A Kiali whose tracing is switched on, and where it asks for traces."""

    kiali: Kiali
    target: Endpoint
    service: ServiceName | None

    @property
    def provider(self) -> str:
        return text(self.kiali.tracing.get("provider", "jaeger"))

    @property
    def over_grpc(self) -> bool:
        """Kiali uses gRPC unless it is told not to."""
        return self.kiali.tracing.get("use_grpc") is not False

    def where(self, key: str) -> Place:
        return self.kiali.where(key)


@view
def kialis(manifests: Manifests) -> tuple[Kiali, ...]:
    return tuple(Kiali(obj, path, namespace, config) for obj, path, namespace, config in _configs(manifests))


def asked(manifests: Manifests, facts: Facts) -> Iterator[Asked]:
    for kiali in kialis(manifests):
        url = text(kiali.tracing.get("internal_url")) or text(kiali.tracing.get("in_cluster_url"))
        target = endpoint(url)
        if kiali.tracing.get("enabled") is True and target is not None:
            domain = facts.cluster_domain
            yield Asked(kiali, target, service_of(target.host, cluster_domain=domain, own_namespace=kiali.namespace))


def _configs(manifests: Manifests) -> Iterator[tuple[Object, Path, str, Mapping[Any, Any]]]:
    """Yield Kiali's settings with its namespace: of its resource, its ConfigMap, and the values of its charts."""
    for obj in manifests.of("kiali.io", "Kiali"):
        yield obj, ("spec",), obj.namespace, mapping(obj.at("spec"))
    for obj in manifests.of("", "ConfigMap"):
        document = text(obj.at("data", "config.yaml"))
        if "external_services" in document:
            yield obj, ("data", "config.yaml"), obj.namespace, mapping(parsed(document))
    for one in values(manifests, "kiali-server", "kiali-operator"):
        path: Path = ("cr", "spec") if one.chart == "kiali-operator" else ()
        yield one.owner, (*one.path, *path), one.namespace, mapping(one.at(*path))

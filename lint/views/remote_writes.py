"""Where Tempo's metrics generator writes to."""

from collections.abc import Iterator
from dataclasses import dataclass

from lint.facts import Facts
from lint.objects import Manifests, Place
from lint.views import prometheus
from lint.views.hosts import Endpoint, endpoint, service_of
from lint.views.tempos import Tempo, tempos


@dataclass(frozen=True)
class Write:
    """One URL that a Tempo writes to."""

    tempo: Tempo
    where: Place
    url: str
    endpoint: Endpoint

    def targets(self, manifests: Manifests, facts: Facts) -> list[prometheus.Prometheus]:
        service = service_of(
            self.endpoint.host, cluster_domain=facts.cluster_domain, own_namespace=self.tempo.namespace
        )
        return prometheus.find(manifests, service) if service else []


def remote_writes(manifests: Manifests, facts: Facts) -> Iterator[Write]:
    for tempo in tempos(manifests, facts):
        for where, url in tempo.remote_writes():
            target = endpoint(url)
            if target is not None:
                yield Write(tempo, where, url, target)

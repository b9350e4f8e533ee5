"""The applications whose calls begin traces, and what each of them does, read from Tempo and the cluster."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx

from verify.access.cluster import Cluster
from verify.propagation import proxy_spans
from verify.propagation.conduct import Conduct, conduct
from verify.propagation.proxy_spans import Pod, ProxySpan
from verify.propagation.workload import Workload, workload_of

_PARALLEL = 4
# In a large mesh: so many pods are asked about, those with the newest spans of each service first, and so many
# applications are looked at, each by its newest pods.
_MAX_PODS, _PODS_OF_A_SERVICE = 60, 6
_MAX_APPLICATIONS = 20
_PODS_OF_AN_APPLICATION = 2


@dataclass(frozen=True)
class Application:
    """``last_begun_ns`` is when its newest call that began a trace was made, in Unix time by its sidecar's clock."""

    workload: Workload
    conduct: Conduct
    last_begun_ns: int


@dataclass(frozen=True)
class Found:
    """``unseen`` counts further applications that begin traces, which were not looked at."""

    applications: tuple[Application, ...]
    unseen: int


def beginners(cluster: Cluster, tempo: httpx.Client, namespaces: Sequence[str], until: int, sampled: float) -> Found:
    """The applications of ``namespaces`` that run and have begun traces in the minutes before ``until``.

    ``sampled`` is the share of traces that is sampled, from 0 to 1. Raises ``httpx.HTTPError`` and ``CannotLookError``.
    """
    begun = proxy_spans.beginnings(tempo, namespaces, until)
    with ThreadPoolExecutor(_PARALLEL) as pool:
        nodes = _newest(begun)
        pods = pool.map(lambda pod: cluster.read(f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}"), nodes.values())
        owned: dict[tuple[str, str], list[tuple[str, Workload]]] = defaultdict(list)
        for node, pod in zip(nodes, pods, strict=True):
            # One that was replaced says nothing of the application as it is now.
            if pod is not None:
                workload = workload_of(pod)
                owned[workload.place, workload.container].append((node, workload))
        seen = list(owned.values())[:_MAX_APPLICATIONS]

        def look(members: list[tuple[str, Workload]]) -> Application:
            own = [node for node, _ in members[:_PODS_OF_AN_APPLICATION]]
            recent = proxy_spans.of_nodes(tempo, own, until)
            last = max(span.start_ns for span in begun if span.node in {node for node, _ in members})
            return Application(members[0][1], conduct(recent.spans, recent.seconds, sampled), last)

        return Found(tuple(pool.map(look, seen)), len(owned) - len(seen))


def _newest(begun: Iterable[ProxySpan]) -> Mapping[str, Pod]:
    """The sidecars whose pods are asked about, by name: at first one of each service, then a second one of each."""
    by_service: dict[str, dict[str, Pod]] = defaultdict(dict)
    for span in sorted(begun, key=lambda span: -span.start_ns):
        if span.pod is not None and len(by_service[span.service]) < _PODS_OF_A_SERVICE:
            by_service[span.service].setdefault(span.node, span.pod)
    ranked = sorted((rank, service, node) for service, nodes in by_service.items() for rank, node in enumerate(nodes))
    return {node: by_service[service][node] for _, service, node in ranked[:_MAX_PODS]}

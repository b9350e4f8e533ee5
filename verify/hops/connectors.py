"""The metrics generator where the collector is it: connectors count spans, and Prometheus gets what they counted."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from verify.access.cluster import Object, is_ready, trouble
from verify.causes import Code
from verify.findings import Finding, blocked, fault, ok, starved, unknown, warning
from verify.hops import collector
from verify.hops.tempo_generator import NAME
from verify.obstacles import network_policies
from verify.obstacles.network_policies import Way
from verify.programs import answers, ownership, shares
from verify.programs.exporters import Failure, type_of
from verify.programs.metrics import by_pod, growth
from verify.world import Looks, World

_CONNECTORS = ("servicegraph", "spanmetrics")
_WRITES = "prometheusremotewrite"
_IS_SCRAPED = "prometheus"
_PROMETHEUS = (_IS_SCRAPED, _WRITES)
# What each counts (contrib: connector/servicegraphconnector/documentation.md, core: exporter/exporterhelper).
_EDGES, _EXPIRED = "otelcol_connector_servicegraph_total_edges", "otelcol_connector_servicegraph_expired_edges"
_DROPPED = "otelcol_connector_servicegraph_dropped_spans"
_SENT, _FAILED = "otelcol_exporter_sent_metric_points", "otelcol_exporter_send_failed_metric_points"


@dataclass(frozen=True)
class Seen(collector.Seen):
    """``scraped`` are the addresses of what Prometheus scrapes with success, None where that cannot be asked.

    ``way_to_writes`` is the way from a pod to where it writes, if that has not answered.
    """

    scraped: frozenset[str] | None = None
    way_to_writes: Way | None = None


def look(world: World) -> Seen:
    seen = collector.look(world)
    log = _log(seen, Pipelines.of(seen.config).writers)
    return Seen(
        **{one.name: getattr(seen, one.name) for one in fields(seen)},
        scraped=_scraped(world, _targets(seen)),
        way_to_writes=collector.way_to(world, seen.pods, log, world.deployment.prometheus.write_url),
    )


def _targets(seen: collector.Seen) -> dict[str, Object]:
    """By its address, each ready pod that is there to be scraped."""
    endpoints = [url for name, url in Pipelines.of(seen.config).writers.items() if type_of(name) == _IS_SCRAPED]
    addresses = {pod["status"].get("podIP", ""): pod for pod in seen.pods if is_ready(pod)}
    return {
        f"{ip}:{port}": pod
        for endpoint in endpoints[:1]
        for port in [endpoint.rpartition(":")[2]]
        for ip, pod in addresses.items()
    }


def _scraped(world: World, targets: Iterable[str]) -> frozenset[str] | None:
    patterns = {target: _as_instance(target) for target in targets}
    if not patterns:
        return None
    try:
        with world.scraping_prometheus() as client:
            query = f'up{{instance=~"{"|".join(patterns.values())}"}} == 1'
            answer = client.get("/api/v1/query", params={"query": query})
            found = [one["metric"]["instance"] for one in answer.raise_for_status().json()["data"]["result"]]
    except answers.ERRORS:
        return None
    return frozenset(
        target for target, pattern in patterns.items() if any(re.fullmatch(pattern, instance) for instance in found)
    )


def _as_instance(target: str) -> str:
    """What Prometheus may call an address: as it is, or by the name that DNS has for the pods behind a Service.

    A regular expression without a backslash, which a text of PromQL would take for its own.
    """
    ip, _, port = target.rpartition(":")
    plain = "".join(letter if letter.isalnum() or letter == ":" else f"[{letter}]" for letter in ip)
    in_dns = "".join(letter if letter.isalnum() else "-" for letter in ip)
    # That of IPv6 is in brackets.
    return f"({f'.{plain}.' if ':' in ip else plain}|{in_dns}[.].+):{port}"


def flow(seen: collector.Seen) -> dict[str, float]:
    """The edges that they have made."""
    return by_pod(seen.metrics, _EDGES)


@dataclass(frozen=True)
class Pipelines:
    """Those parts of the configuration that make the graph.

    ``fed`` are the connectors that spans get to, ``writers`` the exporters, by their endpoints, that give to Prometheus
    what these count.
    """

    fed: frozenset[str]
    writers: Mapping[str, str]

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "Pipelines":
        service, settings = config.get("service") or {}, config.get("exporters") or {}
        pipelines = (service.get("pipelines") or {}).items()
        ends = [
            name for kind, one in pipelines if type_of(kind) == "traces" for name in (one or {}).get("exporters") or []
        ]
        fed = frozenset(name for name in ends if type_of(name) in _CONNECTORS)
        writers = [
            name
            for kind, one in pipelines
            if type_of(kind) == "metrics" and fed & set((one or {}).get("receivers") or [])
            for name in one.get("exporters") or []
            if type_of(name) in _PROMETHEUS
        ]
        return cls(fed, {name: str((settings.get(name) or {}).get("endpoint", "")) for name in writers})

    @property
    def missing(self) -> list[str]:
        """What spans, or what is counted of them, do not get to."""
        kinds = {type_of(name) for name in self.fed}
        return [*(kind for kind in _CONNECTORS if kind not in kinds), *([] if self.writers else ["Prometheus"])]


def labels_of(config: Mapping[str, Any]) -> dict[str, str]:
    """The labels that the collector adds to all series of the graph, and that are the same for all of its pods."""
    found: dict[str, str] = {}
    for name in Pipelines.of(config).writers:
        settings = (config.get("exporters") or {}).get(name) or {}
        found |= settings.get("const_labels") or settings.get("external_labels") or {}
    return {name: str(value) for name, value in found.items() if "${" not in str(value)}


def judge(world: World, looks: Looks[Seen]) -> Finding:
    after = looks.after
    ready = [pod for pod in after.pods if is_ready(pod)]
    if not ready:
        return starved(
            NAME,
            *(f"Pod {pod['metadata']['name']}: {trouble(pod)}" for pod in after.pods),
            code=Code.NO_GENERATOR,
            cause="no pod of the collector is ready, which makes the service graph",
            remedy=world.restore,
        )
    pipelines = Pipelines.of(after.config)
    if pipelines.missing:
        return _not_joined(world, after, pipelines.missing)
    sampled = list(shares.counted_after_sampling(after.config, pipelines.fed))
    if sampled:
        return fault(
            NAME,
            *sampled,
            code=Code.RATES_DIFFER,
            cause="the graph counts only the traces that are kept",
            remedy=world.restore,
        )
    written = world.deployment.prometheus.write_url
    # What Prometheus scrapes is written to no address.
    elsewhere = [url for name, url in pipelines.writers.items() if type_of(name) == _WRITES and url != written]
    if len(elsewhere) == len(pipelines.writers):
        return _elsewhere(world, after, pipelines)
    return _by_counters(world, looks, pipelines)


def _not_joined(world: World, seen: collector.Seen, missing: Sequence[str]) -> Finding:
    path = ("service", "pipelines")
    by_settings = ownership.is_by_settings(seen.resource, ("spec", "config", *path))
    setting = ".".join((collector.SETTINGS, *path))
    return fault(
        NAME,
        f"service.pipelines lead no span to {', '.join(missing)}",
        code=Code.DIFFERENT_BY_SETTINGS if by_settings else Code.PROCESSOR_OFF,
        cause="the collector does not count the spans that pass it"
        + (f"; the stack's setting {setting} says so" if by_settings else ""),
        remedy=world.forget(setting) if by_settings else world.restore,
    )


def _elsewhere(world: World, seen: collector.Seen, pipelines: Pipelines) -> Finding:
    prometheus = world.deployment.prometheus
    return fault(
        NAME,
        f"the collector writes to {', '.join(pipelines.writers.values())}",
        f"Prometheus is {prometheus.write_url}",
        *map(str, _log(seen, pipelines.writers)[-1:]),
        code=Code.WRITES_ELSEWHERE,
        cause="the edges are written to another address than Prometheus'",
        remedy=world.restore,
    )


def _by_counters(world: World, looks: Looks[Seen], pipelines: Pipelines) -> Finding:
    before, after, journey = looks.before, looks.after, looks.journey
    logs = collector.logs(world)
    begun = growth(before.metrics, after.metrics, _EDGES)
    if begun is None:
        return unknown(
            NAME,
            f"none of the collector's {len(after.pods)} pods answered both times",
            code=Code.GENERATOR_WITHOUT_METRICS,
            cause="the collector does not expose its metrics",
            remedy=logs,
        )
    sent, failed = (
        sum(growth(before.metrics, after.metrics, counter, exporter=one) or 0 for one in pipelines.writers)
        for counter in (_SENT, _FAILED)
    )
    dropped = growth(before.metrics, after.metrics, _DROPPED) or 0
    # One is counted as soon as one of its two spans is there.
    edges = max(begun - (growth(before.metrics, after.metrics, _EXPIRED) or 0), 0)
    evidence = f"edges +{edges:g}, samples written +{sent:g}, failed +{failed:g}"
    closed = None if after.way_to_writes is None else network_policies.closed_behind(world, after.way_to_writes)
    if failed and not sent and closed is not None:
        return fault(NAME, evidence, closed.evidence, code=closed.code, cause=closed.cause, remedy=closed.remedy)
    if failed and not sent:
        return blocked(
            NAME,
            evidence,
            *map(str, _log(after, pipelines.writers)[-1:]),
            code=Code.WRITES_REFUSED,
            cause="Prometheus does not accept what the collector writes",
            remedy=logs,
        )
    unscraped = _unscraped(world, looks)
    if unscraped:
        return fault(
            NAME,
            evidence,
            *unscraped,
            code=Code.NOT_SCRAPED,
            cause="Prometheus does not scrape what the collector has counted: it does not find the pods, or gets no "
            "answer from them",
            remedy=world.restore
            if world.deployment.prometheus.takes_writes
            else f"kubectl describe servicemonitors -n {world.deployment.tracing.collector_namespace}",
        )
    if dropped:
        return fault(
            NAME,
            evidence,
            f"spans not counted +{dropped:g}",
            code=Code.SERIES_LIMIT,
            cause="more spans wait for the other one of their edge than the connector keeps: give "
            f"{collector.SETTINGS}.connectors.servicegraph.store.max_items a larger number",
            remedy=world.change({f"{collector.SETTINGS}.connectors.servicegraph.store.max_items": 100_000}),
        )
    if journey is not None and journey.answered and not edges:
        return starved(
            NAME,
            evidence,
            code=Code.NO_EDGES,
            cause="no client span has a server span below it: an application does not pass the trace headers on, "
            "or some spans are dropped",
            remedy=logs,
        )
    if failed:
        return warning(
            NAME,
            evidence,
            *map(str, _log(after, pipelines.writers)[-1:]),
            code=Code.WRITES_REFUSED,
            cause="Prometheus has not taken a part of what the collector counted",
            remedy=logs,
        )
    return ok(NAME, evidence if journey else f"connectors: {', '.join(_CONNECTORS)}")


def _unscraped(world: World, looks: Looks[Seen]) -> list[str]:
    """One line for each pod that Prometheus has not scraped in two looks; a new one is found a little later."""
    before, after = looks.before, looks.after
    if before.scraped is None or after.scraped is None:
        return []
    missing = (_targets(before).keys() & _targets(after).keys()) - before.scraped - after.scraped
    url = world.deployment.prometheus.scraped_url or world.deployment.prometheus.query_url
    return [f"{url} has no `up` of {address}, or 0" for address in sorted(missing)]


def _log(seen: collector.Seen, names: Mapping[str, str]) -> list[Failure]:
    return [one for one in seen.log if one.exporter in names]

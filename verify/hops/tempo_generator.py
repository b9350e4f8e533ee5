"""The metrics generator where Tempo has it: it is switched on, makes edges of spans, and writes them to Prometheus."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import yaml

from verify.access.cluster import CannotLookError, Object, is_ready, main_container, trouble
from verify.causes import Code
from verify.findings import Finding, blocked, fault, ok, starved, unknown
from verify.hops import collector
from verify.programs import limits, ownership, shares
from verify.programs.metrics import Samples, by_pod, growth, scrape, total
from verify.programs.tempo_parts import API_PORT, CONFIG_FILE, INTERNAL_DOORS, generator_config_map, generator_pods
from verify.traffic import delays
from verify.world import Looks, World

NAME = "generator"

_VOLUME = "/var/tempo"
_LOG_SECONDS = 60
_RECEIVED = "tempo_metrics_generator_spans_received_total"
_EDGES = "tempo_metrics_generator_processor_service_graphs_edges"
# Tempo writes with Prometheus' own code, which counts under these names.
_FAILED = "prometheus_remote_storage_samples_failed_total"
_WRITTEN = "prometheus_remote_storage_samples_total"
_RETRIED = "prometheus_remote_storage_samples_retried_total"
# Spans that arrive too late, by default after 30 s, are not counted.
_DISCARDED, _TOO_OLD = "tempo_metrics_generator_spans_discarded_total", "outside_metrics_ingestion_slack"


# tempo: modules/generator/registry, modules/generator/localserieslimiter, modules/generator/localentitylimiter
_LIMITED = (
    "tempo_metrics_generator_registry_series_limited_total",
    "tempo_metrics_generator_registry_entities_limited_total",
)
_ACTIVE, _MOST = "tempo_metrics_generator_registry_active_series", "tempo_metrics_generator_registry_max_active_series"
_RESOURCES = {"monolithic": "tempomonolithics", "stack": "tempostacks"}
# Where Tempo's own configuration is, in its resource and in the stack's settings.
_EXTRA, _SETTINGS = ("spec", "extraConfig", "tempo"), "tempo.extraConfig"


@dataclass(frozen=True)
class Seen:
    """``config`` is what Tempo runs with, None if it could not be read; ``log`` are errors of remote write.

    ``resource`` is what Tempo's operator was given, ``collector`` the configuration of what sends the spans.
    """

    pods: list[Object]
    config: Mapping[str, Any] | None
    metrics: Samples | None
    log: list[str]
    resource: Object | None = None
    collector: Mapping[str, Any] = field(default_factory=dict)


def look(world: World) -> Seen:
    tempo, cluster = world.deployment.tempo, world.cluster
    pods = generator_pods(cluster, tempo)
    ready = [pod for pod in pods if is_ready(pod)]
    lines = [line for pod in ready for line in cluster.log(pod, main_container(pod), seconds=_LOG_SECONDS)]
    return Seen(
        pods=pods,
        config=_config(world, ready),
        metrics=scrape(cluster, ready, API_PORT, INTERNAL_DOORS),
        log=[line for line in lines if is_write_error(line)],
        resource=cluster.read(
            f"/apis/tempo.grafana.com/v1alpha1/namespaces/{tempo.namespace}/{_RESOURCES[tempo.mode]}/{tempo.name}"
        ),
        collector=collector.config_of(collector.read(world)),
    )


def running_config(world: World) -> Mapping[str, Any] | None:
    """What Tempo runs with, None if it could not be read."""
    pods = generator_pods(world.cluster, world.deployment.tempo)
    return _config(world, [pod for pod in pods if is_ready(pod)])


def flow(seen: Seen) -> dict[str, float]:
    """The edges that it has made."""
    return by_pod(seen.metrics, _EDGES)


def judge(world: World, looks: Looks[Seen]) -> Finding:
    after = looks.after
    tempo, prometheus = world.deployment.tempo, world.deployment.prometheus
    if not any(is_ready(pod) for pod in after.pods):
        return _not_running(world, after)
    if after.config is None:
        return unknown(
            NAME,
            f"neither a pod of {tempo.generator_service} nor ConfigMap {tempo.namespace}/{generator_config_map(tempo)} "
            "has its configuration",
            code=Code.GENERATOR_UNREADABLE,
            cause="the configuration of the metrics generator cannot be read",
            remedy=f"kubectl get pods -n {tempo.namespace}",
        )
    generator = after.config.get("metrics_generator") or {}
    storage = generator.get("storage") or {}
    path, urls = str(storage.get("path") or ""), [one.get("url", "") for one in storage.get("remote_write") or []]
    on = processors(after.config)
    missing = [name for name in tempo.processors if name not in on]
    if not path.startswith(_VOLUME):
        return _different(
            world,
            after,
            "metrics_generator.storage.path",
            f"metrics_generator.storage.path is {path or 'empty'!r}",
            code=Code.NO_GENERATOR_PATH,
            cause="without a path on Tempo's volume the generator switches itself off, and says so only in the log",
        )
    if missing:
        return _different(
            world,
            after,
            "overrides.defaults.metrics_generator.processors",
            f"processors switched on: {', '.join(on) or 'none'}",
            f"not switched on: {', '.join(missing)}",
            code=Code.PROCESSOR_OFF,
            cause="a processor that the overrides do not name makes no metrics",
        )
    if prometheus.write_url not in urls:
        return _different(
            world,
            after,
            "metrics_generator.storage.remote_write",
            f"metrics_generator.storage.remote_write goes to {', '.join(urls) or 'nowhere'}",
            f"Prometheus is {prometheus.write_url}",
            *after.log[-1:],
            code=Code.WRITES_ELSEWHERE,
            cause="the edges are written to another address than Prometheus'",
        )
    rates = list(shares.not_multiplied(world.deployment.tracing, after.config, after.collector))
    if rates:
        return _different(
            world,
            after,
            "metrics_generator.processor",
            *rates,
            code=Code.RATES_DIFFER,
            cause="proxies trace some of the requests only, and the graph does not count a span for as many as it "
            "stands for",
        )
    return _by_counters(world, looks)


def _not_running(world: World, seen: Seen) -> Finding:
    """Starved, because the whole of Tempo may be down, which is then the cause."""
    tempo = world.deployment.tempo
    if not seen.pods:
        # An operator of before 0.22 makes none for a TempoStack; the program then deploys a Tempo that only does this.
        return starved(
            NAME,
            f"{tempo.namespace}/{tempo.generator_service} has no pod",
            code=Code.NO_GENERATOR,
            cause="no metrics generator runs, so that nothing makes the service graph",
            remedy=world.restore,
        )
    return starved(
        NAME,
        *(f"Pod {pod['metadata']['name']}: {trouble(pod)}" for pod in seen.pods),
        code=Code.TEMPO_PART_DOWN,
        cause="no pod of the metrics generator is ready, so that nothing makes the service graph",
        remedy=f"kubectl describe pod {seen.pods[0]['metadata']['name']} -n {tempo.namespace}",
    )


def _different(world: World, seen: Seen, where: str, *evidence: str, code: Code, cause: str) -> Finding:
    """The fault that Tempo's configuration is wrong ``where``: by the stack's settings, or by what was done since."""
    if not ownership.is_by_settings(seen.resource, (*_EXTRA, *where.split("."))):
        return fault(NAME, *evidence, code=code, cause=cause, remedy=world.restore)
    setting = f"{_SETTINGS}.{where}"
    return fault(
        NAME,
        *evidence,
        code=Code.DIFFERENT_BY_SETTINGS,
        cause=f"{cause}; the stack's setting {setting} says so",
        remedy=world.forget(setting),
    )


def is_write_error(line: str) -> bool:
    """Whether a line of Tempo's log is an error of remote write, which has a log format of its own."""
    return "component=remote" in line and "level=info" not in line.lower()


def processors(config: Mapping[str, Any]) -> list[str]:
    """The processors that the overrides switch on, in either of their two formats."""
    overrides = config.get("overrides") or {}
    newer = ((overrides.get("defaults") or {}).get("metrics_generator") or {}).get("processors")
    found = newer or overrides.get("metrics_generator_processors") or []
    # Versions of Tempo print the set as a list, or as a map without values.
    return [str(name) for name in found]


def _by_counters(world: World, looks: Looks[Seen]) -> Finding:
    before, after, journey = looks.before, looks.after, looks.journey
    tempo = world.deployment.tempo
    logs = f"kubectl logs -n {tempo.namespace} {after.pods[0]['metadata']['name']} --tail=50"
    if after.metrics is None:
        return unknown(
            NAME, code=Code.GENERATOR_WITHOUT_METRICS, cause="the generator does not expose its metrics", remedy=logs
        )
    if growth(before.metrics, after.metrics, _RECEIVED) is None:
        return unknown(
            NAME,
            f"none of its {len(after.pods)} pods was there when the check began",
            code=Code.RESTARTED,
            cause="the generator's pods were replaced during the check: check again",
        )
    received, edges, written, failed, retried = (
        growth(before.metrics, after.metrics, name) or 0 for name in (_RECEIVED, _EDGES, _WRITTEN, _FAILED, _RETRIED)
    )
    evidence = (
        f"spans +{received:g}, edges +{edges:g}, samples written +{written:g}, failed +{failed:g}, retried +{retried:g}"
    )
    if failed or (retried and not written):
        return blocked(
            NAME,
            evidence,
            *after.log[-1:],
            code=Code.WRITES_REFUSED,
            cause="Prometheus does not accept what the generator writes",
            remedy=logs,
        )
    limited = sum(growth(before.metrics, after.metrics, name) or 0 for name in _LIMITED)
    if limited:
        return _limited(world, after, evidence, limited)
    if journey is None:
        return ok(NAME, f"processors: {', '.join(tempo.processors)}")
    if journey.answered and not received:
        return starved(NAME, evidence, code=Code.NO_SPANS, cause="no span reaches the generator", remedy=logs)
    if journey.answered and not edges and growth(before.metrics, after.metrics, _DISCARDED, reason=_TOO_OLD):
        return _too_old(world, after, evidence)
    if journey.answered and not edges:
        return starved(
            NAME,
            evidence,
            code=Code.NO_EDGES,
            cause="no client span has a server span below it: an application does not pass the trace headers on, "
            "or some spans are dropped",
            remedy=logs,
        )
    return ok(NAME, evidence)


def _limited(world: World, seen: Seen, evidence: str, limited: float) -> Finding:
    active, most = (total(seen.metrics, name) for name in (_ACTIVE, _MOST))
    return fault(
        NAME,
        evidence,
        f"series +{limited:g} not made: {active:g} of at most {most:g} are there",
        code=Code.SERIES_LIMIT,
        cause="the generator has as many series as it may have, and makes none for a new edge: raise the limit, or "
        "take dimensions with many values out of its processors",
        remedy=limits.raised(world, limits.SERIES, now={limits.SERIES: max(active, most)}),
    )


def _too_old(world: World, seen: Seen, evidence: str) -> Finding:
    slack, delay = delays.slack_of(seen.config or {}), delays.longest(seen.collector)
    enough = max(slack, delays.DEFAULT_SLACK, key=delays.seconds)
    changes: dict[str, object] = {}
    if slack != enough:
        changes[f"{_SETTINGS}.{delays.SLACK}"] = enough
    if delay is not None and delay.is_too_long(enough):
        where = f"tracing.collector.extraConfig.processors.{delay.processor}.{delay.field}"
        changes[where] = delays.short_enough(enough)
    if not changes:
        return unknown(
            NAME,
            evidence,
            code=Code.SPANS_TOO_OLD,
            cause="only spans from before an interruption arrived, too old to be counted: check again",
        )
    return fault(
        NAME,
        evidence,
        f"{delays.SLACK} is {slack}",
        *([f"the collector's {delay}"] if delay else []),
        code=Code.SPANS_TOO_OLD,
        cause=f"spans reach the generator later than the {slack} for which it counts them"
        + (f", because the collector holds them back for {delay.text}" if delay else ""),
        remedy=world.change(changes),
    )


def _config(world: World, ready: list[Object]) -> Mapping[str, Any] | None:
    """What it runs with, or else what its operator has written for it.

    Only the API has the page, which wants a client's certificate where the operator encrypts between the parts.
    """
    for pod in ready:
        try:
            with world.cluster.pod_client(pod, API_PORT) as client:
                found = parse_config(client.get("/status/config").raise_for_status().text)
        except (httpx.HTTPError, yaml.YAMLError, CannotLookError):
            continue
        if found is not None:
            return found
    return _written_config(world) if ready else None


def _written_config(world: World) -> Mapping[str, Any] | None:
    tempo = world.deployment.tempo
    try:
        found = world.cluster.read(f"/api/v1/namespaces/{tempo.namespace}/configmaps/{generator_config_map(tempo)}")
        return parse_config(((found or {}).get("data") or {}).get(CONFIG_FILE, ""))
    except (yaml.YAMLError, CannotLookError):
        return None


def parse_config(text: str) -> Mapping[str, Any] | None:
    """Tempo's configuration from its status page, which begins with a heading; raises ``yaml.YAMLError``."""
    found = yaml.safe_load(text.partition("---\n")[2] or text)
    return found if isinstance(found, dict) else None

"""Prometheus: it answers, and accepts remote writes."""

from collections.abc import Mapping
from dataclasses import dataclass

from verify.access.cluster import ServicePort
from verify.causes import Code
from verify.findings import Finding, fault, ok, unknown
from verify.programs import answers, placement
from verify.programs.answers import NoAnswer
from verify.programs.placement import Stranded
from verify.world import CREDENTIALS, Looks, World

NAME = "prometheus"
TITLE = "Prometheus"

_RECEIVER = "web.enable-remote-write-receiver"
_EXEMPLARS = "exemplar-storage"


@dataclass(frozen=True)
class Seen:
    """``flags`` are those that Prometheus runs with, None if it shows none; ``problem`` is why it does not answer.

    ``allowed``: not because of the login. ``stranded`` is a pod of it that waits for the node with its volume.
    """

    flags: Mapping[str, str] | None
    problem: str
    allowed: bool = True
    stranded: Stranded | None = None


def look(world: World) -> Seen:
    try:
        with world.scraping_prometheus() as client:
            flags = client.get("/api/v1/status/flags")
            if flags.is_success:
                return Seen(flags.json()["data"], "")
            # Not every store with Prometheus' API has flags, or shows them to those who may ask for metrics.
            client.get("/api/v1/query", params={"query": "vector(1)"}).raise_for_status().json()["data"]
            return Seen(None, "")
    except answers.ERRORS as error:
        none = NoAnswer.of(error)
        return Seen(None, none.said, allowed=not none.wants_login, stranded=_stranded(world))


def _stranded(world: World) -> Stranded | None:
    prometheus = world.deployment.prometheus
    place = ServicePort.of(prometheus.scraped_url or prometheus.query_url)
    return placement.of_service(world.cluster, place.namespace, place.service) if place else None


def judge(world: World, looks: Looks[Seen]) -> Finding:
    after = looks.after
    prometheus = world.deployment.prometheus
    ours = prometheus.deployment is not None
    url = prometheus.scraped_url or prometheus.query_url
    if not after.allowed:
        return unknown(
            NAME,
            f"{url}: {after.problem}",
            code=Code.LOGIN_REFUSED,
            cause=f"Prometheus does not accept the credentials that verify has: set {CREDENTIALS}",
        )
    if after.stranded:
        cause = placement.cause(world, after.stranded)
        return fault(
            NAME,
            f"{url}: {after.problem}",
            after.stranded.said,
            code=cause.code,
            cause=cause.words,
            remedy=cause.remedy,
        )
    if after.problem:
        return fault(
            NAME,
            f"{url}: {after.problem}",
            code=Code.PROMETHEUS_DOWN,
            cause="Prometheus does not answer",
            remedy=world.restore if ours else f"curl --fail {url}/-/ready",
        )
    if not prometheus.takes_writes:
        return ok(NAME, f"{url} answers queries, and has to take no writes")
    if after.flags is None:
        return ok(NAME, f"{url} answers queries, and shows no flags")
    if after.flags.get(_RECEIVER, "true") != "true":
        return fault(
            NAME,
            f"{url}: --{_RECEIVER} is {after.flags[_RECEIVER]}",
            code=Code.NO_RECEIVER,
            cause="Prometheus answers every remote write with 404, so no edge is stored"
            + ("" if ours else ": whoever runs it has to start it with that flag"),
            remedy=world.restore if ours else "",
        )
    exemplars = _EXEMPLARS in after.flags.get("enable-feature", "")
    return ok(NAME, f"--{_RECEIVER} is on", f"exemplars are {'kept' if exemplars else 'not kept'}")

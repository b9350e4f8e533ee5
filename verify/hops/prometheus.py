"""Prometheus: it answers, and accepts remote writes."""

from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from verify.causes import Code
from verify.cluster import CannotLookError
from verify.findings import Finding, fault, ok
from verify.world import Looks, World

NAME = "prometheus"
TITLE = "Prometheus"

_RECEIVER = "web.enable-remote-write-receiver"
_EXEMPLARS = "exemplar-storage"


@dataclass(frozen=True)
class Seen:
    """``flags`` are those that Prometheus runs with; ``problem`` is why there are none."""

    flags: Mapping[str, str]
    problem: str


def look(world: World) -> Seen:
    try:
        scraped = world.deployment.prometheus.scraped_url
        with world.prometheus() if scraped is None else world.cluster.client(scraped) as client:
            return Seen(client.get("/api/v1/status/flags").raise_for_status().json()["data"], "")
    except httpx.HTTPStatusError as error:
        # Not every store with Prometheus' API returns flags.
        return Seen({}, f"flags: {error.response.status_code}")
    except (httpx.HTTPError, CannotLookError, ValueError, KeyError) as error:
        return Seen({}, str(error))


def judge(world: World, looks: Looks[Seen]) -> Finding:
    after = looks.after
    prometheus = world.deployment.prometheus
    ours = prometheus.deployment is not None
    url = prometheus.scraped_url or prometheus.query_url
    if after.problem and not after.problem.startswith("flags: "):
        return fault(
            NAME,
            f"{url}: {after.problem}",
            code=Code.PROMETHEUS_DOWN,
            cause="Prometheus does not answer",
            remedy=world.restore if ours else f"curl --fail {url}/-/ready",
        )
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

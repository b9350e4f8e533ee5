"""Writes a result: what of it is new as an Event, all of it to a ConfigMap, and its series to Prometheus."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from verify.access.cluster import UNREADABLE, CannotCheckError, CannotLookError, Cluster
from verify.access.deadline import TimeOverError
from verify.output.report import Report
from verify.publication import remote_write
from verify.publication.condition import condition
from verify.publication.event import event
from verify.publication.series import samples
from verify.redaction import redacted
from verify.world import World

_REPORT = "report.json"
_JSON, _MERGE_PATCH = "application/json", "application/merge-patch+json"
# A ConfigMap has at most 1 MiB in all; the graph of a mesh with some thousand edges is larger.
_MAX_REPORT = 900_000


@dataclass(frozen=True)
class Place:
    """The ConfigMap for the result, which exists, and in whose namespace the Events are."""

    namespace: str
    name: str

    @classmethod
    def parse(cls, text: str) -> "Place | None":
        """None if ``text`` is not NAMESPACE/NAME."""
        namespace, _, name = text.partition("/")
        return cls(namespace, name) if namespace and name and "/" not in name else None

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def path(self) -> str:
        return f"/api/v1/namespaces/{self.namespace}/configmaps/{self.name}"

    @property
    def events(self) -> str:
        return f"/api/v1/namespaces/{self.namespace}/events"


def publish(world: World, report: Report, place: Place) -> list[str]:
    """Write the result; return, in a line each, what of it could not be written, and why.

    The metrics are written without the ConfigMap too, and it without them, where Prometheus takes writes.
    """
    problems: list[str] = []
    earlier: Mapping[str, str] = {}
    with _noted(f"ConfigMap {place}", problems):
        earlier = _publish_condition(world.cluster, report, place, problems)
    if world.deployment.prometheus.takes_writes:
        with _noted("the metrics", problems):
            _publish_metrics(world, report, _report_in(earlier))
    return [world.deployment.prometheus.hidden(problem) for problem in problems]


@contextmanager
def _noted(what: str, problems: list[str]) -> Iterator[None]:
    try:
        yield
    except (CannotCheckError, CannotLookError, TimeOverError, httpx.HTTPError, *UNREADABLE) as error:
        problems.append(redacted(f"{what}: {error or type(error).__name__}"))


def _publish_condition(cluster: Cluster, report: Report, place: Place, problems: list[str]) -> Mapping[str, str]:
    """Write the Event and the ConfigMap; return the ConfigMap's data before that."""
    found = cluster.read(place.path)
    if found is None:
        raise CannotLookError("it does not exist")
    earlier: Mapping[str, str] = found.get("data") or {}
    now = condition(report).after(earlier)
    if now.is_news(earlier):
        # Before the ConfigMap, which says afterwards that it is none: better twice than never.
        with _noted("the Event", problems):
            cluster.write("POST", place.events, _JSON, event(now, found))
    cluster.write("PATCH", place.path, _MERGE_PATCH, {"data": {**now.to_data(), _REPORT: _text(report)}})
    return earlier


def _text(report: Report) -> str:
    whole = report.to_json()
    text = json.dumps(whole, indent=1)
    return text if len(text) <= _MAX_REPORT else json.dumps({**whole, "graph": [], "missing": []}, indent=1)


def _report_in(data: Mapping[str, str]) -> Mapping[str, Any]:
    """The report that was written before; empty if there is none that can be read."""
    try:
        found = json.loads(data.get(_REPORT, "{}"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _publish_metrics(world: World, report: Report, earlier: Mapping[str, Any]) -> None:
    written = samples(report, earlier)
    with world.prometheus_writes() as prometheus:
        path = urlsplit(world.deployment.prometheus.write_url).path
        answer = prometheus.post(path, content=remote_write.body(written), headers=remote_write.HEADERS)
    if not answer.is_success:
        said = (answer.text.strip().splitlines() or [""])[0]
        raise CannotLookError(f"Prometheus answered {answer.status_code} {said}".strip())

"""Would it have been noticed? What the program deployed, judged a month before each announced event, and on its day.

The events and their days stand here a second time, as a person would read them, and which objects they hit is found by
looking for a text: nothing is taken from the recorded facts.
"""

import datetime
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

import lint

DEPLOYED: list[dict[str, Any]] = list(
    yaml.safe_load_all((Path(__file__).parent / "data" / "deployed-2026-11-25.yaml").read_text())
)
MONTH = datetime.timedelta(days=30)


@dataclass(frozen=True)
class Event:
    """``hit`` is a text that the objects have which the event hits; ``code`` is the check that says so."""

    name: str
    day: datetime.date
    code: str
    hit: str
    kinds: frozenset[str] | None = None


EVENTS = [
    Event("Istio's registry", datetime.date(2026, 12, 1), "N22", "registry.istio.io"),
    Event("Istio's charts", datetime.date(2026, 12, 1), "N22", "istio-release.storage.googleapis.com"),
    Event(
        "the registry of Istio 1.30's charts",
        datetime.date(2026, 12, 1),
        "N22",
        "1.30.0",
        # The chart `istiod` stands for the others, which are installed with it.
        frozenset({"Istio", "IstioCNI", "Release istiod"}),
    ),
    Event(
        "Istio 1.30",
        datetime.date(2026, 12, 2),
        "N18",
        "1.30.0",
        frozenset({"Istio", "IstioCNI", "Release istiod"}),
    ),
    Event("Prometheus 3.5", datetime.date(2026, 7, 31), "N18", "prometheus:v3.5.0"),
    Event("Grafana 12.2", datetime.date(2026, 6, 23), "N18", "grafana:12.2.0"),
    Event("MinIO", datetime.date(2026, 4, 25), "N18", "minio/minio:"),
    Event("ingress-nginx", datetime.date(2026, 3, 31), "N18", "ingressClassName: nginx"),
]


def name_of(obj: dict[str, Any]) -> str:
    namespace = obj["metadata"].get("namespace")
    return (
        f"{obj['kind']} {namespace}/{obj['metadata']['name']}"
        if namespace
        else f"{obj['kind']} {obj['metadata']['name']}"
    )


def hit_by(event: Event) -> set[str]:
    return {
        name_of(obj)
        for obj in DEPLOYED
        if event.hit in yaml.safe_dump(obj)
        and (event.kinds is None or {obj["kind"], f"{obj['kind']} {obj['metadata']['name']}"} & event.kinds)
    }


def found(event: Event, day: datetime.date) -> set[tuple[str, str]]:
    """The severity and the object of each finding that names the event's day."""
    findings = lint.check(DEPLOYED, lint.Facts(platform="kubernetes", today=day))
    return {
        (str(finding.severity), finding.where.partition(": ")[0])
        for finding in findings
        if finding.code == event.code and event.day.isoformat() in finding.why
    }


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.name)
def test_a_month_before_the_event_every_object_that_it_hits_was_warned_of(event: Event) -> None:
    hit = hit_by(event)
    assert hit, "the fixture has nothing that the event hits"
    assert {("warning", name) for name in hit} <= found(event, event.day - MONTH)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.name)
def test_from_the_day_of_the_event_they_are_errors(event: Event) -> None:
    # The class of an Ingress only suggests the controller.
    severity = "warning" if event.name == "ingress-nginx" else "error"
    assert {(severity, name) for name in hit_by(event)} <= found(event, event.day)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.name)
def test_before_anybody_knew_of_the_event_nothing_was_said(event: Event) -> None:
    assert found(event, datetime.date(2025, 6, 1)) == set()


def test_each_object_with_an_image_of_the_past_is_hit_by_one_event_or_more() -> None:
    """Only the helpers' image of curl has no event."""
    hit = set().union(*map(hit_by, EVENTS))
    with_images = {name_of(obj) for obj in DEPLOYED if "image: " in yaml.safe_dump(obj)}
    assert with_images - hit == {
        "Job tracing-system/tempo-bucket",
        "Deployment bookinfo/sleep",
        "Deployment bookinfo/spiffe-test-productpage",
    }

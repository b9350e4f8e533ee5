"""The recorded facts: each has its source and its days, and none is older than people may rely on."""

import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from lint import lifecycle

RIGHT: dict[str, Any] = {
    "ends_of_support": [
        {"product": "x", "release": "1.2", "since": "2026-03-01", "announced": "2026-01-01"},
        {"product": "x", "release": "1.4", "since": "2026-09-01"},
        {"product": "whole", "instead": "do without", "since": "2026-03-01", "announced": "2025-01-01"},
    ],
    "retired_hosts": [{"product": "x", "host": "old.test/path", "instead": "new.test", "since": "2026-03-01"}],
    "retired_images": [{"images": "old.test/path", "instead": "new.test", "since": "2026-03-01"}],
    "moved_charts": [{"charts": ["a"], "repository": "old.test", "instead": "new.test", "since": "2026-03-01"}],
    "default_hubs": [{"product": "x", "release": "1.2", "hub": "old.test/path"}],
    "faulty_releases": [
        {"product": "x", "first": "1.2.0", "last": "1.2.9", "fault": "f", "instead": "1.3.0", "since": "2026-03-01"}
    ],
    "changes": [{"name": "a change", "product": "x", "release": "1.3"}],
    "current": [{"product": "x", "version": "1.4.1"}],
    "catalogs": [
        {"catalog": "redhat", "package": "p", "release": "1", "carries": {"x": ["1.9.0", "1.10.0", "1.2.0"]}},
        {"catalog": "operatorhub", "package": "p", "release": "2", "carries": {"x": ["1.11"]}},
    ],
}
READ = {"source": "https://example.test", "read": "2026-01-01"}


RELEASES = Path(__file__).parents[4] / "shared" / "crds" / "releases"


def written(**changed: Any) -> str:
    content = {section: [{**READ, **fact} for fact in facts] for section, facts in RIGHT.items()}
    for section, changes in changed.items():
        content[section][0].update(changes)
        content[section][0] = {key: value for key, value in content[section][0].items() if value is not None}
    return yaml.safe_dump(content)


def day(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


def test_somebody_read_the_sources_in_the_last_half_year() -> None:
    age = datetime.datetime.now(tz=datetime.UTC).date() - lifecycle.lifecycle().last_read()
    assert age <= datetime.timedelta(days=180), "read the sources in lint/lifecycle.yaml again, and note the day"


def test_nothing_was_read_tomorrow() -> None:
    today = datetime.datetime.now(tz=datetime.UTC).date()
    assert [fact for fact in lifecycle.lifecycle().facts() if fact.read > today] == []


@pytest.mark.parametrize("section", RIGHT)
@pytest.mark.parametrize("missing", ["source", "read"])
def test_a_fact_without_its_source_or_the_day_it_was_read_is_refused(section: str, missing: str) -> None:
    with pytest.raises(ValidationError, match=missing):
        lifecycle.parse(written(**{section: {missing: None}}))


@pytest.mark.parametrize(
    "section", ["ends_of_support", "retired_hosts", "retired_images", "moved_charts", "faulty_releases"]
)
def test_an_event_without_its_day_is_refused(section: str) -> None:
    with pytest.raises(ValidationError, match="since"):
        lifecycle.parse(written(**{section: {"since": None}}))


@pytest.mark.parametrize(
    ("section", "wrong"),
    [
        ("ends_of_support", {"source": ""}),
        ("ends_of_support", {"release": "latest"}),
        ("ends_of_support", {"announced": "2026-03-02"}),
        ("ends_of_support", {"end": "2026-03-02"}),
        ("ends_of_support", {"release": None}),
        ("ends_of_support", {"instead": "do without"}),
        ("retired_hosts", {"read": "yesterday"}),
        ("faulty_releases", {"last": "1.2"}),
        ("catalogs", {"carries": {}}),
        ("catalogs", {"catalog": "certified"}),
    ],
    ids=str,
)
def test_what_is_no_fact_is_refused(section: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        lifecycle.parse(written(**{section: wrong}))


@pytest.mark.parametrize(
    ("release", "ended"),
    [
        ((1, 1), "2026-03-01"),
        ((1, 2), "2026-03-01"),
        ((1, 3), None),
        ((1, 4), "2026-09-01"),
        ((1, 5), None),
        (None, None),
    ],
)
def test_a_release_older_than_the_list_ended_with_the_oldest_one(
    release: tuple[int, int] | None, ended: str | None
) -> None:
    end = lifecycle.parse(written()).end_of_support("x", release)
    assert (end and end.since) == (ended and day(ended))


@pytest.mark.parametrize("release", [None, (1, 2), (9, 9)])
def test_with_a_whole_product_ends_each_of_its_releases(release: tuple[int, int] | None) -> None:
    end = lifecycle.parse(written()).end_of_support("whole", release)
    assert end is not None
    assert end.since == day("2026-03-01")


@pytest.mark.parametrize(
    ("which", "today", "near"),
    [
        (0, "2025-12-31", False),
        (0, "2026-01-01", True),
        (0, "2026-04-01", True),
        (1, "2026-08-31", False),
        (1, "2026-09-01", True),
        (2, "2024-12-31", False),
        (2, "2025-01-01", True),
    ],
)
def test_an_end_is_near_once_it_is_known_and_a_release_s_not_before_its_notice(
    which: int, today: str, near: bool
) -> None:
    assert lifecycle.parse(written()).ends_of_support[which].is_near(day(today)) is near


def test_an_end_that_was_announced_early_is_near_ninety_days_before() -> None:
    (end, *_) = lifecycle.parse(written(ends_of_support={"announced": "2025-01-01"})).ends_of_support
    assert (end.is_near(day("2025-11-30")), end.is_near(day("2025-12-01"))) == (False, True)


@pytest.mark.parametrize(
    ("number", "faulty"), [((1, 1, 9), False), ((1, 2, 0), True), ((1, 2, 9), True), ((1, 2, 10), False)]
)
def test_a_faulty_release_is_from_its_first_version_to_its_last(number: tuple[int, int, int], faulty: bool) -> None:
    assert lifecycle.parse(written()).faulty_releases[0].has(number) is faulty


@pytest.mark.parametrize(("catalog", "newest"), [("redhat", "1.10.0"), ("operatorhub", "1.11"), ("community", None)])
def test_the_newest_version_of_a_catalog_is_found_by_number(catalog: str, newest: str | None) -> None:
    assert lifecycle.parse(written()).newest_in_catalog(catalog, "x") == newest


@pytest.mark.parametrize("folder", sorted(RELEASES.glob("ossm-*")), ids=lambda folder: folder.name)
def test_red_hat_s_catalog_carries_what_the_released_definitions_list(folder: Path) -> None:
    """Where the definitions as released lie beside the checkout."""
    definition = yaml.safe_load((folder / "sailoperator.io_istios.yaml").read_text())
    spec = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    listed = [name.removeprefix("v") for name in spec["version"]["enum"] if not name.endswith("-latest")]
    (release,) = (one for one in lifecycle.lifecycle().catalogs if f"ossm-{one.release}" == folder.name)
    assert release.carries["istio"] == listed

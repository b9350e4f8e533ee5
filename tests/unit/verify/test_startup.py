"""Why containers do not keep running, from what Kubernetes and they themselves say."""

import datetime
from typing import Any

import pytest
from verify_world import pod

from verify.programs.startup import Refusal, out_of_memory, paths_of, refusal, twice

NOW = datetime.datetime(2026, 11, 27, 12, tzinfo=datetime.UTC).timestamp()


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("Error: cannot unmarshal the configuration: 'service.telemetry' has invalid keys: levle", "levle"),
        ('error decoding \'receivers\': unknown type: "jeager" for id: "jeager" (valid values: [otlp])', "jeager"),
        ('Error: invalid configuration: references exporter "otlp/2" which is not configured', "otlp/2"),
        ("  line 12: field procesors not found in type generator.Config", "procesors"),
        ("Error: failed to build pipelines: failed to create exporter", ""),
        ("failed parsing config: failed to parse configFile /conf/tempo.yaml", ""),
    ],
)
def test_a_refused_configuration_is_found_in_the_log(line: str, key: str) -> None:
    assert refusal(["started", line, ""]) == Refusal(line.strip(), key)


def test_a_line_that_names_the_key_says_more_than_the_one_before_it() -> None:
    lines = [
        "failed parsing config: yaml: unmarshal errors:",
        "  line 3: field foo not found in type app.Config",
        "bye",
    ]
    assert refusal(lines) == Refusal("line 3: field foo not found in type app.Config", "foo")


def test_a_log_without_a_refusal_has_none() -> None:
    assert refusal(["Everything is ready"]) is None


def ended(reason: str, minutes_ago: float, state: str = "lastState") -> dict[str, Any]:
    at = datetime.datetime.fromtimestamp(NOW - 60 * minutes_ago, tz=datetime.UTC)
    terminated = {"reason": reason, "finishedAt": at.strftime("%Y-%m-%dT%H:%M:%SZ")}
    found = pod("a")
    found["status"]["containerStatuses"] = [{"name": "a", "ready": False, state: {"terminated": terminated}}]
    return found


@pytest.mark.parametrize(
    ("found", "names"),
    [
        (ended("OOMKilled", 2), ["a"]),
        (ended("OOMKilled", 2, "state"), ["a"]),
        (ended("OOMKilled", 60 * 24 * 3), []),
        (ended("Error", 2), []),
        (pod("a"), []),
    ],
    ids=["lately", "just now", "days ago", "for another reason", "never"],
)
def test_a_container_that_was_ended_for_its_memory_is_found(found: dict[str, Any], names: list[str]) -> None:
    assert out_of_memory([found], NOW) == names


def test_a_key_is_found_wherever_the_configuration_has_it() -> None:
    config = {"exporters": {"otlp": {"foo": 1}}, "service": {"foo": {"bar": 1}, "list": ["foo"]}}
    assert paths_of("foo", config) == [("service", "foo"), ("service", "list"), ("exporters", "otlp", "foo")]


@pytest.mark.parametrize(("limit", "doubled"), [("256Mi", "512Mi"), ("1.5Gi", "3Gi"), ("500000000", "1000000000")])
def test_an_amount_of_memory_is_doubled(limit: str, doubled: str) -> None:
    assert twice(limit) == doubled

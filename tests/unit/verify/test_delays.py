"""How long a collector holds spans back, and how old the generator lets them be."""

from typing import Any

import pytest

from verify.traffic.delays import Delay, longest, seconds, short_enough, slack_of


@pytest.mark.parametrize(
    ("text", "found"), [("40s", 40), ("1m30s", 90), ("500ms", 0.5), ("1h", 3600), ("0s", 0), ("", 0), ("None", 0)]
)
def test_durations_are_read_as_go_writes_them(text: str, found: float) -> None:
    assert seconds(text) == found


def config(processors: dict[str, Any], *used: str, pipeline: str = "traces") -> dict[str, Any]:
    return {"processors": processors, "service": {"pipelines": {pipeline: {"processors": list(used)}}}}


@pytest.mark.parametrize(
    ("collector", "found"),
    [
        (config({"tail_sampling": {"decision_wait": "40s"}}, "tail_sampling"), "tail_sampling.decision_wait is 40s"),
        (config({"tail_sampling/a": {}}, "tail_sampling/a"), "tail_sampling/a.decision_wait is 30s"),
        (config({"groupbytrace": None}, "groupbytrace"), "groupbytrace.wait_duration is 1s"),
        (
            config({"groupbytrace": {"wait_duration": "50s"}, "tail_sampling": {}}, "groupbytrace", "tail_sampling"),
            "groupbytrace.wait_duration is 50s",
        ),
        (config({"tail_sampling": {}}), "None"),
        (config({"tail_sampling": {}}, "tail_sampling", pipeline="logs"), "None"),
        (config({"batch": {}}, "batch"), "None"),
        ({}, "None"),
    ],
)
def test_the_processor_that_waits_longest_is_found(collector: dict[str, Any], found: str) -> None:
    assert str(longest(collector)) == found


@pytest.mark.parametrize(
    ("tempo", "slack"),
    [
        ({"metrics_generator": {"metrics_ingestion_time_range_slack": "1m0s"}}, "1m0s"),
        ({"overrides": {"defaults": {"metrics_generator": {"ingestion_time_range_slack": "45s"}}}}, "45s"),
        ({"overrides": {"metrics_generator_ingestion_time_range_slack": "45s"}}, "45s"),
        (
            {
                "metrics_generator": {"metrics_ingestion_time_range_slack": "1m0s"},
                "overrides": {"defaults": {"metrics_generator": {"ingestion_time_range_slack": "0s"}}},
            },
            "1m0s",
        ),
        ({}, "30s"),
    ],
    ids=["the generator's", "an override", "an override in the older format", "an override of 0", "none"],
)
def test_the_slack_is_that_of_the_running_tempo(tempo: dict[str, Any], slack: str) -> None:
    assert slack_of(tempo) == slack


@pytest.mark.parametrize(("wait", "too_long"), [("40s", True), ("30s", True), ("26s", True), ("20s", False)])
def test_a_delay_has_to_leave_time_for_the_way(wait: str, too_long: bool) -> None:
    assert Delay("tail_sampling", "decision_wait", wait).is_too_long("30s") is too_long


def test_what_is_short_enough_is_not_too_long() -> None:
    assert not Delay("tail_sampling", "decision_wait", short_enough("30s")).is_too_long("30s")

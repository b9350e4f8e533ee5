"""Redaction: where it stands in the collector, what its settings take out, and what they contradict."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from recording import Deployed, minimal_config, s3_config, with_setting, with_settings
from test_settings import problems_of

from model import Redaction

Deploy = Callable[..., Deployed]

OURS = ["attributes/redaction", "resource/redaction"]


def config(deployed: Deployed) -> dict[str, Any]:
    found: dict[str, Any] = deployed.get("OpenTelemetryCollector").inputs["spec"]["config"]
    return found


def removals(deployed: Deployed) -> list[dict[str, str]]:
    """What deletes attributes by patterns of their names."""
    actions = config(deployed)["processors"]["attributes/redaction"]["actions"]
    return [one for one in actions if one["action"] == "delete" and "pattern" in one]


def deleted(deployed: Deployed, *names: str) -> set[str]:
    # As Python writes the end of a text.
    patterns = [one["pattern"].replace(r"\z", r"\Z") for one in removals(deployed)]
    return {name for name in names if any(re.search(pattern, name) for pattern in patterns)}


def entrances(deployed: Deployed) -> Mapping[str, list[str]]:
    """The processors of each pipeline that spans enter the collector by."""
    pipelines = config(deployed)["service"]["pipelines"]
    return {name: one["processors"] for name, one in pipelines.items() if "otlp" in one["receivers"]}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"graph.source": "collector"},
        {"graph.source": "collector", "tracing.collector.replicas": 2},
        {"tracing.sampling": {"mode": "tail"}},
        {"tracing.sampling": {"mode": "tail"}, "tracing.collector.replicas": 3},
        {"tracing.samplingPercentage": 5},
        {
            "tracing.collector.extraConfig": {
                "exporters": {"debug": {}},
                "service": {"pipelines": {"traces/vendor": {"receivers": ["otlp"], "exporters": ["debug"]}}},
            }
        },
    ],
    ids=["tempo", "graph", "graphs", "tail", "tails", "share", "pipeline of the user's"],
)
def test_no_span_leaves_a_pipeline_before_it_is_redacted(deploy: Deploy, changes: Mapping[str, Any]) -> None:
    found = entrances(deploy(with_settings(s3_config(), changes)))
    assert found
    for processors in found.values():
        assert [name for name in processors if not name.startswith("memory_limiter")][:2] == OURS


def test_headers_with_secrets_are_deleted_however_an_application_calls_them(minimal: Deployed) -> None:
    secret = {
        "http.request.header.authorization",
        "http.request.header.proxy_authorization",
        "http.response.header.set-cookie",
        "http.request.header.Cookie",
        "rpc.grpc.request.metadata.x-api-key",
        "rpc.response.metadata.set-cookie",
        "Authorization",
        "url.query",
    }
    assert deleted(minimal, *secret) == secret


def test_attributes_that_are_only_called_alike_stay(minimal: Deployed) -> None:
    names = (
        "http.request.header.accept",
        "cookie.consent",
        "shop.cookie",
        "authorization.decision",
        "url.path",
        "my-authorizations",
    )
    assert deleted(minimal, *names) == set()


def test_the_settings_name_further_attributes_by_their_whole_names(deploy: Deploy) -> None:
    deployed = deploy(with_setting(minimal_config(), "tracing.redaction.attributes", ["peer.address"]))
    assert deleted(deployed, "peer.address", "peerXaddress", "net.peer.address") == {"peer.address"}


def test_a_list_of_headers_replaces_ours(deploy: Deploy) -> None:
    deployed = deploy(with_setting(minimal_config(), "tracing.redaction.headers", ["x-session"]))
    names = ("http.request.header.x-session", "http.request.header.cookie")
    assert deleted(deployed, *names) == {"http.request.header.x-session"}


def test_a_resource_loses_the_same_attributes(minimal: Deployed) -> None:
    assert removals(minimal)
    assert config(minimal)["processors"]["resource/redaction"]["attributes"] == removals(minimal)


def test_where_nothing_is_named_only_logins_are_taken_out(deploy: Deploy) -> None:
    changes = {"tracing.redaction": {"headers": [], "keepQueryStrings": True}}
    deployed = deploy(with_settings(minimal_config(), changes))
    assert removals(deployed) == []
    assert set(config(deployed)["processors"]) == {"memory_limiter", "attributes/redaction"}


def test_switched_off_nothing_of_it_is_there(deploy: Deploy) -> None:
    found = config(deploy(with_setting(minimal_config(), "tracing.redaction.enabled", False)))
    assert found["service"]["pipelines"]["traces"]["processors"] == ["memory_limiter"]
    assert set(found["processors"]) == {"memory_limiter"}


def test_it_needs_no_other_image_than_the_operator_s_own(minimal: Deployed) -> None:
    assert "image" not in minimal.get("OpenTelemetryCollector").inputs["spec"]


def test_the_list_of_headers_has_those_that_carry_a_login_or_a_session() -> None:
    assert {"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"} <= set(Redaction().headers)


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"http.request.header.cookie": ["a"]}, "no sampling.tail.attributes.http.request.header.cookie"),
        ({"http.url": ["http://shop/cart?a=b"]}, "no query in sampling.tail.attributes.http.url"),
    ],
)
def test_traces_cannot_be_chosen_by_what_is_taken_out(attributes: dict[str, list[str]], said: str) -> None:
    tail = {"mode": "tail", "tail": {"attributes": attributes}}
    (problem,) = problems_of(with_setting(minimal_config(), "tracing.sampling", tail))
    assert said in problem
    assert "\n" not in problem


@pytest.mark.parametrize("headers", [["x api key"], ["${env:A}"], "cookie"])
def test_what_is_no_header_is_refused(headers: Any) -> None:
    (problem,) = problems_of(with_setting(minimal_config(), "tracing.redaction.headers", headers))
    assert "tracing.redaction.headers" in problem

"""What is secret in a stack's configuration is secret in all that comes of it, and is printed nowhere."""

import json
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pulumi
import pytest
from recording import (
    ROOT,
    Deployed,
    apply_config,
    full_config,
    is_secret,
    minimal_config,
    run_program,
    s3_config,
    with_setting,
    with_settings,
)

import settings
from cluster.recorded import Recorded
from program import Plan, checks

SENTINEL = "sentinel-in-an-object"
URL = f"https://metrics.example.com/{SENTINEL}"

# Every setting of free form, in every kind of resource that it reaches.
PLACES = {
    "the collector": (
        "tracing",
        minimal_config(),
        "tracing.collector.extraConfig",
        {"exporters": {"x": {"y": SENTINEL}}},
    ),
    "a single Tempo": (
        "tempo",
        minimal_config(),
        "tempo.extraConfig",
        {"cache": {"caches": [{"redis": {"password": SENTINEL}}]}},
    ),
    "Tempo in parts": (
        "tempo",
        with_setting(s3_config(), "tempo.mode", "stack"),
        "tempo.extraConfig",
        {"cache": {"caches": [{"redis": {"password": SENTINEL}}]}},
    ),
    "Istio's chart": ("mesh", minimal_config(), "mesh.values", {"pilot": {"env": {"TOKEN": SENTINEL}}}),
    "Istio by Sail": (
        "mesh",
        with_setting(minimal_config(), "mesh.installer", "sail"),
        "mesh.values",
        {"pilot": {"env": {"TOKEN": SENTINEL}}},
    ),
    "the URL of a Prometheus": ("prometheus", full_config(), "prometheus.existing", {"queryUrl": URL}),
    "the URL of a Loki": ("grafana", minimal_config(), "grafana.loki", {"url": URL}),
    "the URL of a Loki for an operator": (
        "grafana",
        with_setting(full_config(), "grafana.mode", "operator"),
        "grafana.loki",
        {"url": URL},
    ),
    "two URLs of a Prometheus": (
        "prometheus",
        with_setting(full_config(), "grafana.mode", "operator"),
        "prometheus.existing",
        {"queryUrl": URL, "writeUrl": f"{URL}/write"},
    ),
}


def in_clear(value: Any) -> Iterator[str]:
    """The texts with the sentinel that no secret wraps."""
    if is_secret(value):
        return
    if isinstance(value, dict):
        for inner in value.values():
            yield from in_clear(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from in_clear(inner)
    elif isinstance(value, str) and SENTINEL in value:
        yield value


def wrapped(value: Any) -> bool:
    """Whether the sentinel is in a secret somewhere in ``value``."""
    if is_secret(value):
        return SENTINEL in json.dumps(value["value"])
    if isinstance(value, dict):
        return any(map(wrapped, value.values()))
    return isinstance(value, list) and any(map(wrapped, value))


@pytest.fixture(params=PLACES)
def deployed(request: pytest.FixtureRequest) -> Deployed:
    section, config, path, value = PLACES[request.param]
    return run_program(with_setting(config, path, value), preview=False, secret_sections=[section])


def test_it_is_encrypted_in_every_resource(deployed: Deployed) -> None:
    assert [(one.urn, text) for one in deployed for text in in_clear(one.raw_inputs)] == []
    assert any(wrapped(one.raw_inputs) for one in deployed)


def test_it_is_in_no_output_in_clear(deployed: Deployed) -> None:
    assert list(in_clear([deployed.raw_exports, deployed.registered_outputs])) == []


@pytest.mark.parametrize("place", PLACES)
def test_what_is_not_secret_stays_readable(place: str) -> None:
    section, config, path, value = PLACES[place]
    public = run_program(with_setting(config, path, value), preview=False)
    secret = run_program(with_setting(config, path, value), preview=False, secret_sections=[section])
    # The same is deployed; only the state differs.
    assert {one.urn: one.inputs for one in public.children} == {one.urn: one.inputs for one in secret.children}
    names = [one.raw_inputs["metadata"] for one in secret.children if "metadata" in one.raw_inputs]
    assert names
    assert not any(is_secret(metadata.get("name")) for metadata in names)


def plan(config: dict[str, Any], *secret_sections: str) -> Plan:
    apply_config(config, secret_sections)
    return Plan(settings.load(pulumi.Config("mesh-tracing")))


def test_lint_reads_secret_texts_and_does_not_print_them() -> None:
    # Istio would not find a Service by its name alone, which lint says with the name.
    provider = {"name": "other", "opentelemetry": {"service": SENTINEL, "port": 4317}}
    values = {"meshConfig": {"extensionProviders": [provider]}}
    found = plan(with_setting(minimal_config(), "mesh.values", values), "mesh")
    with mock.patch("pulumi.log.warn") as warn:
        try:
            checks.refuse_what_breaks(found, Recorded())
            printed = ""
        except checks.RefusedError as error:
            printed = str(error)
    printed += " ".join(call.args[0] for call in warn.call_args_list)
    assert "[secret]" in printed
    assert SENTINEL not in printed


def test_a_url_with_a_password_is_refused_without_being_repeated() -> None:
    for path in ("prometheus.existing.queryUrl", "mesh.chartRepository", "kiali.chartRepository"):
        config = with_settings(minimal_config(), {path: f"https://user:{SENTINEL}@example.com/x"})
        with pytest.raises(settings.ConfigError) as error:
            plan(config)
        assert SENTINEL not in str(error.value)


def test_variables_come_from_secrets_that_exist() -> None:
    source = {"TOKEN": {"secret": "backend", "key": "token"}}
    changes: dict[str, Any] = {"tracing.collector.env": source, "tempo.env": source}
    expected = [{"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "backend", "key": "token"}}}]
    single = run_program(with_settings(minimal_config(), changes), preview=False)
    changes |= {"tempo.mode": "stack"}
    parts = run_program(with_settings(s3_config(), changes), preview=False)
    assert single.get("OpenTelemetryCollector").inputs["spec"]["env"] == expected
    assert single.get("TempoMonolithic").inputs["spec"]["env"] == expected
    assert parts.get("TempoStack").inputs["spec"]["env"] == expected


def test_the_field_is_in_the_operators_definitions_from_then_on() -> None:
    releases = ROOT.parent / "shared" / "crds" / "releases"
    if not releases.is_dir():
        pytest.skip(f"the definitions are not there: {releases}")
    have = {
        path.name.rpartition("-")[2]: all("\n              env:" in one.read_text() for one in path.glob("*.yaml"))
        for path in releases.glob("tempo-operator-*")
    }
    assert have == {"0.19.0": False, "0.20.0": False, "0.21.0": True, "0.22.0": True}

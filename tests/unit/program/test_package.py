"""The components as other programs see them: the schema that ``pulumi package get-schema ./package`` prints.

The CLI runs package/__main__.py as a plugin and asks it for the schema over gRPC; the tests ask the same provider in
this process. A test on the embedded cluster asks the CLI itself.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pulumi
import pytest
from goldens import compare
from pulumi.provider import ConstructResult
from recording import Deployed, record

from components import MeshTelemetry
from objects.tracing import MeshTelemetryArgs
from package.host import plain_type, provider

OFFERED = {"MeshTelemetry", "TempoStack", "Bookinfo", "GrafanaTempoDatasource"}
_REMEDY = (
    "Other programs are written against the schema: a removed or renamed property breaks them. If it is meant, run the "
    "test with MESH_TRACING_GOLDEN=write and commit the file."
)


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(provider().schema)
    return found


def test_the_schema_does_not_change_unnoticed(schema: dict[str, Any]) -> None:
    compare("schema.json", json.dumps(schema, indent=1, sort_keys=True) + "\n", _REMEDY)


def test_the_package_offers_what_stands_alone(schema: dict[str, Any]) -> None:
    assert set(schema["resources"]) == {f"meshtracing:index:{name}" for name in OFFERED}


def described(schema: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every component, type, argument, output and field, by a name that finds it."""
    for kind in ("resources", "types"):
        for token, definition in schema[kind].items():
            yield token, definition
            for part in ("inputProperties", "properties"):
                for name, prop in definition.get(part, {}).items():
                    yield f"{token}.{part}.{name}", prop


def test_everything_in_the_schema_is_described(schema: dict[str, Any]) -> None:
    assert [name for name, definition in described(schema) if not definition.get("description")] == []


def test_only_what_has_no_default_is_required(schema: dict[str, Any]) -> None:
    required = {token.rpartition(":")[2]: set(found["requiredInputs"]) for token, found in schema["resources"].items()}
    assert required == {
        "Bookinfo": set(),
        "GrafanaTempoDatasource": {"prometheusUrl", "tempoUrl"},
        "MeshTelemetry": {"otlpAddress"},
        "TempoStack": {"remoteWriteUrl"},
    }


def test_what_another_resource_may_still_have_to_say_may_be_an_output(schema: dict[str, Any]) -> None:
    inputs = schema["resources"]["meshtracing:index:MeshTelemetry"]["inputProperties"]
    assert "plain" not in inputs["otlpAddress"]
    assert inputs["namespace"]["plain"] is True


def test_defaults_are_told_where_the_schema_has_no_place_for_them(schema: dict[str, Any]) -> None:
    retention = schema["types"]["meshtracing:index:Tempo"]["properties"]["retention"]
    assert retention["description"] == 'How long traces are kept. Default: `"48h"`.'


def constructed(inputs: Mapping[str, Any]) -> Deployed:
    """What the host registers for a MeshTelemetry of another language."""

    def program() -> None:
        result: ConstructResult = provider().construct("telemetry", "meshtracing:index:MeshTelemetry", dict(inputs))
        pulumi.export("state", result.state)

    return record(program, {}, preview=False)


def contents(deployed: Deployed) -> dict[str, Any]:
    return {resource.name: resource.inputs for resource in deployed.children}


def test_a_program_in_another_language_gets_what_one_in_python_gets() -> None:
    hosted = constructed(
        {"otlpAddress": "tempo:4317", "tracing": {"samplingPercentage": 7, "collector": {"queueSize": 9}}}
    )

    def program() -> None:
        tracing = {"sampling_percentage": 7, "collector": {"queue_size": 9}}
        MeshTelemetry("telemetry", MeshTelemetryArgs.model_validate({"otlp_address": "tempo:4317", "tracing": tracing}))

    assert contents(hosted) == contents(record(program, {}, preview=False))
    assert hosted.get("Telemetry").inputs["spec"]["tracing"][0]["randomSamplingPercentage"] == 7
    assert hosted.exports["state"]["collectorService"] == "otel-collector.istio-system.svc.cluster.local"


def test_a_wrong_argument_is_refused_in_words() -> None:
    with pytest.raises(Exception, match="at most 63 lower-case letters"):
        constructed({"otlpAddress": "tempo:4317", "namespace": "Not A Name"})


@pytest.mark.parametrize(
    ("annotation", "plain"),
    [
        (str, str),
        (str | None, str | None),
        (list[str], list[str]),
        (dict[str, str] | None, dict[str, str] | None),
        (str | pulumi.Output[str], pulumi.Input[str]),
        (dict[str, Any], dict[str, Any]),
    ],
    ids=str,
)
def test_annotations_become_those_that_pulumi_reads(annotation: Any, plain: Any) -> None:
    assert plain_type(annotation) == plain

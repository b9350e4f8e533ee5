"""What the program and its users write into the collector's configuration, judged by the collector and by lint."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import variants
from judges import Program
from test_checks import plan_of

from lint.collector_keys import lacks
from objects.merge import merge
from program.inventory import every_object

WHOLE: dict[str, Any] = {
    "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": "0.0.0.0:4317"}}}},
    "processors": {"memory_limiter": {"check_interval": "1s", "limit_mib": 100}, "batch": {}},
    "exporters": {"otlp_grpc": {"endpoint": "tempo.tracing.svc:4317", "tls": {"insecure": True}}, "debug": {}},
    "service": {
        "pipelines": {
            "traces": {
                "receivers": ["otlp"],
                "processors": ["memory_limiter", "batch"],
                "exporters": ["otlp_grpc"],
            }
        }
    },
}


def traces(**parts: list[str]) -> dict[str, Any]:
    return {"service": {"pipelines": {"traces": parts}}}


WRONG: Mapping[str, dict[str, Any]] = {
    "a processor that is not configured": traces(processors=["absent"]),
    "a receiver that is not configured": traces(receivers=["otlp/other"]),
    "an exporter that is not configured": traces(exporters=["otlp_grpc/other"]),
    "no exporter": traces(exporters=[]),
    "no receiver": traces(receivers=[]),
    "an extension that is not configured": {"service": {"extensions": ["health_check"]}},
    "a memory limiter without an interval": {"processors": {"memory_limiter": {"check_interval": "0s"}}},
    "metrics at an address": {"service": {"telemetry": {"metrics": {"address": "0.0.0.0:8888"}}}},
}
RIGHT: Mapping[str, dict[str, Any]] = {
    "as it is": {},
    "a processor that is not used": traces(processors=["memory_limiter"]),
    "two exporters": traces(exporters=["otlp_grpc", "debug"]),
    "a second pipeline": {"service": {"pipelines": {"traces/2": {"receivers": ["otlp"], "exporters": ["debug"]}}}},
}


def _needs_more(config: Mapping[str, Any]) -> bool:
    """Whether it has a component that the distribution lacks which the operator runs by default."""
    sections = ("receivers", "processors", "exporters", "connectors", "extensions")
    kinds = {(section, name.partition("/")[0]) for section in sections for name in config.get(section, {})}
    return any(lacks("otelcol", section, kind, None) for section, kind in kinds)


def test_the_collector_takes_whatever_a_variant_of_settings_leads_to(
    collector: Program, full_collector: Program, tmp_path: Path
) -> None:
    found: dict[str, Any] = {}
    for config in variants.variants().values():
        for obj in every_object(plan_of(config)):
            if obj["kind"] == "OpenTelemetryCollector":
                found.setdefault(json.dumps(obj["spec"]["config"], sort_keys=True, default=str), obj["spec"]["config"])
    needing_more = [config for config in found.values() if _needs_more(config)]
    assert 1 < len(needing_more) < len(found)

    def judge(config: Mapping[str, Any]) -> str:
        return (full_collector if config in needing_more else collector).refuses(config, tmp_path)

    assert {said for config in found.values() if (said := judge(config))} == set()


@pytest.mark.parametrize("name", WRONG)
def test_what_the_collector_refuses_is_an_error_of_lint(collector: Program, tmp_path: Path, name: str) -> None:
    config = merge(WHOLE, WRONG[name])
    assert collector.refuses(config, tmp_path)
    assert collector.lint_refuses(config)


@pytest.mark.parametrize("name", RIGHT)
def test_what_the_collector_takes_is_no_error_of_lint(collector: Program, tmp_path: Path, name: str) -> None:
    config = merge(WHOLE, RIGHT[name])
    assert (collector.refuses(config, tmp_path), collector.lint_refuses(config)) == ("", [])

"""Lint in the program: on what will be applied, and before anything is."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pulumi
import pytest
from recording import (
    PROJECT,
    SENTINELS,
    STACKS,
    Deployed,
    Registration,
    apply_config,
    minimal_config,
    run_program,
    s3_config,
    stack_config,
    with_setting,
)

import components as mesh_tracing
import lint
import settings
from components import _checks

# (what is set beside the minimal stack, the code of what it breaks)
BROKEN: list[tuple[dict[str, Any], str]] = [
    ({"tempo.extraConfig": {"metrics_generator": {"storage": {"path": "/data/wal"}}}}, "N5"),
    ({"tempo.extraConfig": {"overrides": {"defaults": {"metrics_generator": {"processors": []}}}}}, "N5"),
    ({"tempo.extraConfig": {"overrides": {"metrics_generator_processors": ["service-graphs"]}}}, "N6"),
    ({"prometheus.existing.queryUrl": "http://prometheus-k8s.openshift-monitoring.svc.cluster.local:9090"}, "N7"),
    ({"tracing.collector.extraConfig": {"service": {"telemetry": {"metrics": {"address": "0.0.0.0:8888"}}}}}, "N12"),
    ({"tempo.extraConfig": {"x": "${TOKEN}"}, "operators.tempoVersion": "0.20.0"}, "N17"),
]

BROKEN_ON_S3: list[tuple[dict[str, Any], str]] = [
    (
        {
            "tempo.mode": "stack",
            "prometheus.existing.queryUrl": "http://thanos.example.com",
        },
        "N8",
    ),
    ({"tempo.storage.s3.minio.image": "docker.io/minio/minio:RELEASE.2025-09-07T16-13-09Z"}, "N13"),
    ({"tempo.mode": "stack", "operators.tempoVersion": "0.21.0"}, "N20"),
]

# What may break later is said, and stops nothing.
DOUBTFUL: list[tuple[dict[str, Any], str]] = [
    ({"mesh.installer": "sail", "mesh.version": "1.24.0"}, "N18"),
    ({"tempo.histograms": "native", "prometheus.existing.queryUrl": "http://prometheus.example.com:9090"}, "N16"),
]


def configured(config: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    changed = dict(config)
    for path, value in changes.items():
        changed = with_setting(changed, path, value)
    return changed


def plan_of(config: Mapping[str, Any]) -> mesh_tracing.Plan:
    async def in_a_loop() -> mesh_tracing.Plan:
        apply_config(config)
        return mesh_tracing.Plan(settings.load(pulumi.Config(PROJECT)))

    return asyncio.run(in_a_loop())


@pytest.mark.parametrize(
    ("base", "changes", "code"),
    [(minimal_config, *case) for case in BROKEN] + [(s3_config, *case) for case in BROKEN_ON_S3],
)
def test_settings_that_break_a_hop_are_refused_with_the_reason_and_the_remedy(
    base: Callable[[], dict[str, Any]], changes: dict[str, Any], code: str
) -> None:
    with pytest.raises(_checks.LintError) as caught:
        mesh_tracing.refuse_what_breaks(plan_of(configured(base(), changes)))
    message = str(caught.value)
    assert isinstance(caught.value, pulumi.RunError)
    assert f"error {code} " in message
    assert not any(sentinel in message for sentinel in SENTINELS.values())


@pytest.mark.parametrize(("changes", "code"), DOUBTFUL)
def test_settings_that_may_break_a_hop_are_warned_of(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], code: str
) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", warnings.append)
    mesh_tracing.refuse_what_breaks(plan_of(configured(minimal_config(), changes)))
    assert [warning.split()[1] for warning in warnings] == [code]


def test_nothing_is_registered_when_a_hop_would_break() -> None:
    broken = configured(minimal_config(), BROKEN[0][0])
    with pytest.raises(_checks.LintError):
        run_program(broken, preview=True)


@pytest.mark.parametrize("stack", STACKS)
def test_no_committed_stack_has_a_finding(stack: str) -> None:
    plan = plan_of(stack_config(stack))
    assert lint.check(list(_checks.merged_objects(plan)), _checks.facts(plan)) == []


def registered(deployed: Deployed, seen: Mapping[str, Any]) -> list[Registration]:
    """What was registered of the object that lint saw."""
    return [
        resource
        for resource in deployed.children
        if resource.kind == seen["kind"]
        and resource.object_name == seen["metadata"]["name"]
        and (resource.inputs.get("metadata") or {}).get("namespace") == seen["metadata"].get("namespace")
    ]


@pytest.mark.parametrize(
    "config",
    [
        *(stack_config(stack) for stack in STACKS),
        minimal_config(),
        configured(s3_config(), {"mesh.installer": "sail", "mesh.sail.updateStrategy": "RevisionBased"}),
        configured(minimal_config(), {"grafana.mode": "operator"}),
    ],
    ids=[*STACKS, "minimal", "sail", "grafana-operator"],
)
def test_lint_sees_what_is_registered(config: dict[str, Any]) -> None:
    deployed = run_program(config, preview=False)
    for seen in _checks.merged_objects(plan_of(config)):
        if seen["kind"] == "ConfigMap" and seen["metadata"]["name"] == "istio":
            # Istio's chart writes it, of the values that are registered.
            continue
        (resource,) = registered(deployed, seen)
        for field in {"spec", "data"} & seen.keys():
            assert without_secret_names(seen[field]) == without_secret_names(resource.inputs[field]), resource.urn
        labels = resource.inputs["metadata"].get("labels", {})
        assert seen["metadata"]["labels"].items() <= labels.items(), resource.urn


def without_secret_names(value: Any) -> Any:
    """``value`` without the names of Secrets and the URL of Grafana, which no check reads."""
    if isinstance(value, dict):
        return {k: without_secret_names(v) for k, v in value.items() if k not in {"s3", "secret", "grafana"}}
    if isinstance(value, list):
        return [without_secret_names(inner) for inner in value]
    return value

"""Lint in the program: on what will be applied, and before anything is."""

import asyncio
import dataclasses
import datetime
import re
from collections.abc import Callable, Mapping
from typing import Any

import pulumi
import pytest
import variants
from recording import (
    PROJECT,
    SENTINELS,
    STACKS,
    Registration,
    apply_config,
    minimal_config,
    run_program,
    s3_config,
    stack_config,
    with_setting,
)

import lint
import settings
from cluster.recorded import Recorded
from program import Plan, checks, refuse_what_breaks
from program.inventory import every_object

# The day of the defaults: a later one may know of the end of what is supported now.
PUBLISHED = datetime.date(2026, 11, 27)


def pipeline(**parts: list[str]) -> dict[str, Any]:
    return {"service": {"pipelines": {"traces": parts}}}


# (what is set beside the minimal stack, the code of what it breaks)
BROKEN: list[tuple[dict[str, Any], str]] = [
    ({"tempo.extraConfig": {"metrics_generator": {"storage": {"path": "/data/wal"}}}}, "N5"),
    ({"tempo.extraConfig": {"overrides": {"defaults": {"metrics_generator": {"processors": []}}}}}, "N5"),
    ({"tempo.extraConfig": {"overrides": {"metrics_generator_processors": ["service-graphs"]}}}, "N6"),
    ({"prometheus.existing.queryUrl": "http://prometheus-k8s.openshift-monitoring.svc.cluster.local:9090"}, "N7"),
    ({"tracing.collector.extraConfig": {"service": {"telemetry": {"metrics": {"address": "0.0.0.0:8888"}}}}}, "N12"),
    ({"tempo.extraConfig": {"x": "${TOKEN}"}, "operators.tempoVersion": "0.20.0"}, "N17"),
    ({"tracing.collector.extraConfig": pipeline(processors=["absent"])}, "N25"),
    ({"tracing.collector.extraConfig": pipeline(exporters=["debug"])}, "N25"),
    (
        {
            "tracing.collector.extraConfig": {
                "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": "localhost:4317"}}}}
            }
        },
        "N25",
    ),
    (
        {
            "tracing.collector.replicas": 2,
            "tracing.collector.extraConfig": {
                "processors": {
                    "tail_sampling": {"decision_wait": "5s", "policies": [{"name": "a", "type": "always_sample"}]}
                },
                **pipeline(processors=["memory_limiter", "tail_sampling"]),
            },
        },
        "N26",
    ),
    (
        {
            "tracing.collector.extraConfig": {
                "processors": {
                    "tail_sampling": {"decision_wait": "60s", "policies": [{"name": "a", "type": "always_sample"}]}
                },
                **pipeline(processors=["memory_limiter", "tail_sampling"]),
            },
        },
        "N26",
    ),
    ({"mesh.values": {"meshConfig": {"discoverySelectors": [{"matchLabels": {"team": "shop"}}]}}}, "N28"),
    ({"tempo.extraConfig": {"compaction": {}}}, "N31"),
    ({"tempo.extraConfig": {"overrides": {"defaults": {"rate_limit_bytes": 1}}}}, "N31"),
    ({"tempo.extraConfig": {"multitenancy_enabled": True}}, "N24"),
    ({"tempo.extraConfig": {"metrics_generator": {"metrics_ingestion_time_range_slack": "1s"}}}, "N5"),
    ({"prometheus.image": "docker.io/prom/prometheus:v2.32.1"}, "N7"),
]

BROKEN_ON_S3: list[tuple[dict[str, Any], str]] = [
    (
        {
            "tempo.mode": "stack",
            "prometheus.existing.queryUrl": "http://thanos.example.com",
        },
        "N8",
    ),
    (
        {
            "tempo.storage.s3.source": "minio",
            "tempo.storage.s3.minio.image": "docker.io/minio/minio:RELEASE.2025-09-07T16-13-09Z",
        },
        "N13",
    ),
]

# Warnings are shown and stop nothing.
DOUBTFUL: list[tuple[dict[str, Any], str]] = [
    ({"mesh.installer": "sail", "mesh.version": "1.24.0"}, "N18"),
    ({"tempo.histograms": "native", "prometheus.existing.queryUrl": "http://prometheus.example.com:9090"}, "N16"),
]


def configured(config: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    changed = dict(config)
    for path, value in changes.items():
        changed = with_setting(changed, path, value)
    return changed


def plan_of(config: Mapping[str, Any]) -> Plan:
    async def in_a_loop() -> Plan:
        apply_config(config)
        return Plan(settings.load(pulumi.Config(PROJECT)))

    return asyncio.run(in_a_loop())


@pytest.mark.parametrize(
    ("base", "changes", "code"),
    [(minimal_config, *case) for case in BROKEN] + [(s3_config, *case) for case in BROKEN_ON_S3],
)
def test_settings_that_break_a_hop_are_refused_with_the_reason_and_the_remedy(
    base: Callable[[], dict[str, Any]], changes: dict[str, Any], code: str
) -> None:
    with pytest.raises(checks.RefusedError) as caught:
        refuse_what_breaks(plan_of(configured(base(), changes)), Recorded())
    message = str(caught.value)
    assert isinstance(caught.value, pulumi.RunError)
    assert f"error {code} " in message
    assert not any(sentinel in message for sentinel in SENTINELS.values())


@pytest.mark.parametrize("base", [minimal_config, s3_config])
def test_a_list_of_remote_writes_has_to_contain_the_stack_s_prometheus(base: Callable[[], dict[str, Any]]) -> None:
    def written(*urls: str) -> dict[str, Any]:
        entries = [{"url": url} for url in urls]
        return configured(base(), {"tempo.extraConfig": {"metrics_generator": {"storage": {"remote_write": entries}}}})

    ours = plan_of(base()).tempo().remote_write_url
    with pytest.raises(checks.RefusedError, match="remote_write: this list replaces the program's"):
        refuse_what_breaks(plan_of(written("http://mimir.shop.svc:8080/api/v1/push")), Recorded())
    refuse_what_breaks(plan_of(written(ours, "http://mimir.shop.svc:8080/api/v1/push")), Recorded())


@pytest.mark.parametrize(("changes", "code"), DOUBTFUL)
def test_settings_that_may_break_a_hop_are_warned_of(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], code: str
) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", warnings.append)
    refuse_what_breaks(plan_of(configured(minimal_config(), changes)), Recorded())
    assert [warning.split()[1] for warning in warnings] == [code]


def test_nothing_is_registered_when_a_hop_would_break() -> None:
    broken = configured(minimal_config(), BROKEN[0][0])
    with pytest.raises(checks.RefusedError):
        run_program(broken, preview=True)


def findings_of(plan: Plan, day: datetime.date | None = None) -> list[lint.Finding]:
    known = checks.facts(plan) if day is None else dataclasses.replace(checks.facts(plan), today=day)
    return lint.check([*checks.without_secrets(every_object(plan)), *checks.releases(plan)], known)


@pytest.mark.parametrize("stack", STACKS)
def test_no_committed_stack_has_a_finding(stack: str) -> None:
    findings = findings_of(plan_of(stack_config(stack)), PUBLISHED)
    if stack == "local":
        # The embedded cluster is built from what can be built there: `make status` tells what is older.
        findings = [finding for finding in findings if finding.code != "N18"]
    assert findings == []


@pytest.mark.parametrize(
    "changes",
    [
        {"grafana.mode": "managed"},
        {"kiali.installer": "helm", "bookinfo.gateway": "istio", "mesh.cni": True},
        {"mesh.installer": "sail", "mesh.cni": True},
    ],
)
def test_what_the_settings_default_to_is_supported_and_served(changes: dict[str, Any]) -> None:
    assert findings_of(plan_of(configured({**minimal_config(), **SENTINELS}, changes)), PUBLISHED) == []


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        (
            {"mesh.chartRepository": "https://istio-release.storage.googleapis.com/charts"},
            "Release istio-system/istiod: spec.repositoryOpts.repo",
        ),
        ({"mesh.chartRepository": "oci://gcr.io/istio-release/charts"}, "Release istio-system/istiod: spec.chart"),
        ({"mesh.hub": "gcr.io/istio-release"}, "Release istio-system/istiod: spec.values.global.hub"),
        ({"mesh.installer": "sail", "mesh.hub": "gcr.io/istio-release"}, "Istio default: spec.values.global.hub"),
        (
            {"bookinfo.imageRegistry": "registry.istio.io/release"},
            "Deployment bookinfo/productpage-v1: spec.template.spec.containers[0].image",
        ),
        (
            {"mesh.values": {"pilot": {"hub": "gcr.io/istio-release"}}},
            "Release istio-system/istiod: spec.values.pilot.hub",
        ),
        ({"mesh.version": "1.30.8"}, "Release istio-system/istiod: spec.version"),
    ],
)
@pytest.mark.parametrize(("day", "refuses"), [(datetime.date(2026, 11, 27), False), (datetime.date(2026, 12, 1), True)])
def test_a_host_that_goes_away_is_warned_of_before_and_refused_after(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], where: str, day: datetime.date, refuses: bool
) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", warnings.append)
    plan = plan_of(configured(minimal_config(), changes))
    known = dataclasses.replace(checks.facts(plan), today=day)
    monkeypatch.setattr(checks, "facts", lambda _plan: known)
    if refuses:
        with pytest.raises(checks.RefusedError, match=re.escape(f"error N22 {where}: ")):
            refuse_what_breaks(plan, Recorded())
    else:
        refuse_what_breaks(plan, Recorded())
        assert any(warning.startswith(f"warning N22 {where}: ") for warning in warnings)


def test_a_release_that_is_not_supported_any_more_is_refused_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """An upgrade of Istio has to pass through each minor version."""
    warnings: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", warnings.append)
    refuse_what_breaks(plan_of(configured(minimal_config(), {"mesh.version": "1.28.10"})), Recorded())
    (warning,) = warnings
    assert warning.startswith("warning N18 Release istio-system/istiod: spec.version: support of Istio 1.28 ended on ")


@pytest.mark.parametrize(
    ("changes", "version"),
    [
        ({}, None),
        ({"operators.opentelemetryVersion": "0.158.0"}, "0.158.0"),
        ({"operators.opentelemetryVersion": "0.158.0", "operators.source": "manifests"}, None),
    ],
)
def test_only_an_operator_that_somebody_named_and_we_do_not_install_is_judged(
    changes: dict[str, Any], version: str | None
) -> None:
    plan = plan_of(configured(minimal_config(), changes))
    assert checks.facts(plan).opentelemetry_operator_version == version


# The manifests of a chart or of a release are not the program's own.
OTHERS_MANIFESTS = {"Release", "ConfigFile"}


@pytest.mark.parametrize("name", variants.variants())
def test_every_object_that_is_registered_is_checked(name: str) -> None:
    config = variants.variants()[name]
    registered = {
        identity(resource.inputs)
        for resource in run_program(config, preview=False).children
        if not resource.read and resource.kind not in OTHERS_MANIFESTS and not patches_alone(resource)
    }
    assert registered <= {identity(obj) for obj in every_object(plan_of(config))}


def identity(obj: Mapping[str, Any]) -> tuple[str, str, str, str]:
    metadata = obj["metadata"]
    return obj["apiVersion"], obj["kind"], str(metadata.get("namespace")), metadata["name"]


def patches_alone(resource: Registration) -> bool:
    """Whether it patches part of another owner's object, which means nothing without the rest; label patches do."""
    return resource.type.endswith("Patch") and resource.kind != "Namespace"

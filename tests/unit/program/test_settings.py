"""What a stack may set, and what it is told when it sets something else."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pulumi
import pytest
import yaml
from pydantic import BaseModel
from recording import (
    PROJECT,
    ROOT,
    SENTINELS,
    apply_config,
    minimal_config,
    stack_config,
    with_setting,
)

import settings
from components._tracing import PROVIDER_NAME

BAD_SETTINGS: list[tuple[str, Any]] = [
    ("cluster.context", ""),
    ("cluster.domain", "Cluster.Local"),
    ("cluster.kubeconfig", "/somewhere"),
    ("mesh.installer", "sail"),
    ("mesh.namespace", "Istio_System"),
    ("mesh.version", "latest"),
    ("mesh.chartRepository", "http://plain.example/charts"),
    ("mesh.revision", "a" * 64),
    ("mesh.keepCrds", "no"),
    ("mesh.discoveryNamespacesOnly", 1),
    ("mesh.values", ["pilot"]),
    ("mesh.values", {"revision": "canary"}),
    ("mesh.values", {"global": {"hub": "elsewhere"}}),
    ("mesh.values", {"global": {"istioNamespace": "elsewhere"}}),
    ("mesh.values", {"meshConfig": "text"}),
    ("mesh.values", {"meshConfig": {"enableTracing": False}}),
    ("mesh.values", {"meshConfig": {"defaultProviders": {"tracing": ["zipkin"]}}}),
    ("mesh.values", {"meshConfig": {"extensionProviders": [{"name": "otel"}]}}),
    ("mesh.values", {"meshConfig": {"extensionProviders": {"name": "zipkin"}}}),
    ("tracing.samplingPercentage", 101),
    ("tracing.samplingPercentage", -1),
    ("tracing.samplingPercentage", "all"),
    ("tracing.samplingPercentage", "nan"),
    ("tracing.samplingPercentage", True),
    ("tracing.provider", "jaeger"),
    ("tracing.collector.replicas", 0),
    ("tracing.collector.replicas", 1.5),
    ("tracing.collector.resources", {"requests": {"cpu": "1"}}),
    ("tracing.collector.resources", {"limits": {"memory": "lots"}}),
    ("tracing.collector.resources", {"limits": {"memory": "1Gi", "disk": "1Gi"}}),
    ("tempo.retention", "2d"),
    ("tempo.storage.size", 10),
    ("tempo.storage.size", "10 GB"),
    ("tempo.storage.bucket", "x"),
    ("tempo.storage.image", "minio"),
    ("tempo.storage.image", "quay.io/minio/minio"),
    ("tempo.storage.image", "quay.io/minio/minio:latest"),
    ("prometheus.image", None),
    ("prometheus.retention", "forever"),
    ("prometheus.storage.fsGroup", 0),
    ("bookinfo.requestsPerSecond", 0),
    ("bookinfo.enabled", "yes"),
    ("bookinfo.imageTag", "1.20.3 "),
    ("grafana.datasourcesNamespace", "-grafana"),
    ("images.curl", "curl:latest"),
    ("timeouts.tempo", 0),
    ("timeouts.tempo", "10m"),
    ("timeouts.tmpo", 600),
    ("tempo", "text"),
    ("tempo", ["list"]),
    ("tmpo", {}),
]


def load(config: Mapping[str, Any]) -> settings.Settings:
    async def in_a_loop() -> settings.Settings:
        apply_config(config)
        return settings.load(pulumi.Config(PROJECT))

    return asyncio.run(in_a_loop())


def problems_of(config: Mapping[str, Any]) -> list[str]:
    with pytest.raises(settings.ConfigError) as caught:
        load(config)
    return caught.value.problems


@pytest.mark.parametrize(("path", "value"), BAD_SETTINGS)
def test_a_bad_setting_is_named_with_what_was_expected(path: str, value: Any) -> None:
    (problem,) = problems_of(with_setting(minimal_config(), path, value))
    assert problem.startswith(f"{PROJECT}:{path}")
    assert "expected " in problem
    assert "found " in problem


def test_all_problems_are_reported_at_once() -> None:
    config: dict[str, Any] = {}
    for path, value in (
        ("mesh.namespace", "UPPER"),
        ("tracing.samplingPercentage", 200),
        ("tmpo", {}),
    ):
        config = with_setting(config, path, value)
    problems = problems_of(config)
    named = {problem.split(" ")[0].rstrip(":") for problem in problems}
    assert named == {
        f"{PROJECT}:{key}"
        for key in (
            "cluster",
            "mesh.namespace",
            "tracing.samplingPercentage",
            "tmpo",
            "objectStoreAccessKey",
            "objectStoreSecretKey",
        )
    }


def test_the_error_is_one_that_pulumi_shows_without_a_traceback() -> None:
    assert issubclass(settings.ConfigError, pulumi.RunError)
    with pytest.raises(settings.ConfigError, match="has 3 problems:\n  - "):
        load({})


def test_a_missing_secret_says_which_command_sets_it() -> None:
    config = minimal_config()
    del config[f"{PROJECT}:objectStoreSecretKey"]
    (problem,) = problems_of(config)
    assert "pulumi config set --secret objectStoreSecretKey" in problem


@pytest.mark.parametrize("path", ["tempo", "tempo.secretKey", "tempo.storage.size", "mesh.values", "mesh.version"])
def test_no_problem_repeats_a_value_that_may_be_a_secret(path: str) -> None:
    problems = problems_of(with_setting(minimal_config(), path, "sentinel in the wrong place"))
    assert "sentinel" not in "".join(problems)


def test_an_example_stands_beside_the_problem() -> None:
    (problem,) = problems_of(with_setting(minimal_config(), "tempo.storage.size", "big"))
    assert problem.endswith("example: 10Gi")


def test_bookinfo_may_not_share_a_namespace_with_what_must_have_no_sidecar() -> None:
    (problem,) = problems_of(with_setting(minimal_config(), "bookinfo.namespace", "istio-system"))
    assert "bookinfo.namespace" in problem


def test_selectors_have_one_source() -> None:
    config = with_setting(minimal_config(), "mesh.discoveryNamespacesOnly", True)
    values = {"meshConfig": {"discoverySelectors": []}}
    (problem,) = problems_of(with_setting(config, "mesh.values", values))
    assert "discoverySelectors" in problem


def test_only_the_context_and_the_secrets_are_required() -> None:
    loaded = load(minimal_config())
    assert loaded.cluster.context == "test"
    assert loaded.tracing.sampling_percentage == 100


def test_a_fraction_is_accepted_as_the_text_that_the_cli_writes() -> None:
    loaded = load(with_setting(minimal_config(), "tracing.samplingPercentage", "12.5"))
    assert loaded.tracing.sampling_percentage == 12.5


def test_settings_cannot_be_changed() -> None:
    loaded = load(minimal_config())
    with pytest.raises(ValueError, match="frozen"):
        loaded.mesh.namespace = "other"


def test_every_stack_file_is_accepted(stack_name: str) -> None:
    load(stack_config(stack_name))


def test_the_reserved_provider_name_is_the_provider_s() -> None:
    # settings.py cannot import it: the components import the settings.
    assert settings._OUR_PROVIDER == PROVIDER_NAME


def test_pulumi_yaml_declares_every_key_and_no_other() -> None:
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    aliases = {field.alias for field in settings.Settings.model_fields.values()}
    assert set(declared) == aliases
    for key, declaration in declared.items():
        assert declaration["description"], key
        assert declaration.get("secret", False) is (f"{PROJECT}:{key}" in SENTINELS), key


def test_every_setting_is_described() -> None:
    def undescribed(model: type[BaseModel]) -> list[str]:
        return [f"{model.__name__}.{name}" for name, field in model.model_fields.items() if not field.description]

    sections = [
        value for value in vars(settings).values() if isinstance(value, type) and issubclass(value, settings._Section)
    ]
    assert [name for section in sections for name in undescribed(section)] == []

"""Which settings are valid, and the messages for those that are not."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pulumi
import pytest
import yaml
from pulumi.runtime.config import set_all_config
from pydantic import BaseModel
from recording import (
    PROJECT,
    ROOT,
    SENTINELS,
    apply_config,
    minimal_config,
    s3_config,
    stack_config,
    with_setting,
)

import model
import settings
from model.__main__ import table

BAD_SETTINGS: list[tuple[str, Any]] = [
    ("platform", "k3s"),
    ("platform", {}),
    ("cluster.context", ""),
    ("cluster.domain", "Cluster.Local"),
    ("cluster.server", "api.crc.testing:6443"),
    ("cluster.kubeconfig", "/somewhere"),
    ("namespaces.existing", "istio-system"),
    ("namespaces.existing", ["Istio"]),
    ("namespaces.applications", [{"name": "shop", "deployment": "cart"}]),
    ("namespaces.applications", [{"deployments": ["cart"]}]),
    ("namespaces.applications", [{"name": "shop"}, {"name": "shop"}]),
    ("operators.source", "helm"),
    ("operators.catalog", "certified"),
    ("operators.approval", "automatic"),
    ("operators.channels", {"jaeger": "stable"}),
    ("operators.tempoVersion", "v0.22"),
    ("mesh.installer", "istioctl"),
    ("mesh.namespace", "Istio_System"),
    ("mesh.version", "latest"),
    ("mesh.chartRepository", "http://plain.example/charts"),
    ("mesh.revision", "a" * 64),
    ("mesh.keepCrds", "no"),
    ("mesh.cni", "yes"),
    ("mesh.cniNamespace", "Istio_CNI"),
    ("mesh.cniValues", ["cni"]),
    ("mesh.cniValues", {"global": {"hub": "elsewhere"}}),
    ("mesh.cniValues", {"global": {"tag": "1.31.4"}}),
    ("mesh.sail.updateStrategy", "Canary"),
    ("mesh.sail.inactiveRevisionDeletionGracePeriodSeconds", -1),
    ("mesh.existing.istio", ""),
    ("mesh.discoveryNamespacesOnly", 1),
    ("mesh.values", ["pilot"]),
    ("mesh.values", {"revision": "canary"}),
    ("mesh.values", {"profile": "demo"}),
    ("mesh.values", {"revisionTags": ["prod"]}),
    ("mesh.values", {"global": {"hub": "elsewhere"}}),
    ("mesh.values", {"global": {"platform": "gke"}}),
    ("mesh.values", {"global": {"istioNamespace": "elsewhere"}}),
    ("mesh.values", {"pilot": {"cni": {"enabled": False}}}),
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
    ("tracing.collector.extraConfig", "text"),
    ("tracing.collector.extraConfig", {"service": None}),
    ("tracing.collector.extraConfig", {"service": {"pipelines": ["traces"]}}),
    ("tracing.collector.extraConfig", {"service": {"pipelines": {"traces": None}}}),
    ("tracing.collector.extraConfig", {"service": {"pipelines": {"traces": {"processors": "batch"}}}}),
    ("tracing.collector.resources", {"requests": {"cpu": "1"}}),
    ("tracing.collector.resources", {"limits": {"memory": "lots"}}),
    ("tracing.collector.resources", {"limits": {"memory": "1Gi", "disk": "1Gi"}}),
    ("tempo.mode", "single"),
    ("tempo.retention", "2d"),
    ("tempo.replicationFactor", 4),
    ("tempo.histograms", "sparse"),
    ("tempo.storage.backend", "disk"),
    ("tempo.storage.size", 10),
    ("tempo.storage.size", "10 GB"),
    ("tempo.storage.s3.bucket", "x"),
    ("tempo.storage.s3.endpoint", "s3:9000"),
    ("tempo.storage.s3.endpoint", "https://user:password@s3.example.com"),
    ("tempo.storage.s3.seaweedfs.image", "seaweedfs"),
    ("tempo.storage.s3.moveFrom", "seaweedfs"),
    ("tempo.storage.s3.minio.image", "minio"),
    ("tempo.storage.s3.minio.image", "quay.io/minio/minio"),
    ("tempo.storage.s3.minio.image", "quay.io/minio/minio:latest"),
    ("tempo.extraConfig", []),
    ("prometheus.image", None),
    ("prometheus.retention", "forever"),
    ("prometheus.existing.queryUrl", "prometheus:9090"),
    ("prometheus.storage.fsGroup", 0),
    ("grafana.mode", "helm"),
    ("grafana.namespace", "-grafana"),
    ("grafana.instanceLabels", {"a b": "c"}),
    ("grafana.tempo.name", "$TEMPO"),
    ("grafana.prometheus.uid", "prometheus of the mesh"),
    ("kiali.installer", "olm"),
    ("kiali.version", "v2"),
    ("kiali.version", "1.89.0"),
    ("bookinfo.traffic.requestsPerSecond", 0),
    ("bookinfo.traffic.concurrency", 0),
    ("bookinfo.gateway", "nginx"),
    ("bookinfo.gatewayServiceType", "Headless"),
    ("bookinfo.enabled", "yes"),
    ("bookinfo.imageTag", "1.20.3 "),
    ("exposure.kind", "loadbalancer"),
    ("exposure.domain", "*.example.com"),
    ("exposure.gateway", "public"),
    ("images.curl", "curl:latest"),
    ("images.mirror", "https://registry.example.com"),
    ("images.mirrors", {"docker.io/library": "registry.example.com"}),
    ("images.mirrors", {"docker.io": "registry.example.com/"}),
    ("images.pullSecrets", ["Not A Name"]),
    ("scheduling.nodeSelector", {"a b": "c"}),
    ("scheduling.affinity", {"node": {}}),
    ("scheduling.tolerations", [{"key": "a", "effect": "Never"}]),
    ("scheduling.priorityClassName", ""),
    ("bookinfo.images", {"productpage": "quay.io/a/productpage:1"}),
    ("tracing.collector.image", "ghcr.io/collector"),
    ("timeouts.tempo", 0),
    ("timeouts.tempo", "10m"),
    ("timeouts.tmpo", 600),
    ("protectData", "no"),
    ("tempo", "text"),
    ("tempo", ["list"]),
    ("tmpo", {}),
]

# Settings that are valid alone and contradict each other: (what is set, a word of the problem).
CONTRADICTIONS: list[tuple[dict[str, Any], str]] = [
    ({"bookinfo.namespace": "istio-system"}, "bookinfo.namespace"),
    ({"bookinfo.namespace": "monitoring", "grafana.namespace": "monitoring"}, "bookinfo.namespace"),
    ({"namespaces.applications": [{"name": "tracing-system"}]}, "namespaces.applications"),
    ({"namespaces.applications": [{"name": "bookinfo"}]}, "namespaces.applications"),
    ({"exposure.kind": "route", "exposure.domain": "example.com"}, "platform openshift"),
    ({"exposure.kind": "ingress"}, "domain"),
    ({"exposure.kind": "gateway-api", "exposure.domain": "example.com"}, "gateway"),
    ({"bookinfo.gatewayServiceType": "NodePort"}, "without a gateway"),
    ({"exposure.prometheus": True}, "kind other than none"),
    ({"exposure.jaegerUi": True}, "kind other than none"),
    ({"platform": "openshift", "mesh.cni": False}, "mesh.cni"),
    *(({"mesh.cniNamespace": name}, "privileged") for name in ("istio-system", "tracing-system", "bookinfo")),
    ({"mesh.cniNamespace": "shop", "namespaces.applications": [{"name": "shop"}]}, "privileged"),
    ({"tracing.collector.inMesh": True}, "mesh.cni, or namespaces.unrestricted"),
    ({"platform": "openshift", "operators.source": "manifests"}, "operators.source"),
    ({"operators.source": "olm"}, "operatorhub"),
    ({"operators.source": "manifests", "mesh.installer": "sail"}, "Sail"),
    ({"mesh.installer": "existing"}, "namespaces.existing"),
    (
        {"mesh.installer": "existing", "namespaces.existing": ["istio-system"], "mesh.values": {"a": {}}},
        "its owner decides",
    ),
    (
        {"mesh.installer": "existing", "namespaces.existing": ["istio-system"], "mesh.replicas": 2},
        "its owner decides",
    ),
    (
        {
            "mesh.namespace": "mesh",
            "mesh.values": {
                "meshConfig": {
                    "extensionProviders": [
                        {
                            "name": "second",
                            "opentelemetry": {
                                "service": "mesh/otel-collector.mesh.svc.cluster.local",
                                "port": 4317,
                                "serviceAttributeEnrichment": "OTEL_SEMANTIC_CONVENTIONS",
                            },
                        }
                    ]
                }
            },
        },
        "serviceAttributeEnrichment",
    ),
    ({"mesh.installer": "sail", "mesh.revision": "canary"}, "updateStrategy"),
    (
        {"mesh.discoveryNamespacesOnly": True, "mesh.values": {"meshConfig": {"discoverySelectors": []}}},
        "discoverySelectors",
    ),
    ({"tempo.mode": "stack"}, "s3"),
    ({"tempo.storage.s3.source": "keys"}, "endpoint"),
    ({"tempo.storage.s3.source": "secret"}, "secretName"),
    ({"tempo.storage.s3.tls": True}, "no tls for source seaweedfs"),
    ({"tempo.storage.s3.source": "minio", "tempo.storage.s3.moveFrom": "minio"}, "no moveFrom for source minio"),
    ({"tempo.storage.s3": {"source": "keys", "endpoint": "http://s3.example.com", "caName": "ca"}}, "caName"),
    ({"tempo.storage.s3": {"source": "secret", "secretName": "theirs", "caName": "ca"}}, "caName"),
    ({"tempo.histograms": "both"}, "nativeHistograms"),
    ({"grafana.mode": "operator", "grafana.instanceLabels": {}}, "instanceLabels"),
    ({"grafana.tempo.uid": "one", "grafana.prometheus.uid": "one"}, "different uids"),
    ({"grafana.tempo.name": "One", "grafana.prometheus.name": "One"}, "different names"),
]


# Beside what is refused: another provider may name services as it likes, and one that leads to ours in Istio's way.
PROVIDERS = [
    {
        "name": "vendor",
        "opentelemetry": {"service": "vendor.example", "serviceAttributeEnrichment": "OTEL_SEMANTIC_CONVENTIONS"},
    },
    {
        "name": "second",
        "opentelemetry": {
            "service": "otel-collector.istio-system.svc.cluster.local",
            "serviceAttributeEnrichment": "ISTIO_CANONICAL",
        },
    },
]


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider["name"])
def test_a_provider_that_gives_no_service_of_ours_a_second_name_is_accepted(provider: dict[str, Any]) -> None:
    values = {"meshConfig": {"extensionProviders": [provider]}}
    assert load(with_setting(minimal_config(), "mesh.values", values)).mesh.values == values


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
            "mesh.namespace",
            "tracing.samplingPercentage",
            "tmpo",
        )
    }


def test_the_error_is_one_that_pulumi_shows_without_a_traceback() -> None:
    assert issubclass(settings.ConfigError, pulumi.RunError)
    with pytest.raises(settings.ConfigError, match="has one problem:\n  - "):
        load(with_setting({}, "mesh.namespace", "UPPER"))


@pytest.mark.parametrize("path", ["tempo", "tempo.secretKey", "tempo.storage.size", "mesh.values", "mesh.version"])
def test_no_problem_repeats_a_value_that_may_be_a_secret(path: str) -> None:
    problems = problems_of(with_setting(minimal_config(), path, "sentinel in the wrong place"))
    assert "sentinel" not in "".join(problems)


def test_an_example_stands_beside_the_problem() -> None:
    (problem,) = problems_of(with_setting(minimal_config(), "tempo.storage.size", "big"))
    assert problem.endswith("example: 10Gi")


def test_a_fraction_is_accepted_as_the_text_that_the_cli_writes() -> None:
    loaded = load(with_setting(minimal_config(), "tracing.samplingPercentage", "12.5"))
    assert loaded.tracing.sampling_percentage == 12.5


def test_settings_cannot_be_changed() -> None:
    loaded = load(minimal_config())
    with pytest.raises(ValueError, match="frozen"):
        loaded.mesh.namespace = "other"


def test_every_stack_file_is_accepted(stack_name: str) -> None:
    load(stack_config(stack_name))


def test_pulumi_yaml_declares_every_key_and_no_other() -> None:
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    aliases = {field.alias for field in settings.Settings.model_fields.values()}
    assert set(declared) == aliases
    for key, declaration in declared.items():
        assert declaration["description"], key
        # Pulumi requires a value for a key that is declared secret, and these are not always needed.
        assert "secret" not in declaration, key
        assert "default" in declaration, key


@pytest.mark.parametrize(("changes", "word"), CONTRADICTIONS)
def test_settings_that_contradict_each_other_are_refused(changes: dict[str, Any], word: str) -> None:
    config = minimal_config()
    for path, value in changes.items():
        config = with_setting(config, path, value)
    (problem,) = problems_of(config)
    assert word in problem


def test_a_new_grafana_cannot_have_a_data_source_already() -> None:
    config = with_setting({**minimal_config(), **SENTINELS}, "grafana.mode", "managed")
    existing = {"queryUrl": "http://prometheus.monitoring:9090", "datasourceUid": "theirs"}
    (problem,) = problems_of(with_setting(config, "prometheus.existing", existing))
    assert "datasourceUid" in problem


def test_the_context_alone_is_required() -> None:
    loaded = load(minimal_config())
    assert loaded.cluster.context == "test"
    assert loaded.tracing.sampling_percentage == 100
    assert loaded.object_store_access_key is None


@pytest.mark.parametrize(
    ("path", "value", "missing"),
    [
        ("tempo.storage.backend", "s3", ["objectStoreAccessKey", "objectStoreSecretKey"]),
        ("grafana.mode", "managed", ["grafanaAdminPassword"]),
    ],
)
def test_a_secret_that_is_needed_and_missing_comes_with_the_command_that_sets_it(
    path: str, value: str, missing: list[str]
) -> None:
    problems = problems_of(with_setting(minimal_config(), path, value))
    assert [problem.split(":")[1] for problem in problems] == missing
    for key, problem in zip(missing, problems, strict=True):
        assert f"pulumi config set --secret {key}" in problem
        assert value in problem


def test_a_secret_with_no_text_is_none() -> None:
    # Pulumi requires every key without a default, so Pulumi.yaml declares an empty one.
    config = {**s3_config(), f"{PROJECT}:objectStoreSecretKey": ""}
    (problem,) = problems_of(config)
    assert problem.startswith(f"{PROJECT}:objectStoreSecretKey")


def test_a_secret_is_one_when_the_cli_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    key = f"{PROJECT}:grafanaAdminPassword"
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps({f"{PROJECT}:cluster": '{"context": "test"}', key: "sentinel"}))
    monkeypatch.setenv("PULUMI_CONFIG_SECRET_KEYS", json.dumps([key]))

    async def in_a_loop() -> settings.Settings:
        set_all_config({}, [])
        return settings.load(pulumi.Config(PROJECT))

    assert asyncio.run(in_a_loop()).grafana_admin_password is not None


def test_a_secret_in_clear_is_refused_and_not_repeated() -> None:
    key = "grafanaAdminPassword"

    async def in_a_loop() -> None:
        set_all_config({f"{PROJECT}:cluster": '{"context": "test"}', f"{PROJECT}:{key}": "sentinel"}, [])
        settings.load(pulumi.Config(PROJECT))

    with pytest.raises(settings.ConfigError) as caught:
        asyncio.run(in_a_loop())
    (problem,) = caught.value.problems
    assert problem.startswith(f"{PROJECT}:{key}: expected a secret")
    assert "sentinel" not in problem


def test_a_secret_of_the_cluster_s_own_needs_no_keys() -> None:
    config = with_setting(minimal_config(), "tempo.storage.backend", "s3")
    config = with_setting(config, "tempo.storage.s3", {"source": "secret", "secretName": "tempo-s3"})
    assert load(config).object_store_access_key is None


def test_every_setting_is_described() -> None:
    def sections(section: type[BaseModel]) -> Iterator[type[BaseModel]]:
        yield section
        for below in section.__subclasses__():
            yield from sections(below)

    undescribed = [
        f"{section.__name__}.{name}"
        for section in sections(model.parts.Section)
        for name, field in section.model_fields.items()
        if not field.description
    ]
    assert undescribed == []


def test_the_table_of_settings_is_the_model_s() -> None:
    assert (ROOT / "docs" / "settings.md").read_text() == table(), "run `make docs`"


def test_every_setting_in_a_stack_file_stands_in_the_table(stack_name: str) -> None:
    def leaves(value: Any, path: str) -> Iterator[str]:
        if isinstance(value, dict) and value and f"`{path}`" not in page:
            for key, inner in value.items():
                yield from leaves(inner, f"{path}.{key}")
        else:
            yield path

    page = (ROOT / "docs" / "settings.md").read_text()
    content = yaml.safe_load((ROOT / f"Pulumi.{stack_name}.yaml").read_text())["config"]
    for key, value in content.items():
        if key.startswith(f"{PROJECT}:") and not (isinstance(value, dict) and "secure" in value):
            for path in leaves(value, key.removeprefix(f"{PROJECT}:")):
                assert f"`{path}`" in page, path

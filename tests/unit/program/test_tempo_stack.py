"""Tempo in both of its modes, on every storage: what is made, with which fields, and in which order."""

from collections.abc import Callable, Mapping
from typing import Any
from unittest import mock

import pytest
from recording import PROJECT, SENTINELS, Deployed, is_secret, minimal_config, s3_config, with_setting

from model import Tempo
from objects.tempo_args import TempoStackArgs
from objects.tempo_specs import build_monolithic_spec, build_stack_spec
from program.checks import RefusedError

Deploy = Callable[..., Deployed]
Config = dict[str, Any]

WRITE_URL = "http://prometheus.istio-system.svc.cluster.local:9090/api/v1/write"
SEAWEEDFS = {
    "PersistentVolumeClaim seaweedfs",
    "Service seaweedfs",
    "Deployment seaweedfs",
    "Job seaweedfs-bucket",
    "Secret seaweedfs-s3",
    "Secret tempo-seaweedfs",
}
MINIO = {
    "PersistentVolumeClaim minio",
    "Service minio",
    "Deployment minio",
    "Job tempo-bucket",
    "Secret minio-root",
    "Secret tempo-object-storage",
}
KEYS = {"Secret tempo-s3-keys"}
NOTHING: set[str] = set()
STORE = "theirs"


def with_settings(config: Mapping[str, Any], settings: Mapping[str, Any]) -> Config:
    changed = dict(config)
    for path, value in settings.items():
        changed = with_setting(changed, path, value)
    return changed


def storage_config(mode: str, backend: str, source: str | None = None) -> Config:
    settings: dict[str, Any] = {
        "bookinfo.enabled": False,
        "tempo.mode": mode,
        "tempo.storage.backend": backend,
    }
    if source is not None:
        settings["tempo.storage.s3.source"] = source
    if source == "keys":
        settings["tempo.storage.s3.endpoint"] = "https://s3.example.com"
    if source == "secret":
        settings["tempo.storage.s3.secretName"] = "theirs"
    needs_keys = source in {"seaweedfs", "minio", "keys"}
    return with_settings({**minimal_config(), **(SENTINELS if needs_keys else {})}, settings)


# (mode, backend, source, objects of the storage, the Secret that Tempo is told of)
VARIANTS = [
    ("monolithic", "memory", None, NOTHING, None),
    ("monolithic", "pv", None, NOTHING, None),
    ("monolithic", "s3", "seaweedfs", SEAWEEDFS, "tempo-seaweedfs"),
    ("monolithic", "s3", "minio", MINIO, "tempo-object-storage"),
    ("monolithic", "s3", "keys", KEYS, "tempo-s3-keys"),
    ("monolithic", "s3", "secret", NOTHING, "theirs"),
    ("stack", "s3", "seaweedfs", SEAWEEDFS, "tempo-seaweedfs"),
    ("stack", "s3", "minio", MINIO, "tempo-object-storage"),
    ("stack", "s3", "keys", KEYS, "tempo-s3-keys"),
    ("stack", "s3", "secret", NOTHING, "theirs"),
]
IDS = ["-".join(filter(None, variant[:3])) for variant in VARIANTS]
KIND = {"monolithic": "TempoMonolithic", "stack": "TempoStack"}


@pytest.fixture(params=VARIANTS, ids=IDS)
def variant(request: pytest.FixtureRequest) -> tuple[str, str, str | None, set[str], str | None]:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture(params=["monolithic", "stack"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def tempo_of(deployed: Deployed) -> Any:
    (tempo,) = [r for r in deployed if r.kind in KIND.values() and r.custom]
    return tempo


def tempo_config(deployed: Deployed) -> dict[str, Any]:
    config: dict[str, Any] = tempo_of(deployed).inputs["spec"]["extraConfig"]["tempo"]
    return config


def test_a_storage_brings_its_objects_and_no_others(deploy: Deploy, variant: Any) -> None:
    mode, backend, source, objects, _ = variant
    deployed = deploy(storage_config(mode, backend, source))
    made = {
        f"{r.kind} {r.object_name}"
        for r in deployed.children
        if (r.inputs.get("metadata") or {}).get("namespace") == "tracing-system"
        and r.kind not in {*KIND.values(), "NetworkPolicy"}
        and not r.name.endswith("-metrics")
        and not r.type.endswith("Patch")
    }
    assert made == objects
    assert ("ObjectStore" in {c.kind for c in deployed.components}) is (source in {"seaweedfs", "minio"})


def test_each_claim_that_the_operator_makes_gets_the_size_of_the_settings(deploy: Deploy, variant: Any) -> None:
    mode, backend, source, *_ = variant
    config = with_setting(storage_config(mode, backend, source), "tempo.storage.size", "7Gi")
    patches = [r for r in deploy(config) if r.type.endswith(":PersistentVolumeClaimPatch")]
    name = "tempo-storage-tempo-tempo-0" if mode == "monolithic" else "data-tempo-tempo-ingester-0"
    in_memory = backend == "memory"
    assert [patch.object_name for patch in patches] == ([] if in_memory else [name])
    for patch in patches:
        assert patch.inputs["spec"] == {"resources": {"requests": {"storage": "7Gi"}}}
        assert patch.inputs["metadata"]["annotations"]["pulumi.com/patchForce"] == "true"


def test_the_mode_chooses_the_kind_of_the_one_tempo(deploy: Deploy, variant: Any) -> None:
    mode, backend, source, *_ = variant
    tempo = tempo_of(deploy(storage_config(mode, backend, source)))
    assert (tempo.kind, tempo.object_name, tempo.name) == (KIND[mode], "tempo", f"tempo-{mode}")
    assert tempo.inputs["apiVersion"] == "tempo.grafana.com/v1alpha1"
    assert tempo.inputs["metadata"]["namespace"] == "tracing-system"


def test_tempo_is_awaited_until_ready_within_its_timeout(deploy: Deploy, variant: Any) -> None:
    mode, backend, source, *_ = variant
    deployed = deploy(with_setting(storage_config(mode, backend, source), "timeouts.tempo", 321))
    assert tempo_of(deployed).timeouts == {"create": "321s", "update": "321s", "delete": "321s"}
    (watched,) = (rollout for rollout in deployed.watched if rollout.title == "Tempo")
    assert watched.seconds == 321
    parts = ["compactor", "distributor", "ingester", "metrics-generator", "querier", "query-frontend"]
    names = ["tempo-tempo"] if mode == "monolithic" else [f"tempo-tempo-{part}" for part in parts]
    assert sorted(watched.workloads) == names


def test_tempo_comes_after_all_objects_of_its_storage_and_after_prometheus(deploy: Deploy, variant: Any) -> None:
    mode, backend, source, objects, _ = variant
    deployed = deploy(storage_config(mode, backend, source))
    before = deployed.before(tempo_of(deployed).urn)
    for kind, name in (text.split() for text in objects):
        assert deployed.get(kind, name).urn in before, (kind, name)
    assert deployed.get("Deployment", "prometheus").urn in before
    assert deployed.get("Namespace", "tracing-system").urn in before


def test_tempo_is_told_of_the_secret_of_its_store_only(deploy: Deploy, variant: Any) -> None:
    mode, backend, source, _, secret = variant
    spec = tempo_of(deploy(storage_config(mode, backend, source))).inputs["spec"]
    if mode == "stack":
        assert spec["storage"]["secret"] == {"name": secret, "type": "s3"}
    else:
        traces = spec["storage"]["traces"]
        assert traces["backend"] == backend
        assert (traces.get("s3") or {}).get("secret") == secret


# (what the settings say of an existing store, what Tempo's operator is told of TLS)
TLS: list[tuple[dict[str, Any], dict[str, Any] | None]] = [
    ({"source": "seaweedfs"}, {"enabled": False}),
    ({"source": "minio"}, {"enabled": False}),
    ({"source": "keys", "endpoint": "http://s3.example.com:9000"}, {"enabled": False}),
    ({"source": "keys", "endpoint": "https://s3.example.com"}, {"enabled": True}),
    (
        {"source": "keys", "endpoint": "https://s3.example.com", "caName": "store-ca"},
        {"enabled": True, "caName": "store-ca"},
    ),
    ({"source": "secret", "secretName": "theirs"}, None),
    ({"source": "secret", "secretName": "theirs", "tls": False}, {"enabled": False}),
    ({"source": "secret", "secretName": "theirs", "tls": True, "caName": "ca"}, {"enabled": True, "caName": "ca"}),
]


@pytest.mark.parametrize(("s3", "tls"), TLS)
def test_tls_follows_from_the_endpoint(deploy: Deploy, mode: str, s3: dict[str, Any], tls: Any) -> None:
    config = with_setting(storage_config(mode, "s3", "seaweedfs"), "tempo.storage.s3", s3)
    spec = tempo_of(deploy(config)).inputs["spec"]
    told = spec["storage"] if mode == "stack" else spec["storage"]["traces"]["s3"]
    assert told.get("tls") == tls


def test_a_configuration_that_takes_tls_away_is_refused(deploy: Deploy, mode: str) -> None:
    config = with_setting(
        storage_config(mode, "s3", "keys"), "tempo.extraConfig", {"storage": {"trace": {"s3": {"insecure": True}}}}
    )
    with pytest.raises(RefusedError, match="called without TLS"):
        deploy(config)


def test_a_preview_registers_the_same(deploy: Deploy, variant: Any) -> None:
    config = storage_config(*variant[:3])
    assert set(deploy(config, preview=True).resources) == set(deploy(config).resources)


def test_keys_reach_the_engine_as_secrets_and_stand_nowhere_else(deploy: Deploy, mode: str) -> None:
    deployed = deploy(storage_config(mode, "s3", "keys"))
    secret = deployed.get("Secret", "tempo-s3-keys")
    assert secret.inputs["stringData"] == {
        "bucket": "tempo",
        "endpoint": "https://s3.example.com",
        "access_key_id": SENTINELS[f"{PROJECT}:objectStoreAccessKey"],
        "access_key_secret": SENTINELS[f"{PROJECT}:objectStoreSecretKey"],
    }
    assert is_secret(secret.raw_inputs["stringData"])
    for resource in deployed:
        if resource.kind != "Secret":
            assert "sentinel-secret-key" not in str(resource.raw_inputs), resource.urn


@pytest.mark.parametrize("protect", [True, False])
def test_what_holds_traces_is_protected_as_the_settings_say(deploy: Deploy, variant: Any, protect: bool) -> None:
    mode, backend, source, *_ = variant
    deployed = deploy(with_setting(storage_config(mode, backend, source), "protectData", protect))
    in_namespace = {
        f"{r.kind} {r.object_name}"
        for r in deployed.children
        if r.protect and (r.inputs.get("metadata") or {}).get("namespace") == "tracing-system"
    }
    data = {f"{KIND[mode]} tempo"}
    own = {"seaweedfs": "Secret seaweedfs-s3", "minio": "Secret minio-root"}
    if source in own:
        data |= {f"PersistentVolumeClaim {source}", own[source]}
    assert in_namespace == (data if protect else set())


def test_the_volume_has_the_size_and_the_class_of_the_settings(deploy: Deploy, mode: str) -> None:
    settings = {"tempo.storage.size": "33Gi", "tempo.storage.storageClass": "fast"}
    spec = tempo_of(deploy(with_settings(storage_config(mode, "s3", "seaweedfs"), settings))).inputs["spec"]
    if mode == "stack":
        assert (spec["storageSize"], spec["storageClassName"]) == ("33Gi", "fast")
    else:
        assert spec["storage"]["traces"]["size"] == "33Gi"
        assert spec["storage"]["traces"]["storageClassName"] == "fast"


@pytest.mark.parametrize("variant", [("monolithic", "pv", None), ("stack", "s3", "seaweedfs")], ids=["pv", "stack"])
def test_no_class_leaves_the_choice_to_the_cluster(deploy: Deploy, variant: Any) -> None:
    spec = tempo_of(deploy(storage_config(*variant))).inputs["spec"]
    assert "storageClassName" not in spec
    assert "storageClassName" not in spec["storage"].get("traces", {})


@pytest.mark.parametrize(
    ("storage", "resources", "traces"),
    [
        # The default size is that of a volume on disk; half of the container's limit is left for Tempo.
        ({}, {"limits": {"memory": "2Gi"}}, {"backend": "memory", "size": "1Gi"}),
        ({}, {"limits": {"memory": "1Gi"}}, {"backend": "memory", "size": "0.5Gi"}),
        ({}, {"limits": {"memory": "1500M"}}, {"backend": "memory", "size": "750M"}),
        ({}, {"limits": {"memory": "2147483648"}}, {"backend": "memory", "size": "1073741824"}),
        ({}, {"requests": {"memory": "1Gi"}}, {"backend": "memory"}),
        ({"size": "300Mi"}, {"limits": {"memory": "2Gi"}}, {"backend": "memory", "size": "300Mi"}),
        ({"storageClass": "fast"}, {"limits": {"memory": "2Gi"}}, {"backend": "memory", "size": "1Gi"}),
    ],
)
def test_storage_in_memory_leaves_memory_to_tempo(
    storage: dict[str, Any], resources: dict[str, Any], traces: dict[str, Any]
) -> None:
    tempo = Tempo.model_validate({"storage": {"backend": "memory", **storage}, "resources": resources})
    spec = build_monolithic_spec(TempoStackArgs(remote_write_url=WRITE_URL, tempo=tempo), None)
    assert spec["storage"]["traces"] == traces


def test_a_monolithic_tempo_has_its_retention_in_its_own_configuration(deploy: Deploy) -> None:
    deployed = deploy(with_setting(minimal_config(), "tempo.retention", "5h"))
    assert tempo_config(deployed)["compactor"]["compaction"]["block_retention"] == "5h"


def test_a_stack_says_all_it_can_in_fields(deploy: Deploy) -> None:
    settings = {
        "tempo.retention": "5h",
        "tempo.replicationFactor": 3,
        "tempo.resources": {"limits": {"cpu": "4", "memory": "8Gi"}},
    }
    spec = tempo_of(deploy(with_settings(storage_config("stack", "s3", "seaweedfs"), settings))).inputs["spec"]
    assert spec["retention"] == {"global": {"traces": "5h0m0s"}}
    assert spec["replicationFactor"] == 3
    assert spec["template"]["ingester"]["replicas"] == 3
    assert spec["resources"] == {"total": {"limits": {"cpu": "4", "memory": "8Gi"}}}
    assert spec["template"]["gateway"] == {"enabled": False}
    generator = spec["template"]["metricsGenerator"]
    assert (generator["enabled"], generator["remoteWriteURLs"]) == (True, [WRITE_URL])
    # `local-blocks`, a default of the operator's, needs a path that it does not give.
    assert generator["processors"] == ["service-graphs", "span-metrics"]
    assert spec.get("networkPolicy") is None
    assert "compactor" not in spec["extraConfig"]["tempo"]


def test_exemplars_are_written_in_both_modes(deploy: Deploy, mode: str) -> None:
    storage = tempo_config(deploy(storage_config(mode, "s3", "seaweedfs")))["metrics_generator"]["storage"]
    assert storage["remote_write"] == [{"url": WRITE_URL, "send_exemplars": True, "name": mock.ANY}]


def test_the_graph_is_written_as_often_as_the_settings_say(deploy: Deploy, mode: str) -> None:
    deployed = deploy(with_setting(storage_config(mode, "s3", "seaweedfs"), "tempo.graphInterval", "45s"))
    assert tempo_config(deployed)["metrics_generator"]["registry"] == {
        "collection_interval": "45s",
        "external_labels": {"source": "tempo"},
    }


def test_only_the_single_binary_needs_a_path_and_switches_its_processors_on(deploy: Deploy) -> None:
    monolithic = tempo_config(deploy(storage_config("monolithic", "s3", "seaweedfs")))
    assert monolithic["metrics_generator"]["storage"]["path"] == "/var/tempo/generator/wal"
    assert set(monolithic["metrics_generator"]["processor"]) == {"service_graphs", "span_metrics"}
    assert monolithic["overrides"]["defaults"]["metrics_generator"]["processors"] == ["service-graphs", "span-metrics"]
    stack = tempo_config(deploy(storage_config("stack", "s3", "seaweedfs")))
    assert "path" not in stack["metrics_generator"]["storage"]
    assert "processors" not in str(stack["overrides"])


@pytest.mark.parametrize("histograms", ["native", "both"])
def test_native_histograms_are_made_and_sent(deploy: Deploy, mode: str, histograms: str) -> None:
    settings = {"tempo.histograms": histograms, "prometheus.nativeHistograms": True}
    config = tempo_config(deploy(with_settings(storage_config(mode, "s3", "seaweedfs"), settings)))
    (remote_write,) = config["metrics_generator"]["storage"]["remote_write"]
    assert remote_write["send_native_histograms"] is True
    if mode == "monolithic":
        generator = config["overrides"]["defaults"]["metrics_generator"]
        assert generator["generate_native_histograms"] == histograms
        assert generator["processors"] == ["service-graphs", "span-metrics"]
    else:
        assert config["overrides"]["metrics_generator_generate_native_histograms"] == histograms


def test_classic_histograms_need_no_word(deploy: Deploy, mode: str) -> None:
    assert "native_histograms" not in str(tempo_config(deploy(storage_config(mode, "s3", "seaweedfs"))))


@pytest.mark.parametrize("histograms", ["classic", "native", "both"])
def test_the_two_formats_of_overrides_are_never_mixed(histograms: str) -> None:
    tempo = Tempo.model_validate({"histograms": histograms, "storage": {"backend": "s3"}})
    args = TempoStackArgs(remote_write_url=WRITE_URL, tempo=tempo)
    monolithic, stack = build_monolithic_spec(args, STORE), build_stack_spec(args, STORE)
    assert set(monolithic["extraConfig"]["tempo"]["overrides"]) == {"defaults"}
    assert "defaults" not in stack["extraConfig"]["tempo"].get("overrides", {})


def test_further_configuration_is_merged_over_ours(deploy: Deploy, mode: str) -> None:
    extra = {
        "ingester": {"max_block_duration": "10m"},
        "metrics_generator": {"registry": {"external_labels": {"source": "theirs", "cluster": "c"}}},
    }
    config = tempo_config(deploy(with_setting(storage_config(mode, "s3", "seaweedfs"), "tempo.extraConfig", extra)))
    assert config["ingester"]["max_block_duration"] == "10m"
    assert config["ingester"]["trace_idle_period"] == "5s"
    assert config["metrics_generator"]["registry"] == {
        "collection_interval": "15s",
        "external_labels": {"source": "theirs", "cluster": "c"},
    }
    assert config["metrics_generator"]["storage"]["remote_write"][0]["url"] == WRITE_URL


@pytest.mark.parametrize("mode", ["monolithic", "stack"])
def test_a_trace_is_searchable_as_soon_as_the_settings_say(deploy: Deploy, mode: str) -> None:
    config = tempo_config(deploy(with_setting(storage_config(mode, "s3", "seaweedfs"), "tempo.traceIdlePeriod", "1s")))
    # Tempo looks once per `flush_check_period` for traces that have been idle for `trace_idle_period`.
    assert config["ingester"]["trace_idle_period"] == "1s"
    assert config["ingester"]["flush_check_period"] == "1s"


@pytest.mark.parametrize(
    ("idle", "block"), [("100ms", "60s"), ("1s", "120s"), ("5s", "600s"), ("10s", "1200s"), ("1m", "1800s")]
)
def test_a_search_opens_a_bounded_number_of_files(deploy: Deploy, idle: str, block: str) -> None:
    """A block that is being filled has a file for each check."""
    config = tempo_config(deploy(with_setting(minimal_config(), "tempo.traceIdlePeriod", idle)))
    assert config["ingester"]["max_block_duration"] == block


@pytest.mark.parametrize(("mode", "waits"), [("monolithic", "0s"), ("stack", None)])
def test_only_an_ingester_that_is_alone_is_ready_at_once(deploy: Deploy, mode: str, waits: str | None) -> None:
    config = tempo_config(deploy(storage_config(mode, "s3", "seaweedfs")))
    assert config["ingester"].get("lifecycler", {}).get("min_ready_duration") == waits


@pytest.mark.parametrize(
    ("mode", "otlp", "query", "scraped"),
    [
        (
            "monolithic",
            "tempo-tempo.tracing-system.svc.cluster.local:4317",
            "http://tempo-tempo.tracing-system.svc.cluster.local:3200",
            {"tempo"},
        ),
        (
            "stack",
            "tempo-tempo-distributor.tracing-system.svc.cluster.local:4317",
            "http://tempo-tempo-query-frontend.tracing-system.svc.cluster.local:3200",
            {"tempo-distributor", "tempo-metrics-generator", "tempo-query-frontend"},
        ),
    ],
)
def test_each_mode_is_reached_at_its_own_services(
    deploy: Deploy, mode: Any, otlp: str, query: str, scraped: set[str]
) -> None:
    deployed = deploy(storage_config(mode, "s3", "seaweedfs"))
    exporter = deployed.get("OpenTelemetryCollector").inputs["spec"]["config"]["exporters"]["otlp_grpc"]
    assert exporter["endpoint"] == otlp
    assert deployed.exports["tempo_query_url"] == query
    assert tempo_of(deployed).urn in deployed.before(deployed.get("OpenTelemetryCollector").urn)
    services = {r.object_name for r in deployed.children if r.kind == "Service" and r.name.endswith("-metrics")}
    assert services == {f"mesh-tracing-{job}" for job in ("istiod", "otel-collector", *scraped)}


@pytest.mark.parametrize(
    ("mode", "exposure", "expected"),
    [
        (
            "monolithic",
            {"kind": "route"},
            {"enabled": True, "route": {"enabled": True, "host": "jaeger.apps.test", "termination": "edge"}},
        ),
        (
            "monolithic",
            {"kind": "route", "tls": False},
            {"enabled": True, "route": {"enabled": True, "host": "jaeger.apps.test", "termination": "insecure"}},
        ),
        (
            "monolithic",
            {"kind": "ingress"},
            {"enabled": True, "ingress": {"enabled": True, "host": "jaeger.apps.test"}},
        ),
        (
            "monolithic",
            {"kind": "ingress", "ingressClass": "nginx"},
            {
                "enabled": True,
                "ingress": {"enabled": True, "host": "jaeger.apps.test", "ingressClassName": "nginx"},
            },
        ),
        ("monolithic", {"kind": "gateway-api", "gateway": "ingress/public"}, {"enabled": True}),
        (
            "stack",
            {"kind": "route"},
            {
                "enabled": True,
                "ingress": {"type": "route", "host": "jaeger.apps.test", "route": {"termination": "edge"}},
            },
        ),
        (
            "stack",
            {"kind": "ingress", "ingressClass": "nginx"},
            {
                "enabled": True,
                "ingress": {"type": "ingress", "host": "jaeger.apps.test", "ingressClassName": "nginx"},
            },
        ),
        ("stack", {"kind": "gateway-api", "gateway": "ingress/public"}, {"enabled": True}),
    ],
)
def test_the_jaeger_ui_is_led_to_by_the_operator_where_it_can(
    deploy: Deploy, mode: str, exposure: dict[str, Any], expected: dict[str, Any]
) -> None:
    settings = {"platform": "openshift", "exposure": {"domain": "apps.test", "jaegerUi": True, **exposure}}
    spec = tempo_of(deploy(with_settings(storage_config(mode, "s3", "seaweedfs"), settings))).inputs["spec"]
    if mode == "stack":
        assert spec["template"]["queryFrontend"]["jaegerQuery"] == expected
    else:
        assert spec["jaegerui"] == expected


def test_no_jaeger_ui_without_asking(deploy: Deploy, mode: str) -> None:
    spec = tempo_of(deploy(storage_config(mode, "s3", "seaweedfs"))).inputs["spec"]
    assert "jaegerui" not in spec
    assert "jaegerQuery" not in spec.get("template", {}).get("queryFrontend", {})


def test_versions_name_what_the_program_runs_itself(deploy: Deploy) -> None:
    assert set(deploy(minimal_config()).exports["versions"]) == {"istio", "prometheus", "bookinfo"}
    stores = {"seaweedfs": "docker.io/chrislusf/seaweedfs:", "minio": "quay.io/minio/minio:"}
    for store, image in stores.items():
        versions = deploy(storage_config("monolithic", "s3", store)).exports["versions"]
        assert versions[store].startswith(image)
        assert stores.keys() & versions == {store}
    assert not stores.keys() & deploy(storage_config("monolithic", "s3", "keys")).exports["versions"]
    existing = {"prometheus.existing": {"queryUrl": "http://theirs:9090"}, "bookinfo.enabled": False}
    assert set(deploy(with_settings(minimal_config(), existing)).exports["versions"]) == {"istio"}


@pytest.mark.parametrize(("mode", "kind"), [("monolithic", "TempoMonolithic"), ("stack", "TempoStack")])
def test_tempo_s_pods_pull_with_the_secrets_of_an_account_that_is_there_first(
    deploy: Deploy, mode: str, kind: str
) -> None:
    deployed = deploy(with_setting(storage_config(mode, "s3", "minio"), "images.pullSecrets", ["registry"]))
    tempo, account = deployed.get(kind), deployed.get("ServiceAccount", "mesh-tracing-tempo")
    assert tempo.inputs["spec"]["serviceAccount"] == "mesh-tracing-tempo"
    assert account.inputs["imagePullSecrets"] == [{"name": "registry"}]
    assert account.inputs["metadata"]["namespace"] == tempo.inputs["metadata"]["namespace"]
    assert account.urn in deployed.before(tempo.urn)


@pytest.mark.parametrize(
    ("retention", "written"),
    [("48h", "48h0m0s"), ("90m", "1h30m0s"), ("1h5s", "1h0m5s"), ("5m", "5m0s"), ("45s", "45s")],
)
def test_a_stack_has_its_retention_as_its_operator_writes_it(deploy: Deploy, retention: str, written: str) -> None:
    """The operator reads the resource and writes it back: then the field is its own too, with this text."""
    config = with_settings(s3_config(), {"tempo.mode": "stack", "tempo.retention": retention})
    assert deploy(config).get("TempoStack").inputs["spec"]["retention"] == {"global": {"traces": written}}

"""Prometheus: ours with its volume and its switches, or somebody else's."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml
from recording import Deployed, minimal_config, s3_config, with_setting

from lint.lifecycle import lifecycle
from objects import prometheus

Deploy = Callable[..., Deployed]

THEIRS = "https://metrics.example.com/tenant"
RECEIVER = "--web.enable-remote-write-receiver"
EXEMPLARS = "--enable-feature=exemplar-storage"
NATIVE_HISTOGRAMS = "--enable-feature=native-histograms"

EDGES = [
    # The later one, and what has to be there before it.
    (("Deployment", "prometheus"), ("Namespace", "istio-system")),
    (("Deployment", "prometheus"), ("ConfigMap", "prometheus")),
    (("Deployment", "prometheus"), ("ServiceAccount", "prometheus")),
    (("Deployment", "prometheus"), ("PersistentVolumeClaim", "prometheus")),
    (("TempoMonolithic", "tempo"), ("Deployment", "prometheus")),
    (("ConfigMap", "grafana-datasources-tracing"), ("Deployment", "prometheus")),
]


def with_volume(volume: dict[str, Any] | None = None) -> dict[str, Any]:
    return with_setting(minimal_config(), "prometheus.storage", volume or {})


def with_theirs(**existing: str) -> dict[str, Any]:
    return with_setting(minimal_config(), "prometheus.existing", {"queryUrl": THEIRS, **existing})


def pod(deployed: Deployed) -> dict[str, Any]:
    found: dict[str, Any] = deployed.get("Deployment", "prometheus").inputs["spec"]["template"]["spec"]
    return found


def arguments(deployed: Deployed) -> list[str]:
    (container,) = pod(deployed)["containers"]
    args: list[str] = container["args"]
    return args


def settings_of(deployed: Deployed) -> dict[str, Any]:
    """The content of prometheus.yml."""
    found: dict[str, Any] = yaml.safe_load(deployed.get("ConfigMap", "prometheus").inputs["data"]["prometheus.yml"])
    return found


def remote_write_url(deployed: Deployed) -> str:
    config = deployed.get("TempoMonolithic").inputs["spec"]["extraConfig"]["tempo"]
    (remote_write,) = config["metrics_generator"]["storage"]["remote_write"]
    return str(remote_write["url"])


@pytest.mark.parametrize(("later", "earlier"), EDGES)
def test_required_edge(deploy: Deploy, later: tuple[str, str], earlier: tuple[str, str]) -> None:
    deployed = deploy(with_volume())
    assert deployed.get(*earlier).urn in deployed.before(deployed.get(*later).urn)


def test_it_takes_writes_and_keeps_exemplars(minimal: Deployed) -> None:
    assert {RECEIVER, EXEMPLARS} <= set(arguments(minimal))
    assert NATIVE_HISTOGRAMS not in arguments(minimal)


@pytest.mark.parametrize(
    ("tag", "has_flag"), [("v2.42.0", True), ("v3.8.1", True), ("v3.9.0", False), ("v4.0.0", False), ("mine", True)]
)
def test_native_histograms_are_switched_on_as_the_release_wants_it(deploy: Deploy, tag: str, has_flag: bool) -> None:
    """Newer releases take what is written without a flag, older ones do not start with the setting for scraping."""
    config = with_setting(minimal_config(), "prometheus.nativeHistograms", True)
    deployed = deploy(with_setting(config, "prometheus.image", f"registry.test:5000/prom/prometheus:{tag}"))
    assert {RECEIVER, EXEMPLARS} <= set(arguments(deployed))
    assert (NATIVE_HISTOGRAMS in arguments(deployed)) is has_flag
    assert settings_of(deployed)["global"].get("scrape_native_histograms") is (None if has_flag else True)


def test_without_native_histograms_none_are_scraped(minimal: Deployed) -> None:
    assert settings_of(minimal)["global"] == {"scrape_interval": "15s"}


def test_the_release_from_which_on_no_flag_is_needed_is_the_one_that_was_published() -> None:
    published = lifecycle().first_release("native histograms need no feature flag")
    assert published == prometheus._HISTOGRAMS_WITHOUT_FLAG


def test_the_retention_is_that_of_the_settings(deploy: Deploy) -> None:
    assert "--storage.tsdb.retention.time=9d" in arguments(
        deploy(with_setting(minimal_config(), "prometheus.retention", "9d"))
    )


def test_without_a_volume_samples_live_in_the_pod(minimal: Deployed) -> None:
    assert not any(r.type.endswith(":PersistentVolumeClaim") for r in minimal)
    assert {"name": "data", "emptyDir": {}} in pod(minimal)["volumes"]


def test_the_volume_has_the_size_and_the_class_of_the_settings(deploy: Deploy) -> None:
    deployed = deploy(with_volume({"size": "77Gi", "storageClass": "fast"}))
    claim = deployed.get("PersistentVolumeClaim", "prometheus")
    assert claim.inputs["spec"]["resources"] == {"requests": {"storage": "77Gi"}}
    assert claim.inputs["spec"]["storageClassName"] == "fast"
    assert claim.name == "prometheus-persistentvolumeclaim-prometheus"
    assert {"name": "data", "persistentVolumeClaim": {"claimName": "prometheus"}} in pod(deployed)["volumes"]


@pytest.mark.parametrize("platform", ["kubernetes", "openshift"])
def test_a_volume_of_root_s_is_handed_to_the_group_of_the_settings(deploy: Deploy, platform: str) -> None:
    config = with_setting(with_volume({"fsGroup": 4711}), "platform", platform)
    assert pod(deploy(config))["securityContext"]["fsGroup"] == 4711


@pytest.mark.parametrize("protect", [True, False])
def test_only_the_volume_is_protected_as_the_settings_say(deploy: Deploy, protect: bool) -> None:
    deployed = deploy(with_setting(with_volume(), "protectData", protect))
    assert deployed.get("PersistentVolumeClaim", "prometheus").protect is protect
    for kind in ("Deployment", "ConfigMap", "Service", "ServiceAccount"):
        assert deployed.get(kind, "prometheus").protect is False


def test_it_has_its_timeout(deploy: Deploy) -> None:
    deployed = deploy(with_setting(minimal_config(), "timeouts.prometheus", 55))
    assert deployed.get("Deployment", "prometheus").timeouts["create"] == "55s"


def test_its_volume_has_the_same_timeout(deploy: Deploy) -> None:
    deployed = deploy(with_setting(with_volume(), "timeouts.prometheus", 55))
    assert deployed.get("PersistentVolumeClaim", "prometheus").timeouts["create"] == "55s"


# By scrape job: the port, and labels that the pods have. Istio's chart and the two operators write them.
PODS: dict[str, tuple[int, dict[str, str]]] = {
    "istiod": (15014, {"app": "istiod", "istio": "pilot", "istio.io/rev": "default"}),
    "otel-collector": (
        8888,
        {
            "app.kubernetes.io/component": "opentelemetry-collector",
            "app.kubernetes.io/instance": "istio-system.otel",
            "app.kubernetes.io/managed-by": "opentelemetry-operator",
            "app.kubernetes.io/name": "otel-collector",
            "app.kubernetes.io/part-of": "opentelemetry",
        },
    ),
}


def tempo_pod(name: str, component: str, port: int = 3200) -> tuple[int, dict[str, str]]:
    return port, {
        "app.kubernetes.io/component": component,
        "app.kubernetes.io/instance": "tempo",
        "app.kubernetes.io/managed-by": "tempo-operator",
        "app.kubernetes.io/name": name,
    }


# Where its operator has TLS between the parts, their own server asks for no client's certificate.
PARTS = {"distributor": 3101, "metrics-generator": 3101, "query-frontend": 3200}
TEMPO_PODS = {
    "monolithic": {"tempo": tempo_pod("tempo-monolithic", "tempo")},
    "stack": {f"tempo-{part}": tempo_pod("tempo", part, port) for part, port in PARTS.items()},
}


@pytest.mark.parametrize("mode", TEMPO_PODS)
def test_it_scrapes_every_pod_of_every_hop(deploy: Deploy, mode: str) -> None:
    deployed = deploy(with_setting(s3_config(), "tempo.mode", mode))
    config = yaml.safe_load(deployed.get("ConfigMap", "prometheus").inputs["data"]["prometheus.yml"])
    services = {
        f"_{port['name']}._tcp.{r.object_name}.{r.inputs['metadata']['namespace']}.svc.cluster.local": r.inputs["spec"]
        for r in deployed.children
        if r.kind == "Service"
        for port in r.inputs["spec"]["ports"]
        if "name" in port
    }
    pods = {**PODS, **TEMPO_PODS[mode]}
    jobs = config["scrape_configs"][1:]
    assert {job["job_name"] for job in jobs if job.get("scheme") == "https"} == {
        job for job, (port, _) in pods.items() if port == 3101
    }
    found = {job["job_name"]: job["dns_sd_configs"][0]["names"] for job in jobs}
    assert found.keys() == pods.keys()
    for job, (port, labels) in pods.items():
        (record,) = found[job]
        service = services[record]
        assert service["selector"].items() <= labels.items(), job
        assert [one["port"] for one in service["ports"]] == [port]
        # Headless: the record lists the pods, and not one address for all of them.
        assert (service["clusterIP"], service["publishNotReadyAddresses"]) == ("None", True)


def test_the_services_for_metrics_do_not_match_the_pods_of_another_part(deploy: Deploy) -> None:
    deployed = deploy(with_setting(s3_config(), "tempo.mode", "stack"))
    selectors = {r.object_name: r.inputs["spec"]["selector"] for r in deployed.children if r.kind == "Service"}
    for job, (_, labels) in {**PODS, **TEMPO_PODS["stack"]}.items():
        matching = {name for name, selector in selectors.items() if selector.items() <= labels.items()}
        assert matching == {f"mesh-tracing-{job}"}


def test_no_proxy_is_told_of_the_services_for_metrics(minimal: Deployed) -> None:
    for job in (*PODS, "tempo"):
        annotations = minimal.get("Service", f"mesh-tracing-{job}").inputs["metadata"]["annotations"]
        assert annotations["networking.istio.io/exportTo"] == "~"


def test_somebody_else_s_prometheus_makes_nothing_of_ours(deploy: Deploy) -> None:
    deployed = deploy(with_theirs())
    assert "Prometheus" not in {c.kind for c in deployed.components}
    assert not [r.urn for r in deployed.children if r.object_name == "prometheus"]


def test_somebody_else_s_prometheus_is_written_to_and_read_from(deploy: Deploy) -> None:
    deployed = deploy(with_theirs())
    assert remote_write_url(deployed) == "https://metrics.example.com/tenant/api/v1/write"
    assert deployed.exports["prometheus_url"] == THEIRS
    config_map = deployed.get("ConfigMap", "grafana-datasources-tracing").inputs["data"]
    (sources,) = (yaml.safe_load(text)["datasources"] for text in config_map.values() if "datasources" in text)
    assert THEIRS in [source["url"] for source in sources if source["type"] == "prometheus"]


def test_a_slash_at_the_end_of_its_url_is_not_doubled(deploy: Deploy) -> None:
    config = with_setting(minimal_config(), "prometheus.existing", {"queryUrl": f"{THEIRS}/"})
    assert remote_write_url(deploy(config)) == "https://metrics.example.com/tenant/api/v1/write"


def test_it_may_take_writes_somewhere_else(deploy: Deploy) -> None:
    deployed = deploy(with_theirs(writeUrl="http://receiver:19291/api/v1/receive"))
    assert remote_write_url(deployed) == "http://receiver:19291/api/v1/receive"


def test_a_preview_with_somebody_else_s_prometheus_registers_the_same(deploy: Deploy) -> None:
    assert set(deploy(with_theirs(), preview=True).resources) == set(deploy(with_theirs()).resources)

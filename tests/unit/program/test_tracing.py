"""The hops of a span: mesh configuration, collector, Tempo, Prometheus, Grafana."""

import shutil
import subprocess
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
import yaml
from recording import ROOT, Deployed, minimal_config, s3_config, stack_config, with_setting

Deploy = Callable[..., Deployed]


def mesh_config(deployed: Deployed) -> dict[str, Any]:
    """What we put into the mesh's configuration, wherever the installer keeps it."""
    (found,) = (
        config
        for resource in deployed.children
        for config in (
            [resource.inputs["values"]["meshConfig"]]
            if resource.kind == "Release" and resource.object_name.startswith("istiod")
            else [resource.inputs["spec"]["values"]["meshConfig"]]
            if resource.kind == "Istio" and resource.type.endswith(":Istio") and not resource.read
            else [yaml.safe_load(resource.inputs["data"]["mesh"])]
            if resource.kind == "ConfigMap" and "mesh" in resource.inputs["data"]
            else []
        )
    )
    return dict(found)


def tempo_config(deployed: Deployed) -> dict[str, Any]:
    (tempo,) = (
        r for r in deployed.children if r.kind in {"TempoMonolithic", "TempoStack"} and r.object_name == "tempo"
    )
    found: dict[str, Any] = tempo.inputs["spec"]["extraConfig"]["tempo"]
    return found


def datasources(deployed: Deployed) -> dict[str, Any]:
    data = deployed.get("ConfigMap", "grafana-datasources-tracing").inputs["data"]
    listed = yaml.safe_load(data["datasources.yaml"])["datasources"]
    return {datasource["name"]: datasource for datasource in listed}


def test_sampling_stands_beside_the_providers(deploy: Deploy) -> None:
    deployed = deploy(with_setting(minimal_config(), "tracing.samplingPercentage", 12.5))
    (tracing,) = deployed.get("Telemetry").inputs["spec"]["tracing"]
    assert tracing == {"providers": [{"name": "otel"}], "randomSamplingPercentage": 12.5}


def test_no_sampling_at_all_is_said_and_not_left_out(deploy: Deploy) -> None:
    deployed = deploy(with_setting(minimal_config(), "tracing.samplingPercentage", 0))
    (tracing,) = deployed.get("Telemetry").inputs["spec"]["tracing"]
    assert tracing["randomSamplingPercentage"] == 0


def test_telemetry_and_mesh_configuration_name_the_same_provider(deployed: Deployed) -> None:
    (tracing,) = deployed.get("Telemetry").inputs["spec"]["tracing"]
    (provider,) = mesh_config(deployed)["extensionProviders"]
    assert tracing["providers"] == [{"name": provider["name"]}]


def test_the_telemetry_is_in_the_root_namespace(minimal: Deployed) -> None:
    istiod = minimal.get("Release", "istiod").inputs
    assert istiod["namespace"] == istiod["values"]["global"]["istioNamespace"]
    assert minimal.get("Telemetry").inputs["metadata"]["namespace"] == istiod["namespace"]


def test_the_provider_s_service_is_the_one_the_operator_makes(deployed: Deployed) -> None:
    collector = deployed.get("OpenTelemetryCollector").inputs
    name, namespace = collector["metadata"]["name"], collector["metadata"]["namespace"]
    (provider,) = mesh_config(deployed)["extensionProviders"]
    assert provider["opentelemetry"] == {
        "service": f"{name}-collector.{namespace}.svc.cluster.local",
        "port": 4317,
    }
    grpc = collector["spec"]["config"]["receivers"]["otlp"]["protocols"]["grpc"]
    assert grpc["endpoint"].endswith(":4317")


def test_the_mesh_configuration_has_no_default_tracing_provider(deployed: Deployed) -> None:
    assert "tracing" not in mesh_config(deployed).get("defaultProviders", {})


def test_tracing_is_switched_on_in_the_mesh_configuration(minimal: Deployed) -> None:
    assert mesh_config(minimal)["enableTracing"] is True


def test_further_providers_and_values_are_kept(deploy: Deploy) -> None:
    zipkin = {"name": "zipkin", "zipkin": {"service": "zipkin.example", "port": 9411}}
    values = {
        "meshConfig": {"extensionProviders": [zipkin], "accessLogFile": "/dev/stdout"},
        "global": {"proxy": {"logLevel": "info"}},
    }
    deployed = deploy(with_setting(minimal_config(), "mesh.values", values))
    names = [provider["name"] for provider in mesh_config(deployed)["extensionProviders"]]
    assert names == ["otel", "zipkin"]
    assert mesh_config(deployed)["accessLogFile"] == "/dev/stdout"
    proxy = deployed.get("Release", "istiod").inputs["values"]["global"]["proxy"]
    assert proxy == {"clusterDomain": "cluster.local", "logLevel": "info"}


def test_discovery_can_be_limited_to_our_namespaces(deploy: Deploy) -> None:
    assert "discoverySelectors" not in mesh_config(deploy())
    deployed = deploy(with_setting(minimal_config(), "mesh.discoveryNamespacesOnly", True))
    (selector,) = mesh_config(deployed)["discoverySelectors"]
    (expression,) = selector["matchExpressions"]
    assert expression["values"] == ["bookinfo", "istio-system", "tracing-system"]


@pytest.mark.parametrize(
    ("repository", "chart", "repository_url", "version"),
    [
        ("https://charts.example/istio/", "base", "https://charts.example/istio", "1.31.4"),
        ("oci://registry.example/istio", "oci://registry.example/istio/base", None, "1.31.4"),
        ("vendor/charts", "vendor/charts/base", None, None),
    ],
)
def test_charts_come_from_a_repository_a_registry_or_a_folder(
    deploy: Deploy, repository: str, chart: str, repository_url: str | None, version: str | None
) -> None:
    deployed = deploy(with_setting(minimal_config(), "mesh.chartRepository", repository))
    release = deployed.get("Release", "istio-base").inputs
    assert release["chart"] == chart
    assert (release.get("repositoryOpts") or {}).get("repo") == repository_url
    assert release.get("version") == version


def test_every_chart_of_istio_comes_from_a_registry_with_its_version(deploy: Deploy) -> None:
    config = with_setting(minimal_config(), "mesh.chartRepository", "oci://ghcr.io/istio/release/charts")
    config = with_setting(with_setting(config, "mesh.cni", True), "bookinfo.gateway", "istio")
    releases = [r.inputs for r in deploy(config) if r.kind == "Release"]
    assert {(release["chart"], release["version"]) for release in releases} == {
        (f"oci://ghcr.io/istio/release/charts/{chart}", "1.31.4") for chart in ("base", "cni", "istiod", "gateway")
    }
    # With a repository beside the registry Helm would look for the chart's name there.
    assert not any("repositoryOpts" in release for release in releases)


def test_istio_s_crds_lose_their_keep_policy_only_when_asked(deploy: Deploy) -> None:
    kept = deploy().get("Release", "istio-base").inputs
    assert "postrender" not in kept
    dropped = deploy(with_setting(minimal_config(), "mesh.keepCrds", False))
    script = dropped.get("Release", "istio-base").inputs["postrender"]
    assert not script.startswith("/")
    assert (ROOT / script).stat().st_mode & 0o111
    assert "postrender" not in dropped.get("Release", "istiod").inputs


@pytest.mark.parametrize("quoted", ["helm.sh/resource-policy: keep", '"helm.sh/resource-policy": keep'])
def test_the_post_renderer_takes_the_policy_away_and_changes_nothing_else(quoted: str) -> None:
    shell = shutil.which("sh")
    assert shell
    around = "metadata:\n  annotations:\n    {}\n  name: keep\n"
    script = ROOT / "components" / "drop_crd_policy.sh"
    done = subprocess.run([shell, str(script)], input=around.format(quoted), capture_output=True, text=True, check=True)
    assert done.stdout == around.format("mesh-tracing/crd-policy: delete")


def test_the_collector_has_no_sidecar_and_its_processors_in_order(deployed: Deployed) -> None:
    collector = deployed.get("OpenTelemetryCollector").inputs
    assert collector["metadata"]["labels"]["sidecar.istio.io/inject"] == "false"
    config = collector["spec"]["config"]
    pipelines = config["service"]["pipelines"]
    assert pipelines["traces"]["processors"] == ["memory_limiter", "attributes/redaction", "resource/redaction"]
    used = {name for pipeline in pipelines.values() for name in pipeline["processors"]}
    assert used == set(config["processors"])
    assert "memory" in collector["spec"]["resources"]["limits"]


def test_the_collector_sends_to_tempo_with_retries_and_a_bounded_queue(minimal: Deployed) -> None:
    exporter = minimal.get("OpenTelemetryCollector").inputs["spec"]["config"]["exporters"]["otlp_grpc"]
    assert exporter["endpoint"] == "tempo-tempo.tracing-system.svc.cluster.local:4317"
    assert exporter["tls"] == {"insecure": True}
    assert exporter["retry_on_failure"]["enabled"] is True
    assert (exporter["sending_queue"]["enabled"], exporter["sending_queue"]["queue_size"]) == (True, 1_000_000)


def test_the_collector_tells_its_metrics_in_the_form_that_new_versions_accept(
    minimal: Deployed,
) -> None:
    config = minimal.get("OpenTelemetryCollector").inputs["spec"]["config"]
    metrics = config["service"]["telemetry"]["metrics"]
    assert "address" not in metrics
    (reader,) = metrics["readers"]
    assert reader["pull"]["exporter"]["prometheus"]["port"] == 8888


def test_the_metrics_generator_writes_to_prometheus_with_exemplars(deployed: Deployed) -> None:
    writes = tempo_config(deployed)["metrics_generator"].get("storage", {}).get("remote_write", [])
    if deployed.exports["graph_source"] == "collector":
        assert writes == []
        return
    (write,) = writes
    prometheus = deployed.exports["prometheus_url"]
    # By its name, Tempo's configuration shows which revision it is.
    assert write == {"url": f"{prometheus}/api/v1/write", "send_exemplars": True, "name": mock.ANY}


def test_a_monolithic_generator_has_a_path_and_its_processors_switched_on(minimal: Deployed) -> None:
    config = tempo_config(minimal)
    assert config["metrics_generator"]["storage"]["path"].startswith("/var/tempo/")
    switched_on = config["overrides"]["defaults"]["metrics_generator"]["processors"]
    assert {name.replace("-", "_") for name in switched_on} == set(config["metrics_generator"]["processor"])


def test_tempo_keeps_traces_in_the_bucket_that_the_job_makes(deploy: Deploy) -> None:
    minimal = deploy(s3_config())
    traces = minimal.get("TempoMonolithic").inputs["spec"]["storage"]["traces"]
    assert traces["backend"] == "s3"
    assert traces["s3"] == {"secret": "tempo-seaweedfs", "tls": {"enabled": False}}
    (container,) = minimal.get("Job").inputs["spec"]["template"]["spec"]["containers"]
    secrets = {env["valueFrom"]["secretKeyRef"]["name"] for env in container["env"]}
    assert secrets == {"tempo-seaweedfs"}


def test_prometheus_receives_and_keeps_exemplars(deployed: Deployed) -> None:
    pod = deployed.get("Deployment", "prometheus").inputs["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert "--web.enable-remote-write-receiver" in container["args"]
    assert "--enable-feature=exemplar-storage" in container["args"]


def test_prometheus_scrapes_every_hop(minimal: Deployed) -> None:
    config = yaml.safe_load(minimal.get("ConfigMap", "prometheus").inputs["data"]["prometheus.yml"])
    itself, *hops = config["scrape_configs"]
    assert (itself["job_name"], itself["static_configs"]) == ("prometheus", [{"targets": ["localhost:9090"]}])
    records = {
        "istiod": "_http-monitoring._tcp.mesh-tracing-istiod.istio-system.svc.cluster.local",
        "otel-collector": "_http-monitoring._tcp.mesh-tracing-otel-collector.istio-system.svc.cluster.local",
        "tempo": "_http-monitoring._tcp.mesh-tracing-tempo.tracing-system.svc.cluster.local",
    }
    assert {job["job_name"]: job["dns_sd_configs"] for job in hops} == {
        job: [{"names": [record], "refresh_interval": "15s"}] for job, record in records.items()
    }


def test_prometheus_has_a_volume_only_when_asked(deploy: Deploy, minimal: Deployed) -> None:
    def data_volume(deployed: Deployed) -> dict[str, Any]:
        pod = deployed.get("Deployment", "prometheus").inputs["spec"]["template"]["spec"]
        return next(volume for volume in pod["volumes"] if volume["name"] == "data")

    assert data_volume(minimal) == {"name": "data", "emptyDir": {}}
    stored = deploy(with_setting(minimal_config(), "prometheus.storage.size", "5Gi"))
    assert data_volume(stored)["persistentVolumeClaim"] == {"claimName": "prometheus"}
    claim = stored.get("PersistentVolumeClaim", "prometheus")
    assert claim.inputs["spec"]["resources"] == {"requests": {"storage": "5Gi"}}
    assert claim.urn in stored.before(stored.get("Deployment", "prometheus").urn)


def test_grafana_s_data_sources_know_each_other(deployed: Deployed) -> None:
    tempo, prometheus = datasources(deployed)["Mesh Tempo"], datasources(deployed)["Mesh Prometheus"]
    assert tempo["jsonData"]["serviceMap"]["datasourceUid"] == prometheus["uid"]
    assert tempo["jsonData"]["tracesToMetrics"]["datasourceUid"] == prometheus["uid"]
    (destination,) = prometheus["jsonData"]["exemplarTraceIdDestinations"]
    assert destination["datasourceUid"] == tempo["uid"]
    assert tempo["url"] == deployed.exports["tempo_query_url"]
    assert prometheus["url"] == deployed.exports["prometheus_url"]


def test_grafana_s_provisioning_does_not_expand_the_tags(minimal: Deployed) -> None:
    for query in datasources(minimal)["Mesh Tempo"]["jsonData"]["tracesToMetrics"]["queries"]:
        assert "{$$__tags}" in query["query"]


def test_traffic_follows_the_rate_in_the_settings(deploy: Deploy) -> None:
    deployed = deploy(with_setting(minimal_config(), "bookinfo.traffic.requestsPerSecond", 4))

    def pause(name: str) -> str:
        pod = deployed.get("Deployment", name).inputs["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        assert container["name"] == "sleep"
        (variable,) = container["env"]
        return str(variable["value"])

    assert pause("sleep") == "0.25"
    assert pause("spiffe-test-productpage") == "5"


def test_the_sample_s_images_have_registry_and_tag_from_the_settings(deploy: Deploy) -> None:
    config = with_setting(minimal_config(), "bookinfo.imageRegistry", "mirror.example/istio")
    deployed = deploy(with_setting(config, "bookinfo.imageTag", "9"))
    pod = deployed.get("Deployment", "reviews-v2").inputs["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"] == "mirror.example/istio/examples-bookinfo-reviews-v2:9"


def test_the_local_stack_uses_built_images_and_an_upstream_envoy(deploy: Deploy) -> None:
    deployed = deploy(stack_config("local"))
    values = deployed.get("Release", "istiod").inputs["values"]
    assert values["global"]["hub"] == "localhost/istio"
    assert values["global"]["tag"] == "local"
    assert values["telemetry"] == {"enabled": False}
    assert values["pilot"]["env"]["PILOT_ENABLE_METADATA_EXCHANGE"] == "false"
    assert mesh_config(deployed)["defaultProviders"] == {"metrics": []}
    assert deployed.get("Release", "istiod").inputs["chart"] == ".local/charts/istiod"

"""The output ``deployment``: what the program tells ``verify`` about itself is what it registers."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml
from pulumi.runtime import rpc
from recording import (
    SENTINELS,
    STACKS,
    Deployed,
    Registration,
    minimal_config,
    run_program,
    s3_config,
    stack_config,
    with_setting,
)

from verify import hops
from verify.deployment import Deployment
from verify.programs import exporters

CONFIGS: Mapping[str, Any] = {
    "minimal": minimal_config(),
    "seaweedfs": s3_config(),
    "revision": with_setting(minimal_config(), "mesh.revision", "canary"),
    "existing Prometheus": with_setting(
        minimal_config(), "prometheus.existing", {"queryUrl": "http://prometheus.monitoring.svc.cluster.local:9090"}
    ),
    "Grafana's operator": with_setting(
        with_setting(minimal_config(), "grafana.mode", "operator"), "grafana.namespace", "grafana"
    ),
    "applications": with_setting(
        minimal_config(), "namespaces.applications", [{"name": "shop", "deployments": ["cart"]}]
    ),
    **{stack: stack_config(stack) for stack in STACKS},
}


@pytest.fixture(params=CONFIGS)
def deployed(request: pytest.FixtureRequest) -> Deployed:
    return run_program(CONFIGS[request.param], preview=True)


@pytest.fixture
def meant(deployed: Deployed) -> Deployment:
    return Deployment.model_validate(deployed.exports["deployment"])


def namespace_of(resource: Registration) -> str:
    return str((resource.inputs.get("metadata") or {}).get("namespace", ""))


def registered(deployed: Deployed, kind: str) -> set[tuple[str, str]]:
    """The namespace and name of each resource of one kind that the program makes."""
    return {(namespace_of(one), one.object_name) for one in deployed.children if one.kind == kind and not one.read}


def host(url: str) -> tuple[str, str, int]:
    """The namespace, the Service and the port in an address inside the cluster."""
    name, _, port = url.removeprefix("http://").partition("/")[0].rpartition(":")
    service, namespace, *rest = name.split(".")
    assert rest == ["svc", "cluster", "local"], url
    return namespace, service, int(port)


def ports(deployed: Deployed, namespace: str, name: str) -> set[int]:
    for one in deployed.children:
        if one.kind == "Service" and (namespace_of(one), one.object_name) == (namespace, name):
            return {int(port["port"]) for port in one.inputs["spec"]["ports"]}
    raise AssertionError(f"no Service {namespace}/{name} is registered")


def extension_providers(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every provider in the values of a chart, in an Istio, or in the text of a ConfigMap."""
    if isinstance(value, str) and "extensionProviders" in value:
        value = yaml.safe_load(value)
    if isinstance(value, dict):
        yield from value.get("extensionProviders") or []
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from extension_providers(inner)


def test_the_output_is_a_deployment_that_verify_reads(meant: Deployment) -> None:
    assert meant.tracing.provider


def test_the_output_is_all_known_in_a_preview(deployed: Deployed) -> None:
    assert rpc.UNKNOWN not in json.dumps(deployed.exports["deployment"])


@pytest.mark.parametrize("name", ["minimal", "seaweedfs", *STACKS])
def test_the_output_is_the_same_in_an_update(name: str) -> None:
    exports = [run_program(CONFIGS[name], preview=preview).exports["deployment"] for preview in (True, False)]
    assert exports[0] == exports[1]


@pytest.mark.parametrize("name", ["seaweedfs", *STACKS])
def test_the_output_holds_no_secret(name: str) -> None:
    found = json.dumps(run_program(CONFIGS[name], preview=False).exports["deployment"])
    assert not [secret for secret in SENTINELS.values() if secret in found]


def test_the_telemetry_is_one_that_is_registered(deployed: Deployed, meant: Deployment) -> None:
    assert registered(deployed, "Telemetry") == {(meant.mesh.namespace, meant.tracing.telemetry)}


def test_the_provider_and_the_sampling_are_those_of_the_telemetry(deployed: Deployed, meant: Deployment) -> None:
    (entry,) = deployed.get("Telemetry").inputs["spec"]["tracing"]
    assert (entry["providers"], entry["randomSamplingPercentage"]) == (
        [{"name": meant.tracing.provider}],
        meant.tracing.sampling_percentage,
    )


def test_the_collectors_address_is_the_one_in_the_mesh_configuration(deployed: Deployed, meant: Deployment) -> None:
    found = [
        entry
        for one in deployed.children
        if one.kind in {"Release", "Istio", "ConfigMap"} and not one.read
        for entry in extension_providers(one.inputs)
        if entry["name"] == meant.tracing.provider
    ]
    assert found
    for entry in found:
        assert entry["opentelemetry"] == {
            "service": meant.tracing.collector_host,
            "port": meant.tracing.collector_port,
        }


def test_the_collector_is_one_that_is_registered(deployed: Deployed, meant: Deployment) -> None:
    assert registered(deployed, "OpenTelemetryCollector") == {
        (meant.tracing.collector_namespace, meant.tracing.collector)
    }


def test_the_collectors_host_is_the_operators_service_of_it(meant: Deployment) -> None:
    """The operator appends ``-collector`` to the name (opentelemetry-operator: internal/naming)."""
    tracing = meant.tracing
    assert tracing.collector_host == f"{tracing.collector}-collector.{tracing.collector_namespace}.svc.cluster.local"


def test_the_collectors_replicas_and_exporter_are_those_of_its_resource(deployed: Deployed, meant: Deployment) -> None:
    spec = deployed.get("OpenTelemetryCollector").inputs["spec"]
    # Connectors, and the way to other pods, have none.
    endpoints = [exporter.endpoint for exporter in exporters.of_traces(spec["config"]) if exporter.endpoint]
    to_graph = [f"{meant.tempo.generator_service}.{meant.tempo.namespace}.svc.cluster.local:4317"]
    wanted = [meant.tracing.otlp_address, *(to_graph if has_graph_beside(deployed) else [])]
    assert (spec["replicas"], endpoints) == (meant.tracing.collector_replicas, wanted)


def has_graph_beside(deployed: Deployed) -> bool:
    """Whether a TempoStack has a Tempo beside it that makes the graph."""
    return {"TempoMonolithic", "TempoStack"} <= {resource.kind for resource in deployed.children}


def test_tempo_is_one_that_is_registered(deployed: Deployed, meant: Deployment) -> None:
    kind = {"monolithic": "TempoMonolithic", "stack": "TempoStack"}[meant.tempo.mode]
    assert registered(deployed, kind) == {(meant.tempo.namespace, meant.tempo.name)}
    if has_graph_beside(deployed):
        assert registered(deployed, "TempoMonolithic") == {(meant.tempo.namespace, "graph")}


def test_tempos_services_are_those_that_its_operator_makes(deployed: Deployed, meant: Deployment) -> None:
    """The names are the operator's (tempo-operator: internal/manifests/naming)."""
    tempo, name = meant.tempo, f"tempo-{meant.tempo.name}"
    parts = {"monolithic": (name, name, name), "stack": tuple(f"{name}-{part}" for part in
             ("query-frontend", "distributor", "metrics-generator"))}[tempo.mode]  # fmt: skip
    if has_graph_beside(deployed):
        parts = (*parts[:2], "tempo-graph")
    assert (host(tempo.query_url)[1], tempo.distributor_service, tempo.generator_service) == parts
    assert host(tempo.query_url)[0::2] == (tempo.namespace, 3200)


def test_the_processors_are_those_that_tempo_is_given(deployed: Deployed, meant: Deployment) -> None:
    stack = meant.tempo.mode == "stack" and not has_graph_beside(deployed)
    spec = deployed.get("TempoStack" if stack else "TempoMonolithic").inputs["spec"]
    native = (spec.get("template") or {}).get("metricsGenerator") or {}
    found = native.get("processors") or hops.tempo_generator.processors(
        (spec.get("extraConfig") or {}).get("tempo") or {}
    )
    assert set(meant.tempo.processors) == set(found)


def test_the_write_address_is_the_one_that_tempo_is_given(deployed: Deployed, meant: Deployment) -> None:
    kind = {"monolithic": "TempoMonolithic", "stack": "TempoStack"}[meant.tempo.mode]
    is_given = json.dumps(meant.prometheus.write_url) in json.dumps(deployed.get(kind).inputs["spec"])
    assert is_given == (meant.graph_source == "tempo")


def test_the_buckets_job_and_the_stores_service_are_registered(deployed: Deployed, meant: Deployment) -> None:
    store = meant.tempo.object_store
    jobs = {(meant.tempo.namespace, store.job)} if store and store.job else set()
    services = {(meant.tempo.namespace, store.service)} if store and store.service else set()
    assert registered(deployed, "Job") == jobs
    assert services <= registered(deployed, "Service")


def test_there_is_a_store_exactly_where_tempo_keeps_traces_in_one(deployed: Deployed, meant: Deployment) -> None:
    kind = {"monolithic": "TempoMonolithic", "stack": "TempoStack"}[meant.tempo.mode]
    storage = deployed.get(kind).inputs["spec"]["storage"]
    backend = storage["traces"]["backend"] if meant.tempo.mode == "monolithic" else storage["secret"]["type"]
    assert (meant.tempo.object_store is not None) == (backend == "s3")


def test_prometheus_is_one_that_is_registered(deployed: Deployed, meant: Deployment) -> None:
    found = {name for name in registered(deployed, "Deployment") if name[1] == "prometheus"}
    ours = {(meant.prometheus.namespace, meant.prometheus.deployment)} if meant.prometheus.deployment else set()
    assert found == ours


def test_prometheus_own_service_has_the_port_that_is_asked(deployed: Deployed, meant: Deployment) -> None:
    namespace, service, port = host(meant.prometheus.query_url)
    if meant.prometheus.deployment is not None:
        assert port in ports(deployed, namespace, service)


def test_the_data_sources_are_registered(deployed: Deployed, meant: Deployment) -> None:
    named = {(meant.grafana.namespace, name) for name in meant.grafana.resources}
    file = {(meant.grafana.namespace, meant.grafana.config_map)} if meant.grafana.config_map else set()
    assert registered(deployed, "GrafanaDatasource") == named
    assert file <= registered(deployed, "ConfigMap")
    assert bool(named) != bool(file)


def test_the_data_sources_have_the_uids_and_addresses_that_are_meant(deployed: Deployed, meant: Deployment) -> None:
    if meant.grafana.config_map:
        files = deployed.get("ConfigMap", meant.grafana.config_map).inputs
        found = {one["uid"]: one["url"] for one in hops.grafana.provisioned(files)}
    else:
        specs = [one.inputs["spec"] for one in deployed.children if one.kind == "GrafanaDatasource"]
        found = {spec["uid"]: spec["datasource"]["url"] for spec in specs}
    assert found.keys() == set(meant.grafana.datasource_uids)
    assert found == {
        meant.grafana.tempo_uid: meant.tempo.query_url,
        meant.grafana.prometheus_uid: meant.prometheus.query_url,
    }


def test_a_data_source_that_grafana_has_already_is_meant_and_not_made() -> None:
    existing = {"queryUrl": "http://prometheus.monitoring:9090", "datasourceUid": "theirs"}
    config = with_setting(minimal_config(), "prometheus.existing", existing)
    grafana = Deployment.model_validate(run_program(config, preview=True).exports["deployment"]).grafana
    assert (grafana.prometheus_uid, grafana.datasource_uids) == ("theirs", ["mesh-tracing-tempo"])


def test_a_grafana_of_our_own_has_the_port_that_is_asked(deployed: Deployed, meant: Deployment) -> None:
    assert (meant.grafana.url is not None) == bool(
        {name for name in registered(deployed, "Deployment") if name[1] == "grafana"}
    )
    if meant.grafana.url is not None:
        namespace, service, port = host(meant.grafana.url)
        assert port in ports(deployed, namespace, service)


def test_kiali_is_there_exactly_where_it_is_registered(deployed: Deployed, meant: Deployment) -> None:
    there = bool(registered(deployed, "Kiali")) or "kiali" in {name for _, name in registered(deployed, "Release")}
    assert (meant.kiali is not None) == there


def test_each_namespace_of_the_mesh_is_registered_with_the_labels_that_inject(
    deployed: Deployed, meant: Deployment
) -> None:
    labelled = {
        (one.inputs.get("metadata") or {}).get("name")
        for one in deployed.children
        if one.kind.startswith("Namespace")
        and meant.mesh.injection_labels.items() <= ((one.inputs.get("metadata") or {}).get("labels") or {}).items()
    }
    assert labelled == set(meant.mesh.namespaces)


def test_the_product_page_has_the_port_that_is_asked(deployed: Deployed, meant: Deployment) -> None:
    there = "productpage" in {name for _, name in registered(deployed, "Service")}
    assert (meant.bookinfo is not None) == there
    if meant.bookinfo is not None:
        namespace, service, port = host(meant.bookinfo.url)
        assert namespace == meant.bookinfo.namespace
        assert port in ports(deployed, namespace, service)


@pytest.mark.parametrize(
    ("kind", "url"),
    [
        ("istio", "http://bookinfo-gateway.bookinfo.svc.cluster.local:80/productpage"),
        ("gateway-api", "http://bookinfo-gateway-istio.bookinfo.svc.cluster.local:80/productpage"),
    ],
)
def test_a_request_for_the_product_page_enters_through_the_gateway(kind: str, url: str) -> None:
    deployed = run_program(with_setting(minimal_config(), "bookinfo.gateway", kind), preview=True)
    bookinfo = Deployment.model_validate(deployed.exports["deployment"]).bookinfo
    assert bookinfo is not None
    assert (bookinfo.url, bookinfo.gateway) == (url, "bookinfo-gateway")


def test_bookinfos_traffic_is_there_exactly_where_it_is_registered(deployed: Deployed, meant: Deployment) -> None:
    there = "sleep" in {name for _, name in registered(deployed, "Deployment")}
    assert bool(meant.bookinfo and meant.bookinfo.traffic) == there


@pytest.mark.parametrize(
    ("name", "istiod", "config_maps"),
    [
        ("minimal", "istiod", ["istio"]),
        ("revision", "istiod-canary", ["istio-canary"]),
        ("dev", "istiod", ["istio", "mesh-tracing"]),
    ],
)
def test_istiod_and_its_configuration_have_the_names_of_its_revision(
    name: str, istiod: str, config_maps: list[str]
) -> None:
    """The names are the chart's (istio: manifests/charts/istio-control/istio-discovery)."""
    mesh = Deployment.model_validate(run_program(CONFIGS[name], preview=True).exports["deployment"]).mesh
    assert (mesh.istiod, mesh.config_maps) == (istiod, config_maps)


@pytest.mark.parametrize("name", STACKS)
def test_the_cluster_is_the_one_that_was_reached(name: str) -> None:
    meant = Deployment.model_validate(run_program(CONFIGS[name], preview=True).exports["deployment"])
    assert meant.cluster_uid == "the-cluster"

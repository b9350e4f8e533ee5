"""The program as a whole: what it registers, on what each resource waits, and where secrets go."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from recording import (
    PROJECT,
    ROOT,
    SENTINELS,
    STACKS,
    Deployed,
    Registration,
    is_secret,
    minimal_config,
    run_program,
    s3_config,
    stack_config,
    with_setting,
)

Deploy = Callable[..., Deployed]

# (resource, what must be there before it and go after it). Destroy order is the reverse of it.
REQUIRED_EDGES = [
    (("Release", "istiod"), ("Release", "istio-base")),
    (("Deployment", "sleep"), ("Namespace", "bookinfo")),
    (("Release", "istio-base"), ("Namespace", "istio-system")),
    (("Deployment", "prometheus"), ("Namespace", "istio-system")),
    (("Deployment", "prometheus"), ("ConfigMap", "prometheus")),
    (("Deployment", "prometheus"), ("ServiceAccount", "prometheus")),
    (("Deployment", "seaweedfs"), ("Namespace", "tracing-system")),
    (("Deployment", "seaweedfs"), ("PersistentVolumeClaim", "seaweedfs")),
    (("Deployment", "seaweedfs"), ("Secret", "seaweedfs-s3")),
    (("Job", "seaweedfs-bucket"), ("Deployment", "seaweedfs")),
    (("Job", "seaweedfs-bucket"), ("Service", "seaweedfs")),
    (("Job", "seaweedfs-bucket"), ("Secret", "tempo-seaweedfs")),
    (("TempoMonolithic", "tempo"), ("Job", "seaweedfs-bucket")),
    (("TempoMonolithic", "tempo"), ("Secret", "tempo-seaweedfs")),
    (("TempoMonolithic", "tempo"), ("Deployment", "prometheus")),
    (("OpenTelemetryCollector", "otel"), ("TempoMonolithic", "tempo")),
    (("Telemetry", "mesh-tracing"), ("OpenTelemetryCollector", "otel")),
    (("Telemetry", "mesh-tracing"), ("Release", "istiod")),
    (("Deployment", "productpage-v1"), ("Namespace", "bookinfo")),
    (("Deployment", "productpage-v1"), ("Release", "istiod")),
    (("Deployment", "productpage-v1"), ("ServiceAccount", "bookinfo-productpage")),
    (("Deployment", "sleep"), ("Deployment", "productpage-v1")),
    (("Deployment", "sleep"), ("Telemetry", "mesh-tracing")),
    (("Deployment", "spiffe-test-productpage"), ("Telemetry", "mesh-tracing")),
    (("Deployment", "spiffe-test-productpage"), ("Deployment", "reviews-v3")),
    (("ConfigMap", "grafana-datasources-tracing"), ("TempoMonolithic", "tempo")),
    (("ConfigMap", "grafana-datasources-tracing"), ("Deployment", "prometheus")),
]

# These must not wait for each other: the two branches are deployed in parallel, and waiting would slow `up` down.
FORBIDDEN_EDGES = [
    (("Release", "istiod"), ("OpenTelemetryCollector", "otel")),
    (("Release", "istiod"), ("Deployment", "prometheus")),
    (("OpenTelemetryCollector", "otel"), ("Release", "istiod")),
    (("Deployment", "seaweedfs"), ("Deployment", "prometheus")),
    (("Deployment", "productpage-v1"), ("Telemetry", "mesh-tracing")),
]


@pytest.fixture
def with_s3() -> Deployed:
    """The minimal stack with the object store that the program deploys."""
    return run_program(s3_config(), preview=False)


def edge_id(value: tuple[str, str]) -> str:
    return "-".join(value).lower()


# What each stack has beside what every stack has.
EVERY_PART = {
    "GrafanaTempoDatasource",
    "MeshControlPlane",
    "MeshTelemetry",
    "Namespaces",
    "NetworkPolicies",
    "Prometheus",
    "TempoStack",
}
FURTHER_PARTS = {
    "dev": {"Bookinfo", "Exposure", "Grafana"},
    "kind": {"Bookinfo", "Operators"},
    "local": {"Bookinfo", "ObjectStore"},
    "prod": {"Exposure", "Grafana", "Kiali", "Operators"},
}


def test_every_stack_file_deploys_its_parts(deployed: Deployed, stack_name: str) -> None:
    assert {component.kind for component in deployed.components} == EVERY_PART | FURTHER_PARTS[stack_name]


@pytest.mark.parametrize("stack", STACKS)
def test_a_preview_registers_what_the_update_does(stack: str) -> None:
    up = run_program(stack_config(stack), preview=False)
    preview = run_program(stack_config(stack), preview=True)
    assert set(preview.resources) == set(up.resources)


def test_every_resource_has_a_component_for_a_parent_and_uses_our_provider(
    deployed: Deployed,
) -> None:
    (provider,) = (r for r in deployed if r.type == "pulumi:providers:kubernetes")
    components = {component.urn for component in deployed.components}
    for resource in deployed.children:
        assert resource.parent in components, resource.urn
        assert resource.provider.startswith(provider.urn), resource.urn


def test_every_component_registers_its_outputs(deployed: Deployed) -> None:
    without = {c.urn for c in deployed.components if not deployed.registered_outputs.get(c.urn)}
    assert without == set()


def test_the_state_has_the_same_provider_whoever_deploys_and_by_which_context(minimal: Deployed) -> None:
    config = with_setting(minimal_config(), "cluster.context", "alice/api:6443/mesh")
    by_somebody_else = run_program(config, preview=False)
    provider, another = (
        next(r for r in deployed if r.type == "pulumi:providers:kubernetes") for deployed in (minimal, by_somebody_else)
    )
    assert provider.inputs == another.inputs
    assert provider.inputs["clusterIdentifier"] == "the-cluster"


def test_the_default_provider_is_disabled_in_every_stack(stack_name: str) -> None:
    content = yaml.safe_load((ROOT / f"Pulumi.{stack_name}.yaml").read_text())
    assert content["config"]["pulumi:disable-default-providers"] == ["kubernetes"]


@pytest.mark.parametrize(("later", "earlier"), REQUIRED_EDGES, ids=edge_id)
def test_required_edge(with_s3: Deployed, later: tuple[str, str], earlier: tuple[str, str]) -> None:
    assert with_s3.get(*earlier).urn in with_s3.before(with_s3.get(*later).urn)


@pytest.mark.parametrize(("later", "earlier"), FORBIDDEN_EDGES, ids=edge_id)
def test_edge_that_would_only_cost_time(with_s3: Deployed, later: tuple[str, str], earlier: tuple[str, str]) -> None:
    assert with_s3.get(*earlier).urn not in with_s3.before(with_s3.get(*later).urn)


def test_the_graph_has_no_cycle(deployed: Deployed) -> None:
    for resource in deployed:
        assert resource.urn not in deployed.before(resource.urn), resource.urn


def test_every_namespaced_object_outlives_nothing_in_its_namespace(deployed: Deployed) -> None:
    namespaces = {r.object_name: r.urn for r in deployed if r.kind == "Namespace"}
    for resource in deployed.children:
        namespace = (resource.inputs.get("metadata") or {}).get("namespace")
        if namespace in namespaces:
            assert namespaces[namespace] in deployed.before(resource.urn), resource.urn


# Telemetries and purely descriptive objects have no status to wait for; a Subscription is awaited by its Operator.
NOT_AWAITED = {"Telemetry", "OperatorGroup", "Subscription"}
# Their operators' conditions are those of the old pods after an update, so the program looks at the pods.
WATCHED = {
    "TempoMonolithic": "Tempo",
    "TempoStack": "Tempo",
    "OpenTelemetryCollector": "The collector",
    "Kiali": "Kiali",
}


def test_every_custom_resource_is_awaited_within_a_time(deployed: Deployed) -> None:
    custom_resources = [r for r in deployed.children if is_custom(r)]
    assert custom_resources
    watched = {rollout.title for rollout in deployed.watched}
    for resource in custom_resources:
        annotations = resource.inputs["metadata"].get("annotations", {})
        by_the_provider = resource.kind not in {*NOT_AWAITED, *WATCHED}
        assert ("pulumi.com/waitFor" in annotations) is by_the_provider, resource.urn
        assert resource.kind not in WATCHED or WATCHED[resource.kind] in watched, resource.urn
        assert resource.kind in NOT_AWAITED or resource.timeouts["create"], resource.urn


def test_every_workload_has_a_timeout_from_the_settings(deploy: Deploy) -> None:
    config = with_setting(minimal_config(), "timeouts.bookinfo", 77)
    deployed = deploy(config)
    workloads = [r for r in deployed if r.kind in {"Deployment", "Job"}]
    assert all(r.timeouts["create"] and r.timeouts["delete"] for r in workloads)
    assert deployed.get("Deployment", "ratings-v1").timeouts["update"] == "77s"


def test_nothing_else_skips_the_wait(deployed: Deployed) -> None:
    for resource in deployed.children:
        annotations = (resource.inputs.get("metadata") or {}).get("annotations") or {}
        # Many ingress controllers never write the address for which Pulumi would wait. Of a Service it would wait for
        # endpoints, whose pods its Deployment waits for, and of a claim for a state that it leaves with its first pod.
        # The pods of others' Deployments are watched.
        exempt = resource.kind in {"Ingress", "PersistentVolumeClaim", "Service"} or resource.type.endswith("Patch")
        assert "pulumi.com/skipAwait" not in annotations or exempt, resource.urn


def test_no_claim_is_awaited_because_a_bound_one_would_be_for_ever(with_s3: Deployed) -> None:
    claims = [r.inputs["metadata"]["annotations"] for r in with_s3.children if r.kind == "PersistentVolumeClaim"]
    assert {annotations.get("pulumi.com/skipAwait") for annotations in claims} == {"true"}


def test_no_service_is_awaited_beside_its_pods(with_s3: Deployed) -> None:
    services = {r.object_name: r.inputs for r in with_s3.children if r.kind == "Service"}
    awaited = {
        name
        for name, inputs in services.items()
        if (inputs["metadata"].get("annotations") or {}).get("pulumi.com/skipAwait") != "true"
    }
    # Headless Services have no endpoints that Pulumi waits for.
    headless = {name for name, inputs in services.items() if inputs["spec"].get("clusterIP") == "None"}
    assert awaited == headless


def test_secrets_stand_only_in_secrets(deployed: Deployed, stack_name: str) -> None:
    holders = {(r.kind, r.object_name) for r in deployed for text in texts(r.inputs) if holds_secret(text)}
    assert holders == {("Secret", name) for name in SECRETS[stack_name]}
    assert not any(holds_secret(text) for text in texts(deployed.exports))
    assert not any(holds_secret(text) for text in texts(deployed.registered_outputs))
    assert not any(holds_secret(r.urn) for r in deployed)


SECRETS = {
    "dev": {"grafana-admin"},
    "kind": set(),
    "local": {"seaweedfs-s3", "tempo-seaweedfs"},
    "prod": {"grafana-admin", "tempo-s3-keys"},
}


def test_secrets_reach_the_engine_marked_as_secret(deployed: Deployed, stack_name: str) -> None:
    secrets = [r for r in deployed if r.kind == "Secret"]
    assert {r.object_name for r in secrets} == SECRETS[stack_name]
    for secret in secrets:
        assert not any(holds_secret(text) for text in plain_texts(secret.raw_inputs)), secret.urn
        assert not any(holds_secret(text) for text in texts(secret.inputs["metadata"]))


def test_the_object_store_secret_has_the_keys_that_the_operator_reads(with_s3: Deployed) -> None:
    data = with_s3.get("Secret", "tempo-seaweedfs").inputs["stringData"]
    assert set(data) == {"bucket", "endpoint", "access_key_id", "access_key_secret"}
    assert data["endpoint"] == "http://seaweedfs.tracing-system.svc.cluster.local:8333"


def test_the_bucket_job_keeps_credentials_out_of_its_arguments(with_s3: Deployed) -> None:
    (container,) = with_s3.get("Job").inputs["spec"]["template"]["spec"]["containers"]
    script = container["args"][0]
    curl = script[script.index("curl ") :]
    assert "--config -" in curl
    assert "ACCESS_KEY" not in curl
    assert "SECRET_KEY" not in curl


@pytest.mark.parametrize(
    ("answer", "succeeds"),
    [
        (" 200", True),
        ("<Error><Code>BucketAlreadyOwnedByYou</Code></Error> 409", True),
        ("<Error><Code>BucketAlreadyExists</Code></Error> 409", False),
        ("<Error><Code>SignatureDoesNotMatch</Code></Error> 403", False),
    ],
)
def test_the_bucket_job_judges_the_store_s_answer(
    with_s3: Deployed, tmp_path: Path, answer: str, succeeds: bool
) -> None:
    shell = shutil.which("sh")
    assert shell
    curl = tmp_path / "curl"
    curl.write_text('#!/bin/sh\necho "$@" > "$LOG.args"\ncat > "$LOG.stdin"\nprintf %s "$ANSWER"\n')
    curl.chmod(0o755)
    (container,) = with_s3.get("Job").inputs["spec"]["template"]["spec"]["containers"]
    log = tmp_path / "log"
    done = subprocess.run(
        [shell, "-c", container["args"][0]],
        env={
            "PATH": f"{tmp_path}:/usr/bin:/bin",
            "LOG": str(log),
            "ANSWER": answer,
            "ENDPOINT": "http://seaweedfs:8333",
            "BUCKET": "tempo",
            "ACCESS_KEY": "user",
            "SECRET_KEY": 'pass "word\\',
        },
        check=False,
        capture_output=True,
    )
    assert (done.returncode == 0) is succeeds, done.stderr
    assert log.with_suffix(".stdin").read_text() == 'user = "user:pass \\"word\\\\"\n'
    arguments = log.with_suffix(".args").read_text()
    assert "word" not in arguments
    assert arguments.endswith("http://seaweedfs:8333/tempo\n")


def test_objects_are_labelled_as_ours(deployed: Deployed) -> None:
    for resource in deployed.children:
        if resource.kind == "Release" or resource.read or resource.type.endswith("Patch"):
            # A Helm chart sets its own labels, and objects that are only read or patched are not ours.
            continue
        labels = resource.inputs["metadata"]["labels"]
        assert labels["app.kubernetes.io/part-of"] == PROJECT, resource.urn
        assert labels["app.kubernetes.io/managed-by"] == "pulumi", resource.urn


def test_injected_pods_do_not_carry_the_label_that_renames_a_service(minimal: Deployed) -> None:
    for deployment in injected_deployments(minimal):
        labels = deployment.inputs["spec"]["template"]["metadata"]["labels"]
        assert "app.kubernetes.io/name" not in labels, deployment.urn
        assert labels["app"]


def test_every_image_is_pinned(deployed: Deployed) -> None:
    for image in (c["image"] for r in deployed for c in containers(r)):
        tag = image.rsplit("/", 1)[-1].partition(":")[2]
        assert tag not in {"", "latest"}, image


def test_only_the_sample_s_namespace_gets_sidecars(minimal: Deployed) -> None:
    injected = {
        r.object_name
        for r in minimal
        if r.kind == "Namespace" and r.inputs["metadata"]["labels"].get("istio-injection")
    }
    assert injected == {"bookinfo"}


def test_another_revision_labels_the_namespace_with_its_name(deploy: Deploy) -> None:
    deployed = deploy(with_setting(minimal_config(), "mesh.revision", "canary"))
    labels = deployed.get("Namespace", "bookinfo").inputs["metadata"]["labels"]
    assert labels["istio.io/rev"] == "canary"
    assert "istio-injection" not in labels
    assert deployed.get("Release", "istiod-canary").inputs["values"]["revision"] == "canary"


def test_without_bookinfo_neither_it_nor_its_namespace_exists(deploy: Deploy) -> None:
    deployed = deploy(with_setting(minimal_config(), "bookinfo.enabled", False))
    assert "Bookinfo" not in {component.kind for component in deployed.components}
    assert deployed.exports["mesh_namespaces"] == []
    assert "productpage_url" not in deployed.exports


def test_one_namespace_for_mesh_and_traces_is_created_once(deploy: Deploy) -> None:
    deployed = deploy(with_setting(minimal_config(), "tempo.namespace", "istio-system"))
    assert deployed.exports["system_namespaces"] == ["istio-system"]


def test_the_exports_say_where_everything_is(minimal: Deployed) -> None:
    # The output `deployment`, with which verify compares the cluster, has its own tests.
    assert {name: value for name, value in minimal.exports.items() if name != "deployment"} == {
        "system_namespaces": ["istio-system", "tracing-system"],
        "mesh_namespaces": ["bookinfo"],
        "prometheus_url": "http://prometheus.istio-system.svc.cluster.local:9090",
        "graph_source": "tempo",
        "tempo_query_url": "http://tempo-tempo.tracing-system.svc.cluster.local:3200",
        "productpage_url": "http://productpage.bookinfo.svc.cluster.local:9080/productpage",
        "collector_service": "otel-collector.istio-system.svc.cluster.local",
        "otlp_endpoint": "http://otel-collector.istio-system.svc.cluster.local:4318",
        "tracing_provider": "otel",
        "grafana_datasources_config_map": "istio-system/grafana-datasources-tracing",
        "versions": {
            "istio": "1.31.4",
            "prometheus": "quay.io/prometheus/prometheus:v3.13.5",
            "bookinfo": "1.20.3",
        },
    }


def test_another_cluster_domain_reaches_every_address(deploy: Deploy) -> None:
    deployed = deploy(with_setting(minimal_config(), "cluster.domain", "corp.example"))
    for resource in deployed:
        assert not any("cluster.local" in text for text in texts(resource.inputs)), resource.urn


def is_custom(resource: Registration) -> bool:
    """Whether its kind is defined by somebody's CRD, and the object is ours."""
    group = resource.inputs.get("apiVersion", "").rpartition("/")[0]
    return "." in group and not group.endswith(".k8s.io") and not resource.read


def holds_secret(text: str) -> bool:
    return any(sentinel in text for sentinel in SENTINELS.values())


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def plain_texts(value: Any) -> Iterator[str]:
    """The texts that are not inside the wrapper of a secret."""
    if is_secret(value):
        return
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from plain_texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from plain_texts(inner)


def containers(resource: Registration) -> list[dict[str, Any]]:
    if resource.kind not in {"Deployment", "Job"}:
        return []
    found: list[dict[str, Any]] = resource.inputs["spec"]["template"]["spec"]["containers"]
    return found


def injected_deployments(deployed: Deployed) -> list[Registration]:
    return [r for r in deployed if r.kind == "Deployment" and r.inputs["metadata"]["namespace"] == "bookinfo"]

"""Which settings restart the pods with sidecars, and which do not."""

import json
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recording import Deployed, minimal_config, with_setting

from objects.digest import digest
from objects.restart import ANNOTATION, SidecarConfig

Deploy = Callable[..., Deployed]

HELM: dict[str, Any] = {}
SAIL = {"mesh.installer": "sail"}
BY_REVISION = {**SAIL, "mesh.sail.updateStrategy": "RevisionBased"}
EXISTING = {"mesh.installer": "existing", "namespaces.existing": ["istio-system"]}

# Each is a value that Istio's injection template names, or that reaches it through the mesh configuration or istiod's
# environment (istio-discovery/files/injection-template.yaml, pkg/kube/inject).
READ_BY_THE_INJECTOR: list[dict[str, Any]] = [
    {"global": {"network": "one"}},
    {"global": {"meshID": "mesh1"}},
    {"global": {"multiCluster": {"clusterName": "east"}}},
    {"global": {"imagePullSecrets": ["registry"]}},
    {"global": {"imagePullPolicy": "Always"}},
    {"global": {"logAsJson": True}},
    {"global": {"logging": {"level": "default:debug"}}},
    {"global": {"caAddress": "ca.example:443"}},
    {"global": {"caName": "GkeWorkloadCertificate"}},
    {"global": {"pilotCertProvider": "kubernetes"}},
    {"global": {"mountMtlsCerts": True}},
    {"global": {"sts": {"servicePort": 15463}}},
    {"global": {"sds": {"token": {"aud": "other"}}}},
    {"global": {"nativeNftables": True}},
    {"global": {"trustBundleName": "root"}},
    {"meshConfig": {"trustDomain": "corp.example"}},
    {"meshConfig": {"proxyListenPort": 16001}},
    {"meshConfig": {"proxyInboundListenPort": 16006}},
    {"meshConfig": {"enablePrometheusMerge": False}},
    {"meshConfig": {"inboundTrafficPolicy": {"mode": "LOCALHOST"}}},
    {
        "meshConfig": {
            "extensionProviders": [
                {
                    "name": "other",
                    "opentelemetry": {
                        "service": "otel.shop.svc.cluster.local",
                        "port": 4317,
                        "serviceAttributeEnrichment": "OTEL_SEMANTIC_CONVENTIONS",
                    },
                }
            ]
        }
    },
    {"pilot": {"env": {"ENABLE_NATIVE_SIDECARS": "true"}}},
    {"env": {"ENABLE_NATIVE_SIDECARS": "true"}},
    {"pilot": {"cni": {"provider": "multus"}}},
    {"pilot": {"crlConfigMapName": "crl"}},
    {"gateways": {"securityContext": {"runAsUser": 1}}},
]
# Each is one that istiod alone reads, or pushes to proxies that run.
ARRIVES_LIVE: list[dict[str, Any]] = [
    {"pilot": {"resources": {"requests": {"cpu": "1"}}}},
    {"resources": {"requests": {"cpu": "1"}}},
    {"pilot": {"replicaCount": 3, "autoscaleEnabled": False}},
    {"pilot": {"tolerations": [{"operator": "Exists"}], "podAnnotations": {"a": "b"}}},
    {"global": {"defaultResources": {"requests": {"cpu": "1"}}}},
    {"global": {"priorityClassName": "system-cluster-critical"}},
    {"telemetry": {"enabled": False}},
    {"meshConfig": {"accessLogFile": "/dev/stdout", "accessLogEncoding": "JSON"}},
    {"meshConfig": {"extensionProviders": [{"name": "other", "envoyFileAccessLog": {"path": "/dev/stdout"}}]}},
    {"meshConfig": {"outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"}}},
    {"meshConfig": {"discoverySelectors": [{"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}]}},
    {"meshConfig": {"defaultProviders": {"accessLogging": ["envoy"]}}},
    {"meshConfig": {"enableAutoMtls": False}},
    {"meshConfig": {"tlsDefaults": {"minProtocolVersion": "TLSV1_3"}}},
    {},
    {"meshConfig": {}},
]

# (how Istio is installed, what changes then)
RESTARTS: list[tuple[dict[str, Any], str, Any]] = [
    (HELM, "mesh.revision", "canary"),
    (HELM, "mesh.namespace", "mesh-system"),
    (HELM, "mesh.version", "1.30.1"),
    (HELM, "mesh.hub", "registry.example/istio"),
    (HELM, "mesh.tag", "1.30.0-fips"),
    (HELM, "mesh.cni", True),
    (HELM, "cluster.domain", "corp.example"),
    (HELM, "mesh.values", {"meshConfig": {"defaultConfig": {"concurrency": 2}}}),
    (HELM, "mesh.values", {"meshConfig": {"defaultConfig": {"holdApplicationUntilProxyStarts": True}}}),
    (HELM, "mesh.values", {"global": {"proxy": {"resources": {"requests": {"cpu": "10m"}}}}}),
    (HELM, "mesh.values", {"global": {"variant": "debug"}}),
    (HELM, "mesh.values", {"sidecarInjectorWebhook": {"rewriteAppHTTPProbe": False}}),
    *((HELM, "mesh.values", values) for values in READ_BY_THE_INJECTOR),
    (HELM, "platform", "openshift"),
    (SAIL, "mesh.sail.profile", "demo"),
    (SAIL, "mesh.values", {"global": {"network": "one"}}),
    (SAIL, "mesh.version", "1.30.1"),
    (SAIL, "mesh.sail.updateStrategy", "RevisionBased"),
    (BY_REVISION, "mesh.version", "1.30.1"),
    (BY_REVISION, "mesh.values", {"meshConfig": {"defaultConfig": {"concurrency": 2}}}),
    (EXISTING, "mesh.revision", "default-v1-30-0"),
    (EXISTING, "mesh.version", "1.30.1"),
]

LEAVES_RUNNING: list[tuple[dict[str, Any], str, Any]] = [
    (HELM, "tracing.samplingPercentage", 5),
    (HELM, "tracing.collector.replicas", 3),
    (HELM, "tempo.retention", "1h"),
    (HELM, "tempo.namespace", "traces"),
    (HELM, "prometheus.retention", "1d"),
    (HELM, "mesh.keepCrds", False),
    (HELM, "mesh.discoveryNamespacesOnly", True),
    (HELM, "mesh.chartRepository", "oci://registry.example/istio"),
    (HELM, "mesh.cni", False),
    *((HELM, "mesh.values", values) for values in ARRIVES_LIVE),
    (SAIL, "mesh.values", {"meshConfig": {"accessLogFile": "/dev/stdout"}}),
    (HELM, "timeouts.bookinfo", 60),
    (HELM, "grafana.namespace", "grafana"),
    (HELM, "bookinfo.traffic.requestsPerSecond", 5),
    (SAIL, "tracing.samplingPercentage", 5),
    (SAIL, "mesh.sail.inactiveRevisionDeletionGracePeriodSeconds", 300),
    (BY_REVISION, "mesh.sail.inactiveRevisionDeletionGracePeriodSeconds", 300),
    (EXISTING, "tracing.samplingPercentage", 5),
    (EXISTING, "mesh.existing.istio", "theirs"),
]


def config(changes: dict[str, Any]) -> dict[str, Any]:
    changed = minimal_config()
    for path, value in changes.items():
        changed = with_setting(changed, path, value)
    return changed


def ids(value: Any) -> str | None:
    return (
        "-".join(map(str, value.values())) or "helm" if isinstance(value, dict) and "mesh.installer" in value else None
    )


def hashes(deployed: Deployed) -> dict[str, str]:
    return {
        r.object_name: r.inputs["spec"]["template"]["metadata"]["annotations"][ANNOTATION]
        for r in deployed
        if r.kind == "Deployment" and r.inputs["metadata"]["namespace"] == "bookinfo"
    }


@pytest.mark.parametrize(("installed", "path", "value"), RESTARTS, ids=ids)
def test_what_a_sidecar_reads_at_its_start_restarts_every_one(
    deploy: Deploy, installed: dict[str, Any], path: str, value: Any
) -> None:
    before, after = hashes(deploy(config(installed))), hashes(deploy(config({**installed, path: value})))
    assert set(after) == set(before)
    assert all(after[name] != before[name] for name in before)


@pytest.mark.parametrize(("installed", "path", "value"), LEAVES_RUNNING, ids=ids)
def test_anything_else_restarts_none(deploy: Deploy, installed: dict[str, Any], path: str, value: Any) -> None:
    assert hashes(deploy(config({**installed, path: value}))) == hashes(deploy(config(installed)))


SIDECAR = SidecarConfig(
    revision="default",
    injection_labels={"istio-injection": "enabled"},
    installation={"cni": False},
    proxy_image={"tag": "1.30.0"},
    values={"global": {"variant": "debug"}},
    resource_attributes=False,
    provider={"namespace": "istio-system"},
)
OTHER_SIDECAR = SidecarConfig(
    revision="canary",
    injection_labels={"istio.io/rev": "default"},
    installation={"cni": True},
    proxy_image={"tag": "1.30.1"},
    values={"global": {"variant": "distroless"}},
    resource_attributes=True,
    provider={"namespace": "mesh"},
)


@pytest.mark.parametrize("name", [field.name for field in fields(SidecarConfig)])
def test_each_part_of_what_a_sidecar_reads_changes_the_hash(name: str) -> None:
    changed = replace(SIDECAR, **{name: getattr(OTHER_SIDECAR, name)})
    assert changed.restart_hash() != SIDECAR.restart_hash()


def test_every_pod_in_the_mesh_carries_the_same_hash(minimal: Deployed) -> None:
    found = hashes(minimal)
    assert len(found) == 8
    assert len(set(found.values())) == 1


def test_a_new_scrape_target_restarts_prometheus_only(deploy: Deploy, minimal: Deployed) -> None:
    changed = deploy(with_setting(minimal_config(), "prometheus.scrapeInterval", "1s"))

    def annotations(deployed: Deployed) -> Any:
        pod = deployed.get("Deployment", "prometheus").inputs["spec"]["template"]
        return pod["metadata"]["annotations"]

    assert annotations(changed) != annotations(minimal)
    assert hashes(changed) == hashes(minimal)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=12,
    )
)
def test_the_hash_does_not_depend_on_the_order_of_keys(value: Any) -> None:
    assert digest(value) == digest(reordered(value))
    assert digest(value) == digest(json.loads(json.dumps(value)))


def reordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: reordered(value[key]) for key in reversed(value)}
    if isinstance(value, list):
        return [reordered(inner) for inner in value]
    return value

"""The findings for the operators, the control plane, the sidecars and the provider."""

import json
import shlex
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import yaml
from verify_world import (
    DEPLOYMENT,
    MESH_CONFIG,
    TELEMETRY,
    StubCluster,
    assert_broken,
    assert_warns,
    config_map,
    deployment,
    healthy,
    istio,
    looks,
    part,
    pod,
    restore,
    service,
    webhook,
    world,
)

from verify.causes import Code
from verify.findings import Because, Status
from verify.hops import control_plane, operators, provider, sidecars
from verify.programs.metrics import Samples

SAIL = world(deployment(mesh=part(DEPLOYMENT.mesh, installer="sail", by_charts=False, istiod="istiod-v1-30-2")))


def workload(name: str, namespace: str, *, ready: int, replicas: int = 1) -> dict[str, Any]:
    status = {"readyReplicas": ready} if ready else {}
    return {"metadata": {"name": name, "namespace": namespace}, "spec": {"replicas": replicas}, "status": status}


# Operators.


def seen_operators(**found: list[dict[str, Any]]) -> operators.Seen:
    return operators.Seen(found)


def test_operators_that_run_are_ok() -> None:
    seen = seen_operators(tempo=[workload("tempo-operator-controller", "tempo-operator-system", ready=1)])
    finding = operators.judge(world(), looks(seen))
    assert (finding.status, finding.evidence) == (
        Status.OK,
        ("tempo: Deployment tempo-operator-system/tempo-operator-controller has 1 ready pods",),
    )


def test_an_operator_scaled_to_nothing_is_scaled_up() -> None:
    stopped = workload("tempo-operator-controller", "tempo-operator-system", ready=0, replicas=0)
    finding = operators.judge(world(), looks(seen_operators(tempo=[stopped])))
    assert_warns(
        finding,
        Code.OPERATOR_STOPPED,
        remedy="kubectl scale deployment/tempo-operator-controller -n tempo-operator-system --replicas=1",
    )


def test_an_operator_whose_pods_are_not_ready_is_restarted() -> None:
    ill = workload("opentelemetry-operator", "operators", ready=0)
    finding = operators.judge(world(), looks(seen_operators(opentelemetry=[ill])))
    assert_warns(
        finding, Code.OPERATOR_STOPPED, remedy="kubectl rollout restart deployment/opentelemetry-operator -n operators"
    )


def test_an_operator_under_an_unknown_name_is_a_warning() -> None:
    finding = operators.judge(world(), looks(seen_operators(tempo=[])))
    assert (finding.status, finding.evidence) == (
        Status.WARNING,
        ("no Deployment has the name of an operator of tempo",),
    )


def test_a_stack_without_operators_is_ok() -> None:
    assert operators.judge(world(), looks(seen_operators())).status is Status.OK


@pytest.mark.parametrize(
    ("operator", "name"),
    [
        ("mesh", "servicemesh-operator3"),
        ("mesh", "sail-operator"),
        ("tempo", "tempo-operator-controller"),
        ("opentelemetry", "opentelemetry-operator-controller-manager"),
        ("kiali", "kiali-operator"),
        ("grafana", "grafana-operator-controller-manager-v5"),
    ],
)
def test_an_operator_is_known_by_the_name_that_its_publisher_gives_it(operator: str, name: str) -> None:
    cluster = StubCluster()
    deployments = workload(name, "operators", ready=1), workload("web", "shop", ready=1)
    cluster.api.put("/apis/apps/v1/deployments", *deployments)
    stack = world(deployment(operators=[operator]), cluster)
    found = operators.look(stack).deployments[operator]
    assert [one["metadata"]["name"] for one in found] == [name]


# The control plane.

ISTIOD = workload("istiod", "istio-system", ready=1)


def seen_control_plane(**changes: Any) -> control_plane.Seen:
    seen: dict[str, Any] = {
        "deployment": ISTIOD,
        "pods": [pod("istiod-1", "istio-system")],
        "istio": None,
        "webhooks": ["istio-sidecar-injector"],
    }
    return control_plane.Seen(**seen | changes)


def test_an_istiod_that_serves_is_ok() -> None:
    finding = control_plane.judge(world(), looks(seen_control_plane()))
    assert (finding.status, finding.evidence) == (
        Status.OK,
        ("Deployment istio-system/istiod has 1 ready pods", "webhook istio-sidecar-injector"),
    )


def test_a_missing_istiod_is_installed_again() -> None:
    finding = control_plane.judge(world(), looks(seen_control_plane(deployment=None, pods=[])))
    assert_broken(finding, Because.FAULT, remedy=restore())


def test_an_istiod_scaled_to_nothing_is_scaled_up() -> None:
    stopped = workload("istiod", "istio-system", ready=0, replicas=0)
    finding = control_plane.judge(world(), looks(seen_control_plane(deployment=stopped, pods=[])))
    assert_broken(finding, Because.FAULT, remedy="kubectl scale deployment/istiod -n istio-system --replicas=1")


def test_an_istiod_that_does_not_start_is_restarted() -> None:
    pods = [pod("istiod-1", "istio-system", ready=False, waiting="CrashLoopBackOff")]
    finding = control_plane.judge(world(), looks(seen_control_plane(pods=pods)))
    assert_broken(finding, Because.FAULT, remedy="kubectl rollout restart deployment/istiod -n istio-system")


def test_why_istiod_does_not_start_is_evidence() -> None:
    pods = [pod("istiod-1", "istio-system", ready=False, waiting="CrashLoopBackOff")]
    finding = control_plane.judge(world(), looks(seen_control_plane(pods=pods)))
    assert "istiod: CrashLoopBackOff" in finding.evidence


def test_a_missing_webhook_is_restored_by_istiod() -> None:
    finding = control_plane.judge(world(), looks(seen_control_plane(webhooks=[])))
    assert_broken(finding, Because.FAULT, remedy="kubectl rollout restart deployment/istiod -n istio-system")


def test_the_message_of_the_sail_operator_is_evidence() -> None:
    failed = istio("False", "chart istiod:\nvalues are wrong")
    finding = control_plane.judge(SAIL, looks(seen_control_plane(istio=failed)))
    assert_broken(finding, Because.FAULT, remedy="kubectl describe istio default")
    assert "Istio default: Ready is False: chart istiod: values are wrong" in finding.evidence


def test_a_sail_operator_that_is_done_is_ok() -> None:
    seen = seen_control_plane(istio=istio("True"))
    assert control_plane.judge(SAIL, looks(seen)).status is Status.OK


def test_the_istio_of_the_meshs_own_namespace_is_looked_at() -> None:
    cluster = StubCluster()
    other = istio("False") | {"metadata": {"name": "other"}, "spec": {"namespace": "elsewhere"}}
    cluster.api.put("/apis/sailoperator.io/v1/istios", other, istio("True"))
    found = control_plane.look(replace(SAIL, cluster=cluster)).istio
    assert found is not None
    assert found["metadata"]["name"] == "default"


def test_a_mesh_that_helm_has_installed_has_no_istio_to_look_at() -> None:
    cluster = StubCluster()
    cluster.api.put("/apis/sailoperator.io/v1/istios", istio("False"))
    assert control_plane.look(world(cluster=cluster)).istio is None


def test_only_webhooks_that_lead_to_this_istiod_count() -> None:
    cluster = StubCluster()
    cluster.api.put(
        "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
        webhook("other-revision", "istiod-canary", "istio-system"),
        webhook("other-mesh", "istiod", "elsewhere"),
        webhook("ours", "istiod", "istio-system"),
        {"metadata": {"name": "by-url"}, "webhooks": [{"clientConfig": {"url": "https://example.com"}}]},
        {"metadata": {"name": "empty"}},
    )
    assert control_plane.look(world(cluster=cluster)).webhooks == ["ours"]


# The sidecars.

LABELLED = {"metadata": {"name": "bookinfo", "labels": {"istio-injection": "enabled"}}}


def seen_sidecars(*pods: dict[str, Any], namespace: dict[str, Any] | None = LABELLED) -> sidecars.Seen:
    return sidecars.Seen({"bookinfo": namespace}, list(pods))


def test_a_sidecar_in_each_pod_is_ok() -> None:
    finding = sidecars.judge(world(), looks(seen_sidecars(pod("details-v1-1", sidecar=True))))
    assert (finding.status, finding.evidence) == (Status.OK, ("1 of 1 pods in bookinfo have one",))


def test_a_sidecar_among_the_init_containers_counts() -> None:
    native = pod("details-v1-1", initContainers=[{"name": "istio-proxy", "restartPolicy": "Always"}])
    assert sidecars.judge(world(), looks(seen_sidecars(native))).status is Status.OK


def test_an_init_container_that_ends_is_no_sidecar() -> None:
    assert not sidecars.has_sidecar(pod("details-v1-1", initContainers=[{"name": "istio-proxy"}]))


def test_a_missing_label_is_set_and_the_pods_are_recreated() -> None:
    bare = {"metadata": {"name": "bookinfo", "labels": {}}}
    finding = sidecars.judge(world(), looks(seen_sidecars(pod("details-v1-1"), namespace=bare)))
    assert_broken(
        finding,
        Because.FAULT,
        remedy="kubectl label namespace bookinfo istio-injection=enabled --overwrite"
        " && kubectl rollout restart deployment -n bookinfo",
    )
    assert "1 of its pods have no sidecar" in finding.evidence


def test_of_an_ambient_namespace_it_is_said_what_its_traces_would_lack() -> None:
    ambient = {"metadata": {"name": "bookinfo", "labels": {"istio.io/dataplane-mode": "ambient"}}}
    finding = sidecars.judge(world(), looks(sidecars.Seen({"bookinfo": ambient}, [])))
    assert finding.code is Code.NAMESPACE_WITHOUT_LABEL
    assert finding.cause.endswith("no edges between applications")


def test_only_the_namespaces_own_pods_without_a_sidecar_are_counted() -> None:
    bare = {"metadata": {"name": "bookinfo"}}
    pods = [pod("details-v1-1"), pod("ratings-v1-1", sidecar=True), pod("cart-1", "shop")]
    finding = sidecars.judge(world(), looks(seen_sidecars(*pods, namespace=bare)))
    assert finding.evidence[-1] == "1 of its pods have no sidecar"


def test_a_pod_that_wants_no_sidecar_is_left_out() -> None:
    migration = pod("migrate-1", labels={"sidecar.istio.io/inject": "false"})
    finding = sidecars.judge(world(), looks(seen_sidecars(pod("details-v1-1", sidecar=True), migration)))
    assert (finding.status, finding.evidence) == (Status.OK, ("1 of 1 pods in bookinfo have one",))


def test_a_missing_namespace_is_restored() -> None:
    finding = sidecars.judge(world(), looks(seen_sidecars(namespace=None)))
    assert_broken(finding, Because.FAULT, remedy=restore())


def test_a_pod_without_a_sidecar_is_recreated() -> None:
    seen = seen_sidecars(pod("details-v1-1", sidecar=True), pod("ratings-v1-1"))
    finding = sidecars.judge(world(), looks(seen))
    assert_broken(finding, Because.FAULT, remedy="kubectl rollout restart deployment -n bookinfo")
    assert finding.evidence == ("Pod bookinfo/ratings-v1-1 has no container istio-proxy",)


def test_a_pod_that_is_not_ready_has_describe_as_its_remedy() -> None:
    ill = pod("ratings-v1-1", sidecar=True, ready=False, waiting="ImagePullBackOff")
    finding = sidecars.judge(world(), looks(seen_sidecars(ill)))
    assert_warns(finding, Code.POD_NOT_READY, remedy="kubectl describe pod ratings-v1-1 -n bookinfo")
    assert "Pod bookinfo/ratings-v1-1: ratings: ImagePullBackOff" in finding.evidence


def validated(last: dict[str, Any], *, ready: bool = False, now: dict[str, Any] | None = None) -> dict[str, Any]:
    """A pod on node2 whose istio-validation has ended as ``last`` says, and is in the state ``now``."""
    made = pod("ratings-v1-1", sidecar=True, ready=False, waiting="PodInitializing", nodeName="node2")
    state = {"name": "istio-validation", "ready": ready, "state": now or {}, "lastState": {"terminated": last}}
    made["status"]["initContainerStatuses"] = [state]
    return made


@pytest.mark.parametrize("now", [{"running": {}}, {"waiting": {"reason": "CrashLoopBackOff"}}])
def test_a_pod_that_started_without_the_cni_plugin_waits_for_its_agent(now: dict[str, Any]) -> None:
    finding = sidecars.judge(world(), looks(seen_sidecars(validated({"exitCode": 126}, now=now))))
    agents = "kubectl get daemonsets,pods -A -o wide -l k8s-app=istio-cni-node"
    assert_warns(finding, Code.NOT_REDIRECTED, remedy=agents)
    assert finding.cause is not None
    assert "node2" in finding.cause
    assert finding.evidence == ("Pod bookinfo/ratings-v1-1: istio-validation ends with 126",)


REPAIRED = validated({"exitCode": 126}, ready=True, now={"terminated": {"exitCode": 0}})


@pytest.mark.parametrize("ill", [REPAIRED, validated({"exitCode": 1})], ids=["repaired", "ended with another code"])
def test_a_pod_that_is_led_to_its_sidecar_is_not_ready_for_another_reason(ill: dict[str, Any]) -> None:
    finding = sidecars.judge(world(), looks(seen_sidecars(ill)))
    assert_warns(finding, Code.POD_NOT_READY, remedy="kubectl describe pod ratings-v1-1 -n bookinfo")


def test_a_namespace_without_pods_is_reported_as_unknown() -> None:
    assert sidecars.judge(world(), looks(seen_sidecars())).status is Status.UNKNOWN


def test_a_stack_without_namespaces_in_the_mesh_has_no_sidecars() -> None:
    assert sidecars.judge(world(), looks(sidecars.Seen({}, []))).status is Status.ABSENT


@pytest.mark.parametrize(
    "change",
    [
        lambda found: found["metadata"]["labels"].update({"sidecar.istio.io/inject": "false"}),
        lambda found: found["metadata"].update(annotations={"sidecar.istio.io/inject": "false"}),
        lambda found: found["spec"].update(hostNetwork=True),
        lambda found: found["status"].update(phase="Succeeded"),
        lambda found: found["status"].update(phase="Failed"),
    ],
    ids=["label", "annotation", "host network", "succeeded", "failed"],
)
def test_a_pod_needs_no_sidecar(change: Callable[[Any], None]) -> None:
    found = pod("migrate-1")
    change(found)
    assert not sidecars.wants_sidecar(found)


# The provider.


def seen_provider(**changes: Any) -> provider.Seen:
    seen: dict[str, Any] = {
        "telemetries": [TELEMETRY],
        "config_maps": {"istio": config_map("istio", "istio-system", mesh=MESH_CONFIG)},
        "unread": [],
        "service": service("otel-collector", "istio-system", {}),
        "metrics": None,
    }
    found = seen | changes
    if isinstance(found["telemetries"], list):
        found["telemetries"] = {"istio-system": found["telemetries"]}
    return provider.Seen(**found)


def telemetry(**tracing: Any) -> dict[str, Any]:
    return {"metadata": {"name": "mesh-tracing"}, "spec": {"tracing": [tracing]}}


def mesh_config(**opentelemetry: Any) -> dict[str, Any]:
    return with_provider({"name": "otel", "opentelemetry": opentelemetry})


OTHER = {"name": "prometheus", "prometheus": {}}


def with_provider(entry: dict[str, Any]) -> dict[str, Any]:
    mesh = yaml.safe_load(MESH_CONFIG) | {"extensionProviders": [OTHER, entry], "trustDomain": "it's.local"}
    return {"istio": config_map("istio", "istio-system", mesh=yaml.safe_dump(mesh))}


HOST = "otel-collector.istio-system.svc.cluster.local"


def test_a_provider_that_leads_to_the_collector_is_ok() -> None:
    finding = provider.judge(world(), looks(seen_provider()))
    assert (finding.status, finding.evidence) == (
        Status.OK,
        ("Telemetry istio-system/mesh-tracing: otel, 100 %", f"otel leads to {HOST}:4317"),
    )


def test_names_of_providers_have_no_case() -> None:
    found = seen_provider(telemetries=[telemetry(providers=[{"name": "OTel"}], randomSamplingPercentage=100)])
    assert provider.judge(world(), looks(found)).status is Status.OK


def test_an_older_telemetry_of_the_mesh_is_the_cause_that_the_stacks_has_no_effect() -> None:
    older = {
        "metadata": {"name": "a", "namespace": "istio-system", "creationTimestamp": "2025"},
        "spec": {"metrics": []},
    }
    ours = TELEMETRY | {"metadata": TELEMETRY["metadata"] | {"creationTimestamp": "2026"}}
    finding = provider.judge(world(), looks(seen_provider(telemetries=[ours, older])))
    assert_broken(finding, Because.FAULT, remedy="kubectl patch telemetries.telemetry.istio.io a -n istio-system")
    assert finding.code is Code.OLDER_TELEMETRY


def test_a_telemetry_that_samples_more_makes_the_graph_count_too_much_where_it_multiplies() -> None:
    thinned = part(DEPLOYMENT.tracing, sampling_percentage=5, ratio_attribute="sampling.ratio", ratios=[0.05])
    found = seen_provider(telemetries=[telemetry(providers=[{"name": "otel"}], randomSamplingPercentage=50)])
    finding = provider.judge(world(deployment(tracing=thinned)), looks(found))
    assert_broken(finding, Because.FAULT, remedy=restore())
    assert finding.code is Code.RATES_DIFFER


def test_a_telemetry_that_samples_less_than_the_stack_says_is_restored() -> None:
    found = seen_provider(telemetries=[telemetry(providers=[{"name": "otel"}], randomSamplingPercentage=1)])
    finding = provider.judge(world(), looks(found))
    assert_broken(finding, Because.FAULT, remedy=restore())
    assert finding.code is Code.SAMPLED_LESS


# A stack that leaves the rest of the mesh to others.
IN_NAMESPACES = deployment(
    tracing=part(DEPLOYMENT.tracing, scope="namespaces"), mesh=part(DEPLOYMENT.mesh, namespaces=["bookinfo", "shop"])
)


def test_a_stack_of_some_namespaces_says_which_are_traced() -> None:
    found = seen_provider(telemetries={"bookinfo": [TELEMETRY], "shop": [TELEMETRY]})
    finding = provider.judge(world(IN_NAMESPACES), looks(found))
    assert finding.status is Status.OK
    assert finding.evidence[0] == "Telemetry bookinfo/mesh-tracing, shop/mesh-tracing: otel, 100 %"
    assert "other namespaces are not the stack's to trace" in finding.evidence[-1]


def test_a_namespace_without_the_stack_s_telemetry_is_named() -> None:
    finding = provider.judge(
        world(IN_NAMESPACES), looks(seen_provider(telemetries={"bookinfo": [TELEMETRY], "shop": []}))
    )
    assert_broken(finding, Because.FAULT, remedy=restore())
    assert (finding.code, finding.evidence) == (Code.NO_TELEMETRY, ("no Telemetry shop/mesh-tracing",))


def test_a_stack_of_some_namespaces_that_has_none_traces_nothing() -> None:
    assert provider.judge(world(IN_NAMESPACES), looks(seen_provider(telemetries={}))).status is Status.ABSENT


def test_each_namespace_of_such_a_stack_is_looked_at() -> None:
    cluster = healthy()
    assert provider.look(world(IN_NAMESPACES, cluster=cluster)).telemetries == {"bookinfo": [], "shop": []}


def test_a_telemetry_for_another_revision_hides_nothing() -> None:
    cluster = healthy()
    other = {
        "metadata": {
            "name": "a",
            "namespace": "istio-system",
            "creationTimestamp": "2020",
            "labels": {"istio.io/rev": "b"},
        },
        "spec": {},
    }
    cluster.api.put("/apis/telemetry.istio.io/v1/telemetries", other)
    listed = provider.look(world(cluster=cluster)).telemetries["istio-system"]
    assert [one["metadata"]["name"] for one in listed] == [TELEMETRY["metadata"]["name"]]


def test_a_provider_that_names_services_otherwise_is_told_of() -> None:
    renaming = mesh_config(service=HOST, port=4317, serviceAttributeEnrichment="OTEL_SEMANTIC_CONVENTIONS")
    finding = provider.judge(world(), looks(seen_provider(config_maps=renaming)))
    assert finding.status is Status.OK
    assert finding.evidence[-1].startswith("services are named by OpenTelemetry's conventions")


@pytest.mark.parametrize(
    ("opentelemetry", "by_convention"),
    [
        ({"service": HOST, "serviceAttributeEnrichment": "OTEL_SEMANTIC_CONVENTIONS"}, True),
        ({"service": f"istio-system/{HOST}", "serviceAttributeEnrichment": 1}, True),
        ({"service": HOST, "serviceAttributeEnrichment": "ISTIO_CANONICAL"}, False),
        ({"service": HOST}, False),
        ({"service": "vendor.example", "serviceAttributeEnrichment": "OTEL_SEMANTIC_CONVENTIONS"}, False),
    ],
)
def test_how_services_are_named_is_read_from_the_providers_that_lead_to_the_collector(
    opentelemetry: dict[str, Any], by_convention: bool
) -> None:
    cluster = healthy()
    cluster.api.put("/api/v1/configmaps", mesh_config(**opentelemetry)["istio"])
    assert provider.names_services_by_convention(world(cluster=cluster)) is by_convention


def test_where_the_mesh_configuration_cannot_be_read_services_have_istios_names() -> None:
    cluster = healthy()
    cluster.api.refused["/api/v1/namespaces/istio-system/configmaps/istio"] = 403
    assert provider.names_services_by_convention(world(cluster=cluster)) is False


def test_a_namespace_before_the_providers_host_is_allowed() -> None:
    seen = seen_provider(config_maps=mesh_config(service=f"istio-system/{HOST}", port=4317))
    assert provider.judge(world(), looks(seen)).status is Status.OK


def test_a_missing_telemetry_is_restored() -> None:
    other = {"metadata": {"name": "other"}, "spec": {}}
    finding = provider.judge(world(), looks(seen_provider(telemetries=[other])))
    assert_broken(finding, Because.FAULT, remedy=restore())
    assert finding.evidence == ("no Telemetry istio-system/mesh-tracing",)


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"metadata": {"name": "mesh-tracing"}}, "none"),
        (telemetry(), "none"),
        (telemetry(providers=[{"name": "zipkin"}], randomSamplingPercentage=100), "zipkin"),
    ],
    ids=["no spec", "no provider", "another provider"],
)
def test_a_telemetry_has_to_name_a_provider_of_the_mesh(named: dict[str, Any], said: str) -> None:
    finding = provider.judge(world(), looks(seen_provider(telemetries=[named])))
    assert_broken(finding, Because.FAULT, remedy=restore())
    assert finding.evidence == (
        f"Telemetry istio-system/mesh-tracing names the provider {said}",
        "the mesh configuration has otel",
    )


@pytest.mark.parametrize(
    ("entry", "cause"),
    [
        ({"randomSamplingPercentage": 0}, "no request is sampled"),
        ({}, "1 % of the requests is sampled"),
        (
            {"randomSamplingPercentage": 100, "disableSpanReporting": True},
            "requests are sampled, but their spans are not reported",
        ),
    ],
)
def test_a_sampling_that_was_taken_away_is_restored(entry: dict[str, Any], cause: str) -> None:
    seen = seen_provider(telemetries=[telemetry(providers=[{"name": "otel"}], **entry)])
    finding = provider.judge(world(), looks(seen))
    assert_broken(finding, Because.FAULT, remedy=restore())
    assert finding.cause == cause


def test_a_stack_that_means_to_sample_nothing_is_told_how_to_sample() -> None:
    stack = world(deployment(tracing=part(DEPLOYMENT.tracing, sampling_percentage=0)))
    seen = seen_provider(telemetries=[telemetry(providers=[{"name": "otel"}], randomSamplingPercentage=0)])
    finding = provider.judge(stack, looks(seen))
    assert_broken(
        finding,
        Because.FAULT,
        remedy="pulumi config set --path tracing.samplingPercentage 100 --stack local && pulumi up --stack local",
    )


def test_a_missing_service_of_the_collector_is_restored() -> None:
    finding = provider.judge(world(), looks(seen_provider(service=None)))
    assert_broken(finding, Because.FAULT, remedy=restore())
    assert finding.evidence == (f"no Service {HOST}",)


def test_without_failures_of_istiod_none_are_evidence() -> None:
    none = seen_provider(service=None, metrics=Samples.parse("pilot_xds_pushes 7\n"))
    assert provider.judge(world(), looks(none)).evidence == (f"no Service {HOST}",)


def test_failures_of_istiod_to_find_the_service_are_evidence() -> None:
    before = seen_provider(service=None, metrics=Samples.parse("provider_lookup_cluster_failures 5\n"))
    after = seen_provider(service=None, metrics=Samples.parse("provider_lookup_cluster_failures 7\n"))
    finding = provider.judge(world(), looks(after, before))
    assert "istiod's provider_lookup_cluster_failures is 7 (+2)" in finding.evidence


@pytest.mark.parametrize(
    "config_maps",
    [
        mesh_config(service=HOST, port=4318),
        mesh_config(service="jaeger.istio-system.svc.cluster.local", port=4317),
        with_provider({"name": "otel", "zipkin": {"service": HOST, "port": 4317}}),
    ],
    ids=["port", "host", "kind"],
)
def test_a_wrong_address_of_the_provider_is_written_into_the_mesh_configuration(config_maps: dict[str, Any]) -> None:
    finding = provider.judge(world(), looks(seen_provider(config_maps=config_maps)))
    assert_broken(finding, Because.FAULT, remedy="kubectl patch configmap istio -n istio-system --type merge --patch ")
    words = shlex.split(finding.remedy)
    mesh = yaml.safe_load(json.loads(words[words.index("--patch") + 1])["data"]["mesh"])
    providers = [OTHER, *yaml.safe_load(MESH_CONFIG)["extensionProviders"]]
    assert mesh == yaml.safe_load(MESH_CONFIG) | {"extensionProviders": providers, "trustDomain": "it's.local"}
    assert words[-6:] == ["kubectl", "rollout", "restart", "deployment/istiod", "-n", "istio-system"]


def test_a_wrong_address_is_restored_by_the_program_where_it_owns_the_mesh_configuration() -> None:
    seen = seen_provider(config_maps=mesh_config(service=HOST, port=4318))
    assert_broken(provider.judge(SAIL, looks(seen)), Because.FAULT, remedy=restore())


@pytest.mark.parametrize(
    "further",
    [{"http": {"path": "/v1", "headers": [{"name": "api-key", "value": "sentinel"}]}}, {"accessToken": "sentinel"}],
    ids=["in a header", "as a token"],
)
def test_a_mesh_configuration_with_a_secret_is_not_printed(further: dict[str, Any]) -> None:
    seen = seen_provider(config_maps=mesh_config(service=HOST, port=4318, **further))
    finding = provider.judge(world(), looks(seen))
    assert_broken(finding, Because.FAULT, remedy="kubectl edit configmap istio -n istio-system && ")
    assert "sentinel" not in finding.remedy


def test_a_broken_mesh_configuration_has_no_providers() -> None:
    assert provider.extension_providers(config_map("istio", "istio-system", mesh="extensionProviders: [")) == []


@pytest.mark.parametrize("mesh", ["", "just words", "extensionProviders:", "extensionProviders: [words]", "- a\n- b"])
def test_a_mesh_configuration_may_have_no_providers(mesh: str) -> None:
    assert provider.extension_providers(config_map("istio", "istio-system", mesh=mesh)) == []


@pytest.mark.parametrize("found", [None, {"metadata": {"name": "istio"}}])
def test_a_config_map_may_have_no_mesh_configuration(found: dict[str, Any] | None) -> None:
    assert provider.extension_providers(found) == []


EXISTING = part(DEPLOYMENT.mesh, installer="existing", config_maps=["istio", "mesh-tracing"])


def existing_mesh(shared: str | None) -> StubCluster:
    """A mesh whose own configuration has no provider, and whose istiod reads the ConfigMap ``shared`` too."""
    istiod = workload("istiod", "istio-system", ready=1)
    variables = [
        {"name": "OWNERS", "value": "1"},
        *([{"name": "SHARED_MESH_CONFIG", "value": shared}] if shared else []),
    ]
    istiod["spec"]["template"] = {"spec": {"containers": [{"name": "discovery", "env": variables}]}}
    cluster = StubCluster()
    cluster.api.put("/apis/apps/v1/deployments", istiod)
    cluster.api.put(
        "/api/v1/configmaps",
        config_map("istio", "istio-system", mesh="{}"),
        config_map("mesh-tracing", "istio-system", mesh=MESH_CONFIG),
    )
    cluster.api.put("/apis/telemetry.istio.io/v1/telemetries", TELEMETRY)
    cluster.api.put("/api/v1/services", service("otel-collector", "istio-system", {}))
    return cluster


def test_our_provider_counts_where_an_existing_istiod_is_sent_to_it() -> None:
    stack = world(deployment(mesh=EXISTING), existing_mesh("mesh-tracing"))
    assert provider.judge(stack, looks(provider.look(stack))).status is Status.OK


@pytest.mark.parametrize("shared", [None, "theirs"])
def test_our_provider_does_not_count_where_an_existing_istiod_does_not_read_it(shared: str | None) -> None:
    stack = world(deployment(mesh=EXISTING), existing_mesh(shared))
    finding = provider.judge(stack, looks(provider.look(stack)))
    assert_broken(finding, Because.FAULT, remedy=restore())
    assert "istiod's variable SHARED_MESH_CONFIG does not name ConfigMap mesh-tracing" in finding.evidence


def test_two_config_maps_make_one_mesh_configuration_in_which_the_first_one_counts() -> None:
    shared = {"extensionProviders": [{"name": "otel", "opentelemetry": {"port": 1}}, {"name": "zipkin", "zipkin": {}}]}
    found = provider.providers(
        {
            "istio": config_map("istio", "istio-system", mesh=MESH_CONFIG),
            "istio-user": None,
            "mesh-tracing": config_map("mesh-tracing", "istio-system", mesh=yaml.safe_dump(shared)),
        }
    )
    assert found == {"otel": ("istio", {"port": 4317, "service": HOST}), "zipkin": ("mesh-tracing", {})}

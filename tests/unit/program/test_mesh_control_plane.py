"""The control plane by each installer: which resources, with which values, in which order."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import yaml
from recording import Deployed, Registration, minimal_config, run_program, with_setting

import settings

Deploy = Callable[..., Deployed]

EXISTING = {"mesh.installer": "existing", "namespaces.existing": ["istio-system"]}
SAIL = {"mesh.installer": "sail"}
BY_REVISION = {**SAIL, "mesh.sail.updateStrategy": "RevisionBased"}
OPENSHIFT = {"platform": "openshift"}
OUR_PROVIDER = {
    "name": "otel",
    "opentelemetry": {"service": "otel-collector.istio-system.svc.cluster.local", "port": 4317},
}


def config(changes: Mapping[str, Any]) -> dict[str, Any]:
    changed = minimal_config()
    for path, value in changes.items():
        changed = with_setting(changed, path, value)
    return changed


def kinds(deployed: Deployed) -> dict[str, str]:
    """What the component registers, without the Service that all installers share: logical name to type."""
    (component,) = (c.urn for c in deployed.components if c.kind == "MeshControlPlane")
    return {r.name: r.type for r in deployed if r.parent == component and r.kind != "Service"}


def patch(deployed: Deployed) -> Registration:
    (found,) = (r for r in deployed if r.type == "kubernetes:sailoperator.io/v1:IstioPatch")
    return found


def values(deployed: Deployed, release: str) -> dict[str, Any]:
    found: dict[str, Any] = deployed.get("Release", release).inputs["values"]
    return found


def leaves(value: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    if not isinstance(value, dict):
        return {path: value}
    return {leaf: found for key, inner in value.items() for leaf, found in leaves(inner, (*path, key)).items()}


HELM_TYPE = "kubernetes:helm.sh/v3:Release"
PLUGIN_BY_HELM = {"mesh-cni-namespace": "kubernetes:core/v1:Namespace", "mesh-cni": HELM_TYPE}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {"mesh-base": HELM_TYPE, "mesh-istiod": HELM_TYPE}),
        ({"mesh.cni": True}, {**PLUGIN_BY_HELM, "mesh-base": HELM_TYPE, "mesh-istiod": HELM_TYPE}),
        (OPENSHIFT, {**PLUGIN_BY_HELM, "mesh-base": HELM_TYPE, "mesh-istiod": HELM_TYPE}),
        (SAIL, {"mesh-istio": "kubernetes:sailoperator.io/v1:Istio"}),
        (
            {**BY_REVISION, **OPENSHIFT},
            {
                "mesh-cni-namespace": "kubernetes:core/v1:Namespace",
                "mesh-cni": "kubernetes:sailoperator.io/v1:IstioCNI",
                "mesh-istio": "kubernetes:sailoperator.io/v1:Istio",
                "mesh-tag": "kubernetes:sailoperator.io/v1:IstioRevisionTag",
            },
        ),
        (
            {**EXISTING, **OPENSHIFT},
            {
                "mesh-existing-istio": "kubernetes:sailoperator.io/v1:Istio",
                "mesh-shared-mesh-config": "kubernetes:core/v1:ConfigMap",
                "mesh-istio-patch": "kubernetes:sailoperator.io/v1:IstioPatch",
            },
        ),
    ],
    ids=["helm", "helm with the plugin", "helm on OpenShift", "sail", "sail on OpenShift", "existing"],
)
def test_an_installer_makes_its_own_resources_and_no_other(
    deploy: Deploy, changes: dict[str, Any], expected: dict[str, str]
) -> None:
    assert kinds(deploy(config(changes))) == expected


@pytest.mark.parametrize("changes", [{}, OPENSHIFT, SAIL, BY_REVISION, EXISTING])
def test_the_telemetry_waits_for_everything_that_an_installer_makes(deploy: Deploy, changes: dict[str, Any]) -> None:
    deployed = deploy(config(changes))
    telemetry = deployed.before(deployed.get("Telemetry").urn)
    assert {r.urn for r in deployed if r.name in kinds(deployed)} <= telemetry


@pytest.mark.parametrize("changes", [{}, {"mesh.revision": "canary"}, BY_REVISION, EXISTING])
def test_the_istiod_of_any_revision_is_scraped_by_one_name(deploy: Deploy, changes: dict[str, Any]) -> None:
    deployed = deploy(config(changes))
    service = deployed.get("Service", "mesh-tracing-istiod").inputs
    assert service["metadata"]["namespace"] == "istio-system"
    assert service["spec"]["selector"] == {"app": "istiod"}
    assert service["spec"]["clusterIP"] == "None"
    assert [port["port"] for port in service["spec"]["ports"]] == [15014]
    scrape = yaml.safe_load(deployed.get("ConfigMap", "prometheus").inputs["data"]["prometheus.yml"])["scrape_configs"]
    (istiod,) = (job for job in scrape if job["job_name"] == "istiod")
    record = "_http-monitoring._tcp.mesh-tracing-istiod.istio-system.svc.cluster.local"
    assert istiod["dns_sd_configs"][0]["names"] == [record]


def test_the_component_says_which_namespace_is_the_root(deploy: Deploy) -> None:
    deployed = deploy(config({"mesh.namespace": "mesh-system"}))
    (component,) = (c.urn for c in deployed.components if c.kind == "MeshControlPlane")
    assert deployed.registered_outputs[component] == {"namespace": "mesh-system"}


def test_istiod_waits_for_its_crds_and_for_the_plugin(deploy: Deploy) -> None:
    deployed = deploy(config({"mesh.cni": True}))
    istiod = deployed.before(deployed.get("Release", "istiod").urn)
    assert {deployed.get("Release", name).urn for name in ("istio-base", "istio-cni")} <= istiod


@pytest.mark.parametrize(
    ("changes", "namespace"),
    [
        ({"mesh.cni": True, "mesh.namespace": "mesh-system"}, "istio-cni"),
        ({"mesh.cni": True, "mesh.cniNamespace": "plugins"}, "plugins"),
        (OPENSHIFT, "kube-system"),
        ({**OPENSHIFT, "mesh.cniNamespace": "plugins"}, "plugins"),
    ],
)
def test_the_plugin_is_in_a_namespace_of_its_own_or_where_the_platform_wants_it(
    deploy: Deploy, changes: dict[str, Any], namespace: str
) -> None:
    deployed = deploy(config(changes))
    plugin = deployed.get("Release", "istio-cni")
    (home,) = (r for r in deployed if r.name == "mesh-cni-namespace")
    assert plugin.inputs["namespace"] == namespace
    assert home.urn in deployed.before(plugin.urn)
    # Every cluster has that one.
    assert home.read == (namespace == "kube-system")


def test_the_agents_of_the_plugin_are_awaited_which_helm_would_not_do_on_a_single_node(deploy: Deploy) -> None:
    (watched,) = (
        one for one in deploy(config({"mesh.cni": True, "timeouts.controlPlane": 99})).watched if "CNI" in one.title
    )
    assert (watched.kind, watched.namespace, watched.seconds) == ("DaemonSet", "istio-cni", 99)
    assert watched.workloads == ("istio-cni-node",)


def test_a_plugin_that_moves_to_another_namespace_leaves_the_old_one_first(deploy: Deploy) -> None:
    assert deploy(config({"mesh.cni": True})).get("Release", "istio-cni").delete_before_replace


@pytest.mark.parametrize("installer", ["helm", "sail"])
def test_a_user_s_values_of_the_plugin_are_merged_over_ours(deploy: Deploy, installer: str) -> None:
    theirs = {"cni": {"cniBinDir": "/home/kubernetes/bin"}, "global": {"logAsJson": True}}
    changes = {"mesh.installer": installer, "mesh.cni": True, "mesh.hub": "registry.example", "mesh.cniValues": theirs}
    deployed = deploy(config(changes))
    found = (
        deployed.get("IstioCNI").inputs["spec"] if installer == "sail" else deployed.get("Release", "istio-cni").inputs
    )
    assert found["values"] == {**theirs, "global": {"hub": "registry.example", "logAsJson": True}}


def test_proxies_get_a_profile_of_seccomp_only_with_the_plugin(deploy: Deploy, minimal: Deployed) -> None:
    with_plugin = values(deploy(config({"mesh.cni": True})), "istiod")["global"]["proxy"]
    assert with_plugin["seccompProfile"] == {"type": "RuntimeDefault"}
    assert "seccompProfile" not in values(minimal, "istiod")["global"]["proxy"]


@pytest.mark.parametrize(
    ("changes", "platform", "plugin"),
    [
        ({}, None, None),
        ({"mesh.cni": False}, None, None),
        ({"mesh.cni": True}, None, {"enabled": True}),
        (OPENSHIFT, "openshift", {"enabled": True}),
    ],
)
def test_every_chart_is_told_the_platform_and_istiod_of_the_plugin(
    deploy: Deploy, changes: dict[str, Any], platform: str | None, plugin: dict[str, bool] | None
) -> None:
    deployed = deploy(config(changes))
    releases = [r.inputs["values"] for r in deployed if r.kind == "Release"]
    assert {release["global"].get("platform") for release in releases} == {platform}
    assert values(deployed, "istiod").get("pilot", {}).get("cni") == plugin


def test_a_setting_of_the_user_s_beside_the_plugin_s_is_kept(deploy: Deploy) -> None:
    user = {"pilot": {"cni": {"provider": "multus"}, "resources": {"requests": {"cpu": "1"}}}}
    pilot = values(deploy(config({"mesh.cni": True, "mesh.values": user})), "istiod")["pilot"]
    assert pilot["cni"] == {"enabled": True, "provider": "multus"}
    assert pilot["resources"] == {"requests": {"cpu": "1"}}


@pytest.mark.parametrize(("replicas", "most"), [(2, 5), (7, 7)])
def test_so_many_istiods_are_the_least_and_spread_over_nodes(deploy: Deploy, replicas: int, most: int) -> None:
    pilot = values(deploy(config({"mesh.replicas": replicas})), "istiod")["pilot"]
    assert (pilot["autoscaleMin"], pilot["autoscaleMax"], pilot["replicaCount"]) == (replicas, most, replicas)
    (constraint,) = pilot["topologySpreadConstraints"]
    assert constraint["topologyKey"] == "kubernetes.io/hostname"
    assert constraint["labelSelector"] == {"matchLabels": {"app": "istiod"}}


def test_the_number_of_istiods_is_left_to_the_charts_unless_set(minimal: Deployed) -> None:
    assert not values(minimal, "istiod")["pilot"].keys() & {"autoscaleMin", "replicaCount"}


def test_the_images_of_istiod_and_of_the_plugin_come_from_one_place(deploy: Deploy) -> None:
    deployed = deploy(config({"mesh.cni": True, "mesh.hub": "registry.example/istio", "mesh.tag": "1.30.0-fips"}))
    for release in ("istiod", "istio-cni"):
        images = {key: values(deployed, release)["global"][key] for key in ("hub", "tag")}
        assert images == {"hub": "registry.example/istio", "tag": "1.30.0-fips"}


def test_images_are_left_to_the_charts_unless_set(deploy: Deploy) -> None:
    deployed = deploy(config({"mesh.cni": True}))
    for release in ("istiod", "istio-cni"):
        assert not values(deployed, release)["global"].keys() & {"hub", "tag"}


def test_a_release_that_fails_is_rolled_back_within_the_time_set(deploy: Deploy) -> None:
    deployed = deploy(config({"mesh.cni": True, "timeouts.controlPlane": 99}))
    for release in (r.inputs for r in deployed if r.kind == "Release"):
        assert (release["atomic"], release["cleanupOnFail"], release["timeout"]) == (True, True, 99)


def test_the_default_revision_keeps_the_names_without_a_suffix(minimal: Deployed) -> None:
    istiod = minimal.get("Release", "istiod")
    assert (istiod.name, istiod.inputs["values"]["revision"]) == ("mesh-istiod", "")
    assert values(minimal, "istio-base")["defaultRevision"] == "default"


def test_another_revision_is_another_istiod_so_that_both_are_there_for_a_while(
    deploy: Deploy, minimal: Deployed
) -> None:
    canary = deploy(config({"mesh.revision": "canary"}))
    istiod = canary.get("Release", "istiod-canary")
    assert istiod.name == "mesh-istiod-canary"
    assert istiod.urn not in minimal.resources
    assert not istiod.delete_before_replace
    assert istiod.inputs["values"]["revision"] == "canary"


@pytest.mark.parametrize("release", ["istio-base", "istio-cni"])
def test_what_both_revisions_share_is_the_same_resource_for_both(deploy: Deploy, release: str) -> None:
    before = deploy(config({"mesh.cni": True})).get("Release", release)
    after = deploy(config({"mesh.cni": True, "mesh.revision": "canary"})).get("Release", release)
    assert after.urn == before.urn
    different = {path for path, value in leaves(after.inputs).items() if leaves(before.inputs)[path] != value}
    # The revision that is responsible for configuration without a revision.
    assert different == ({("values", "defaultRevision")} if release == "istio-base" else set())


def test_validation_lets_configuration_pass_while_the_istiod_that_it_asks_is_not_there(minimal: Deployed) -> None:
    assert values(minimal, "istio-base")["base"] == {"validationFailurePolicy": "Ignore"}


def test_workloads_move_only_when_the_new_istiod_serves(deploy: Deploy) -> None:
    deployed = deploy(config({"mesh.revision": "canary", "namespaces.applications": [{"name": "shop"}]}))
    istiod = deployed.get("Release", "istiod-canary").urn
    for namespace in ("bookinfo", "shop"):
        (relabelled,) = (r for r in deployed if r.kind == "Namespace" and r.object_name == namespace)
        assert relabelled.inputs["metadata"]["labels"]["istio.io/rev"] == "canary"
        assert istiod in deployed.before(relabelled.urn)


def test_a_new_revision_restarts_nothing_that_has_no_sidecar(deploy: Deploy, minimal: Deployed) -> None:
    # Otherwise Prometheus would restart and lose the service graph.
    canary = deploy(config({"mesh.revision": "canary"}))
    prometheus = canary.get("Deployment", "prometheus").inputs
    assert prometheus == minimal.get("Deployment", "prometheus").inputs


def test_the_operator_gets_what_is_ours_and_decides_what_is_its_own(deploy: Deploy) -> None:
    istio = deploy(config({**SAIL, **OPENSHIFT, "mesh.version": "1.29.5"})).get("Istio", "default").inputs
    assert istio["spec"] == {
        "version": "v1.29.5",
        "namespace": "istio-system",
        "updateStrategy": {"type": "InPlace"},
        "values": {
            "global": {
                "istioNamespace": "istio-system",
                "proxy": {"clusterDomain": "cluster.local"},
            },
            "meshConfig": {"enableTracing": True, "extensionProviders": [OUR_PROVIDER]},
            "pilot": {"cni": {"enabled": True}, "seccompProfile": {"type": "RuntimeDefault"}},
        },
    }


def test_off_openshift_the_operator_is_told_of_the_plugin_only_when_it_is_there(deploy: Deploy) -> None:
    without = deploy(config(SAIL)).get("Istio").inputs["spec"]["values"]
    assert "cni" not in without["pilot"]
    with_plugin = deploy(config({**SAIL, "mesh.cni": True})).get("Istio").inputs["spec"]["values"]
    assert with_plugin["pilot"]["cni"] == {"enabled": True}


def test_the_two_namespaces_of_an_istio_are_the_same(deploy: Deploy) -> None:
    spec = deploy(config({**SAIL, "mesh.namespace": "mesh-system"})).get("Istio").inputs["spec"]
    assert spec["namespace"] == spec["values"]["global"]["istioNamespace"] == "mesh-system"


def test_profile_strategy_and_images_reach_the_operator(deploy: Deploy) -> None:
    changes = {
        **BY_REVISION,
        **OPENSHIFT,
        "mesh.sail.inactiveRevisionDeletionGracePeriodSeconds": 300,
        "mesh.sail.profile": "demo",
        "mesh.hub": "registry.example/istio",
    }
    deployed = deploy(config(changes))
    spec = deployed.get("Istio").inputs["spec"]
    assert spec["profile"] == "demo"
    assert spec["updateStrategy"] == {
        "type": "RevisionBased",
        "inactiveRevisionDeletionGracePeriodSeconds": 300,
    }
    assert spec["values"]["global"]["hub"] == "registry.example/istio"
    assert deployed.get("IstioCNI").inputs["spec"]["values"] == {"global": {"hub": "registry.example/istio"}}


def test_the_plugin_has_the_only_name_the_operator_takes_and_the_version_of_istio(deploy: Deploy) -> None:
    cni = deploy(config({**SAIL, **OPENSHIFT, "mesh.version": "1.29.5"})).get("IstioCNI", "default").inputs
    assert cni["spec"] == {"version": "v1.29.5", "namespace": "istio-cni"}


def test_the_plugin_of_the_operator_goes_where_the_settings_say(deploy: Deploy) -> None:
    deployed = deploy(config({**SAIL, **OPENSHIFT, "mesh.cniNamespace": "plugins"}))
    assert deployed.get("IstioCNI").inputs["spec"]["namespace"] == "plugins"
    assert deployed.get("Namespace", "plugins").urn in deployed.before(deployed.get("IstioCNI").urn)


def test_the_plugin_comes_after_its_namespace_and_before_istio(deploy: Deploy) -> None:
    deployed = deploy(config({**SAIL, **OPENSHIFT}))
    cni = deployed.get("IstioCNI").urn
    assert deployed.get("Namespace", "istio-cni").urn in deployed.before(cni)
    assert cni in deployed.before(deployed.get("Istio").urn)


def test_the_plugin_s_namespace_is_left_alone_when_others_made_it(deploy: Deploy) -> None:
    deployed = deploy(config({**SAIL, **OPENSHIFT, "namespaces.existing": ["istio-cni"]}))
    (namespace,) = (r for r in deployed if r.name == "mesh-cni-namespace")
    assert namespace.read


AMBIENT = {**SAIL, "mesh.sail.profile": "ambient"}


def test_an_ambient_profile_brings_the_plugin_and_a_ztunnel_of_the_same_version(deploy: Deploy) -> None:
    deployed = deploy(config({**AMBIENT, "mesh.version": "1.30.3"}))
    assert deployed.get("IstioCNI", "default").inputs["spec"] == {
        "version": "v1.30.3",
        "namespace": "istio-cni",
        "profile": "ambient",
    }
    assert deployed.get("ZTunnel", "default").inputs["spec"] == {
        "version": "v1.30.3",
        "namespace": "ztunnel",
        "targetRef": {"kind": "Istio", "name": "default"},
    }
    assert deployed.get("Istio").inputs["spec"]["values"]["pilot"]["trustedZtunnelNamespace"] == "ztunnel"


def test_a_ztunnel_comes_after_its_namespace_and_its_istio(deploy: Deploy) -> None:
    deployed = deploy(config(AMBIENT))
    before = deployed.before(deployed.get("ZTunnel").urn)
    assert {deployed.get("Namespace", "ztunnel").urn, deployed.get("Istio").urn} <= before


def test_a_ztunnel_gets_the_root_certificate_from_an_istiod_that_sees_few_namespaces(deploy: Deploy) -> None:
    values = deploy(config({**AMBIENT, "mesh.discoveryNamespacesOnly": True})).get("Istio").inputs["spec"]["values"]
    (selector,) = values["meshConfig"]["discoverySelectors"]
    assert "ztunnel" in selector["matchExpressions"][0]["values"]


def test_the_profile_of_openshift_for_ambient_is_one_too(deploy: Deploy) -> None:
    deployed = deploy(config({**AMBIENT, **OPENSHIFT, "mesh.sail.profile": "openshift-ambient"}))
    assert deployed.get("IstioCNI").inputs["spec"]["profile"] == "openshift-ambient"
    assert deployed.get("ZTunnel", "default")


def test_an_ambient_profile_without_the_plugin_is_refused() -> None:
    with pytest.raises(settings.ConfigError, match=r"cni true or none for sail\.profile ambient"):
        run_program(config({**AMBIENT, "mesh.cni": False}), preview=True)


def test_no_other_profile_has_a_ztunnel(deploy: Deploy) -> None:
    assert not [r for r in deploy(config({**SAIL, "mesh.sail.profile": "demo"})) if r.kind == "ZTunnel"]


def test_revisions_with_names_of_their_own_get_a_tag_that_obeys_the_short_label(deploy: Deploy) -> None:
    deployed = deploy(config(BY_REVISION))
    tag = deployed.get("IstioRevisionTag", "default")
    assert tag.inputs["spec"] == {"targetRef": {"kind": "Istio", "name": "default"}}
    assert deployed.get("Istio", "default").urn in deployed.before(tag.urn)
    namespace = deployed.get("Namespace", "bookinfo")
    assert namespace.inputs["metadata"]["labels"]["istio-injection"] == "enabled"
    assert tag.urn in deployed.before(namespace.urn)


@pytest.mark.parametrize(
    ("version", "revision"), [("1.30.0", "default-v1-30-0"), ("1.31.0-beta.1", "default-v1-31-0-beta-1")]
)
def test_the_tag_is_awaited_until_it_points_to_the_revision_of_this_version(
    deploy: Deploy, version: str, revision: str
) -> None:
    tag = deploy(config({**BY_REVISION, "mesh.version": version})).get("IstioRevisionTag")
    conditions = json.loads(tag.inputs["metadata"]["annotations"]["pulumi.com/waitFor"])
    assert conditions == ["condition=Reconciled", f"jsonpath={{.status.istioRevision}}={revision}"]


@pytest.mark.parametrize("kind", ["Istio", "IstioCNI"])
def test_the_operator_s_ready_is_awaited_within_the_time_set(deploy: Deploy, kind: str) -> None:
    resource = deploy(config({**SAIL, **OPENSHIFT, "timeouts.controlPlane": 99})).get(kind)
    assert resource.inputs["metadata"]["annotations"]["pulumi.com/waitFor"] == "condition=Ready"
    assert resource.timeouts == {"create": "99s", "update": "99s", "delete": "99s"}


def test_of_an_istio_of_others_exactly_two_leaves_of_maps_become_ours(deploy: Deploy) -> None:
    spec = patch(deploy(config(EXISTING))).inputs["spec"]
    assert leaves(spec) == {
        ("values", "pilot", "env", "SHARED_MESH_CONFIG"): "mesh-tracing",
        ("values", "meshConfig", "enableTracing"): True,
    }


def test_nothing_else_of_their_resource_is_ours_but_what_pulumi_needs(deploy: Deploy) -> None:
    inputs = patch(deploy(config({**EXISTING, "mesh.existing.istio": "theirs"}))).inputs
    assert {key for key in inputs if not key.startswith("__")} == {"apiVersion", "kind", "metadata", "spec"}
    assert inputs["metadata"] == {
        "name": "theirs",
        "annotations": {
            "pulumi.com/patchFieldManager": "mesh-tracing",
            "pulumi.com/waitFor": "condition=Ready",
        },
    }


def test_an_owner_s_value_is_never_overwritten_by_force(deploy: Deploy) -> None:
    """A claim's size is nobody's: its operator sets it once, and leaves it."""
    forced = [r.kind for r in deploy(config(EXISTING)) if "patchForce" in json.dumps(r.inputs.get("metadata"))]
    assert set(forced) <= {"PersistentVolumeClaim"}


def test_a_resource_that_is_missing_fails_and_is_not_made(deploy: Deploy) -> None:
    deployed = deploy(config({**EXISTING, "mesh.existing.istio": "theirs"}))
    (read,) = (r for r in deployed if r.read and r.type == "kubernetes:sailoperator.io/v1:Istio")
    assert read.urn in deployed.before(patch(deployed).urn)


def test_our_provider_stands_alone_in_a_mesh_configuration_beside_theirs(deploy: Deploy) -> None:
    deployed = deploy(config({**EXISTING, "mesh.namespace": "mesh-system", "namespaces.existing": ["mesh-system"]}))
    shared = deployed.get("ConfigMap", "mesh-tracing").inputs
    assert shared["metadata"]["namespace"] == "mesh-system"
    assert set(shared["data"]) == {"mesh"}
    assert yaml.safe_load(shared["data"]["mesh"]) == {
        "extensionProviders": [
            {
                "name": "otel",
                "opentelemetry": {"service": "otel-collector.mesh-system.svc.cluster.local", "port": 4317},
            }
        ]
    }


def test_istiod_is_sent_to_the_configuration_after_it_is_there_and_called_off_before_it_goes(deploy: Deploy) -> None:
    deployed = deploy(config(EXISTING))
    shared = deployed.get("ConfigMap", "mesh-tracing")
    patched = patch(deployed)
    assert shared.urn in deployed.before(patched.urn)
    assert patched.urn not in deployed.before(shared.urn)
    assert patched.inputs["spec"]["values"]["pilot"]["env"]["SHARED_MESH_CONFIG"] == shared.object_name


def test_the_patched_resource_is_awaited_within_the_time_set(deploy: Deploy) -> None:
    patched = patch(deploy(config({**EXISTING, "timeouts.controlPlane": 99})))
    assert patched.timeouts == {"create": "99s", "update": "99s", "delete": "99s"}


def test_their_revision_is_the_one_that_namespaces_are_labelled_with(deploy: Deploy) -> None:
    deployed = deploy(config({**EXISTING, "mesh.revision": "default-v1-30-0"}))
    labels = deployed.get("Namespace", "bookinfo").inputs["metadata"]["labels"]
    assert labels["istio.io/rev"] == "default-v1-30-0"
    assert "istio-injection" not in labels


@pytest.mark.parametrize("changes", [{}, OPENSHIFT, SAIL, BY_REVISION], ids=["helm", "openshift", "sail", "revisions"])
def test_our_provider_is_the_first_and_the_user_s_follow_in_their_order(
    deploy: Deploy, changes: dict[str, Any]
) -> None:
    theirs = [{"name": name, "zipkin": {"service": f"{name}.example", "port": 9411}} for name in ("second", "third")]
    deployed = deploy(config({**changes, "mesh.values": {"meshConfig": {"extensionProviders": theirs}}}))
    found = (
        deployed.get("Istio").inputs["spec"]["values"]
        if changes.get("mesh.installer") == "sail"
        else values(deployed, "istiod")
    )
    assert found["meshConfig"]["extensionProviders"] == [OUR_PROVIDER, *theirs]
    assert found["meshConfig"]["enableTracing"] is True


@pytest.mark.parametrize("changes", [{}, SAIL], ids=["helm", "sail"])
def test_istiod_can_be_limited_to_our_namespaces_by_either_installer(deploy: Deploy, changes: dict[str, Any]) -> None:
    deployed = deploy(config({**changes, "mesh.discoveryNamespacesOnly": True}))
    found = deployed.get("Istio").inputs["spec"]["values"] if changes else values(deployed, "istiod")
    ((expression,),) = (selector["matchExpressions"] for selector in found["meshConfig"]["discoverySelectors"])
    assert expression == {
        "key": "kubernetes.io/metadata.name",
        "operator": "In",
        "values": ["bookinfo", "istio-system", "tracing-system"],
    }

"""Applications that the program did not deploy join the mesh; it owns one label, and one field of each workload."""

import re
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from recording import EMPTY_CLUSTER, NOW, STASHED, Deployed, Registration, minimal_config, run_program, with_setting

from components import applications
from objects.restart import ANNOTATION
from program.checks import RefusedError

Deploy = Callable[..., Deployed]

TWO = [{"name": "shop", "deployments": ["cart", "web"]}, {"name": "blog", "deployments": ["web"]}]


def with_applications(applications: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    config = with_setting(minimal_config(), "namespaces.applications", applications)
    for path, value in changes.items():
        config = with_setting(config, path.replace("__", "."), value)
    return config


def patches(deployed: Deployed, kind: str) -> dict[str, Registration]:
    """The patches of one kind by namespace and name."""
    found = {}
    for resource in deployed:
        if resource.type.endswith(f":{kind}Patch"):
            metadata = resource.inputs["metadata"]
            found["/".join(filter(None, (metadata.get("namespace"), metadata["name"])))] = resource
    return found


@pytest.fixture
def two(deploy: Deploy) -> Deployed:
    return deploy(with_applications(TWO))


def test_without_applications_there_is_no_component(minimal: Deployed) -> None:
    assert "Applications" not in {component.kind for component in minimal.components}


def test_of_a_namespace_only_the_injection_label_becomes_ours(two: Deployed) -> None:
    namespaces = patches(two, "Namespace")
    assert set(namespaces) == {"shop", "blog"}
    for name, namespace in namespaces.items():
        assert namespace.inputs["metadata"] == {"name": name, "labels": {"istio-injection": "enabled"}}
        assert "spec" not in namespace.inputs


def test_a_namespace_is_labelled_only_after_it_was_found(two: Deployed) -> None:
    # A patch would create a missing namespace.
    (found,) = (r for r in two if r.read and r.name.endswith("-shop"))
    assert found.urn in two.before(patches(two, "Namespace")["shop"].urn)


def test_of_a_deployment_only_the_restart_annotation_of_its_pods_becomes_ours(two: Deployed) -> None:
    deployments = patches(two, "Deployment")
    assert set(deployments) == {"shop/cart", "shop/web", "blog/web"}
    for path, deployment in deployments.items():
        namespace, name = path.split("/")
        # The program looks at the pods itself, so that one that was broken before does not hold it up.
        not_awaited = {"pulumi.com/skipAwait": "true"}
        assert deployment.inputs["metadata"] == {"name": name, "namespace": namespace, "annotations": not_awaited}
        assert deployment.inputs["spec"] == {"template": {"metadata": {"annotations": {ANNOTATION: mock.ANY}}}}


def test_deployments_of_one_name_in_two_namespaces_are_two_resources(deploy: Deploy) -> None:
    # If the separator could be part of a name, these four Deployments would share two logical names.
    ambiguous = [{"name": "a", "deployments": ["b-c", "c"]}, {"name": "a-b", "deployments": ["c", "b-c"]}]
    deployed = deploy(with_applications(ambiguous))
    assert set(patches(deployed, "Deployment")) == {"a/b-c", "a/c", "a-b/c", "a-b/b-c"}


def test_pods_restart_only_after_their_namespace_is_labelled(two: Deployed) -> None:
    namespaces = patches(two, "Namespace")
    for path, deployment in patches(two, "Deployment").items():
        assert namespaces[path.split("/")[0]].urn in two.before(deployment.urn)
    other = namespaces["blog"].urn
    assert other not in two.before(patches(two, "Deployment")["shop/cart"].urn)


@pytest.mark.parametrize(("kind", "name"), [("Release", "istiod"), ("Telemetry", "mesh-tracing")])
def test_applications_wait_for_an_injector_that_serves_and_for_tracing(two: Deployed, kind: str, name: str) -> None:
    earlier = two.get(kind, name).urn
    for resource in [*patches(two, "Namespace").values(), *patches(two, "Deployment").values()]:
        assert earlier in two.before(resource.urn)


def test_a_namespace_without_named_deployments_is_labelled_and_no_more(deploy: Deploy) -> None:
    deployed = deploy(with_applications([{"name": "shop"}]))
    assert set(patches(deployed, "Namespace")) == {"shop"}
    assert patches(deployed, "Deployment") == {}


def test_a_restart_is_awaited_within_the_time_set(deploy: Deploy) -> None:
    deployed = deploy(with_applications(TWO, timeouts__bookinfo=77))
    for deployment in patches(deployed, "Deployment").values():
        assert deployment.timeouts == {"create": "77s", "update": "77s", "delete": "77s"}


def test_applications_restart_for_the_same_reasons_as_the_sample(two: Deployed) -> None:
    sample = two.get("Deployment", "ratings-v1").inputs["spec"]["template"]["metadata"]["annotations"][ANNOTATION]
    for deployment in patches(two, "Deployment").values():
        assert deployment.inputs["spec"]["template"]["metadata"]["annotations"] == {ANNOTATION: sample}


def test_another_revision_replaces_the_label(deploy: Deploy) -> None:
    deployed = deploy(with_applications(TWO, mesh__revision="canary"))
    for namespace in patches(deployed, "Namespace").values():
        assert namespace.inputs["metadata"]["labels"] == {"istio.io/rev": "canary"}


def test_the_component_names_its_namespaces(two: Deployed) -> None:
    (component,) = (c.urn for c in two.components if c.kind == "Applications")
    assert two.registered_outputs[component] == {"namespaces": ["shop", "blog"]}
    assert set(two.exports["mesh_namespaces"]) == {"bookinfo", "shop", "blog"}


NAMED = [{"name": "shop", "statefulSets": ["db"], "daemonSets": ["agent"], "rollouts": ["checkout"]}]


class TestWorkloadsOfOtherKinds:
    @pytest.fixture
    def named(self, deploy: Deploy) -> Deployed:
        return deploy(with_applications(NAMED))

    @pytest.mark.parametrize(("kind", "name"), [("StatefulSet", "db"), ("DaemonSet", "agent")])
    def test_of_a_stateful_set_and_a_daemon_set_only_the_annotation_of_the_pods_becomes_ours(
        self, named: Deployed, two: Deployed, kind: str, name: str
    ) -> None:
        (patch,) = patches(named, kind).values()
        assert patch.type == f"kubernetes:apps/v1:{kind}Patch"
        like_a_deployment = patches(two, "Deployment")["shop/cart"].inputs
        assert patch.inputs["spec"] == like_a_deployment["spec"]
        assert patch.inputs["metadata"] == {**like_a_deployment["metadata"], "name": name}

    def test_a_rollout_of_argo_restarts_at_a_moment_and_runs_no_steps_of_its_strategy(self, named: Deployed) -> None:
        (patch,) = patches(named, "Rollout").values()
        assert patch.type == "kubernetes:argoproj.io/v1alpha1:RolloutPatch"
        assert patch.inputs["spec"] == {"restartAt": STASHED}
        assert patch.inputs["metadata"] == {
            "name": "checkout",
            "namespace": "shop",
            "annotations": {"pulumi.com/patchForce": "true"},
        }

    def test_the_moment_is_kept_until_sidecars_would_differ_and_is_after_the_namespace_s_label(
        self, named: Deployed, deploy: Deploy
    ) -> None:
        def moment(deployed: Deployed) -> Registration:
            (stash,) = (r for r in deployed if r.kind == "Stash" and "restart" in r.name)
            return stash

        same = deploy(with_applications(NAMED, tracing__samplingPercentage=5))
        another = deploy(with_applications(NAMED, mesh__revision="canary"))
        assert moment(same).name == moment(named).name != moment(another).name
        assert moment(named).further_options["ignoreChanges"] == "['input']"
        assert patches(named, "Namespace")["shop"].urn in named.before(moment(named).urn)
        assert moment(named).inputs == {"input": NOW}

    def test_a_rollout_that_is_missing_fails_and_is_not_made(self, named: Deployed) -> None:
        (found,) = (r for r in named if r.read and r.type == "kubernetes:argoproj.io/v1alpha1:Rollout")
        assert found.urn in named.before(patches(named, "Rollout")["shop/checkout"].urn)

    def test_all_of_them_wait_for_the_label_and_are_awaited(self, named: Deployed) -> None:
        label = patches(named, "Namespace")["shop"].urn
        for kind in ("StatefulSet", "DaemonSet", "Rollout"):
            (patch,) = patches(named, kind).values()
            assert label in named.before(patch.urn)
            assert patch.urn in named.before_output("applications.namespaces")
        watched = {r.kind: r.workloads for r in named.watched if r.kind is not None}
        assert watched == {"StatefulSet": ("db",), "DaemonSet": ("agent",), "Rollout": ("checkout",)}

    def test_workloads_of_one_name_and_several_kinds_are_several_resources(self, deploy: Deploy) -> None:
        deployed = deploy(with_applications([{"name": "shop", "deployments": ["a"], "statefulSets": ["a"]}]))
        assert set(patches(deployed, "Deployment")) == set(patches(deployed, "StatefulSet")) == {"shop/a"}

    def test_a_cluster_without_argo_is_refused_before_anything_is_made(self) -> None:
        kinds = {"metadata": {"name": "apps"}, "versions": []}
        live = {**EMPTY_CLUSTER, "/apis": {"items": [kinds]}}
        with pytest.raises(RefusedError, match=r"the cluster has no kind Rollout of argoproj\.io/v1alpha1"):
            run_program(with_applications(NAMED), preview=True, live=live)

    def test_a_moment_is_written_as_kubernetes_writes_one(self) -> None:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", applications._now())

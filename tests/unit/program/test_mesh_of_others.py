"""An Istio that somebody else has installed: who did is seen, and what its owner has to change is said before."""

import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pytest
import yaml
from recording import EMPTY_CLUSTER, Deployed, apply_config, minimal_config, record, run_program, with_settings

import settings
from cluster.reader import NotReadError
from cluster.seen import Seen, seen
from program.checks import RefusedError
from program.existing_mesh import unprepared
from program.plan import Plan
from program.roles import roles

EXISTING = {"mesh.installer": "existing", "namespaces.existing": ["istio-system"]}
ISTIOD = "/apis/apps/v1/namespaces/istio-system/deployments/istiod"
CONFIG = "/api/v1/namespaces/istio-system/configmaps/istio"
COLLECTOR = "otel-collector.istio-system.svc.cluster.local"


def config(changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return with_settings(minimal_config(), {**EXISTING, **(changes or {})})


def istiod(
    *, shared: str | None = "mesh-tracing", release: str | None = "istiod", by_sail: bool = False
) -> dict[str, Any]:
    """The Deployment as Istio's chart, istioctl or the Sail operator makes it."""
    variables = [{"name": "REVISION", "value": "default"}, {"name": "POD_NAME", "valueFrom": {}}]
    if shared is not None:
        variables.append({"name": "SHARED_MESH_CONFIG", "value": shared})
    owner = {"apiVersion": "sailoperator.io/v1", "kind": "IstioRevision", "name": "default", "uid": "1"}
    return {
        "kind": "Deployment",
        "metadata": {
            "name": "istiod",
            "labels": {"app": "istiod"},
            "annotations": {} if release is None else {"meta.helm.sh/release-name": release},
            "ownerReferences": [owner] if by_sail else [],
        },
        "spec": {"template": {"spec": {"containers": [{"name": "discovery", "env": variables}]}}},
    }


def mesh_config(**mesh: Any) -> dict[str, Any]:
    return {"kind": "ConfigMap", "metadata": {"name": "istio"}, "data": {"mesh": yaml.safe_dump(mesh)}}


def otel(service: str = COLLECTOR, port: int = 4317) -> dict[str, Any]:
    return {"name": "otel", "opentelemetry": {"service": service, "port": port}}


def deployed(changes: Mapping[str, Any] | None = None, **live: Any) -> Deployed:
    """A preview beside the objects that are there."""
    return run_program(config(changes), preview=True, live={**EMPTY_CLUSTER, **live})


def refusal(changes: Mapping[str, Any] | None = None, **live: Any) -> list[str]:
    with pytest.raises(RefusedError) as caught:
        deployed(changes, **live)
    return str(caught.value).splitlines()[1:]


def is_patched(stack: Deployed) -> bool:
    return any(r.type.endswith(":IstioPatch") for r in stack)


class TestWhoHasInstalledIt:
    def test_an_istiod_of_charts_is_not_changed_and_gets_our_provider_beside_its_configuration(self) -> None:
        stack = deployed(**{ISTIOD: istiod(), CONFIG: mesh_config()})
        assert not any("sailoperator.io" in r.type for r in stack)
        data = stack.get("ConfigMap", "mesh-tracing").inputs["data"]
        assert yaml.safe_load(data["mesh"]) == {"extensionProviders": [otel()]}

    def test_the_istio_resource_behind_an_istiod_of_the_sail_operator_is_patched(self) -> None:
        assert is_patched(deployed(**{ISTIOD: istiod(by_sail=True)}))

    def test_what_is_not_seen_is_taken_for_an_istio_resource(self) -> None:
        assert is_patched(deployed())

    def test_the_setting_wins_over_what_was_seen(self) -> None:
        assert is_patched(deployed({"mesh.existing.installedBy": "sail"}, **{ISTIOD: istiod()}))
        assert not is_patched(deployed({"mesh.existing.installedBy": "helm"}, **{ISTIOD: istiod(by_sail=True)}))

    def test_nothing_else_of_the_deployment_depends_on_it(self) -> None:
        """But for the description, which verify reads."""
        of_sail, of_charts = (
            {
                urn: r.inputs
                for urn, r in deployed(**{ISTIOD: istiod(by_sail=by_sail)}).resources.items()
                if r.custom and r.name not in {"mesh-istio-patch", "mesh-existing-istio"}
            }
            for by_sail in (True, False)
        )
        assert of_sail == of_charts


class TestWhatItsOwnerHasToChange:
    def test_an_istiod_that_is_not_sent_to_our_provider_is_refused_with_the_command_of_its_release(self) -> None:
        (fault,) = refusal(**{ISTIOD: istiod(shared=None, release="control-plane")})
        assert "Deployment istio-system/istiod does not read our provider" in fault
        assert (
            "`helm upgrade control-plane CHART --namespace istio-system --reuse-values "
            "--set pilot.env.SHARED_MESH_CONFIG=mesh-tracing`"
        ) in fault

    def test_of_istioctl_it_is_refused_with_the_option_of_istioctl(self) -> None:
        (fault,) = refusal(**{ISTIOD: istiod(shared=None, release=None)})
        assert "`--set values.pilot.env.SHARED_MESH_CONFIG=mesh-tracing`" in fault
        assert "helm upgrade" not in fault

    def test_a_second_configuration_of_the_owner_s_stays_and_its_owner_adds_our_provider(self) -> None:
        (fault,) = refusal(**{ISTIOD: istiod(shared="theirs")})
        assert "reads ConfigMap theirs" in fault
        assert f"{{name: otel, opentelemetry: {{service: {COLLECTOR}, port: 4317}}}}" in fault
        assert "--set" not in fault

    @pytest.mark.parametrize("service", [COLLECTOR, f"istio-system/{COLLECTOR}"])
    @pytest.mark.parametrize("shared", [None, "theirs"])
    def test_an_owner_who_has_added_our_provider_is_done(self, service: str, shared: str | None) -> None:
        deployed(**{ISTIOD: istiod(shared=shared), CONFIG: mesh_config(extensionProviders=[otel(service)])})

    @pytest.mark.parametrize("by_sail", [True, False])
    def test_another_provider_of_our_name_would_win_and_is_refused(self, by_sail: bool) -> None:
        theirs = mesh_config(extensionProviders=[otel("jaeger.tools.svc.cluster.local")])
        (fault,) = refusal(**{ISTIOD: istiod(by_sail=by_sail), CONFIG: theirs})
        assert "jaeger.tools.svc.cluster.local:4317" in fault
        assert "its owner gives it another name" in fault

    def test_a_provider_of_our_name_and_another_kind_is_refused_too(self) -> None:
        theirs = mesh_config(extensionProviders=[{"name": "otel", "zipkin": {"service": "z", "port": 1}}])
        assert "gives it another name" in refusal(**{ISTIOD: istiod(), CONFIG: theirs})[0]

    def test_a_configuration_that_switches_tracing_off_is_refused(self) -> None:
        (fault,) = refusal(**{ISTIOD: istiod(), CONFIG: mesh_config(enableTracing=False)})
        assert "takes enableTracing out of meshConfig" in fault

    def test_of_an_istio_resource_our_own_field_switches_it_on(self) -> None:
        assert is_patched(deployed(**{ISTIOD: istiod(by_sail=True), CONFIG: mesh_config(enableTracing=False)}))

    def test_an_istiod_that_is_not_there_is_refused_where_charts_are_said_to_have_made_it(self) -> None:
        (fault,) = refusal({"mesh.existing.installedBy": "helm", "mesh.revision": "canary"})
        assert "there is no Deployment istio-system/istiod-canary" in fault

    def test_a_deployment_that_is_no_istiod_does_not_read_our_provider(self) -> None:
        other = {"kind": "Deployment", "metadata": {"name": "istiod"}, "spec": {}}
        (fault,) = refusal({"mesh.existing.installedBy": "helm"}, **{ISTIOD: other})
        assert "does not read our provider" in fault

    def test_what_may_not_be_read_is_told_and_not_judged(self) -> None:
        path, not_allowed = ISTIOD, NotReadError(f"not allowed: GET {ISTIOD}")
        found = seen({path: not_allowed})
        assert list(unprepared(plan({"mesh.existing.installedBy": "helm"}, found))) == []
        assert found.unread == (f"not allowed: GET {ISTIOD}",)

    @pytest.mark.parametrize("text", ["extensionProviders: [", "words", "", "extensionProviders: {}", "- a"])
    def test_a_configuration_of_any_form_is_read(self, text: str) -> None:
        broken = {**mesh_config(), "data": {"mesh": text}}
        deployed(**{ISTIOD: istiod(), CONFIG: broken})

    def test_of_the_owner_s_configuration_nothing_is_kept_but_what_is_asked_for(self) -> None:
        secret = {"name": "vendor", "opentelemetry": {"http": {"headers": [{"name": "key", "value": "sentinel"}]}}}
        found = seen({CONFIG: mesh_config(extensionProviders=[secret, otel()])})
        assert "sentinel" not in json.dumps(found.answers)


def plan(changes: Mapping[str, Any], found: Seen | None = None) -> Plan:
    plans = []

    def program() -> None:
        plans.append(Plan(settings.load(pulumi.Config("mesh-tracing")), found or Seen({})))

    apply_config(config(changes))
    record(program, config(changes), preview=True)
    return plans[0]


@pytest.mark.parametrize(("by", "patches"), [("sail", True), ("helm", False)])
def test_the_roles_grant_to_change_only_an_istio_resource(by: str, patches: bool) -> None:
    by_command = {
        role["metadata"]["name"].rpartition("-")[2]: role["rules"]
        for role in roles(plan({"mesh.existing.installedBy": by}), "test")
    }
    for command in ("preview", "up", "destroy"):
        looked_at = {
            name
            for rule in by_command[command]
            if set(rule["resources"]) & {"deployments", "configmaps"}
            for name in rule.get("resourceNames", [])
            if rule["verbs"] == ["get"]
        }
        assert {"istiod", "istio"} <= looked_at
    changing = [rule for rule in by_command["up"] if rule["apiGroups"] == ["sailoperator.io"]]
    assert bool(changing) == patches


def test_verify_is_told_whether_an_istio_resource_stands_behind_istiod() -> None:
    by = {
        either: deployed(**{ISTIOD: istiod(by_sail=either)}).exports["deployment"]["mesh"] for either in (True, False)
    }
    assert (by[True]["by_charts"], by[False]["by_charts"]) == (False, True)
    assert by[True]["config_maps"] == by[False]["config_maps"] == ["istio", "mesh-tracing"]

"""An Istio that somebody else has installed: who did is seen, and what its owner has to change is said before."""

import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pytest
import yaml
from recording import (
    EMPTY_CLUSTER,
    Deployed,
    apply_config,
    minimal_config,
    record,
    run_program,
    state_of,
    with_settings,
)

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


def deployed(changes: Mapping[str, Any] | None = None, state: Mapping[str, Any] | None = None, **live: Any) -> Deployed:
    """A preview beside the objects that are there."""
    return run_program(config(changes), preview=True, state=state, live={**EMPTY_CLUSTER, **live})


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the preview says beside its refusals."""
    lines: list[str] = []
    monkeypatch.setattr(pulumi.log, "info", lambda line, *_, **__: lines.append(line))
    return lines


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
        assert "`istioctl install --set values.pilot.env.SHARED_MESH_CONFIG=mesh-tracing`" in fault
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

    def test_of_a_release_in_another_namespace_the_command_has_that_one(self) -> None:
        found = istiod(shared=None, release="control-plane")
        found["metadata"]["annotations"]["meta.helm.sh/release-namespace"] = "releases"
        assert "`helm upgrade control-plane CHART --namespace releases --reuse-values" in refusal(**{ISTIOD: found})[0]

    def test_of_a_revision_that_istioctl_installed_its_command_has_the_revision(self) -> None:
        changes = {"mesh.revision": "canary"}
        (fault,) = refusal(changes, **{f"{ISTIOD}-canary": istiod(shared=None, release=None)})
        assert "`istioctl install --revision canary --set values.pilot" in fault

    @pytest.mark.parametrize("by_sail", [True, False])
    def test_two_other_providers_of_our_names_would_win_and_are_refused(self, by_sail: bool) -> None:
        theirs = [
            otel("jaeger.tools.svc.cluster.local"),
            {"name": "Mesh-Tracing", "zipkin": {"service": "z", "port": 1}},
        ]
        (fault,) = refusal(**{ISTIOD: istiod(by_sail=by_sail), CONFIG: mesh_config(extensionProviders=theirs)})
        assert "jaeger.tools.svc.cluster.local:4317" in fault
        assert "mesh.existing.provider" in fault

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


def provider_of(stack: Deployed) -> str:
    """The name that every part of the stack has of our provider."""
    (in_config,) = yaml.safe_load(stack.get("ConfigMap", "mesh-tracing").inputs["data"]["mesh"])["extensionProviders"]
    (in_telemetry,) = stack.get("Telemetry").inputs["spec"]["tracing"][0]["providers"]
    names = {in_config["name"], in_telemetry["name"], stack.exports["tracing_provider"]}
    (name,) = {*names, stack.exports["deployment"]["tracing"]["provider"]}
    return str(name)


# What Istio's profile `demo` has, and one that leads elsewhere; names have no case to istiod.
DEMO = {"name": "otel", "envoyOtelAls": {"service": "collector.observability.svc.cluster.local", "port": 4317}}
OTHERS = [DEMO, otel("jaeger.tools.svc.cluster.local"), {**otel("jaeger.tools.svc.cluster.local"), "name": "OTel"}]


class TestTheNameOfOurProvider:
    @pytest.mark.parametrize("theirs", OTHERS)
    def test_beside_another_one_of_our_name_ours_has_a_second_one(self, theirs: dict[str, Any]) -> None:
        found = mesh_config(extensionProviders=[theirs])
        assert provider_of(deployed(**{ISTIOD: istiod(), CONFIG: found})) == "mesh-tracing"

    def test_the_name_stays_when_the_owner_s_provider_goes(self) -> None:
        live = {ISTIOD: istiod(), CONFIG: mesh_config(extensionProviders=[DEMO])}
        before = run_program(config(), preview=False, live={**EMPTY_CLUSTER, **live})
        live[CONFIG] = mesh_config()
        assert provider_of(deployed(state=state_of(before), **live)) == "mesh-tracing"

    def test_the_setting_wins(self) -> None:
        changes = {"mesh.existing.provider": "spans"}
        assert provider_of(deployed(changes, **{ISTIOD: istiod(), CONFIG: mesh_config()})) == "spans"

    def test_an_owner_who_adds_it_is_told_the_second_name(self) -> None:
        live = {ISTIOD: istiod(shared="theirs"), CONFIG: mesh_config(extensionProviders=[DEMO])}
        assert "{name: mesh-tracing, opentelemetry:" in refusal(**live)[0]


TAG = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/istio-revision-tag-stable"
STABLE = {
    "kind": "MutatingWebhookConfiguration",
    "metadata": {"name": "istio-revision-tag-stable", "labels": {"istio.io/tag": "stable", "istio.io/rev": "canary"}},
}
SHOP = {"namespaces.applications": [{"name": "shop", "deployments": ["cart"]}]}


class TestRevisions:
    def test_only_the_istiod_of_our_revision_reads_our_telemetry(self) -> None:
        found = deployed({"mesh.revision": "canary"}, **{f"{ISTIOD}-canary": istiod()}).get("Telemetry")
        assert found.object_name == "mesh-tracing-canary"
        assert found.inputs["metadata"]["labels"]["istio.io/rev"] == "canary"

    def test_a_revision_that_was_not_seen_is_not_relied_on(self) -> None:
        assert "istio.io/rev" not in deployed().get("Telemetry").inputs["metadata"]["labels"]

    def test_a_tag_leads_to_the_istiod_of_its_revision(self) -> None:
        stack = deployed({"mesh.revision": "stable", **SHOP}, **{TAG: STABLE, f"{ISTIOD}-canary": istiod()})
        meant = stack.exports["deployment"]["mesh"]
        assert (meant["revision"], meant["istiod"]) == ("canary", "istiod-canary")
        assert meant["config_maps"] == ["istio-canary", "mesh-tracing"]
        assert stack.get("Namespace", "shop").inputs["metadata"]["labels"] == {"istio.io/rev": "stable"}
        assert stack.get("Telemetry").inputs["metadata"]["labels"]["istio.io/rev"] == "canary"

    def test_the_istiod_behind_a_tag_is_the_one_that_has_to_be_prepared(self) -> None:
        live = {TAG: STABLE, f"{ISTIOD}-canary": istiod(shared=None)}
        assert "Deployment istio-system/istiod-canary does not read" in refusal({"mesh.revision": "stable"}, **live)[0]

    def test_a_tag_that_moves_restarts_the_workloads(self) -> None:
        def restart(revision: str) -> Any:
            tag = {**STABLE, "metadata": {**STABLE["metadata"], "labels": {"istio.io/rev": revision}}}
            live = {TAG: tag, f"{ISTIOD}-{revision}": istiod()}
            patch = deployed({"mesh.revision": "stable", **SHOP}, **live).get("Deployment", "cart")
            return patch.inputs["spec"]["template"]["metadata"]["annotations"]

        assert restart("canary") != restart("next")
        assert restart("canary") == restart("canary")

    def test_the_tag_default_lets_namespaces_keep_the_usual_label(self) -> None:
        tag = {
            "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": "default", "labels": {"istio.io/rev": "canary"}},
        }
        stack = deployed(SHOP, **{TAG.replace("stable", "default"): tag, f"{ISTIOD}-canary": istiod()})
        assert stack.get("Namespace", "shop").inputs["metadata"]["labels"] == {"istio-injection": "enabled"}
        assert stack.exports["deployment"]["mesh"]["istiod"] == "istiod-canary"

    def test_the_setting_of_the_revision_behind_a_tag_wins(self) -> None:
        changes = {"mesh.revision": "stable", "mesh.existing.revision": "next"}
        stack = deployed(changes, **{TAG: STABLE, f"{ISTIOD}-next": istiod()})
        assert stack.exports["deployment"]["mesh"]["istiod"] == "istiod-next"


TELEMETRIES = "/apis/telemetry.istio.io/v1/telemetries"
TRACES = {"tracing": [{"providers": [{"name": "theirs"}]}]}
LOGS = {"accessLogging": [{"providers": [{"name": "envoy"}]}]}


def telemetry(namespace: str, name: str = "theirs", *, revision: str | None = None, **spec: Any) -> dict[str, Any]:
    labels = {} if revision is None else {"istio.io/rev": revision}
    metadata = {"name": name, "namespace": namespace, "creationTimestamp": "2024-01-01T00:00:00Z", "labels": labels}
    return {"metadata": metadata, "spec": spec}


def beside(*listed: dict[str, Any], **mesh: Any) -> dict[str, Any]:
    """A mesh that is prepared for us, with what others have in it."""
    return {
        ISTIOD: istiod(),
        CONFIG: mesh_config(**mesh),
        TELEMETRIES: {"kind": "TelemetryList", "items": list(listed)},
    }


def traced(stack: Deployed) -> set[str]:
    """The namespaces with a Telemetry of ours."""
    return {r.inputs["metadata"]["namespace"] for r in stack.children if r.kind == "Telemetry"}


ZIPKIN = {"tracing": {"zipkin": {"address": "zipkin.tools:9411"}}}
SELECTING = {"selector": {"matchLabels": {"app": "cart"}}}
THEIRS: list[tuple[str, dict[str, Any]]] = [
    (
        "ConfigMap istio-system/istio has defaultProviders.tracing theirs",
        beside(defaultProviders={"tracing": ["theirs"]}),
    ),
    ("ConfigMap istio-system/istio has defaultConfig.tracing.zipkin", beside(defaultConfig=ZIPKIN)),
    ("Telemetry istio-system/theirs", beside(telemetry("istio-system", **TRACES))),
    ("Telemetry istio-system/theirs", beside(telemetry("istio-system", **LOGS))),
    ("Telemetry bank/theirs", beside(telemetry("bank", **TRACES))),
    ("Telemetry bank/theirs", beside(telemetry("bank", **SELECTING, **TRACES))),
]
NOTHING_OF_THEIRS: list[dict[str, Any]] = [
    beside(),
    beside(defaultProviders={"tracing": ["otel"]}),
    beside(defaultConfig={"tracing": {"sampling": 1}}),
    beside(telemetry("bank", **LOGS)),
    beside(telemetry("istio-system", **SELECTING, **LOGS)),
    beside(telemetry("istio-system", revision="other", **TRACES)),
]


class TestWhatOthersTrace:
    @pytest.mark.parametrize(("said", "live"), THEIRS)
    def test_only_our_namespaces_are_traced_and_the_preview_says_why(
        self, said: str, live: dict[str, Any], told: list[str]
    ) -> None:
        assert traced(deployed(SHOP, **live)) == {"bookinfo", "shop"}
        (line,) = told
        assert "traced here: bookinfo, shop;" in line
        assert said in line

    @pytest.mark.parametrize("live", NOTHING_OF_THEIRS)
    def test_a_mesh_in_which_nobody_traces_is_traced_whole(self, live: dict[str, Any], told: list[str]) -> None:
        assert traced(deployed(SHOP, **live)) == {"istio-system"}
        assert told == []

    def test_whoever_says_mesh_gets_the_mesh_and_is_told_what_that_takes_over(self, told: list[str]) -> None:
        live = beside(defaultProviders={"tracing": ["theirs"]})
        assert traced(deployed({"tracing.scope": "mesh"}, **live)) == {"istio-system"}
        assert "although others trace: ConfigMap istio-system/istio" in told[0]

    def test_an_older_telemetry_of_the_mesh_then_is_refused_with_the_other_choice(self) -> None:
        (fault,) = refusal({"tracing.scope": "mesh"}, **beside(telemetry("istio-system", **TRACES)))
        assert "set tracing.scope to namespaces" in fault

    def test_an_older_telemetry_of_a_namespace_of_ours_is_refused(self) -> None:
        (fault,) = refusal(SHOP, **beside(telemetry("shop", **TRACES)))
        assert "Telemetry shop/theirs is for the whole namespace and older than ours" in fault

    def test_what_the_stack_traces_already_stays_when_others_begin(self) -> None:
        before = run_program(config(), preview=False, live={**EMPTY_CLUSTER, **beside()})
        live = beside(defaultProviders={"tracing": ["theirs"]})
        assert traced(deployed(state=state_of(before), **live)) == {"istio-system"}

    def test_what_the_stack_traces_already_stays_when_others_stop(self) -> None:
        live = beside(defaultProviders={"tracing": ["theirs"]})
        before = run_program(config(), preview=False, live={**EMPTY_CLUSTER, **live})
        assert traced(deployed(state=state_of(before), **beside())) == {"bookinfo"}

    def test_on_another_revision_it_is_decided_anew(self) -> None:
        before = run_program(config(), preview=False, live={**EMPTY_CLUSTER, **beside()})
        live = {f"{ISTIOD}-next": istiod(), f"{CONFIG}-next": mesh_config(defaultConfig=ZIPKIN)}
        assert traced(deployed({"mesh.revision": "next"}, state=state_of(before), **live)) == {"bookinfo"}

    def test_a_mesh_whose_telemetry_reports_no_spans_does_not_silence_ours(self) -> None:
        live = beside(telemetry("istio-system", tracing=[{"disableSpanReporting": True}]))
        (entry,) = deployed(**live).get("Telemetry").inputs["spec"]["tracing"]
        assert entry["disableSpanReporting"] is False

    def test_the_sample_s_clients_wait_for_its_telemetry(self) -> None:
        stack = deployed(**beside(defaultProviders={"tracing": ["theirs"]}))
        assert stack.get("Telemetry").urn in stack.before(stack.get("Deployment", "sleep").urn)

    def test_verify_is_told_where_our_telemetries_are(self) -> None:
        meant = deployed(SHOP, **beside(defaultConfig=ZIPKIN)).exports["deployment"]["tracing"]
        assert (meant["scope"], meant["telemetry"]) == ("namespaces", "mesh-tracing")


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

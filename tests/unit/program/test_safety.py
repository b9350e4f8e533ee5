"""Nothing of somebody else's is taken over, and nothing that holds data is lost, by a plain `pulumi up`."""

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import pulumi
import pytest
from recording import (
    EMPTY_CLUSTER,
    PROJECT,
    Deployed,
    Registration,
    _run,
    full_config,
    minimal_config,
    run_program,
    s3_config,
    state_of,
    with_setting,
    with_settings,
)

from cluster.access import WrongClusterError
from cluster.reader import NotReadError
from cluster.recorded import Recorded, recorded
from cluster.seen import seen, write_facts
from program.checks import RefusedError

OWNER = "mesh-tracing/owner"
TEMPO_NAMESPACE = "/api/v1/namespaces/tracing-system"
TELEMETRIES = "/apis/telemetry.istio.io/v1/namespaces/istio-system/telemetries"

Objects = Mapping[str, Any]


def named(name: str, *, owner: str | None = None, uid: str = "theirs", **more: Any) -> dict[str, Any]:
    annotations = {} if owner is None else {OWNER: owner}
    return {"metadata": {"name": name, "uid": uid, "annotations": annotations}, **more}


def claim(size: str, *, of: str) -> dict[str, Any]:
    """A claim of this size, of a storage class."""
    return named(
        "claim",
        kind="PersistentVolumeClaim",
        spec={"resources": {"requests": {"storage": size}}, "storageClassName": of},
    )


def classes(**grow: bool) -> dict[str, Any]:
    """The list of the storage classes, which says of each whether its volumes grow."""
    return {"kind": "StorageClassList", "items": [named(name, allowVolumeExpansion=may) for name, may in grow.items()]}


def on_a_cluster_with(objects: Objects) -> Objects:
    return {**EMPTY_CLUSTER, **objects}


def refusal(config: Mapping[str, Any], *, live: Objects | None = None, state: Objects | None = None) -> list[str]:
    """The faults for which a preview is refused."""
    with pytest.raises(RefusedError) as caught:
        run_program(config, preview=True, live=on_a_cluster_with(live or {}), state=state)
    return str(caught.value).splitlines()[1:]


def whole_objects(deployed: Deployed) -> list[Registration]:
    brought = {"Release", "ConfigFile"}
    return [
        r
        for r in deployed.children
        if not r.read and r.kind not in brought and not r.type.endswith("Patch") and "metadata" in r.inputs
    ]


class TestTheOwnersMark:
    def test_every_whole_object_has_it(self) -> None:
        deployed = run_program(full_config(), preview=False)
        owners = {r.urn: (r.inputs["metadata"].get("annotations") or {}).get(OWNER) for r in whole_objects(deployed)}
        assert set(owners.values()) == {f"{PROJECT}/test"}, owners

    def test_it_is_nowhere_but_in_an_objects_own_metadata(self) -> None:
        for r in whole_objects(run_program(full_config(), preview=False)):
            assert OWNER not in str({**r.inputs, "metadata": None}), r.urn
            assert OWNER not in str(r.inputs["metadata"].get("labels")), r.urn


class TestWhatIsSomebodyElses:
    def test_a_namespace_is_refused_with_the_setting_that_keeps_it(self) -> None:
        (fault,) = refusal(minimal_config(), live={TEMPO_NAMESPACE: named("tracing-system")})
        assert "Namespace tracing-system exists and is somebody else's" in fault
        assert "namespaces.existing" in fault

    def test_it_is_used_where_the_settings_say_that_it_exists(self) -> None:
        config = with_setting(minimal_config(), "namespaces.existing", ["tracing-system"])
        live = on_a_cluster_with({TEMPO_NAMESPACE: named("tracing-system")})
        (namespace,) = (
            r for r in run_program(config, preview=True, live=live) if r.name == "namespaces-tracing-system"
        )
        assert namespace.read

    def test_what_another_stack_made_is_refused_with_its_name(self) -> None:
        (fault,) = refusal(minimal_config(), live={TEMPO_NAMESPACE: named("tracing-system", owner="mesh-tracing/prod")})
        assert "belongs to stack mesh-tracing/prod" in fault

    def test_all_of_it_is_refused_at_once(self) -> None:
        live = {
            "/apis/apps/v1/namespaces/istio-system/deployments/prometheus": named("prometheus"),
            "/api/v1/namespaces/istio-system/configmaps/prometheus": named("prometheus"),
            "/api/v1/namespaces/bookinfo": named("bookinfo"),
        }
        assert len(refusal(minimal_config(), live=live)) == len(live)

    def test_what_is_in_such_a_namespace_follows_from_it(self) -> None:
        live = {
            TEMPO_NAMESPACE: named("tracing-system"),
            "/apis/tempo.grafana.com/v1alpha1/namespaces/tracing-system/tempomonolithics/tempo": named("tempo"),
        }
        assert len(refusal(minimal_config(), live=live)) == 1

    def test_an_operator_that_is_installed_is_refused_with_the_setting_for_it(self) -> None:
        config = with_settings(
            minimal_config(), {"operators.source": "olm", "operators.catalog": "operatorhub", "mesh.installer": "sail"}
        )
        path = "/apis/operators.coreos.com/v1alpha1/namespaces/operators/subscriptions/tempo-operator"
        (fault,) = refusal(config, live={path: named("tempo-operator")})
        assert "operators.sources" in fault

    def test_an_istio_that_is_installed_is_refused_with_the_setting_for_it(self) -> None:
        live = {"/apis/apps/v1/namespaces/istio-system/deployments/istiod": named("istiod")}
        (fault,) = refusal(minimal_config(), live=live)
        assert "mesh.installer to existing" in fault

    def test_an_istio_of_the_sail_operator_is_refused_with_the_setting_for_it(self) -> None:
        config = with_setting(minimal_config(), "mesh.installer", "sail")
        (fault,) = refusal(config, live={"/apis/sailoperator.io/v1/istios/default": named("default")})
        assert "mesh.installer to existing" in fault

    def test_every_object_that_is_made_is_looked_for_first(self) -> None:
        deployed = run_program(s3_config(), preview=False)
        made = whole_objects(deployed)
        told = "\n".join(refusal(s3_config(), live={path_of(r): named(r.object_name) for r in made}))
        namespaces = {r.object_name for r in made if r.kind == "Namespace"}
        for r in made:
            inside = r.inputs["metadata"].get("namespace") in namespaces
            assert inside or f"{r.kind} {r.object_name}" in told


def path_of(r: Registration) -> str:
    """Where the API server would have it; what is in a namespace of the program's own is told by the namespace."""
    namespace = r.inputs["metadata"].get("namespace")
    root = f"/{'apis' if '/' in r.inputs['apiVersion'] else 'api'}/{r.inputs['apiVersion']}"
    return f"{root}{f'/namespaces/{namespace}' if namespace else ''}/{r.kind.lower()}s/{r.object_name}"


class TestWhatIsOurs:
    def test_what_the_state_has_is_ours_with_or_without_the_mark(self) -> None:
        state = state_of(run_program(minimal_config(), preview=False))
        live = on_a_cluster_with({TEMPO_NAMESPACE: named("tracing-system")})
        assert run_program(minimal_config(), preview=True, live=live, state=state).exports

    def test_what_has_our_mark_is_ours_though_an_interrupted_update_left_it_out_of_the_state(self) -> None:
        live = on_a_cluster_with({TEMPO_NAMESPACE: named("tracing-system", owner=f"{PROJECT}/test")})
        assert run_program(minimal_config(), preview=True, live=live).exports

    def test_a_provider_that_creates_strictly_needs_an_import_for_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("program.ownership.metadata.version", lambda _: "4.29.0")
        config = with_setting(minimal_config(), "timeouts.tempo", 601)
        (fault,) = refusal(config, live={TEMPO_NAMESPACE: named("tracing-system", owner=f"{PROJECT}/test")})
        assert "made by this stack, whose state does not have it" in fault


class TestWhichCluster:
    def test_another_cluster_than_the_recorded_one_is_refused(self) -> None:
        state = state_of(run_program(minimal_config(), preview=False), uid="another-cluster")
        with pytest.raises(WrongClusterError, match="another cluster"):
            run_program(minimal_config(), preview=True, state=state)

    def test_it_is_recorded_by_the_uid_of_its_system_namespace(self) -> None:
        assert run_program(minimal_config(), preview=False).exports["deployment"]["cluster_uid"] == "the-cluster"

    @pytest.mark.parametrize(("uid", "same"), [("ours", True), ("theirs", False)])
    def test_a_stack_that_has_not_recorded_it_knows_its_namespaces_by_their_uids(self, uid: str, same: bool) -> None:
        urn = "urn:pulumi:test::mesh-tracing::kubernetes:core/v1:Namespace::namespaces-tracing-system"
        made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "tracing-system", "uid": "ours"}}
        state = {urn: {"type": "kubernetes:core/v1:Namespace", "outputs": made}}
        live = on_a_cluster_with({TEMPO_NAMESPACE: named("tracing-system", uid=uid)})
        if same:
            assert run_program(minimal_config(), preview=True, live=live, state=state).exports
        else:
            with pytest.raises(WrongClusterError, match="another cluster"):
                run_program(minimal_config(), preview=True, live=live, state=state)


class TestTelemetriesOfOthers:
    def rival(self, created: str, **spec: Any) -> Objects:
        item = {"metadata": {"name": "mesh-default", "uid": "theirs", "creationTimestamp": created}, "spec": spec}
        return {TELEMETRIES: {"kind": "TelemetryList", "items": [item]}}

    def test_an_older_one_for_the_mesh_is_refused_with_its_name(self) -> None:
        (fault,) = refusal(minimal_config(), live=self.rival("2024-01-01T00:00:00Z"))
        assert "Telemetry istio-system/mesh-default" in fault

    def test_one_for_some_workloads_is_not(self) -> None:
        live = on_a_cluster_with(self.rival("2024-01-01T00:00:00Z", selector={"matchLabels": {"app": "shop"}}))
        assert run_program(minimal_config(), preview=True, live=live).exports

    def test_one_that_is_younger_than_ours_is_not(self) -> None:
        state = state_of(run_program(minimal_config(), preview=False))
        (ours,) = (r["outputs"]["metadata"] for r in state.values() if r["type"].endswith(":Telemetry"))
        live = self.rival("2025-01-01T00:00:00Z")
        own = {"metadata": {"name": ours["name"], "uid": ours["uid"], "creationTimestamp": "2024-01-01T00:00:00Z"}}
        both = on_a_cluster_with({TELEMETRIES: {"kind": "TelemetryList", "items": [*live[TELEMETRIES]["items"], own]}})
        assert run_program(minimal_config(), preview=True, live=both, state=state).exports

    def test_our_own_that_somebody_has_made_again_is_not(self) -> None:
        state = state_of(run_program(minimal_config(), preview=False))
        (ours,) = (r["outputs"]["metadata"] for r in state.values() if r["type"].endswith(":Telemetry"))
        again = {"metadata": {"name": ours["name"], "uid": "again", "creationTimestamp": "2024-01-01T00:00:00Z"}}
        live = on_a_cluster_with({TELEMETRIES: {"kind": "TelemetryList", "items": [again]}})
        assert run_program(minimal_config(), preview=True, live=live, state=state).exports


class TestDefinitions:
    def on(self, *kinds: str) -> Objects:
        """Discovery of a cluster with ``kinds``, each as group/version/Kind."""
        items = []
        for kind in kinds:
            group, version, name = kind.split("/")
            resources = [{"responseKind": {"kind": name}}]
            items.append({"metadata": {"name": group}, "versions": [{"version": version, "resources": resources}]})
        return {"/apis": {"items": items}}

    def test_a_kind_that_the_cluster_does_not_have_is_refused_with_what_brings_it(self) -> None:
        (fault,) = refusal(minimal_config(), live=self.on("opentelemetry.io/v1beta1/OpenTelemetryCollector"))
        assert "no kind TempoMonolithic" in fault
        assert "operators.sources.tempo" in fault

    def test_an_api_server_that_lists_groups_without_kinds_is_not_taken_to_have_none(self) -> None:
        groups = {"/apis": {"kind": "APIGroupList", "groups": [{"name": "tempo.grafana.com"}]}}
        assert run_program(minimal_config(), preview=True, live=on_a_cluster_with(groups)).exports

    def test_what_the_program_itself_brings_need_not_be_there(self) -> None:
        sources = {"tempo": "manifests", "opentelemetry": "manifests"}
        changes = {"operators.sources": sources, "operators.certManager": "install"}
        config = with_settings(minimal_config(), changes)
        assert run_program(config, preview=True, live=on_a_cluster_with(self.on())).exports


LOSING = [
    ("tempo.mode", {"tempo.mode": "stack"}),
    ("mesh.installer", {"mesh.installer": "sail"}),
    ("kiali.installer", {"kiali.installer": "helm"}),
    ("storage class", {"tempo.storage.storageClass": "fast"}),
    ("storage class", {"tempo.storage.s3.seaweedfs.storageClass": "fast"}),
    ("shrink", {"tempo.storage.size": "1Gi"}),
    ("shrink", {"prometheus.storage.size": "1Gi"}),
]


def with_volumes() -> dict[str, Any]:
    """A stack with every volume that a stack may have, each of the class `slow`."""
    volume = {"size": "10Gi", "storageClass": "slow"}
    settings = {
        "tempo.storage.size": "10Gi",
        "tempo.storage.storageClass": "slow",
        "tempo.storage.s3.seaweedfs": volume,
        "prometheus.storage": volume,
        "kiali.installer": "operator",
    }
    return with_settings(s3_config(), settings)


class TestChangesThatLoseData:
    @pytest.mark.parametrize(("word", "change"), LOSING)
    def test_they_are_refused_with_where_the_steps_are(self, word: str, change: dict[str, Any]) -> None:
        state = state_of(run_program(with_volumes(), preview=False))
        (fault,) = refusal(with_settings(with_volumes(), change), state=state)
        assert word in fault
        assert "docs/operations.md" in fault

    @pytest.mark.parametrize(
        "settings",
        [
            {"tempo.storage.s3.source": "keys", "tempo.storage.s3.endpoint": "https://s3.example.com"},
            {"tempo.storage.s3.source": "minio"},
            {"tempo.storage.backend": "pv"},
        ],
    )
    def test_a_store_of_ours_is_not_left_with_the_traces_in_it(self, settings: dict[str, Any]) -> None:
        state = state_of(run_program(s3_config(), preview=False))
        (fault,) = refusal(with_settings(s3_config(), settings), state=state)
        assert "seaweedfs has traces" in fault
        assert "docs/operations.md" in fault

    @pytest.mark.parametrize("grows", [True, False])
    def test_a_volume_grows_where_its_class_lets_it(self, grows: bool) -> None:
        state = state_of(run_program(with_volumes(), preview=False))
        config = with_setting(with_volumes(), "prometheus.storage.size", "20Gi")
        live = {
            "/apis/storage.k8s.io/v1/storageclasses": classes(slow=grows),
            "/api/v1/namespaces/istio-system/persistentvolumeclaims/prometheus": claim("10Gi", of="slow"),
        }
        if grows:
            deployed = run_program(config, preview=True, live=on_a_cluster_with(live), state=state)
            assert deployed.get("PersistentVolumeClaim", "prometheus").inputs["spec"]["resources"]["requests"] == {
                "storage": "20Gi"
            }
        else:
            (fault,) = refusal(config, live=live, state=state)
            assert "does not let it grow" in fault

    CLAIM = "/api/v1/namespaces/tracing-system/persistentvolumeclaims/tempo-storage-tempo-tempo-0"

    def test_a_claim_of_tempos_operator_grows_too(self) -> None:
        config = with_setting(with_volumes(), "tempo.storage.size", "20Gi")
        state = state_of(run_program(with_volumes(), preview=False))
        live = {"/apis/storage.k8s.io/v1/storageclasses": classes(slow=True), self.CLAIM: claim("10Gi", of="slow")}
        deployed = run_program(config, preview=True, live=on_a_cluster_with(live), state=state)
        (patch,) = (r for r in deployed if r.type.endswith(":PersistentVolumeClaimPatch"))
        assert patch.object_name == "tempo-storage-tempo-tempo-0"
        assert patch.inputs["spec"] == {"resources": {"requests": {"storage": "20Gi"}}}

    def test_the_class_of_a_claim_decides_where_the_settings_name_none(self) -> None:
        live = {
            "/apis/storage.k8s.io/v1/storageclasses": classes(default=False),
            self.CLAIM: claim("5Gi", of="default"),
        }
        (fault,) = refusal(with_setting(s3_config(), "tempo.storage.size", "10Gi"), live=live)
        assert "class default does not let it grow" in fault

    def test_a_claim_that_somebody_else_has_let_grow_does_not_shrink(self) -> None:
        live = {"/apis/storage.k8s.io/v1/storageclasses": classes(slow=True), self.CLAIM: claim("30Gi", of="slow")}
        (fault,) = refusal(with_volumes(), live=live, state=state_of(run_program(with_volumes(), preview=False)))
        assert "set its size to 30Gi" in fault

    def test_a_volume_in_memory_may_shrink(self) -> None:
        """What is in it goes with the pod anyway."""
        config = with_setting(minimal_config(), "tempo.storage", {"backend": "memory", "size": "1Gi"})
        state = state_of(run_program(config, preview=False))
        smaller = with_setting(config, "tempo.storage.size", "512Mi")
        assert run_program(smaller, preview=True, state=state).get("TempoMonolithic")

    def test_the_guide_that_they_name_is_there(self, pytestconfig: pytest.Config) -> None:
        assert "## Changes that are migrations" in (pytestconfig.rootpath / "docs" / "operations.md").read_text()


class TestMinioIsNoLongerTheDefault:
    MINIO = with_setting(s3_config(), "tempo.storage.s3.source", "minio")
    MOVING = with_setting(s3_config(), "tempo.storage.s3.moveFrom", "minio")

    def after_the_move(self, copied: int) -> dict[str, Any]:
        """The state of a stack whose traces have been copied, or are being copied."""
        state = state_of(run_program(self.MOVING, preview=False))
        (job,) = (one for urn, one in state.items() if urn.endswith("::tempo-copy"))
        job["outputs"]["status"] = {"succeeded": copied} if copied else {"active": 1}
        return state

    def test_a_stack_on_it_is_told_how_to_stay_and_how_to_move(self) -> None:
        state = state_of(run_program(self.MINIO, preview=False))
        (fault,) = refusal(s3_config(), state=state)
        for told in ("set it to minio to stay", "tempo.storage.s3.moveFrom to minio", "docs/operations.md"):
            assert told in fault

    @pytest.mark.parametrize("config", [MINIO, MOVING], ids=["stays", "moves"])
    def test_both_are_possible(self, config: dict[str, Any]) -> None:
        state = state_of(run_program(self.MINIO, preview=False))
        assert run_program(config, preview=True, state=state).exports

    def test_it_goes_once_the_traces_are_copied(self) -> None:
        assert run_program(s3_config(), preview=True, state=self.after_the_move(copied=1)).exports

    def test_it_does_not_go_before(self) -> None:
        (fault,) = refusal(s3_config(), state=self.after_the_move(copied=0))
        assert "tempo.storage.s3.moveFrom" in fault

    def test_a_stack_that_has_moved_does_not_go_back_without_its_new_traces(self) -> None:
        (fault,) = refusal(self.MINIO, state=self.after_the_move(copied=1))
        assert "seaweedfs has traces" in fault


class TestWithoutACluster:
    """A pull request of a fork has no credentials."""

    @pytest.fixture
    def said(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, list[str]]:
        """What is logged, by level; there is no kubeconfig, and the project's folder is empty."""
        messages: dict[str, list[str]] = {"warn": [], "info": []}
        for level, told in messages.items():
            monkeypatch.setattr(pulumi.log, level, told.append)
        monkeypatch.setattr("cluster.access.find", lambda _: None)
        monkeypatch.chdir(tmp_path)
        return messages

    def test_a_preview_says_once_what_it_has_not_checked(self, said: dict[str, list[str]]) -> None:
        assert preview_again(minimal_config()).exports
        (warning,) = said["warn"]
        assert "there is no kubeconfig" in warning
        assert "which cluster it is" in warning

    def test_an_update_is_refused(self, said: dict[str, list[str]]) -> None:
        assert said
        with pytest.raises(WrongClusterError, match="no kubeconfig"):
            preview_again(minimal_config(), preview=False)

    def test_facts_that_the_stack_keeps_are_checked_instead(self, said: dict[str, list[str]]) -> None:
        theirs = seen({"/api/v1/namespaces/tracing-system": named("tracing-system")})
        write_facts(theirs, "test", datetime.date(2026, 1, 31))
        with pytest.raises(RefusedError, match="Namespace tracing-system exists"):
            preview_again(minimal_config())
        assert said["warn"] == []
        assert "facts/test.json of 2026-01-31" in said["info"][0]

    def test_what_exists_is_taken_for_granted(self, said: dict[str, list[str]]) -> None:
        assert said
        config = with_setting(minimal_config(), "namespaces.existing", ["istio-system", "bookinfo"])
        assert not [r.urn for r in preview_again(config) if r.read]

    def test_facts_hold_no_more_than_what_is_checked(self, said: dict[str, list[str]], tmp_path: Path) -> None:
        assert said
        secret = named("tempo-object-storage", data={"access_key_secret": "sentinel"})
        write_facts(
            seen({"/api/v1/namespaces/x/secrets/tempo-object-storage": secret}), "test", datetime.date(2026, 1, 31)
        )
        assert "sentinel" not in (tmp_path / "facts" / "test.json").read_text()


def preview_again(config: Mapping[str, Any], *, preview: bool = True) -> Deployed:
    """Run the program anew: what is outside of it has changed."""
    _run.cache_clear()
    try:
        return run_program(config, preview=preview)
    finally:
        _run.cache_clear()


def test_what_may_not_be_read_is_told_and_fails_no_preview(monkeypatch: pytest.MonkeyPatch) -> None:
    warned: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", warned.append)
    forbidden = {
        "/api/v1/namespaces/tracing-system": NotReadError("not allowed: GET /api/v1/namespaces/tracing-system")
    }
    monkeypatch.setattr("program.observation.seen", lambda answers, kinds: seen({**answers, **forbidden}, kinds))
    assert preview_again(minimal_config()).exports
    assert warned == ["not checked: not allowed: GET /api/v1/namespaces/tracing-system"]


class TestAStateThatIsBeingWritten:
    """A backend of files shows a file while the engine writes it."""

    HALF = "invocation of pulumi:pulumi:readStackResourceOutputs returned an error: failed to load checkpoint: EOF"

    def test_it_is_read_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        answers = iter([Exception(self.HALF), Exception(self.HALF), mock.Mock(value={"outputs": {}})])
        monkeypatch.setattr(pulumi.runtime, "invoke", mock.Mock(side_effect=answers))
        monkeypatch.setattr("time.sleep", lambda _: None)
        assert recorded() == Recorded()

    def test_one_that_stays_unreadable_is_reported(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pulumi.runtime, "invoke", mock.Mock(side_effect=Exception(self.HALF)))
        monkeypatch.setattr("time.sleep", lambda _: None)
        with pytest.raises(Exception, match="failed to load checkpoint"):
            recorded()

    def test_another_answer_is_reported_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        invoke = mock.Mock(side_effect=Exception("passphrase must be set"))
        monkeypatch.setattr(pulumi.runtime, "invoke", invoke)
        with pytest.raises(Exception, match="passphrase"):
            recorded()
        assert invoke.call_count == 1

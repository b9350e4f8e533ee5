"""Two revisions that helm installed: what is on one is traced, by a revision tag, and then what is on the other."""

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml
from embedded import SHOP, Host, Project
from owner import (
    BANK,
    CLIENT,
    LEGACY,
    MESH,
    OPTIONS,
    at_ours,
    bank,
    chart,
    is_still_traced_by_them,
    of_owner,
    our_stack,
    pods,
    printed_command,
    rollouts,
    run,
    settled,
    shop,
    their_tempo,
    values,
)

TAG = "stable"


def install(host: Host, folder: Path, name: str, mesh_config: dict[str, Any], revision: str = "") -> None:
    """One revision, by its chart with the owner's values."""
    of_chart = values()
    of_chart["meshConfig"] |= mesh_config
    file = folder / f"{name}.yaml"
    file.write_text(yaml.safe_dump({**of_chart, "revision": revision}))
    run(host, "helm", "install", name, chart("istiod"), "-n", MESH, "-f", str(file), "--wait")


def upgrade(host: Host, refusal: str) -> None:
    """Run what a refusal prints, with the chart that the release came from."""
    places = {"CHART": chart("istiod")}
    run(host, *(places.get(word, word) for word in printed_command(refusal, "helm upgrade")), "--wait")


def point_tag(host: Host, revision: str) -> None:
    run(host, "istioctl", "tag", "set", TAG, "--revision", revision, "--overwrite", "--skip-confirmation")


@pytest.fixture(scope="module")
def owner(cluster: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """The bank is on `default`, which traces it the old way; the tag leads to `canary`, which traces nothing."""
    folder = tmp_path_factory.mktemp("owner")
    cluster.kubectl("create", "namespace", MESH)
    run(cluster, "helm", "install", "istio-base", chart("base"), "-n", MESH)
    install(cluster, folder, "istiod", {"defaultConfig": LEGACY})
    install(cluster, folder, "istiod-canary", {}, "canary")
    point_tag(cluster, "canary")
    with ExitStack() as stack:
        stack.enter_context(their_tempo(cluster, folder))
        stack.enter_context(bank(cluster, folder, **{"istio-injection": "enabled"}))
        stack.enter_context(shop(cluster, folder))
        assert is_still_traced_by_them(cluster)
        yield cluster
    run(cluster, "istioctl", "tag", "remove", TAG, "--skip-confirmation")
    for release in ("istiod-canary", "istiod", "istio-base"):
        run(cluster, "helm", "uninstall", release, "-n", MESH)
    cluster.kubectl("delete", "namespace", MESH)
    cluster.kubectl("delete", "crd", "-l", "chart=istio")


@pytest.fixture(scope="module")
def stack(owner: Host, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return our_stack(owner, tmp_path_factory.mktemp("revisions"), "revisions", revision=TAG)


def refusal(stack: Project) -> str:
    done = stack.attempt("preview")
    assert done.returncode != 0, done.stdout
    return done.stdout


def telemetries(host: Host) -> dict[str, str | None]:
    """Ours, each with the revision whose istiod reads it."""
    listed = host.objects("telemetries.telemetry.istio.io", "-A", "-l", "app.kubernetes.io/part-of=mesh-tracing")
    return {
        f"{one['metadata']['namespace']}/{one['metadata']['name']}": one["metadata"]["labels"].get("istio.io/rev")
        for one in listed
    }


def istiods_of_sidecars(host: Host, namespace: str) -> set[str]:
    """The addresses from which sidecars have their configuration."""
    return {
        variable["value"]
        for pod in host.pods("-n", namespace)
        for container in [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]
        if container["name"] == "istio-proxy"
        for variable in container["env"]
        if variable["name"] == "CA_ADDR"
    }


@pytest.fixture(scope="module")
def refused(stack: Project) -> str:
    return refusal(stack)


@pytest.fixture(scope="module")
def agreed(owner: Host, refused: str) -> dict[str, Any]:
    upgrade(owner, refused)
    return of_owner(owner)


@pytest.fixture(scope="module")
def brought_in(stack: Project, agreed: dict[str, Any]) -> Project:
    assert agreed
    stack.pulumi("up", *OPTIONS)
    return stack


def assert_traced(stack: Project) -> None:
    command = (sys.executable, "-m", "verify", "--stack", stack.stack, "--no-report", "--wait", "120s")
    done = stack.host.with_exports(*command, check=False)
    assert done.returncode == 0, done.stdout


def test_the_refusal_names_the_istiod_behind_the_tag_and_its_release(refused: str) -> None:
    assert "Deployment istio-system/istiod-canary does not read our provider" in " ".join(refused.split())
    assert printed_command(refused, "helm upgrade") == [
        *("helm", "upgrade", "istiod-canary", "CHART", "--namespace", MESH),
        *("--reuse-values", "--set", "pilot.env.SHARED_MESH_CONFIG=mesh-tracing"),
    ]


def test_the_printed_command_keeps_the_owner_s_values(agreed: dict[str, Any], owner: Host) -> None:
    kept = yaml.safe_load(run(owner, "helm", "get", "values", "istiod-canary", "-n", MESH))
    assert kept["pilot"]["env"] == {**values()["pilot"]["env"], "SHARED_MESH_CONFIG": "mesh-tracing"}
    assert agreed["istiods"].keys() == {"istiod", "istiod-canary"}


def test_only_the_istiod_behind_the_tag_reads_our_telemetry(brought_in: Project, owner: Host) -> None:
    assert brought_in
    assert telemetries(owner) == {f"{MESH}/mesh-tracing-canary": "canary"}


def test_our_requests_are_traced_into_a_graph(brought_in: Project) -> None:
    assert_traced(brought_in)


def test_our_sidecars_have_the_istiod_behind_the_tag(brought_in: Project, owner: Host) -> None:
    assert brought_in
    assert istiods_of_sidecars(owner, SHOP) == {f"istiod-canary.{MESH}.svc:15012"}


def test_the_other_revision_traces_the_old_way_as_before(brought_in: Project, owner: Host) -> None:
    assert brought_in
    assert is_still_traced_by_them(owner)
    assert at_ours(owner, CLIENT) == set()


def test_nothing_of_the_owner_s_has_changed_or_restarted(
    brought_in: Project, owner: Host, agreed: dict[str, Any]
) -> None:
    assert brought_in
    assert of_owner(owner) == agreed


def test_a_second_up_has_nothing_to_do(brought_in: Project) -> None:
    brought_in.pulumi("up", *OPTIONS, "--expect-no-changes")


@pytest.fixture(scope="module")
def refused_again(brought_in: Project, owner: Host) -> str:
    """The owner has pointed the tag at the other revision, whose istiod does not know us."""
    point_tag(owner, "default")
    return refusal(brought_in)


@pytest.fixture(scope="module")
def moved(brought_in: Project, owner: Host, refused_again: str) -> dict[str, Any]:
    """What was the owner's and the shop's before we moved to the other revision."""
    upgrade(owner, refused_again)
    before = {"owner": of_owner(owner), "rollouts": rollouts(owner)}
    brought_in.pulumi("up", *OPTIONS)
    settled(owner, SHOP)
    return before


def test_where_the_tag_leads_now_is_seen_and_its_owner_is_told(refused_again: str) -> None:
    assert printed_command(refused_again, "helm upgrade")[:3] == ["helm", "upgrade", "istiod"]


def test_the_shop_moves_by_one_restart(moved: dict[str, Any], owner: Host) -> None:
    assert rollouts(owner) == moved["rollouts"] + 1
    assert istiods_of_sidecars(owner, SHOP) == {f"istiod.{MESH}.svc:15012"}


def test_beside_the_tracing_of_that_revision_only_our_namespaces_are_traced(
    moved: dict[str, Any], brought_in: Project, owner: Host
) -> None:
    assert moved
    assert telemetries(owner) == {"bookinfo/mesh-tracing": None, f"{SHOP}/mesh-tracing": None}
    assert_traced(brought_in)


def test_the_bank_beside_us_on_that_revision_is_traced_as_before(moved: dict[str, Any], owner: Host) -> None:
    assert of_owner(owner) == moved["owner"]
    assert is_still_traced_by_them(owner)
    assert at_ours(owner, CLIENT) == set()


def test_destroy_leaves_both_revisions_as_they_were(moved: dict[str, Any], brought_in: Project, owner: Host) -> None:
    brought_in.pulumi("destroy", *OPTIONS)
    settled(owner, SHOP)
    assert of_owner(owner) == moved["owner"]
    assert telemetries(owner) == {}
    assert is_still_traced_by_them(owner)
    assert pods(owner, BANK) == moved["owner"]["bank"][1]
    assert set(json.loads(owner.kubectl("get", "namespace", SHOP, "-o", "json"))["metadata"]["labels"]) == {
        "kubernetes.io/metadata.name"
    }

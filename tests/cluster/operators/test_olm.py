"""OLM itself installs the operators that the stack subscribes to, upgrades them, waits for somebody, and keeps them.

OLM and the operators are the real ones, built from their modules. The catalog is ours: it offers the bundles that the
operators' own modules carry, with the images of this cluster, and a channel `0.20` beside `alpha`, so that there is an
upgrade.
"""

import json
import re
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from embedded import Host, Project, eventually, inventory
from left_by_olm import not_left_by_olm
from recording import stack_config, with_settings
from requests_with_traces import requests_with_traces, traced

STACK = "subscribed"
OLM, SHARED, CATALOG = "olm", "operators", "operatorhubio-catalog"
OLD, NEW = "tempo-operator.v0.20.0", "tempo-operator.v0.21.0"
COLLECTORS = "opentelemetry-operator.v0.148.0"
BY_OLM = {"operators.source": "olm", "operators.catalog": "operatorhub", "operators.approval": "Manual"}
SECOND = {"metadata": {"name": "second"}}
UP = ("up", "--yes", "--skip-preview")
APPROVAL = re.compile(r"waits for your approval: (kubectl patch installplan (\S+) .*'\{.*\}')")


@pytest.fixture(scope="module")
def cluster(host: Host) -> Iterator[Host]:
    """A cluster in which OLM installs the operators, and nobody else has."""
    host.local("down")
    host.local("up", "--with", "olm")
    yield host
    host.local("down")


@pytest.fixture(scope="module")
def before(cluster: Host) -> set[tuple[str, str, str]]:
    """What the cluster held before anything was deployed."""
    return inventory(cluster)


@pytest.fixture(scope="module")
def project(cluster: Host, before: set[tuple[str, str, str]], tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The stack of the embedded cluster, which subscribes to its operators; nothing of it is deployed yet."""
    assert before
    return Project.copy(cluster, tmp_path_factory.mktemp(STACK) / "project", STACK)


def configure(project: Project, changes: Mapping[str, Any]) -> None:
    project.configure(with_settings(stack_config("local"), {**BY_OLM, **changes}))


def refused(project: Project) -> str:
    """What a preview says that refuses the settings."""
    done = project.attempt("preview")
    assert done.returncode != 0
    return done.stdout + done.stderr


def phases(cluster: Host) -> dict[str, str]:
    """The phase of each version in the shared namespace."""
    found = cluster.objects("clusterserviceversions", "-n", SHARED)
    return {one["metadata"]["name"]: one.get("status", {}).get("phase", "") for one in found}


def waiting(cluster: Host) -> list[str]:
    """The InstallPlans that wait for somebody."""
    found = cluster.objects("installplans", "-n", SHARED)
    return [one["metadata"]["name"] for one in found if one.get("status", {}).get("phase") == "RequiresApproval"]


@contextmanager
def updating(project: Project) -> Iterator[list[CompletedProcess[str]]]:
    """An update that runs meanwhile, and how it ended."""
    ended: list[CompletedProcess[str]] = []
    thread = threading.Thread(target=lambda: ended.append(project.attempt(*UP)))
    thread.start()
    try:
        yield ended
    finally:
        thread.join()


def approve(cluster: Host, plan: str) -> None:
    cluster.kubectl("patch", "installplan", plan, "-n", SHARED, "--type=merge", "-p", '{"spec":{"approved":true}}')


def traces_are_found(project: Project, cluster: Host) -> None:
    checked = cluster.with_exports(sys.executable, "-m", "verify", "--stack", project.stack, "--wait", "180s")
    assert "Tracing works." in checked.stdout


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"grafana.mode": "operator"}, f"the catalog olm/{CATALOG} has no package grafana-operator"),
        ({"operators.channels": {"tempo": "stable"}}, "has no channel stable: set 0.20 or alpha"),
        (
            {"operators.startingVersions": {"tempo": "tempo-operator.v9.9.9"}},
            f"channel alpha of package tempo-operator has no tempo-operator.v9.9.9: set {OLD} or {NEW}, or none",
        ),
    ],
)
def test_what_the_catalog_does_not_offer_is_refused_before_anything_is_deployed(
    project: Project, settings: Mapping[str, Any], said: str
) -> None:
    configure(project, settings)
    assert said in refused(project)


def test_a_catalog_that_the_cluster_does_not_have_is_refused(project: Project) -> None:
    configure(project, {"platform": "openshift", "operators.catalog": "community"})
    assert "the cluster has no catalog openshift-marketplace/community-operators" in refused(project)


def test_a_second_operator_group_is_refused(project: Project, cluster: Host, tmp_path: Path) -> None:
    configure(project, {})
    group = tmp_path / "group.json"
    group.write_text(json.dumps({"apiVersion": "operators.coreos.com/v1", "kind": "OperatorGroup", **SECOND}))
    cluster.kubectl("create", "-n", SHARED, "-f", str(group))
    try:
        assert "has more than one OperatorGroup (global-operators, second)" in refused(project)
    finally:
        cluster.kubectl("delete", "operatorgroup", "second", "-n", SHARED)


def test_up_waits_until_somebody_approves_and_prints_how(project: Project, cluster: Host) -> None:
    configure(project, {"operators.channels": {"tempo": "0.20"}})
    with updating(project) as ended:
        assert eventually(lambda: waiting(cluster), bool, 300)
        assert ended == []
        while not ended and set(phases(cluster).values()) != {"Succeeded"}:
            for plan in waiting(cluster):
                approve(cluster, plan)
    (done,) = ended
    assert done.returncode == 0, done.stdout + done.stderr
    assert APPROVAL.search(done.stdout + done.stderr)
    assert phases(cluster) == {OLD: "Succeeded", COLLECTORS: "Succeeded"}


def test_a_request_is_found_in_the_graph(project: Project, cluster: Host) -> None:
    traces_are_found(project, cluster)


def test_the_operators_admission_webhooks_have_olm_s_certificates(project: Project, cluster: Host) -> None:
    assert project.stack == STACK
    wrong = '{"spec":{"jaegerui":{"enabled":false,"ingress":{"enabled":true}}}}'
    patch = ("kubectl", "patch", "tempomonolithic", "tempo", "-n", "tracing-system", "--type=merge", "--dry-run=server")
    answer = cluster.with_exports(*patch, "-p", wrong, check=False)
    assert "Jaeger UI must be enabled to create an ingress" in answer.stderr


def test_a_second_update_changes_nothing(project: Project) -> None:
    project.pulumi(*UP, "--expect-no-changes")


def test_an_upgrade_waits_for_somebody_and_loses_no_trace(project: Project, cluster: Host) -> None:
    configure(project, {})
    with requests_with_traces(cluster) as sent:
        said = project.attempt(*UP)
        assert said.returncode == 0, said.stdout + said.stderr
        found = APPROVAL.search(said.stdout + said.stderr)
        assert found
        assert phases(cluster)[OLD] == "Succeeded"
        cluster.with_exports("bash", "-c", found[1])
        # The old version goes a moment after the new one works.
        wanted = {NEW: "Succeeded", COLLECTORS: "Succeeded"}
        assert eventually(lambda: phases(cluster), lambda seen: seen == wanted, 300) == wanted
        traces_are_found(project, cluster)
    assert sent
    assert eventually(lambda: traced(cluster, sent), lambda known: known == set(sent), 120) == set(sent)


def test_an_update_after_the_upgrade_succeeds(project: Project, cluster: Host) -> None:
    project.pulumi(*UP)
    project.pulumi(*UP, "--expect-no-changes")
    traces_are_found(project, cluster)


def test_destroy_leaves_what_olm_installed_and_nothing_else(
    project: Project, cluster: Host, before: set[tuple[str, str, str]]
) -> None:
    project.pulumi("destroy", "--yes", "--skip-preview")
    assert not_left_by_olm(inventory(cluster) - before, {OLM, SHARED}) == set()
    assert phases(cluster) == {NEW: "Succeeded", COLLECTORS: "Succeeded"}
    remaining = {one["spec"]["group"] for one in cluster.objects("customresourcedefinitions")}
    assert not [group for group in remaining if group.endswith("istio.io")]


def test_what_was_left_goes_as_the_manual_says(project: Project, cluster: Host) -> None:
    assert project.stack == STACK
    cluster.kubectl("delete", "clusterserviceversion", NEW, COLLECTORS, "-n", SHARED)

    def at_work() -> list[dict[str, Any]]:
        webhooks = cluster.objects("validatingwebhookconfigurations,mutatingwebhookconfigurations")
        return [*cluster.objects("deployments", "-n", SHARED), *webhooks]

    assert eventually(at_work, lambda found: not found, 120) == []
    assert {"tempomonolithics.tempo.grafana.com", "opentelemetrycollectors.opentelemetry.io"} <= {
        one["metadata"]["name"] for one in cluster.objects("customresourcedefinitions")
    }

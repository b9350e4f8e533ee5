"""Why OLM does not install an operator is said in one line, and told while an update waits."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pulumi
import pytest

from objects.installation import Installation
from rollout import Watch
from rollout.installations import says

OFFER = "/apis/packages.operators.coreos.com/v1/namespaces/olm/packagemanifests/tempo-operator"
ASKED = Installation(
    package="tempo-operator", namespace="operators", channel="alpha", offer=OFFER, is_manual=False, seconds=5
)
MANUAL = replace(ASKED, is_manual=True)
PLACE = "/apis/operators.coreos.com/v1alpha1/namespaces/operators"
WAITS = {
    "metadata": {"name": "install-abc"},
    "spec": {"clusterServiceVersionNames": ["tempo-operator.v0.21.0"]},
    "status": {"phase": "RequiresApproval"},
}
SUBSCRIPTION = {"status": {"installPlanRef": {"name": "install-abc"}, "currentCSV": "tempo-operator.v0.21.0"}}


def offering(version: str) -> dict[str, Any]:
    channels = [{"name": "other", "currentCSV": "tempo-operator.v9.0.0"}, {"name": "alpha", "currentCSV": version}]
    return {"status": {"channels": channels}}


def version(phase: str, **status: str) -> dict[str, Any]:
    return {"metadata": {"name": "tempo-operator.v0.21.0"}, "status": {"phase": phase, **status}}


def test_a_plan_that_waits_for_somebody_is_said_with_the_command_that_approves_it() -> None:
    assert says(MANUAL, SUBSCRIPTION, WAITS, None) == (
        "tempo-operator: tempo-operator.v0.21.0 waits for your approval: kubectl patch installplan install-abc "
        '-n operators --type merge -p \'{"spec":{"approved":true}}\''
    )


@pytest.mark.parametrize("kind", ["ResolutionFailed", "BundleUnpackFailed"])
def test_what_a_subscription_complains_of_is_said(kind: str) -> None:
    condition = {"type": kind, "status": "True", "message": "no operators found\nin channel x"}
    found = says(ASKED, {"status": {"conditions": [condition]}}, None, None)
    assert found == "tempo-operator: OLM does not install it: no operators found in channel x"


def test_what_a_subscription_complained_of_before_is_not_said() -> None:
    condition = {"type": "ResolutionFailed", "status": "False", "message": "no operators found"}
    assert says(ASKED, {"status": {"conditions": [condition]}}, None, None) == ""


def test_a_version_that_failed_is_said_with_its_reason() -> None:
    failed = version("Failed", reason="TooManyOperatorGroups", message="csv created in namespace with multiple groups")
    assert says(ASKED, SUBSCRIPTION, None, failed) == (
        "tempo-operator: OLM cannot install tempo-operator.v0.21.0: TooManyOperatorGroups: csv created in namespace "
        "with multiple groups"
    )


def test_a_plan_that_failed_is_said_with_its_reason() -> None:
    conditions = [{"type": "Installed", "status": "False", "message": "forbidden"}]
    plan = {"metadata": {"name": "install-abc"}, "status": {"phase": "Failed", "conditions": conditions}}
    assert says(ASKED, SUBSCRIPTION, plan, None) == "tempo-operator: InstallPlan install-abc failed: forbidden"


@pytest.mark.parametrize("found", [None, version("Installing"), version("Succeeded")])
def test_what_gets_on_says_nothing(found: Mapping[str, Any] | None) -> None:
    assert says(ASKED, SUBSCRIPTION, None, found) == ""


class Cluster:
    """What is at each path; None where nothing is."""

    def __init__(self, objects: Mapping[str, Any]) -> None:
        self.objects = objects

    def read(self, path: str) -> Any:
        return self.objects.get(path)

    def items(self, path: str) -> list[Any]:
        raise AssertionError(path)

    def log(self, namespace: str, pod: str, container: str, *, previous: bool) -> list[str]:
        raise AssertionError((namespace, pod, container, previous))


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    messages: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda message, **_: messages.append(message))
    return messages


def follow(asked: Installation, cluster: Cluster) -> str | None:
    async def run() -> str | None:
        return await Watch(cluster).follow(asked, "installed").future()

    return asyncio.run(run())


def test_an_upgrade_that_waits_is_told_once_and_does_not_keep_the_update_from_its_end(told: list[str]) -> None:
    objects = {
        f"{PLACE}/subscriptions/tempo-operator": SUBSCRIPTION,
        f"{PLACE}/installplans/install-abc": WAITS,
        f"{PLACE}/clusterserviceversions/tempo-operator.v0.21.0": None,
    }
    assert follow(MANUAL, Cluster(objects)) == "installed"
    assert len(told) == 1
    assert "waits for your approval" in told[0]


def test_an_upgrade_that_olm_has_not_planned_yet_is_waited_for_until_it_is_told(told: list[str]) -> None:
    class Later(Cluster):
        """A cluster whose OLM makes the plan between two looks."""

        def read(self, path: str) -> Any:
            if path == OFFER:
                self.objects = {**self.objects, f"{PLACE}/subscriptions/tempo-operator": SUBSCRIPTION}
            return super().read(path)

    installed = {"status": {"installedCSV": "tempo-operator.v0.20.0", "currentCSV": "tempo-operator.v0.20.0"}}
    objects = {
        f"{PLACE}/subscriptions/tempo-operator": installed,
        f"{PLACE}/installplans/install-abc": WAITS,
        OFFER: offering("tempo-operator.v0.21.0"),
    }
    assert follow(MANUAL, Later(objects)) == "installed"
    assert len(told) == 1


def test_the_newest_of_its_channel_is_not_looked_at_again(told: list[str]) -> None:
    installed = {"status": {"installedCSV": "tempo-operator.v0.21.0", "currentCSV": "tempo-operator.v0.21.0"}}
    objects = {f"{PLACE}/subscriptions/tempo-operator": installed, OFFER: offering("tempo-operator.v0.21.0")}
    looks: list[str] = []

    class Counting(Cluster):
        def read(self, path: str) -> Any:
            looks.append(path)
            return super().read(path)

    assert follow(MANUAL, Counting(objects)) == "installed"
    assert looks.count(OFFER) <= 2
    assert told == []


def test_what_is_installed_says_nothing(told: list[str]) -> None:
    objects = {
        f"{PLACE}/subscriptions/tempo-operator": SUBSCRIPTION,
        f"{PLACE}/clusterserviceversions/tempo-operator.v0.21.0": version("Succeeded"),
    }
    assert follow(ASKED, Cluster(objects)) == "installed"
    assert told == []


def test_who_may_not_look_waits_without_a_word(told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Cluster, path: str) -> Any:
        raise OSError(path)

    monkeypatch.setattr(Cluster, "read", refuse)
    assert follow(MANUAL, Cluster({})) == "installed"
    assert told == []

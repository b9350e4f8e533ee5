"""The check that runs in the cluster: with its own account, restricted, and with a result for everybody."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from embedded import CHECKOUT, OPTIONS, STACK, Host, Project, eventually, prometheus_query, uids

NAME = "mesh-tracing-verify"
NAMESPACE = "istio-system"
IMAGE = "localhost/mesh-tracing/verify:local"
# It runs only when a test makes a Job of it.
NEVER = "0 0 1 1 *"
# As long as the pod may live, and a while for it to start and to go.
SECONDS = 500


class Checks:
    """The check of one cluster, run when ``run`` is called."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self._count = 0

    def run(self) -> dict[str, str]:
        """Make a Job of the CronJob, wait for its end, and return the data of its result."""
        self._count += 1
        job = f"check-{self._count}"
        self.host.kubectl("-n", NAMESPACE, "create", "job", job, "--from", f"cronjob/{NAME}")

        def ended() -> set[str]:
            found = json.loads(self.host.kubectl("-n", NAMESPACE, "get", "job", job, "-o", "json"))
            return {one["type"] for one in found.get("status", {}).get("conditions", []) if one["status"] == "True"}

        ends = eventually(ended, lambda types: bool(types & {"Complete", "Failed"}), SECONDS)
        assert ends & {"Complete", "Failed"}, self.host.kubectl("-n", NAMESPACE, "describe", "job", job)
        return self.data()

    def run_until(self, status: str) -> dict[str, str]:
        """Run it again until it says so, at most three times: what was repaired works after a while."""
        for _ in range(3):
            if (found := self.run()).get("status") == status:
                break
        return found

    def data(self) -> dict[str, str]:
        found = json.loads(self.host.kubectl("-n", NAMESPACE, "get", "configmap", NAME, "-o", "json"))
        data: dict[str, str] = found.get("data", {})
        return data

    def events(self) -> list[dict[str, Any]]:
        """The Events about the result, the oldest first."""
        found = self.host.objects("events", "-n", NAMESPACE, "--field-selector", f"involvedObject.name={NAME}")
        return sorted(
            (event for event in found if event["involvedObject"]["kind"] == "ConfigMap"),
            key=lambda event: event["metadata"]["creationTimestamp"],
        )

    def log(self) -> str:
        return self.host.kubectl("-n", NAMESPACE, "logs", f"job/check-{self._count}")


@pytest.fixture(scope="module")
def before(cluster: Host, deployed: str) -> dict[str, str]:
    """The objects of the stack without the check."""
    assert deployed
    return uids(cluster)


@pytest.fixture(scope="module")
def project(cluster: Host, before: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The stack with the check; without it again at the end."""
    project = Project.copy(cluster, tmp_path_factory.mktemp("checked") / "project", STACK)
    plain = (CHECKOUT / f"Pulumi.{STACK}.yaml").read_text()
    content = yaml.safe_load(plain)
    content["config"]["mesh-tracing:verify"] = {"enabled": True, "image": IMAGE, "schedule": NEVER}
    file = project.folder / f"Pulumi.{STACK}.yaml"
    file.write_text(yaml.safe_dump(content))
    project.pulumi("up", *OPTIONS)
    yield project
    file.write_text(plain)
    project.pulumi("up", *OPTIONS)


@pytest.fixture(scope="module")
def checks(cluster: Host, project: Project) -> Checks:
    assert project
    return Checks(cluster)


def metric(host: Host, query: str) -> list[dict[str, Any]]:
    return prometheus_query(host.address("prometheus"), query)


def test_nothing_else_is_made_anew_for_it(before: dict[str, str], project: Project) -> None:
    after = uids(project.host)
    assert {name: after.get(name) for name in before} == before


class TestAHealthyStack:
    @pytest.fixture(scope="class")
    def result(self, checks: Checks) -> dict[str, str]:
        return checks.run_until("True")

    def test_its_condition_says_that_tracing_works(self, checks: Checks, result: dict[str, str]) -> None:
        assert (result.get("type"), result.get("status")) == ("TracingWorks", "True"), checks.log()
        assert json.loads(result["report.json"])["verdict"] == "works"

    def test_the_account_may_look_at_everything(self, checks: Checks, result: dict[str, str]) -> None:
        assert "not-allowed" not in result["report.json"]
        assert "not published" not in checks.log()

    @pytest.mark.usefixtures("result")
    def test_its_success_is_a_metric(self, cluster: Host) -> None:
        (found,) = metric(cluster, f'last_over_time(mesh_tracing_verify_success{{stack="{STACK}"}}[30m])')
        assert found["value"][1] == "1"

    def test_each_hop_is_a_metric(self, cluster: Host, result: dict[str, str]) -> None:
        hops = {hop["hop"] for hop in json.loads(result["report.json"])["hops"]}
        found = metric(cluster, "last_over_time(mesh_tracing_verify_hop_status[30m]) == 1")
        assert {one["metric"]["hop"] for one in found} == hops

    @pytest.mark.usefixtures("result")
    def test_it_is_an_event(self, checks: Checks) -> None:
        event = checks.events()[-1]
        assert (event["type"], event["reason"]) == ("Normal", "Works")

    def test_a_second_run_is_no_second_event(self, checks: Checks, result: dict[str, str]) -> None:
        count = len(checks.events())
        again = checks.run_until("True")
        assert again["lastTransitionTime"] == result["lastTransitionTime"]
        assert again["lastProbeTime"] > result["lastProbeTime"]
        assert len(checks.events()) == count

    def test_a_refresh_leaves_the_result_alone(self, checks: Checks, project: Project, result: dict[str, str]) -> None:
        project.pulumi("up", *OPTIONS, "--refresh")
        assert checks.data()["status"] == result["status"]


class TestAFault:
    @pytest.fixture(scope="class")
    def result(self, checks: Checks, project: Project) -> Iterator[dict[str, str]]:
        checks.host.kubectl("-n", NAMESPACE, "delete", "telemetry", "mesh-tracing")
        yield checks.run()
        project.pulumi("up", *OPTIONS, "--refresh")

    def test_its_condition_has_the_code_of_the_cause(self, checks: Checks, result: dict[str, str]) -> None:
        assert (result["status"], result["reason"]) == ("False", "NoTelemetry"), checks.log()

    @pytest.mark.usefixtures("result")
    def test_it_is_a_warning(self, checks: Checks) -> None:
        event = checks.events()[-1]
        assert (event["type"], event["reason"]) == ("Warning", "NoTelemetry")

    @pytest.mark.usefixtures("result")
    def test_it_is_no_success_in_the_metrics(self, cluster: Host) -> None:
        (found,) = metric(cluster, "last_over_time(mesh_tracing_verify_success[30m])")
        assert found["value"][1] == "0"

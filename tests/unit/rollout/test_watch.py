"""An update is over when its pods serve; a pod that cannot start ends it in one line with the pod's own words."""

import asyncio
import contextlib
import datetime
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import pulumi
import pytest
from pulumi.runtime import settings as runtime_settings

from objects.rollout import REVISION, Rollout
from rollout import RolloutError, Watch

NEW, OLD = "new-revision", "old-revision"
BY_ANNOTATION = Rollout(title="The collector", namespace="mesh", workloads=("otel-collector",), seconds=60)
BY_CONFIG = Rollout(
    title="Tempo",
    namespace="traces",
    workloads=("tempo-tempo",),
    seconds=60,
    config_map="tempo-tempo-config",
    config_file="tempo.yaml",
)
LOG = [
    'level=info msg="starting"',
    "failed parsing config: failed to parse configFile /conf/tempo.yaml: yaml: unmarshal errors:",
    "  line 12: field nonsense not found in type app.Config",
]


@pytest.fixture(autouse=True)
def _no_outputs_left() -> Iterator[None]:
    """The SDK keeps outputs that failed, to report them at the end of the program, which here is another test."""
    yield
    runtime_settings.SETTINGS.outputs.clear()


async def value(output: pulumi.Output[Any]) -> Any:
    """What ``output`` is; what else is made of it has ended then."""
    try:
        return await output.future()
    finally:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others, return_exceptions=True)


def workload(name: str, annotations: Mapping[str, str], **status: int) -> dict[str, Any]:
    """A workload of one pod that has been rolled out, but for ``status``."""
    done = {"observedGeneration": 4, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1}
    template = {"metadata": {"annotations": dict(annotations)}}
    return {
        "metadata": {"name": name, "generation": 4},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": template},
        "status": {**done, **status},
    }


def pod(name: str, app: str, annotations: Mapping[str, str], state: Mapping[str, Any]) -> dict[str, Any]:
    container = {"name": "main", "ready": False, "restartCount": 0, **state}
    metadata = {"name": name, "labels": {"app": app}, "annotations": dict(annotations)}
    return {"metadata": metadata, "status": {"containerStatuses": [container]}}


def crashed(times: int) -> dict[str, Any]:
    waiting = {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting failed container"}
    ended = {"exitCode": 1, "reason": "Error"}
    return {"restartCount": times, "state": {"waiting": waiting}, "lastState": {"terminated": ended}}


@dataclass
class Cluster:
    """What the API server answers; one more of ``looks`` each time that workloads are listed, the last one for ever."""

    looks: list[list[dict[str, Any]]]
    pods: list[dict[str, Any]] = field(default_factory=list)
    config: str = ""
    listed: int = 0
    previous: bool | None = None

    def read(self, path: str) -> Mapping[str, Any] | None:
        assert path == "/api/v1/namespaces/traces/configmaps/tempo-tempo-config"
        return {"data": {"tempo.yaml": self.config}}

    def items(self, path: str) -> list[Mapping[str, Any]]:
        if path.endswith("/pods"):
            return list(self.pods)
        if path.endswith("/statefulsets"):
            return []
        self.listed += 1
        return list(self.looks[min(self.listed, len(self.looks)) - 1])

    def log(self, namespace: str, pod: str, container: str, *, previous: bool) -> list[str]:
        assert (namespace, container) in {("mesh", "main"), ("shop", "main")}
        assert pod in {one["metadata"]["name"] for one in self.pods}
        self.previous = previous
        return list(LOG)


def wait(cluster: Cluster, rollout: Rollout = BY_ANNOTATION, *, preview: bool = False) -> str:
    """What the program gets of ``Watch.served``."""

    async def program() -> str:
        # An Output has further tasks that fail with the same error and that nobody asks. Python would print each when
        # it collects it: in the middle of any later test, and of its own parser, which does not bear that.
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        with (
            mock.patch("rollout.watch._PAUSE_SECONDS", 0),
            mock.patch("pulumi.runtime.is_dry_run", return_value=preview),
        ):
            known = await value(Watch(cluster).served(rollout, pulumi.Output.from_input(NEW)))
        return str(known)

    return asyncio.run(program())


RUNS_NEW = workload("otel-collector", {REVISION: NEW})


def test_pods_that_serve_the_revision_end_the_wait() -> None:
    cluster = Cluster([[RUNS_NEW]])
    assert (wait(cluster), cluster.listed) == (NEW, 1)


@pytest.mark.parametrize(
    "late",
    [
        pytest.param([], id="not made yet"),
        pytest.param([workload("otel-collector", {REVISION: OLD})], id="still the old revision"),
        pytest.param([workload("otel-collector", {REVISION: NEW}, observedGeneration=3)], id="not seen by Kubernetes"),
        pytest.param([workload("otel-collector", {REVISION: NEW}, updatedReplicas=0)], id="an old pod"),
        pytest.param([workload("otel-collector", {REVISION: NEW}, replicas=2)], id="an old pod beside the new one"),
        pytest.param([workload("otel-collector", {REVISION: NEW}, readyReplicas=0)], id="a pod that is not ready"),
    ],
)
def test_what_is_not_there_yet_is_waited_for(late: list[dict[str, Any]]) -> None:
    cluster = Cluster([late, late, [RUNS_NEW]])
    assert (wait(cluster), cluster.listed) == (NEW, 3)


def test_where_no_annotation_is_copied_the_pods_have_the_hash_of_the_configuration_with_the_revision() -> None:
    config = f"remote_write:\n- name: {NEW}\n"
    hashed = {"tempo.grafana.com/tempoConfig.hash": hashlib.sha256(config.encode()).hexdigest()}
    before = [workload("tempo-tempo", {"tempo.grafana.com/tempoConfig.hash": "0" * 64})]
    cluster = Cluster([before, [workload("tempo-tempo", hashed)]], config=config)
    assert (wait(cluster, BY_CONFIG), cluster.listed) == (NEW, 2)


def test_a_configuration_without_the_revision_is_an_old_one_whatever_its_hash() -> None:
    config = f"remote_write:\n- name: {OLD}\n"
    hashed = {"tempo.grafana.com/config.hash": hashlib.sha256(config.encode()).hexdigest()}
    cluster = Cluster([[workload("tempo-tempo", hashed)]], config=config)
    with pytest.raises(RolloutError, match="tempo-tempo has not got the change from its operator yet"):
        wait(cluster, Rollout(**{**vars(BY_CONFIG), "seconds": -1}))


def test_a_preview_reads_nothing() -> None:
    cluster = Cluster([[]])
    assert (wait(cluster, preview=True), cluster.listed) == (NEW, 0)


def of_kind(kind: str, found: dict[str, Any], *, name: str = "agent") -> bool:
    """Whether a workload of ``kind`` serves the new revision."""
    awaited = Rollout(title="namespaces.applications shop", namespace="shop", workloads=(name,), seconds=-1, kind=kind)
    asked: list[str] = []

    class OneKind(Cluster):
        def items(self, path: str) -> list[Mapping[str, Any]]:
            asked.append(path)
            return [] if path.endswith("/pods") else [found]

    try:
        wait(OneKind([]), awaited)
    except RolloutError:
        return False
    finally:
        assert {path for path in asked if not path.endswith("/pods")} == {PATHS[kind]}
    return True


PATHS = {
    "StatefulSet": "/apis/apps/v1/namespaces/shop/statefulsets",
    "DaemonSet": "/apis/apps/v1/namespaces/shop/daemonsets",
    "Rollout": "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts",
}


def daemon_set(**status: int) -> dict[str, Any]:
    """One on three nodes that has been rolled out, but for ``status``."""
    done = {"desiredNumberScheduled": 3, "currentNumberScheduled": 3, "updatedNumberScheduled": 3, "numberReady": 3}
    made = workload("agent", {REVISION: NEW})
    del made["spec"]["replicas"]
    return {**made, "status": {"observedGeneration": 4, **done, **status}}


@pytest.mark.parametrize(
    ("status", "serves"),
    [
        ({}, True),
        ({"updatedNumberScheduled": 2}, False),
        ({"numberReady": 2}, False),
        ({"observedGeneration": 3}, False),
        (
            dict.fromkeys(
                ("desiredNumberScheduled", "currentNumberScheduled", "updatedNumberScheduled", "numberReady"), 0
            ),
            True,
        ),
    ],
    ids=["all", "an old pod", "not ready", "not seen", "no node"],
)
def test_a_daemon_set_serves_once_each_node_has_a_new_pod_that_is_ready(status: dict[str, int], serves: bool) -> None:
    assert of_kind("DaemonSet", daemon_set(**status)) is serves


def test_the_pods_of_a_stateful_set_that_its_owner_holds_back_are_not_waited_for() -> None:
    held = workload("agent", {REVISION: NEW}, replicas=3, updatedReplicas=1, readyReplicas=3)
    held["spec"] |= {"replicas": 3, "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}}
    assert of_kind("StatefulSet", held)
    held["spec"]["updateStrategy"]["rollingUpdate"]["partition"] = 1
    assert not of_kind("StatefulSet", held)


MOMENT = "2026-11-27T08:00:00Z"


def argo(*, asked: str | None = MOMENT, restarted: str | None = MOMENT, ready: int = 2) -> dict[str, Any]:
    """A Rollout of two pods; its controller writes the generation that it has seen as a text."""
    return {
        "metadata": {"name": "agent", "generation": 4},
        "spec": {"replicas": 2, "restartAt": asked, "workloadRef": {"kind": "Deployment", "name": "agent"}},
        "status": {"observedGeneration": "4", "restartedAt": restarted, "readyReplicas": ready, "phase": "Paused"},
    }


@pytest.mark.parametrize(
    ("found", "serves"),
    [
        (argo(), True),
        (argo(restarted="2026-11-27T08:00:00+00:00"), True),
        (argo(restarted=None), False),
        (argo(restarted="2026-11-26T08:00:00Z"), False),
        (argo(ready=1), False),
        (argo(asked="2026-11-26T08:00:00Z", restarted="2026-11-26T08:00:00Z"), False),
        (argo(asked=None), False),
    ],
    ids=["done", "in another form", "not yet", "of an earlier time", "not ready", "an earlier moment", "none asked"],
)
def test_a_rollout_of_argo_serves_once_it_has_noted_the_moment_that_was_asked_for(
    found: dict[str, Any], serves: bool
) -> None:
    with mock.patch(f"{__name__}.NEW", MOMENT):
        assert of_kind("Rollout", found) is serves


BROKEN = workload("otel-collector", {REVISION: NEW}, readyReplicas=0)


def test_a_pod_that_ends_again_and_again_ends_the_update_in_one_line_with_its_own_error() -> None:
    cluster = Cluster([[BROKEN]], [pod("otel-1", "otel-collector", {REVISION: NEW}, crashed(2))])
    with pytest.raises(RolloutError) as error:
        wait(cluster)
    assert str(error.value) == (
        "The collector does not start: Pod mesh/otel-1: failed parsing config: failed to parse configFile "
        "/conf/tempo.yaml: yaml: unmarshal errors: line 12: field nonsense not found in type app.Config"
    )


def started(ago: datetime.timedelta, *, asked: bool) -> dict[str, Any]:
    """A ready pod of the collector, which Kubernetes asks whether it is, or not."""
    at = datetime.datetime.now(tz=datetime.UTC) - ago
    made = pod(
        "otel-1",
        "otel-collector",
        {REVISION: NEW},
        {"ready": True, "state": {"running": {"startedAt": at.isoformat()}}},
    )
    return {**made, "spec": {"containers": [{"name": "main", **({"readinessProbe": {}} if asked else {})}]}}


@pytest.mark.parametrize(
    ("ago", "asked", "waits"),
    [(0, False, True), (0, True, False), (60, False, False)],
    ids=["nothing asks it", "it was asked", "it has run for a while"],
)
def test_a_pod_that_is_ready_because_nothing_asks_it_has_to_run_for_a_while(ago: int, asked: bool, waits: bool) -> None:
    """The collector's operator gives it no probe: it is ready until it has read its configuration, and ends."""
    cluster = Cluster([[RUNS_NEW]], [started(datetime.timedelta(seconds=ago), asked=asked)])
    late = Rollout(**{**vars(BY_ANNOTATION), "seconds": -1})
    with pytest.raises(RolloutError, match="may end again") if waits else contextlib.nullcontext():
        wait(cluster, late)


@pytest.mark.parametrize(("minutes", "is_awaited"), [(-5, True), (5, False)])
def test_a_pod_that_ended_before_what_it_needs_was_there_is_awaited(minutes: int, is_awaited: bool) -> None:
    at = datetime.datetime.now(tz=datetime.UTC) + datetime.timedelta(minutes=minutes)
    state = crashed(2)
    state["lastState"]["terminated"]["finishedAt"] = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    cluster = Cluster([[BROKEN], [RUNS_NEW]], [pod("otel-1", "otel-collector", {REVISION: NEW}, state)])
    with contextlib.nullcontext() if is_awaited else pytest.raises(RolloutError, match="does not start"):
        assert wait(cluster) == NEW


def test_the_log_of_a_pod_that_runs_again_is_that_of_the_run_before() -> None:
    for state, previous in (({"running": {}}, True), ({"waiting": {"reason": "CrashLoopBackOff"}}, False)):
        cluster = Cluster(
            [[BROKEN]], [pod("otel-1", "otel-collector", {REVISION: NEW}, {**crashed(2), "state": state})]
        )
        with pytest.raises(RolloutError):
            wait(cluster, Rollout(**{**vars(BY_ANNOTATION), "seconds": -1}))
        assert cluster.previous is previous


def test_a_pod_that_runs_again_may_become_ready() -> None:
    again = {**crashed(9), "state": {"running": {"startedAt": "2020-01-01T00:00:00Z"}}}
    cluster = Cluster([[BROKEN], [RUNS_NEW]], [pod("otel-1", "otel-collector", {REVISION: NEW}, again)])
    assert wait(cluster) == NEW


def test_a_pod_that_has_ended_once_is_given_another_chance() -> None:
    cluster = Cluster([[BROKEN], [RUNS_NEW]], [pod("otel-1", "otel-collector", {REVISION: NEW}, crashed(1))])
    assert wait(cluster) == NEW


def test_an_old_pod_s_trouble_is_not_that_of_the_update() -> None:
    cluster = Cluster([[BROKEN], [RUNS_NEW]], [pod("otel-0", "otel-collector", {REVISION: OLD}, crashed(9))])
    assert wait(cluster) == NEW


def test_when_the_time_is_over_the_pod_and_its_reason_are_named() -> None:
    pulled = {"state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}
    cluster = Cluster([[BROKEN]], [pod("otel-1", "otel-collector", {REVISION: NEW}, pulled)])
    with pytest.raises(RolloutError, match=r"Pod mesh/otel-1: main: ImagePullBackOff: no such image$"):
        wait(cluster, Rollout(**{**vars(BY_ANNOTATION), "seconds": -1}))


def test_a_log_that_may_not_be_read_leaves_what_kubernetes_says() -> None:
    cluster = Cluster([[BROKEN]], [pod("otel-1", "otel-collector", {REVISION: NEW}, crashed(2))])
    with (
        mock.patch.object(cluster, "log", side_effect=OSError("forbidden")),
        pytest.raises(RolloutError, match=r"Pod mesh/otel-1: Error$"),
    ):
        wait(cluster)


def test_an_api_server_that_does_not_answer_for_a_moment_is_asked_again() -> None:
    cluster = Cluster([[RUNS_NEW]])
    answers = [OSError("refused"), [RUNS_NEW], [], []]
    with mock.patch.object(cluster, "items", side_effect=answers):
        assert wait(cluster) == NEW


def find_broken(cluster: Cluster) -> tuple[list[str], list[str]]:
    """The broken ones of two Deployments, and what the person is told."""
    rollout = Rollout(title="namespaces.applications shop", namespace="shop", workloads=("cart", "web"), seconds=60)
    engine = mock.Mock()

    async def program() -> list[str]:
        with mock.patch("pulumi.log.warn", engine), mock.patch("pulumi.runtime.is_dry_run", return_value=False):
            found = await value(Watch(cluster).broken(rollout))
        return list(found or [])

    return asyncio.run(program()), [call.args[0] for call in engine.call_args_list]


def test_a_deployment_that_does_not_serve_before_the_update_is_named_at_once() -> None:
    pulled = {"state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}
    cart, web = workload("cart", {}, readyReplicas=0), workload("web", {})
    cluster = Cluster([[cart, web, workload("other", {}, readyReplicas=0)]], [pod("cart-1", "cart", {}, pulled)])
    names, told = find_broken(cluster)
    assert names == ["cart"]
    assert told == [
        "namespaces.applications shop: cart is broken already: Pod shop/cart-1: main: ImagePullBackOff: no such image; "
        "pulumi up does not wait for its new pods"
    ]


@pytest.mark.parametrize(
    ("held", "why"),
    [
        ({"updateStrategy": {"type": "OnDelete"}}, "ends no pod by itself"),
        ({"paused": True}, "is paused"),
    ],
    ids=["on delete", "paused"],
)
def test_a_workload_that_leaves_its_pods_alone_is_named_and_not_waited_for(held: dict[str, Any], why: str) -> None:
    cart = workload("cart", {})
    cart["spec"] |= held
    names, told = find_broken(Cluster([[cart, workload("web", {})]]))
    assert names == ["cart"]
    assert told[0].startswith(f"namespaces.applications shop: cart {why}")


def test_where_all_serve_nobody_is_told_anything() -> None:
    assert find_broken(Cluster([[workload("cart", {}), workload("web", {})]])) == ([], [])

"""What the workloads of an update look like: all serve, some have to be waited for, or one will never start.

Everything here is a function of what was read, and reads nothing itself.
"""

import datetime
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from objects.rollout import Rollout

Object = Mapping[str, Any]

# A program that finds nothing yet to connect to may end once; one that ends again does not start.
_ENDS_IN_A_ROW = 2
# A program that refuses its configuration does so at once.
_STARTS_WITHIN = datetime.timedelta(seconds=5)
# What Kubernetes gives up on until somebody corrects the pod.
_HOPELESS = {"CreateContainerConfigError", "CreateContainerError", "InvalidImageName", "ErrImageNeverPull"}


@dataclass(frozen=True)
class Trouble:
    """Why a pod does not serve.

    ``container`` has the log that says more, if one does; it is that of the run before if ``runs_again``.
    """

    pod: Object
    reason: str
    container: str | None = None
    runs_again: bool = False
    hopeless: bool = False


@dataclass(frozen=True)
class Seen:
    """One look: what is still waited for, and the pod that is in trouble; neither if all serve."""

    missing: str = ""
    trouble: Trouble | None = None

    @property
    def is_hopeless(self) -> bool:
        """Whether waiting does not help."""
        return self.trouble is not None and self.trouble.hopeless


def look(  # noqa: PLR0913  each is one thing that was read
    rollout: Rollout,
    revision: str,
    workloads: Iterable[Object],
    pods: Iterable[Object],
    *,
    config: str,
    now: datetime.datetime,
    since: datetime.datetime,
) -> Seen:
    """Whether all pods of ``rollout`` run ``revision`` and serve; ``config`` is the text in its ConfigMap.

    A program that ended before ``since`` may start now: what it missed then may be there.
    """
    by_name = {str(workload["metadata"]["name"]): workload for workload in workloads}
    all_pods = list(pods)
    seen = []
    for name in rollout.workloads:
        workload = by_name.get(name)
        if workload is None:
            seen.append(Seen(missing=f"{name} does not exist yet"))
        elif not _runs(rollout, revision, workload, config):
            seen.append(Seen(missing=f"{name} has not got the change from its operator yet"))
        elif not is_rolled_out(workload):
            seen.append(
                Seen(missing=f"{name} has pods that are old or not ready", trouble=trouble(workload, all_pods, since))
            )
        elif any(_has_just_started(pod, now) for pod in all_pods if _is_of(workload, pod)):
            seen.append(Seen(missing=f"{name} has pods that may end again", trouble=trouble(workload, all_pods, since)))
    # What will never start is said before what is only late.
    return max(seen, key=lambda one: (one.is_hopeless, one.trouble is not None, bool(one.missing)), default=Seen())


def _has_just_started(pod: Object, now: datetime.datetime) -> bool:
    """Whether a container that Kubernetes calls ready because nothing asks it has still to show that it starts."""
    asked = {one["name"] for one in (pod.get("spec") or {}).get("containers", []) if "readinessProbe" in one}
    for state in (pod.get("status") or {}).get("containerStatuses") or []:
        started = ((state.get("state") or {}).get("running") or {}).get("startedAt")
        if state["name"] not in asked and started is not None:
            since = now - datetime.datetime.fromisoformat(str(started))
            if since < _STARTS_WITHIN:
                return True
    return False


def keeps_its_pods(workload: Object) -> str:
    """Why a workload does not end its old pods by itself, if it does not."""
    spec = workload["spec"]
    if (spec.get("updateStrategy") or {}).get("type") == "OnDelete":
        return "ends no pod by itself (updateStrategy OnDelete): its pods get sidecars as they are deleted"
    if workload.get("kind") == "Deployment" and spec.get("paused"):
        return "is paused: its pods get sidecars when it is resumed"
    return ""


def _runs(rollout: Rollout, revision: str, workload: Object, config: str) -> bool:
    if workload.get("kind") == "Rollout":
        return _same_moment(workload["spec"].get("restartAt"), revision)
    annotations = workload["spec"]["template"]["metadata"].get("annotations") or {}
    if rollout.config_map is None and rollout.annotation is None:
        return True
    if rollout.config_map is None:
        return bool(annotations.get(rollout.annotation) == revision)
    # The operator hashes the text that it has written.
    return revision in config and hashlib.sha256(config.encode()).hexdigest() in annotations.values()


def is_rolled_out(workload: Object) -> bool:
    """Whether all pods of a workload are those of its newest template, and ready."""
    status, spec = workload.get("status") or {}, workload["spec"]
    kind, wanted = workload.get("kind"), spec.get("replicas", 1)
    if kind == "Rollout":
        return _has_restarted(spec, status)
    if kind == "DaemonSet":
        wanted = status.get("desiredNumberScheduled", 0)
        # The same counts under names of their own.
        status = {
            **status,
            "replicas": status.get("currentNumberScheduled", 0),
            "updatedReplicas": status.get("updatedNumberScheduled", 0),
            "readyReplicas": status.get("numberReady", 0),
        }
    # Of a StatefulSet that is rolled out in parts, those pods that its owner holds back are not counted.
    held_back = ((spec.get("updateStrategy") or {}).get("rollingUpdate") or {}).get("partition") or 0
    return bool(
        status.get("observedGeneration", 0) >= workload["metadata"].get("generation", 0)
        and status.get("replicas", 0) == wanted
        and status.get("updatedReplicas", 0) >= max(wanted - held_back, 0)
        and status.get("readyReplicas", 0) == wanted
    )


def _has_restarted(spec: Object, status: Object) -> bool:
    """Whether a Rollout of Argo has made all pods anew that are older than it asks for, and they are ready.

    Argo notes the moment once it has (argo-rollouts: rollout/restart.go), and waits with it while one is not available.
    """
    asked = spec.get("restartAt")
    return bool(
        (asked is None or _same_moment(asked, status.get("restartedAt")))
        and status.get("readyReplicas", 0) >= spec.get("replicas", 1)
    )


def _same_moment(one: object, other: object) -> bool:
    """Whether two texts name the same second."""
    if not one or not other:
        return False
    return datetime.datetime.fromisoformat(str(one)) == datetime.datetime.fromisoformat(str(other))


def trouble(workload: Object, pods: Iterable[Object], since: datetime.datetime | None = None) -> Trouble | None:
    """Why the first unready pod of the workload's newest template does not serve."""
    found = [found for pod in pods if _is_of(workload, pod) and (found := _trouble(pod, since)) is not None]
    return max(found, key=lambda one: (one.hopeless, one.container is not None), default=None)


def _is_of(workload: Object, pod: Object) -> bool:
    labels = pod["metadata"].get("labels") or {}
    annotations = pod["metadata"].get("annotations") or {}
    # A Rollout may take both from a Deployment that it names.
    template = ((workload["spec"].get("template") or {}).get("metadata") or {}).get("annotations") or {}
    selector = (workload["spec"].get("selector") or {}).get("matchLabels") or {}
    return bool(selector) and selector.items() <= labels.items() and template.items() <= annotations.items()


def _trouble(pod: Object, since: datetime.datetime | None) -> Trouble | None:
    status = pod.get("status") or {}
    states = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
    for state in states:
        waiting = (state.get("state") or {}).get("waiting") or {}
        ended = (state.get("lastState") or {}).get("terminated") or (state.get("state") or {}).get("terminated")
        reason = str(waiting.get("reason") or "")
        if ended is not None and ended.get("exitCode") and not state.get("ready"):
            runs = "running" in (state.get("state") or {})
            again = int(state.get("restartCount", 0)) >= _ENDS_IN_A_ROW and not _ended_before(since, ended)
            said = str(ended.get("message") or "").strip() or str(ended.get("reason") or "Error")
            return Trouble(pod, said, str(state["name"]), runs_again=runs, hopeless=again and not runs)
        if reason and reason not in {"ContainerCreating", "PodInitializing"}:
            words = ": ".join(word for word in (reason, str(waiting.get("message") or "")) if word)
            return Trouble(pod, f"{state['name']}: {words}", hopeless=reason in _HOPELESS)
    for condition in status.get("conditions") or []:
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return Trouble(pod, str(condition.get("message") or condition.get("reason")))
    return None


def _ended_before(since: datetime.datetime | None, ended: Mapping[str, Any]) -> bool:
    """Whether a container ended before ``since``, as far as that is known; Kubernetes writes whole seconds."""
    at = ended.get("finishedAt")
    if since is None or at is None:
        return False
    return datetime.datetime.fromisoformat(str(at)) < since.replace(microsecond=0)


def error_line(lines: Iterable[str]) -> str:
    """The last error in a log as one line, with what is indented or listed below it."""
    last = _each_once([line.strip() for line in lines if line.strip()][-_TAIL:])
    beginnings = [number for number, line in enumerate(last) if _speaks_of_an_error(line)]
    said = last[beginnings[0] :] if beginnings else last[-1:]
    words = " ".join(" ".join(said).split())
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST]}…"


def _each_once(lines: list[str]) -> list[str]:
    """``lines`` without what was said already, if only with another time or word before it."""
    said: dict[str, str] = {}
    for line in lines:
        said.setdefault(line[-_SAME:], line)
    return list(said.values())


# Programs end with the error: what is further up speaks of something else.
_TAIL = 12
_LONGEST = 400
_SAME = 40


def _speaks_of_an_error(line: str) -> bool:
    lowered = line.lower()
    return any(word in lowered for word in ("error", "fail", "panic", "fatal", "invalid", "cannot"))

"""Looks again and again until an update serves, its pods cannot start, or its time is over."""

import asyncio
import datetime
import time
from collections.abc import Callable
from typing import Any, Protocol

import pulumi

from objects.installation import OLM, Installation
from objects.rollout import Admission, Rollout
from rollout.admission import CONFIGURATIONS, unasked, untrusted
from rollout.installations import is_behind, plan_name, says, version_name
from rollout.workloads import Object, Seen, Trouble, error_line, is_rolled_out, keeps_its_pods, look, trouble

_PAUSE_SECONDS = 1.0
# Where the API server has workloads.
_PATHS = {
    "Deployment": "apps/v1/namespaces/{}/deployments",
    "StatefulSet": "apps/v1/namespaces/{}/statefulsets",
    "DaemonSet": "apps/v1/namespaces/{}/daemonsets",
    "Rollout": "argoproj.io/v1alpha1/namespaces/{}/rollouts",
}
_OF_OPERATORS = ("Deployment", "StatefulSet")
# OLM takes as long to make an InstallPlan for what a Subscription asks for now.
_PLANS_WITHIN_SECONDS = 30.0


class RolloutError(pulumi.RunError):
    """Pods of an update do not serve; Pulumi shows the message, one line, without a traceback."""


class Reader(Protocol):
    """What is read from a cluster; an answer that cannot be had raises ``OSError``."""

    def read(self, path: str) -> Object | None:
        """One object, or None if there is none."""

    def items(self, path: str) -> list[Object]:
        """All items at ``path``."""

    def try_out(self, obj: Object) -> tuple[int, str]:
        """Status and message of the API server's answer to the object, which it does not keep."""

    def log(self, namespace: str, pod: str, container: str, *, previous: bool) -> list[str]:
        """The last lines of a container's newest run, or of the one before; none if they are gone."""


class Watch:
    """Makes outputs that are known once pods serve; in a preview, at once, and nothing is read."""

    def __init__(self, reader: Reader, hide: Callable[[str], str] = str) -> None:
        """``hide`` takes out of a message what must not be printed: a pod may repeat what it was configured with."""
        self._reader = reader
        self._hide = hide

    def served(self, rollout: pulumi.Input[Rollout], revision: pulumi.Input[str]) -> pulumi.Output[str]:
        """``revision``, once all pods of ``rollout`` run it and serve; if they cannot, the program ends in an error."""

        async def wait(known: list[Any]) -> str:
            if not pulumi.runtime.is_dry_run():
                await self._served(known[0], known[1])
            return str(known[1])

        return pulumi.Output.all(rollout, revision).apply(wait)

    def broken(self, rollout: Rollout) -> pulumi.Output[list[str]]:
        """The workloads of ``rollout`` that are not to be waited for; the person is told at once.

        They do not serve before anything is changed, or leave it to somebody else to end their pods.
        """

        async def find() -> list[str]:
            if pulumi.runtime.is_dry_run():
                return []
            try:
                found = await asyncio.to_thread(self._broken, rollout)
            except OSError:
                # Who may not look waits for every one of them.
                return []
            for name, reason in found.items():
                pulumi.log.warn(f"{rollout.title}: {name} {reason}; pulumi up does not wait for its new pods")
            return list(found)

        return pulumi.Output.from_input(find())

    def follow(self, asked: Installation, installed: pulumi.Input[str]) -> pulumi.Output[str]:
        """``installed``, which is known once OLM has installed ``asked``; what keeps it from that is told at once."""

        async def tell(done: asyncio.Event) -> None:
            told, over = "", time.monotonic() + asked.seconds
            while time.monotonic() < over:
                try:
                    found, is_behind = await asyncio.to_thread(self._installation, asked)
                except OSError:
                    # Who may not look waits without a word.
                    return
                if found and found != told:
                    told = found
                    pulumi.log.warn(self._hide(found))
                if done.is_set():
                    # An upgrade may wait for somebody too, which is told and does not keep the update from its end.
                    if told or not (asked.is_manual and is_behind):
                        return
                    over = min(over, time.monotonic() + _PLANS_WITHIN_SECONDS)
                await asyncio.sleep(_PAUSE_SECONDS)

        async def wait(known: str) -> str:
            done.set()
            await telling
            return known

        if pulumi.runtime.is_dry_run():
            return pulumi.Output.from_input(installed)
        done = asyncio.Event()
        telling = asyncio.ensure_future(tell(done))
        return pulumi.Output.from_input(installed).apply(wait)

    def _installation(self, asked: Installation) -> tuple[str, bool]:
        """What keeps ``asked`` from being installed or upgraded, and whether an upgrade is due."""
        place = f"/apis/{OLM}/namespaces/{asked.namespace}"
        subscription = self._reader.read(f"{place}/subscriptions/{asked.package}")
        if subscription is None:
            return "", False
        plan, version = plan_name(subscription), version_name(subscription)
        said = says(
            asked,
            subscription,
            self._reader.read(f"{place}/installplans/{plan}") if plan else None,
            self._reader.read(f"{place}/clusterserviceversions/{version}") if version else None,
        )
        offer = self._reader.read(asked.offer) if asked.is_manual else None
        return said, is_behind(asked, subscription, offer)

    def admitted(self, admission: Admission, value: pulumi.Input[str]) -> pulumi.Output[str]:
        """``value``, once the API server can ask the webhooks of ``admission``; else the program ends in an error."""

        async def wait(known: str) -> str:
            if not pulumi.runtime.is_dry_run():
                await self._admitted(admission)
            return known

        return pulumi.Output.from_input(value).apply(wait)

    async def _admitted(self, admission: Admission) -> None:
        deadline = time.monotonic() + admission.seconds
        while missing := await asyncio.to_thread(self._unasked, admission):
            if time.monotonic() > deadline:
                raise RolloutError(f"{admission.title} does not serve after {admission.seconds} s: {missing}")
            await asyncio.sleep(_PAUSE_SECONDS)

    def _unasked(self, admission: Admission) -> str:
        try:
            configurations = [one for path in CONFIGURATIONS for one in self._reader.items(path)]
            missing = untrusted(admission, configurations)
            return missing or unasked(*self._reader.try_out(admission.object))
        except OSError as error:
            return str(error)

    async def _served(self, rollout: Rollout, revision: str) -> None:
        deadline, since = time.monotonic() + rollout.seconds, datetime.datetime.now(tz=datetime.UTC)
        while True:
            seen = await asyncio.to_thread(self._look, rollout, revision, since)
            if not seen.missing:
                return
            if seen.is_hopeless or time.monotonic() > deadline:
                raise RolloutError(await asyncio.to_thread(self._says, rollout, seen))
            await asyncio.sleep(_PAUSE_SECONDS)

    def _look(self, rollout: Rollout, revision: str, since: datetime.datetime) -> Seen:
        try:
            return look(
                rollout,
                revision,
                self._workloads(rollout),
                self._pods(rollout),
                config=self._config(rollout),
                now=datetime.datetime.now(tz=datetime.UTC),
                since=since,
            )
        except OSError as error:
            # An API server may restart too; what lasts is said when the time is over.
            return Seen(missing=str(error))

    def _broken(self, rollout: Rollout) -> dict[str, str]:
        """Why each workload that nobody has to wait for is one."""
        wanted = [one for one in self._workloads(rollout) if one["metadata"]["name"] in rollout.workloads]
        kept = {str(one["metadata"]["name"]): why for one in wanted if (why := keeps_its_pods(one))}
        broken = [one for one in wanted if one["metadata"]["name"] not in kept and not is_rolled_out(one)]
        pods = self._pods(rollout) if broken else []
        for workload in broken:
            found = trouble(workload, pods)
            reason = "not all its pods are ready" if found is None else self._reason(rollout, found)
            kept[str(workload["metadata"]["name"])] = f"is broken already: {reason}"
        return kept

    def _says(self, rollout: Rollout, seen: Seen) -> str:
        if seen.trouble is None:
            return f"{rollout.title} does not serve after {rollout.seconds} s in {rollout.namespace}: {seen.missing}"
        return f"{rollout.title} does not start: {self._reason(rollout, seen.trouble)}"

    def _reason(self, rollout: Rollout, found: Trouble) -> str:
        pod = str(found.pod["metadata"]["name"])
        said = ""
        if found.container is not None:
            try:
                said = error_line(self._reader.log(rollout.namespace, pod, found.container, previous=found.runs_again))
            except OSError:
                # The log is a help, not a need: a role may not allow it.
                said = ""
        return self._hide(f"Pod {rollout.namespace}/{pod}: {said or found.reason}")

    def _config(self, rollout: Rollout) -> str:
        if rollout.config_map is None:
            return ""
        found = self._reader.read(f"/api/v1/namespaces/{rollout.namespace}/configmaps/{rollout.config_map}")
        return str((found or {}).get("data", {}).get(rollout.config_file, ""))

    def _workloads(self, rollout: Rollout) -> list[Object]:
        kinds = _OF_OPERATORS if rollout.kind is None else (rollout.kind,)
        return [
            {"kind": kind, **workload}
            for kind in kinds
            for workload in self._reader.items(f"/apis/{_PATHS[kind].format(rollout.namespace)}")
        ]

    def _pods(self, rollout: Rollout) -> list[Object]:
        return self._reader.items(f"/api/v1/namespaces/{rollout.namespace}/pods")

"""A ``pulumi up`` that is watched: when each resource's step began and ended, and when its object was ready."""

import datetime
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.chain import Step
from bench.stack import Stack

# The conditions by which an object says since when it has been ready; an API server tells time in whole seconds.
_READY = ("Available", "Complete", "Ready")
_CLOCK_SECONDS = 1.0
_POLL_SECONDS = 0.02


def watched_up(stack: Stack) -> tuple[float, dict[str, Step], dict[str, list[str]]]:
    """Deploy the stack; return the seconds it took, the step of each resource by URN, and what each resource needs."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "events"
        log.touch()
        began = time.time()
        process = subprocess.Popen(
            stack.command("up", "--yes", "--skip-preview", "--event-log", str(log)),
            env=stack.environment | {"PULUMI_DEBUG_COMMANDS": "true"},  # without it the event log is unknown
            stdout=subprocess.DEVNULL,
        )
        moments = dict(_moments(log, process))
        took = time.time() - began
    if process.returncode != 0:
        raise SystemExit("pulumi up failed: run make up to see why")
    resources: list[dict[str, Any]] = stack.export()["deployment"]["resources"]
    steps = {
        entry["urn"]: _step(entry, *moments[entry["urn"]], began)
        for entry in resources
        # A component is only a name for what is in it.
        if entry["urn"] in moments and entry["custom"]
    }
    needs = {entry["urn"]: [*entry.get("dependencies", []), entry.get("provider", "").rpartition("::")[0]]
             for entry in resources}  # fmt: skip
    return took, steps, needs


def _moments(log: Path, process: "subprocess.Popen[bytes]") -> Iterator[tuple[str, tuple[float, float]]]:
    """When the step of each resource began and ended, by the host's clock: the log itself has whole seconds."""
    begun: dict[str, float] = {}
    with log.open() as events:
        while True:
            running = process.poll() is None
            while line := events.readline():
                event = json.loads(line)
                if "resourcePreEvent" in event:
                    begun[event["resourcePreEvent"]["metadata"]["urn"]] = time.time()
                elif "resOutputsEvent" in event:
                    urn = event["resOutputsEvent"]["metadata"]["urn"]
                    yield urn, (begun.get(urn, time.time()), time.time())
            if not running:
                return
            time.sleep(_POLL_SECONDS)


def _step(entry: dict[str, Any], step_began: float, step_ended: float, began: float) -> Step:
    conditions = ((entry.get("outputs") or {}).get("status") or {}).get("conditions") or []
    since = [
        datetime.datetime.fromisoformat(found["lastTransitionTime"]).timestamp()
        for found in conditions
        if found.get("type") in _READY and found.get("status") == "True" and found.get("lastTransitionTime")
    ]
    idle = max(0.0, step_ended - max(since) - _CLOCK_SECONDS) if since else 0.0
    return Step(entry["urn"].rpartition("::")[2], step_began - began, step_ended - began, idle)

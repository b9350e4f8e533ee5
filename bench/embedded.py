"""The embedded cluster and the stack that are measured: apart from the checkout's own, driven by the same commands."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from local.run import stack
from local.run.api import Api
from local.state import CHECKOUT, State

EMPTY_PROGRAM = Path(__file__).parent / "empty_program"
EMPTY_STACK = "empty"
_OPTIONS = ("--yes", "--skip-preview", "--non-interactive")


class CommandError(Exception):
    """A command that was to be measured failed; the text has its last lines."""


class Embedded:
    """A cluster in ``.local/bench``; every method raises ``CommandError`` when its command fails."""

    def __init__(self) -> None:
        self._state = State(CHECKOUT / ".local" / "bench")
        self._environment = os.environ | {"MESH_TRACING_STATE": str(self._state.root)}

    def local(self, *arguments: str) -> str:
        """Run ``python -m local`` and return what it prints."""
        return self._run([sys.executable, "-m", "local", *arguments])

    def preview(self) -> None:
        """Ask what the whole program would change."""
        self._pulumi("preview", "--stack", stack.STACK, "--non-interactive")

    def up(self) -> None:
        """Deploy the whole program."""
        self._pulumi("up", "--stack", stack.STACK, *_OPTIONS)

    def prepare_empty(self) -> None:
        """Deploy the program without resources."""
        self._pulumi("stack", "select", "--create", EMPTY_STACK, folder=EMPTY_PROGRAM)
        self.up_empty()

    def preview_empty(self) -> None:
        """Ask what the program without resources would change."""
        self._pulumi("preview", "--stack", EMPTY_STACK, "--non-interactive", folder=EMPTY_PROGRAM)

    def up_empty(self) -> None:
        """Deploy the program without resources, again."""
        self._pulumi("up", "--stack", EMPTY_STACK, *_OPTIONS, folder=EMPTY_PROGRAM)

    def up_with_events(self) -> list[tuple[float, Mapping[str, Any]]]:
        """Deploy the whole program; return the engine's events, each with the time at which it came."""
        # The engine's own stamps are in whole seconds.
        command = ["pulumi", "up", "--stack", stack.STACK, *_OPTIONS, "--json"]
        events = []
        with subprocess.Popen(
            command, cwd=CHECKOUT, env=self._for_pulumi(), stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith("{"):
                    events.append((time.time(), json.loads(line)))
        if process.returncode != 0:
            raise CommandError("pulumi up --json failed: run it without --json to see why")
        return events

    def resources(self) -> list[dict[str, Any]]:
        """Return the resources in the stack's state."""
        exported: dict[str, Any] = json.loads(self._pulumi("stack", "export", "--stack", stack.STACK))
        found: list[dict[str, Any]] = exported["deployment"]["resources"]
        return found

    def output(self, name: str) -> str:
        """Return one output of the stack."""
        return self._pulumi("stack", "output", name, "--stack", stack.STACK).strip()

    def address(self, name: str) -> str:
        """Return the address on the host of one forwarded service."""
        return f"http://127.0.0.1:{self._state.record()['ports'][name]}"

    def api(self) -> Api:
        """Return a client of the API server."""
        return Api.of(self._state)

    def _for_pulumi(self) -> dict[str, str]:
        return self._environment | stack.environment(self._state)

    def _pulumi(self, *arguments: str, folder: Path = CHECKOUT) -> str:
        return self._run(["pulumi", *arguments], self._for_pulumi(), folder)

    def _run(
        self, command: Sequence[str], environment: Mapping[str, str] | None = None, folder: Path = CHECKOUT
    ) -> str:
        done = subprocess.run(
            command, check=False, cwd=folder, env=environment or self._environment, capture_output=True, text=True
        )
        if done.returncode != 0:
            last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-3:]
            raise CommandError(f"{' '.join(command)} failed: {' | '.join(last)}")
        return done.stdout

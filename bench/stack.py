"""The embedded cluster with the stack ``local``, in a state folder of the measurements' own, and an empty program."""

import json
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).parents[1]
_EMPTY = """import pulumi_kubernetes as k8s

k8s.Provider("cluster", context="mesh-tracing-local")
"""


@dataclass(frozen=True)
class Stack:
    """Commands as a person types them; each raises ``SystemExit`` with its last line when it fails."""

    state: Path
    environment: dict[str, str] = field(default_factory=dict)

    @classmethod
    def at(cls, state: Path) -> "Stack":
        """The commands on the state folder ``state``; no image is pulled, so that none is waited for."""
        own = {"MESH_TRACING_STATE": str(state), "MESH_TRACING_PULL": "never"}
        return cls(state, os.environ | own)

    def local(self, *arguments: str) -> None:
        """Run ``python -m local``."""
        self._run([sys.executable, "-m", "local", *arguments])

    def with_exports(self) -> "Stack":
        """The same with what ``python -m local env`` prints."""
        printed = self._run([sys.executable, "-m", "local", "env"])
        exports = dict(
            word.split("=", 1) for line in printed.splitlines() for word in shlex.split(line.removeprefix("export "))
        )
        return Stack(self.state, self.environment | exports)

    def command(self, *arguments: str, folder: Path = CHECKOUT, stack: str = "local") -> list[str]:
        """The command line of Pulumi on a stack."""
        return ["pulumi", arguments[0], "--cwd", str(folder), "--stack", stack, "--non-interactive", *arguments[1:]]

    def pulumi(self, *arguments: str, folder: Path = CHECKOUT, stack: str = "local") -> str:
        """Run Pulumi; return what it prints."""
        return self._run(self.command(*arguments, folder=folder, stack=stack))

    def export(self) -> dict[str, Any]:
        """The state of the stack."""
        exported: dict[str, Any] = json.loads(
            self._run(["pulumi", "stack", "export", "--cwd", str(CHECKOUT), "--stack", "local"])
        )
        return exported

    def kubectl(self, *arguments: str, text: str | None = None) -> str:
        """Run kubectl, with ``text`` on its standard input."""
        return self._run(["kubectl", *arguments], text)

    def address(self, name: str) -> str:
        """The address on the host of one forwarded Service."""
        ports = json.loads((self.state / "cluster.json").read_text())["ports"]
        return f"http://127.0.0.1:{ports[name]}"

    def empty_program(self, folder: Path) -> Path:
        """A program of nothing but the provider, deployed from ``folder`` as the stack ``empty``."""
        folder.mkdir()
        runtime = {"name": "python", "options": {"virtualenv": str(CHECKOUT / ".venv")}}
        (folder / "Pulumi.yaml").write_text(json.dumps({"name": "empty", "runtime": runtime}))
        (folder / "__main__.py").write_text(_EMPTY)
        self._run(["pulumi", "stack", "select", "--create", "empty", "--cwd", str(folder)])
        self.pulumi("up", "--yes", "--skip-preview", folder=folder, stack="empty")
        return folder

    def _run(self, command: list[str], text: str | None = None) -> str:
        done = subprocess.run(
            command, check=False, cwd=CHECKOUT, env=self.environment, input=text, capture_output=True, text=True
        )
        if done.returncode != 0:
            said = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
            raise SystemExit(f"{shlex.join(command)} failed: {said}")
        return done.stdout

"""The folder that holds one embedded cluster: where each file lies, what was recorded, and the lock."""

import fcntl
import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.errors import LocalError

CHECKOUT = Path(__file__).resolve().parent.parent
CONTEXT = "mesh-tracing-local"
# Where Pulumi.local.yaml says that Istio's charts are: one place for every state folder of the checkout.
CHARTS = CHECKOUT / ".local" / "charts"


@dataclass(frozen=True)
class State:
    """Paths below one state folder. ``$MESH_TRACING_STATE`` names another folder than the checkout's ``.local``."""

    root: Path

    @classmethod
    def default(cls) -> "State":
        """Return the state folder that this process's environment asks for."""
        return cls(Path(os.environ.get("MESH_TRACING_STATE") or CHECKOUT / ".local").resolve())

    @property
    def logs(self) -> Path:
        """The full output of every build and every program."""
        return self.root / "logs"

    @property
    def cluster(self) -> Path:
        """Everything that ends with the cluster: certificates, databases, images, volumes."""
        return self.root / "cluster"

    @property
    def pki(self) -> Path:
        """Certificates, keys and the kubeconfigs of the cluster's own components."""
        return self.cluster / "pki"

    @property
    def bin(self) -> Path:
        """Links to every program, for PATH."""
        return self.root / "bin"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig, with one context."""
        return self.root / "kubeconfig"

    @property
    def pulumi_home(self) -> Path:
        """The stack's own Pulumi home, plugins and backend; never the user's."""
        return self.root / "pulumi"

    def record(self) -> dict[str, Any]:
        """Return what was recorded about the cluster; empty when there is no cluster."""
        file = self.root / "cluster.json"
        return json.loads(file.read_text()) if file.exists() else {}

    def write_record(self, **changes: Any) -> dict[str, Any]:
        """Update the record atomically: a reader sees the old or the new one, never half of it."""
        self.root.mkdir(parents=True, exist_ok=True)
        record = self.record() | changes
        scratch = self.root / f".cluster.json-{os.getpid()}"
        scratch.write_text(json.dumps(record, indent=1))
        scratch.rename(self.root / "cluster.json")
        return record

    def identity(self) -> str:
        """Return the name of this cluster's control group, made once and kept until ``down``."""
        identity = str(self.record().get("identity", f"mesh-tracing-{uuid.uuid4().hex[:8]}"))
        self.write_record(identity=identity)
        return identity

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the folder for one command; raises ``LocalError`` when another one has it, or when access is denied."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            opened = (self.root / "lock").open("a+")
        except PermissionError as error:
            raise LocalError(f"{self.root} is root's: run the command with sudo") from error
        with opened as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                holder = file.read().strip() or "unknown"
                raise LocalError(f"process {holder} is at work on {self.root}: wait until it ends, or end it") from None
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield

"""A program that plays the part of one that cannot be had here: it looks at the cluster again and again, and acts."""

import json
import subprocess
import threading
import time
from typing import Any

from embedded import Host

from local.state import State

# A program of the cluster's would be told of a change at once.
SECONDS_BETWEEN_LOOKS = 1.0


class StandIn:
    """Use it as a context manager: it acts between its beginning and its end, in a thread of its own.

    What it does not survive is raised at the end, and ends it at once.
    """

    def __init__(self, host: Host) -> None:
        state = State(host.state)
        self._kubectl = [str(state.bin / "kubectl"), "--kubeconfig", str(state.kubeconfig)]
        self._end = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run)

    def act(self) -> None:
        """Look once, and do what is to be done."""
        raise NotImplementedError

    def __enter__(self) -> "StandIn":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def kubectl(self, *arguments: str, stdin: Any = None) -> str:
        """Return what kubectl prints; ``stdin`` is an object that it gets as JSON."""
        given = None if stdin is None else json.dumps(stdin)
        done = subprocess.run(
            [*self._kubectl, *arguments], check=False, input=given, capture_output=True, text=True
        )  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(f"kubectl {arguments}: {done.stderr}")
        return done.stdout

    def items(self, *arguments: str) -> list[dict[str, Any]]:
        """Return what ``kubectl get`` lists; nothing of a kind that the cluster does not know yet."""
        try:
            listed = self.kubectl("get", *arguments, "-o", "json")
        except RuntimeError as error:
            if "the server doesn't have a resource type" in str(error):
                return []
            raise
        found: list[dict[str, Any]] = json.loads(listed)["items"]
        return found

    def write_status(self, seen: dict[str, Any], status: dict[str, Any]) -> None:
        """Write the status of an object as it was ``seen``, unless it says so already."""
        if {key: seen.get("status", {}).get(key) for key in status} == status:
            return
        metadata = seen["metadata"]
        space = ["-n", metadata["namespace"]] if "namespace" in metadata else []
        what = f"{seen['kind'].lower()}.{seen['apiVersion'].partition('/')[0]}/{metadata['name']}"
        self.kubectl(
            "patch", what, *space, "--subresource=status", "--type=merge", "--patch", json.dumps({"status": status})
        )

    def _run(self) -> None:
        try:
            while not self._end.is_set():
                self.act()
                time.sleep(SECONDS_BETWEEN_LOOKS)
        except Exception as error:
            self._failure = error


def condition(kind: str, reason: str, *, status: str = "True") -> dict[str, str]:
    """A condition of a status; its time is always the same, so that it changes only with what it says."""
    return {"type": kind, "status": status, "reason": reason, "lastTransitionTime": "2026-01-01T00:00:00Z"}

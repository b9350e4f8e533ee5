"""A program that a kubeconfig names to log in (`exec`), such as those of the large clouds.

It is asked by the protocol ``client.authentication.k8s.io`` (kubernetes:
staging/src/k8s.io/client-go/plugin/pkg/client/auth/exec/exec.go).
"""

import datetime
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from verify.access.deadline import Deadline

# A plugin that asks nobody anything has answered by then.
PLUGIN_SECONDS = 30.0
_MAX_QUOTED = 300


class PluginError(Exception):
    """The plugin gave no credentials; the message is one clause."""


class Plugin:
    """``entry`` is the user's ``exec``; paths in it are relative to ``folder``; ``cluster`` is the context's."""

    def __init__(self, entry: Mapping[str, Any], folder: Path, cluster: Mapping[str, Any], deadline: Deadline) -> None:
        self._entry = entry
        self._cluster = cluster
        self._deadline = deadline
        command = str(entry["command"])
        self._command = str(folder / command) if os.sep in command else command
        self._lock = threading.Lock()
        self._status: Mapping[str, Any] | None = None

    def authorization(self, renewed: bool = False) -> str | None:
        """The header's value with its token, if it gives one; raises ``PluginError``."""
        token = self._credentials(renewed).get("token")
        return f"Bearer {token}" if token else None

    def certificate(self) -> tuple[str | None, str | None]:
        """The certificate and the key that it gives, if it does; raises ``PluginError``."""
        status = self._credentials(False)
        return status.get("clientCertificateData"), status.get("clientKeyData")

    def _credentials(self, renewed: bool) -> Mapping[str, Any]:
        with self._lock:
            if self._status is None or renewed or _has_expired(self._status):
                self._status = self._ask()
            return self._status

    def _ask(self) -> Mapping[str, Any]:
        # A person at a terminal may be asked for a password, or told which page to open.
        talks = self._entry.get("interactiveMode") != "Never" and sys.stdin.isatty() and sys.stderr.isatty()
        try:
            done = subprocess.run(  # noqa: S603  the user's own program
                [self._command, *map(str, self._entry.get("args") or [])],
                env={**os.environ, **self._variables(talks)},
                stdin=None if talks else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=None if talks else subprocess.PIPE,
                timeout=self._deadline.at_most(None if talks else PLUGIN_SECONDS),
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise PluginError(f"the login plugin {self._command} does not end") from None
        except (OSError, ValueError) as error:
            hint = str(self._entry.get("installHint") or "").strip().partition("\n")[0]
            why = getattr(error, "strerror", None) or type(error).__name__
            raise PluginError(f"the login plugin {self._command} cannot be run ({why}) {hint}".rstrip()) from None
        if done.returncode != 0:
            said = (done.stderr or b"").decode(errors="replace").strip().splitlines()
            quoted = f": {said[-1][:_MAX_QUOTED]}" if said else ""
            raise PluginError(f"the login plugin {self._command} ended with {done.returncode}{quoted}")
        try:
            status = json.loads(done.stdout)["status"]
            if not (status.get("token") or (status.get("clientCertificateData") and status.get("clientKeyData"))):
                raise KeyError
        except (ValueError, LookupError, TypeError, AttributeError):
            raise PluginError(f"the login plugin {self._command} printed no credentials") from None
        return dict(status)

    def _variables(self, talks: bool) -> dict[str, str]:
        own = {str(one["name"]): str(one["value"]) for one in self._entry.get("env") or []}
        spec: dict[str, Any] = {"interactive": talks}
        if self._entry.get("provideClusterInfo"):
            spec["cluster"] = self._cluster_info()
        asked = {"apiVersion": self._entry.get("apiVersion"), "kind": "ExecCredential", "spec": spec}
        return {**own, "KUBERNETES_EXEC_INFO": json.dumps(asked)}

    def _cluster_info(self) -> dict[str, Any]:
        keys = ("server", "tls-server-name", "insecure-skip-tls-verify", "certificate-authority-data", "proxy-url")
        info = {key: self._cluster[key] for key in keys if key in self._cluster}
        for extension in self._cluster.get("extensions") or []:
            if extension.get("name") == "client.authentication.k8s.io/exec":
                info["config"] = extension.get("extension")
        return info


def _has_expired(status: Mapping[str, Any]) -> bool:
    try:
        end = datetime.datetime.fromisoformat(str(status["expirationTimestamp"]))
    except (KeyError, ValueError):
        return False
    return end <= datetime.datetime.now(tz=end.tzinfo)

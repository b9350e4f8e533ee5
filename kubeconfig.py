"""The guard against the wrong cluster: it runs before the program reads from a cluster or writes to one.

It reads the kubeconfig as kubectl does: the files that ``KUBECONFIG`` lists, or ``~/.kube/config``;
if two files set the same value, the first one wins.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi
import yaml

from model import Target


class WrongClusterError(pulumi.RunError):
    """The kubeconfig points to another cluster; Pulumi shows the message without a traceback."""


def require(cluster: Target) -> None:
    """Refuse a kubeconfig whose context is not the one in the settings, or leads to another server.

    Raises ``WrongClusterError`` with one line that says what was found and what to do.
    """
    paths = _paths()
    where = os.pathsep.join(str(path) for path in paths)
    configs = [_read(path) for path in paths if path.is_file()]
    if not configs:
        raise WrongClusterError(
            f"no kubeconfig at {where}: log in to the cluster of context {cluster.context!r}, or set KUBECONFIG"
        )
    contexts = _named(configs, "contexts")
    if cluster.context not in contexts:
        known = ", ".join(sorted(contexts)) or "none"
        raise WrongClusterError(
            f"the kubeconfig {where} has no context {cluster.context!r}, it has: {known}; "
            "correct cluster.context, or set KUBECONFIG"
        )
    current = next((str(config["current-context"]) for config in configs if config.get("current-context")), None)
    if current != cluster.context:
        raise WrongClusterError(
            f"the kubeconfig's current context is {current!r}, and this stack deploys to {cluster.context!r}: "
            f"run `kubectl config use-context {cluster.context}` if that is what you want"
        )
    if cluster.server is not None:
        context = contexts[cluster.context].get("context") or {}
        entry = _named(configs, "clusters").get(str(context.get("cluster"))) or {}
        server = (entry.get("cluster") or {}).get("server")
        if server != cluster.server:
            raise WrongClusterError(
                f"context {cluster.context!r} leads to {server}, and this stack deploys to {cluster.server}: "
                "correct cluster.server, or log in to that cluster"
            )


def _paths() -> list[Path]:
    listed = [Path(part) for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    return listed or [Path.home() / ".kube" / "config"]


def _read(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        # The parser's own message may quote the file, which holds credentials.
        raise WrongClusterError(f"the kubeconfig {path} cannot be read: correct it, or set KUBECONFIG") from None
    if not isinstance(content, dict):
        raise WrongClusterError(f"the kubeconfig {path} is empty or no kubeconfig: correct it, or set KUBECONFIG")
    return content


def _named(configs: list[dict[str, Any]], section: str) -> dict[str, dict[str, Any]]:
    """The entries of ``section`` in all files by name; the first file wins."""
    found: dict[str, dict[str, Any]] = {}
    for entry in _entries(configs, section):
        found.setdefault(str(entry.get("name")), entry)
    return found


def _entries(configs: list[dict[str, Any]], section: str) -> Iterator[dict[str, Any]]:
    for config in configs:
        entries = config.get(section)
        for entry in entries if isinstance(entries, list) else []:
            if isinstance(entry, dict):
                yield entry

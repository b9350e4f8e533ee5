"""Which cluster the program works on, and with whose credentials: the guard against the wrong one.

The kubeconfig is found as kubectl finds it: the files that ``KUBECONFIG`` lists, or ``~/.kube/config``, or, in a pod,
the pod's own account. ``KUBECONFIG`` may also be a kubeconfig as text, as some CI systems have it. If two files set the
same value, the first one wins.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import yaml

from model import Target

# Where a pod finds its account; each of the files may change while the pod runs.
_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_IN_CLUSTER = "in-cluster"
# What a kubeconfig says by the path of a file; a relative one begins at the kubeconfig's folder.
_PATHS = {"certificate-authority", "client-certificate", "client-key", "tokenFile"}


class WrongClusterError(pulumi.RunError):
    """The kubeconfig leads to another cluster, or to none; Pulumi shows the message without a traceback."""


@dataclass(frozen=True)
class Access:
    """One context of a kubeconfig, complete in itself."""

    context: str
    server: str
    # A kubeconfig with this context only, without relative paths. It holds credentials: it is shown nowhere.
    kubeconfig: Mapping[str, Any]


def find(target: Target) -> Access | None:
    """The access to the cluster that the settings name; None where there is no kubeconfig at all.

    Raises ``WrongClusterError`` with one line, which says what was found and what to do, and quotes no kubeconfig.
    """
    where, configs = _configs()
    if not configs:
        return _own_account() if target.context in {None, _IN_CLUSTER} else None
    contexts = _named(configs, "contexts")
    chosen = target.context or _current(configs)
    if chosen is None:
        raise WrongClusterError(
            f"{where} has no current context: choose one with `kubectl config use-context`, or set cluster.context"
        )
    if chosen not in contexts:
        known = ", ".join(sorted(contexts)) or "none"
        raise WrongClusterError(
            f"{where} has no context {chosen!r}, it has: {known}; correct cluster.context, or set KUBECONFIG"
        )
    access = _access(chosen, contexts[chosen], configs, where)
    if target.server is not None and access.server.rstrip("/") != target.server.rstrip("/"):
        raise WrongClusterError(
            f"context {chosen!r} leads to {access.server}, and this stack deploys to {target.server}: "
            "correct cluster.server, or log in to that cluster"
        )
    return access


def hand_over(access: Access | None, cluster_uid: str | None) -> str:
    """Write ``access`` into a file for the provider, readable by its owner only; returns its path in the project.

    Without access there is only the path: the provider of a preview then does without the cluster.

    The path is that of the cluster and the same for everybody, so it may stand in a stack's state, where a context, a
    token or the path of somebody's own kubeconfig may not. `pulumi destroy` and `pulumi refresh` do not run the
    program: they reach the cluster through this file, which only a run of the program on this machine has written, or
    they reach none.
    """
    path = f".kubeconfig/{cluster_uid}"
    if access is not None:
        write(access, Path(path))
    return path


def write(access: Access, path: Path) -> None:
    """Write a kubeconfig for its owner's eyes only."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    # Another run may read it at this moment: it finds the old file or the new one, whole.
    written = path.with_name(f"{path.name}.{os.getpid()}")
    written.unlink(missing_ok=True)
    written.touch(mode=0o600)
    written.write_text(yaml.safe_dump(dict(access.kubeconfig)), encoding="utf-8")
    written.replace(path)


def _configs() -> tuple[str, list[dict[str, Any]]]:
    """Where the kubeconfigs are, in words, and each of them."""
    setting = os.environ.get("KUBECONFIG", "")
    if "\n" in setting or setting.lstrip().startswith("{"):
        where = "the kubeconfig in KUBECONFIG"
        return where, [_parsed(setting, where, Path.cwd())]
    listed = [Path(part) for part in setting.split(os.pathsep) if part]
    paths = listed or [Path.home() / ".kube" / "config"]
    where = f"the kubeconfig {os.pathsep.join(str(path) for path in paths)}"
    return where, [_read(path) for path in paths if path.is_file()]


def _read(path: Path) -> dict[str, Any]:
    where = f"the kubeconfig {path}"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise WrongClusterError(f"{where} cannot be read: correct it, or set KUBECONFIG") from None
    return _parsed(text, where, path.absolute().parent)


def _parsed(text: str, where: str, folder: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError:
        # The parser's own message may quote the file, which holds credentials.
        raise WrongClusterError(f"{where} cannot be read: correct it, or set KUBECONFIG") from None
    if not isinstance(content, dict):
        raise WrongClusterError(f"{where} is empty or no kubeconfig: correct it, or set KUBECONFIG")
    return {
        "current-context": content.get("current-context"),
        "contexts": list(_entries(content, "contexts", folder)),
        "clusters": list(_entries(content, "clusters", folder)),
        "users": list(_entries(content, "users", folder)),
    }


def _entries(config: Mapping[str, Any], section: str, folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and content of each entry of a section."""
    entries = config.get(section)
    for entry in entries if isinstance(entries, list) else []:
        content = entry.get(section.removesuffix("s")) if isinstance(entry, dict) else None
        if isinstance(content, dict):
            yield str(entry.get("name")), _with_absolute_paths(content, folder)


def _with_absolute_paths(content: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    changed = dict(content)
    for key in _PATHS & changed.keys():
        changed[key] = str(folder / str(changed[key]))
    command = (changed.get("exec") or {}).get("command")
    if command is not None and os.sep in str(command):
        # A command without a slash is one on the PATH.
        changed["exec"] = {**changed["exec"], "command": str(folder / str(command))}
    return changed


def _named(configs: list[dict[str, Any]], section: str) -> dict[str, dict[str, Any]]:
    """The entries of ``section`` in all files by name; the first file wins."""
    found: dict[str, dict[str, Any]] = {}
    for config in configs:
        for name, content in config[section]:
            found.setdefault(name, content)
    return found


def _current(configs: list[dict[str, Any]]) -> str | None:
    return next((str(config["current-context"]) for config in configs if config["current-context"]), None)


def _access(name: str, context: Mapping[str, Any], configs: list[dict[str, Any]], where: str) -> Access:
    cluster_name, user_name = str(context.get("cluster")), str(context.get("user"))
    cluster = _named(configs, "clusters").get(cluster_name)
    if cluster is None or not cluster.get("server"):
        raise WrongClusterError(f"{where} has no server for context {name!r}: correct it, or log in again")
    user = _named(configs, "users").get(user_name, {})
    return Access(name, str(cluster["server"]), _kubeconfig(name, cluster, user))


def _own_account() -> Access | None:
    """The access that Kubernetes gives a pod, if the program runs in one."""
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT")
    if not host or not port or not (_ACCOUNT / "token").is_file():
        return None
    server = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
    cluster = {"server": server, "certificate-authority": str(_ACCOUNT / "ca.crt")}
    return Access(_IN_CLUSTER, server, _kubeconfig(_IN_CLUSTER, cluster, {"tokenFile": str(_ACCOUNT / "token")}))


def _kubeconfig(name: str, cluster: Mapping[str, Any], user: Mapping[str, Any]) -> dict[str, Any]:
    """A kubeconfig with one context; without its namespace, which would become that of objects that name none."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "clusters": [{"name": name, "cluster": dict(cluster)}],
        "users": [{"name": name, "user": dict(user)}],
    }

"""``python -m cluster.offline``: preview a stack without its backend, its secrets and its cluster.

A pull request of a fork has none of them. It shows what a new stack with these settings would create, and checks it
with ``facts/<stack>.json`` where that is committed. What is secret has a placeholder.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from settings import PROJECT, SECRETS

_PLACEHOLDER = "a secret that is not known here"


def preview(stack: str, folder: Path) -> int:
    """Preview ``stack`` with a backend and a configuration in ``folder``; returns Pulumi's exit code.

    The project there is made of links to this one: Pulumi writes into the file of settings.
    """
    settings = yaml.safe_load(Path(f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))
    config: dict[str, Any] = settings.get("config") or {}
    secret = [f"{PROJECT}:{key}" for key in SECRETS]
    project, backend = folder / "project", folder / "backend"
    project.mkdir()
    backend.mkdir()
    for part in Path.cwd().iterdir():
        if part.name != f"Pulumi.{stack}.yaml":
            (project / part.name).symlink_to(part)
    plain = {key: _without_secrets(value) for key, value in config.items()}
    (project / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump({"config": plain}), encoding="utf-8")
    environment = {
        **os.environ,
        "PULUMI_BACKEND_URL": f"file://{backend}",
        "PULUMI_CONFIG_PASSPHRASE": "",
        # Credentials that happen to be there are not for a preview of anybody's change.
        "KUBECONFIG": str(folder / "none"),
    }
    for arguments in _commands(stack, secret):
        command = ["pulumi", "--non-interactive", *arguments]
        done = subprocess.run(command, check=False, cwd=project, env=environment)  # noqa: S603
        if done.returncode != 0:
            return done.returncode
    return 0


def _commands(stack: str, secret: list[str]) -> Iterator[list[str]]:
    yield ["stack", "init", stack]
    for key in secret:
        yield ["config", "set", "--secret", "--stack", stack, key, _PLACEHOLDER]
    yield ["preview", "--stack", stack, "--diff"]


def _without_secrets(value: Any) -> Any:
    """``value`` with placeholders instead of what is encrypted."""
    if isinstance(value, dict) and set(value) == {"secure"}:
        return _PLACEHOLDER
    if isinstance(value, dict):
        return {key: _without_secrets(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_secrets(inner) for inner in value]
    return value


def main() -> int:
    """Return the exit code of the preview."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").replace("``", "`"))
    parser.add_argument("--stack", "-s", required=True, help="the stack, which has a committed file of settings")
    with tempfile.TemporaryDirectory() as folder:
        return preview(parser.parse_args().stack, Path(folder))


if __name__ == "__main__":
    sys.exit(main())

"""The stack `local` with other settings than the committed ones, which stay as they are."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from embedded import CHECKOUT, OPTIONS, STACK, Host


def deploy_with(cluster: Host, folder: Path, changes: Mapping[str, Any]) -> None:
    """Deploy the stack with ``changes`` merged into its settings, of which a copy is written into ``folder``."""
    file = f"Pulumi.{STACK}.yaml"
    content = yaml.safe_load((CHECKOUT / file).read_text())
    content["config"] = merged(content["config"], changes)
    (folder / file).write_text(yaml.safe_dump(content))
    cluster.with_exports(
        "pulumi", "up", *OPTIONS, "--non-interactive", "--cwd", str(CHECKOUT), "--config-file", str(folder / file)
    )


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with ``changes``, key by key; any other value takes the place of what was there."""
    result = dict(base)
    for key, value in changes.items():
        there = result.get(key)
        both = isinstance(there, Mapping) and isinstance(value, Mapping)
        result[key] = merged(there or {}, value) if both else value
    return result

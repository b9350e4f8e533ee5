"""The plan of a stack as its configuration has it, for commands that neither deploy nor look at a cluster."""

import json
import subprocess

import pulumi
from pulumi.runtime.config import set_all_config

import settings
from program.plan import Plan


def plan_of(stack: str) -> Plan:
    """The plan of a stack's configuration, whose secrets are not decrypted.

    Secrets become Outputs, which need a running event loop.
    """
    command = ["pulumi", "config", "--json", "--stack", stack]
    config = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)  # noqa: S603
    secrets = [key for key, entry in config.items() if entry.get("secret")]
    values = {key: "unknown" if key in secrets else str(entry["value"]) for key, entry in config.items()}
    set_all_config(values, secrets)
    return Plan(settings.load(pulumi.Config(settings.PROJECT)))

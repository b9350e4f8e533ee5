"""The plan of a stack as its configuration has it, for commands that neither deploy nor look at a cluster."""

import json
import subprocess
import sys

import pulumi
from pulumi.runtime.config import set_all_config

import settings
from program.plan import Plan


def plan_of(stack: str) -> Plan:
    """The plan of a stack's configuration, whose secrets are not decrypted.

    Secrets become Outputs, which need a running event loop. Raises ``SystemExit``, with what a person has to know, if
    the Pulumi CLI does not know the stack or the settings are wrong.
    """
    command = ["pulumi", "config", "--json", "--stack", stack]
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
    if done.returncode != 0:
        sys.exit(done.stderr.strip() or f"pulumi config ended with {done.returncode}")
    config = json.loads(done.stdout)
    secrets = [key for key, entry in config.items() if entry.get("secret")]
    values = {key: "unknown" if key in secrets else str(entry["value"]) for key, entry in config.items()}
    set_all_config(values, secrets)
    try:
        return Plan(settings.load(pulumi.Config(settings.PROJECT)))
    except settings.ConfigError as error:
        sys.exit(str(error))

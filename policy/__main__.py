"""What Pulumi runs for ``--policy-pack policy``: a server that the engine asks, and ends."""

import sys
from pathlib import Path

from pulumi_policy import PolicyPack

# Pulumi runs this folder; lint is beside it.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from policy.pack import policies
from policy.values import keep_secrets

keep_secrets()
PolicyPack("mesh-tracing", policies())

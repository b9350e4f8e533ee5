"""What Pulumi runs when a program uses the package: a server that the engine asks, and ends."""

import sys
from pathlib import Path

from pulumi.provider import main

# Pulumi runs this folder; the components are beside it.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from package.host import provider

main(provider(), sys.argv[1:])

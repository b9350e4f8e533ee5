"""``python -m cluster``: keep what the checks need to know of a stack's cluster, for where it cannot be reached.

It runs a preview of the stack, which reads the cluster, and writes ``facts/<stack>.json``. Commit the file: it holds
names and no secret, and previews of pull requests without credentials are checked with it.
"""

import argparse
import os
import subprocess
import sys

from cluster.seen import WRITE_FACTS


def main() -> int:
    """Return the exit code of the preview."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").replace("``", "`"))
    parser.add_argument("--stack", "-s", required=True, help="the stack")
    stack = parser.parse_args().stack
    preview = ["pulumi", "preview", "--non-interactive", "--stack", stack]
    return subprocess.run(preview, check=False, env={**os.environ, WRITE_FACTS: stack}).returncode  # noqa: S603


if __name__ == "__main__":
    sys.exit(main())

"""Which stacks a change touches: ``python -m mesh_tracing stacks``, for the workflows in ``.github/``."""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).parent
# Those of a cluster that each person has for himself: the embedded one, and one of kind.
_OF_ONE_MACHINE = {"local", "kind"}
# What belongs to a single stack.
_OF_A_STACK = re.compile(r"(?:Pulumi\.|facts/)(?P<stack>[^/]+)\.(?:yaml|json)")
# What no deployment depends on. Whatever is not named here may be part of the program, and touches every stack.
_BESIDE = (".ci/", ".github/", "bench/", "docs/", "examples/", "local/", "package/", "policy/", "tests/")
_FILES_BESIDE = {
    ".gitignore", ".pre-commit-hooks.yaml", "LICENSE", "Makefile", "mesh_tracing.py", "pyproject.toml",
    "requirements.in", "stacks.py",
}  # fmt: skip


def committed(folder: Path) -> list[str]:
    """The stacks whose settings lie in ``folder``, without those of a cluster on somebody's own machine."""
    names = (path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in folder.glob("Pulumi.*.yaml"))
    return sorted(name for name in names if name not in _OF_ONE_MACHINE)


def touched(changed: Iterable[str], stacks: Sequence[str]) -> list[str]:
    """Those of ``stacks`` whose deployment the ``changed`` files may change."""
    own: set[str] = set()
    for path in changed:
        one = _OF_A_STACK.fullmatch(path)
        if one is not None:
            own.add(one["stack"])
        elif not _is_beside(path):
            return list(stacks)
    return [stack for stack in stacks if stack in own]


def _is_beside(path: str) -> bool:
    return path.startswith(_BESIDE) or path in _FILES_BESIDE or ("/" not in path and path.endswith(".md"))


def _changed_since(base: str) -> list[str]:
    """The files that differ from where this commit left ``base``, old and new names of renamed ones included."""
    command = ["git", "diff", "--name-only", "--no-renames", "-z", f"{base}...HEAD"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        sys.exit(f"stacks: git cannot compare with {base} ({reason}): fetch the whole history")
    return [path for path in done.stdout.split("\0") if path]


def main() -> None:
    parser = argparse.ArgumentParser(prog="mesh_tracing stacks", description="Print the committed stacks, as JSON.")
    parser.add_argument("--since", metavar="COMMIT", help="only those that the changes since COMMIT touch")
    since = parser.parse_args().since
    stacks = committed(ROOT)
    print(json.dumps(stacks if since is None else touched(_changed_since(since), stacks)))


if __name__ == "__main__":
    main()

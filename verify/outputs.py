"""The output ``deployment`` of a Pulumi stack, read from Pulumi or from a file."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from verify.access.cluster import CannotCheckError
from verify.access.deadline import Deadline, TimeOverError
from verify.causes import Code
from verify.deployment import Deployment
from verify.redaction import quoted

OUTPUT = "deployment"
# What Pulumi prints instead of a secret.
_SECRET = "[secret]"  # noqa: S105
_PROJECT = Path(__file__).resolve().parents[1]


def of_stack(stack: str | None, deadline: Deadline) -> tuple[str, Deployment]:
    """The name and the deployment of ``stack``, or of the selected stack; raises ``CannotCheckError``."""
    name = stack or _pulumi(deadline, "stack", "--show-name").strip()
    try:
        outputs = json.loads(_pulumi(deadline, "stack", "output", "--json", "--stack", name))
        if isinstance(outputs, dict) and outputs.get(OUTPUT) == _SECRET:
            # Only then does Pulumi need the passphrase, or the key, of the stack.
            outputs = json.loads(_pulumi(deadline, "stack", "output", "--json", "--show-secrets", "--stack", name))
    except ValueError:
        raise CannotCheckError(
            f"Pulumi printed no JSON for the outputs of stack {name!r}", code=Code.NO_OUTPUTS
        ) from None
    return name, _deployment(outputs, f"stack {name!r}", name)


def of_file(path: str, stack: str | None) -> tuple[str, Deployment]:
    """The same, from a file with the output of ``pulumi stack output --json``; ``-`` is standard input."""
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
        outputs = json.loads(text)
    except (OSError, ValueError) as error:
        raise CannotCheckError(
            f"{path} does not contain the outputs of a stack ({type(error).__name__})",
            f"pulumi stack output --json > {'outputs.json' if path == '-' else quoted(path)}",
            code=Code.NO_OUTPUTS,
        ) from None
    name = stack or "STACK"
    return name, _deployment(outputs, path, name)


def _deployment(outputs: Any, where: str, stack: str) -> Deployment:
    update = f"pulumi up --stack {stack}"
    if not isinstance(outputs, dict) or OUTPUT not in outputs:
        raise CannotCheckError(
            f"{where} has no output {OUTPUT!r}: the program has not deployed it yet", update, code=Code.NO_OUTPUTS
        )
    if outputs[OUTPUT] == _SECRET:
        raise CannotCheckError(
            f"{where} has the output {OUTPUT!r} as a secret: print it with --show-secrets, to a file of your own",
            f"umask 077; pulumi stack output --json --show-secrets --stack {stack} > outputs.json",
            code=Code.NO_OUTPUTS,
        )
    try:
        return Deployment.model_validate(outputs[OUTPUT])
    except ValidationError as error:
        keys = ", ".join(sorted({".".join(map(str, detail["loc"])) for detail in error.errors()}))
        raise CannotCheckError(
            f"{where} was deployed by another version of the program ({keys}): deploy it with this one",
            update,
            code=Code.OTHER_VERSION,
        ) from None


def _pulumi(deadline: Deadline, *arguments: str) -> str:
    program, what = shutil.which("pulumi"), f"pulumi {' '.join(arguments[:2])}"
    if program is None:
        raise CannotCheckError(
            "pulumi is not on PATH: install it, or pass a file with the stack's outputs by --outputs",
            code=Code.NO_OUTPUTS,
        )
    try:
        done = subprocess.run(  # noqa: S603  the program's own arguments
            [program, "--non-interactive", "--cwd", str(_PROJECT), *arguments],
            check=False,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=deadline.at_most(None),
        )
    except (subprocess.TimeoutExpired, TimeOverError):
        raise CannotCheckError(
            f"{what} does not end: its backend does not answer, or --timeout is too short", code=Code.TIME_OVER
        ) from None
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1].removeprefix("error: ")
        raise CannotCheckError(f"{what} failed: {reason}", "pulumi stack ls", code=Code.NO_OUTPUTS)
    return done.stdout

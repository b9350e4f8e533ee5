"""What the tests of one part of a run said so far, on disk after each of them, so that a killed run is not lost."""

import hashlib
import json
import os
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Outcome = Literal["passed", "failed", "skipped"]

# Names the record of the part that this process runs.
VARIABLE = "MESH_TRACING_RECORD"


@dataclass(frozen=True)
class Said:
    """What a test said; ``reason`` is there for one that was skipped."""

    outcome: Outcome
    reason: str = ""


@dataclass(frozen=True)
class Record:
    """The file of one part: one line of JSON for each test, the last one counts, and one for the end of the part."""

    path: Path

    @classmethod
    def of_this_process(cls) -> "Record | None":
        """The record that whoever started this process wants, if there is one."""
        path = os.environ.get(VARIABLE)
        return None if path is None else cls(Path(path))

    def add(self, test: str, outcome: Outcome, reason: str = "") -> None:
        """Write down what ``test`` said."""
        self._append({"test": test, "outcome": outcome, "reason": reason})

    def end(self) -> None:
        """Write down that the part ran to its end and nothing in it failed."""
        self._append({"ended": True})

    def said(self) -> dict[str, Said]:
        """What each test said last."""
        return {line["test"]: Said(line["outcome"], line["reason"]) for line in self._lines() if "test" in line}

    def passed(self) -> set[str]:
        """The tests that need not run again."""
        return {test for test, said in self.said().items() if said.outcome == "passed"}

    def has_ended(self) -> bool:
        """Whether the part need not run again."""
        return any("ended" in line for line in self._lines())

    def counts(self) -> Counter[Outcome]:
        """How many tests passed, failed and were skipped."""
        return Counter(said.outcome for said in self.said().values())

    def _append(self, line: dict[str, object]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab+") as file:
            if file.tell():
                file.seek(-1, os.SEEK_END)
                # A process that was killed may have left half a line, onto which nothing may be written.
                if file.read() != b"\n":
                    file.write(b"\n")
            file.write(json.dumps(line).encode() + b"\n")

    def _lines(self) -> list[dict[str, str]]:
        if not self.path.exists():
            return []
        return [json.loads(line) for line in self.path.read_text().splitlines() if line.endswith("}")]


def tree(checkout: Path) -> str:
    """The identity of everything in ``checkout`` that git does not ignore, committed or not."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=checkout, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    digest = hashlib.sha256()
    for name in sorted(set(filter(None, listed.split("\0")))):
        path = checkout / name
        digest.update(name.encode() + b"\0" + (path.read_bytes() if path.is_file() else b"") + b"\0")
    return digest.hexdigest()

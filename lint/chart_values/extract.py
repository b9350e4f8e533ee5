"""``python lint/chart_values/extract.py CHART=CLONE...`` writes which values charts read, a file for each chart.

CLONE is a clone of the repository of charts with its tags, such as ``tempo-1.24.0``. The last patch of each minor
version is read: the keys of its values.yaml, also those that stand there as comments, and those that a
template asks for. Nothing of a chart is run.
"""

import io
import json
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

Keys = dict[str, Any]
Version = tuple[int, ...]

# As far down as keys are told apart.
_DEEPEST = 4
# How many characters before a reference tell whether a template only looks at the value.
_AROUND = 60
_REFERENCE = re.compile(r"\bValues\.(?P<path>\w+(?:\.\w+)*)")
_BY_INDEX = re.compile(r'index\s+[$\w.]*Values\s+"(?P<key>[^"]+)"')
_CONDITION = re.compile(r"(?:\b(?:if|and|or|not|eq|ne|hasKey|kindIs|empty|default \S+))\s*\(?[$\w.]*$")
_COMMENT = re.compile(r"^(?P<indent> *)#+ ?(?P<more> *)(?P<key>[A-Za-z][\w.-]*):(?:\s|$)")
_KEY = re.compile(r"^(?P<indent> *)(?P<key>[A-Za-z][\w.-]*):")


def main() -> None:
    for argument in sys.argv[1:]:
        chart, _, clone = argument.partition("=")
        found: Keys | None = {}
        for tag in _tags(chart, clone):
            found = merged(found, read(_files(clone, tag, chart)))
        target = Path(__file__).with_name(f"{chart}.json")
        target.write_text(json.dumps(found, sort_keys=True, separators=(",", ":")) + "\n", encoding="utf-8")


def read(files: dict[str, str]) -> Keys:
    """What one version of a chart reads."""
    values = files["values.yaml"]
    keys = _of_values(yaml.load(values, yaml.CSafeLoader), 1) or {}
    for path in _commented(values):
        _add(keys, path)
    for name, content in files.items():
        if name == "values.yaml" or name.startswith("templates/"):
            for path, is_whole in _references(content):
                _add(keys, path, is_whole=is_whole)
    for dependency in _dependencies(files):
        keys[dependency] = None
    return keys


def merged(one: Keys | None, other: Keys | None) -> Keys | None:
    """The keys of both; what one of them does not tell apart is not told apart."""
    if one is None or other is None:
        return None
    both = dict(one)
    for key, below in other.items():
        both[key] = merged(both[key], below) if key in both else below
    return both


def _of_values(value: object, depth: int) -> Keys | None:
    """What is empty, or no map, may have any keys."""
    if not isinstance(value, dict) or not value or depth > _DEEPEST:
        return None
    return {str(key): _of_values(below, depth + 1) for key, below in value.items()}


def _add(keys: Keys, path: tuple[str, ...], *, is_whole: bool = True) -> None:
    """Add a path; what a template takes as a whole may have any keys, if it is not only looked at."""
    for key in path[:-1]:
        if keys.setdefault(key, {}) is None:
            return
        keys = keys[key]
    if is_whole or path[-1] not in keys:
        keys[path[-1]] = None if is_whole else keys.get(path[-1])


def _commented(values: str) -> Iterator[tuple[str, ...]]:
    """Yield the paths of keys that stand in comments, below the keys around them."""
    above: list[tuple[int, str]] = []
    for line in values.splitlines():
        comment, key = _COMMENT.match(line), _KEY.match(line)
        found = comment or key
        if not found:
            continue
        depth = len(found["indent"])
        if key:
            above = [(indent, name) for indent, name in above if indent < depth] + [(depth, key["key"])]
        elif not found["more"]:
            around = tuple(name for indent, name in above if indent < depth)
            if len(around) < _DEEPEST:
                yield (*around, found["key"])


def _references(content: str) -> Iterator[tuple[tuple[str, ...], bool]]:
    for found in _REFERENCE.finditer(content):
        before = content[max(0, found.start() - _AROUND) : found.start()]
        yield tuple(found["path"].split("."))[:_DEEPEST], _CONDITION.search(before) is None
    for found in _BY_INDEX.finditer(content):
        yield (found["key"],), True


def _dependencies(files: dict[str, str]) -> Iterator[str]:
    for name in ("Chart.yaml", "requirements.yaml"):
        for dependency in (yaml.load(files.get(name, ""), yaml.CSafeLoader) or {}).get("dependencies") or ():
            yield dependency.get("alias") or dependency["name"]


def _tags(chart: str, clone: str) -> Iterator[str]:
    """Yield the last patch of each minor version, the oldest first."""
    names = _git(clone, "tag").decode().split()
    found = [(match, name) for name in names if (match := re.fullmatch(rf"{chart}-(\d+)\.(\d+)\.(\d+)", name))]
    last: dict[Version, tuple[Version, str]] = {}
    for match, name in found:
        version = tuple(map(int, match.groups()))
        last[version[:2]] = max(last.get(version[:2], (version, name)), (version, name))
    yield from (name for _, name in sorted(last.values()))


def _files(clone: str, tag: str, chart: str) -> dict[str, str]:
    folder = f"charts/{chart}/"
    archive = _git(clone, "archive", tag, folder)
    found = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        for member in files:
            content = files.extractfile(member) if member.isfile() else None
            if content is not None:
                found[member.name.removeprefix(folder)] = content.read().decode(errors="replace")
    return found


def _git(clone: str, *arguments: str) -> bytes:
    command = ["git", "-C", clone, *arguments]
    return subprocess.run(command, check=True, capture_output=True).stdout  # noqa: S603  it names clones


if __name__ == "__main__":
    main()

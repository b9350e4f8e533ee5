"""``python lint/chart_values/extract.py CHART=CLONE...`` writes which values charts read, a file for each chart.

CLONE is a clone of the repository of charts with its tags, such as ``tempo-1.24.0``. The last patch of each minor
version is read: the keys of its values.yaml, also those that stand there as comments, and those that a
template asks for. Nothing of a chart is run. Name all charts at once: what one of them says of another one, which it
depends on, is told apart only for those.
"""

import io
import json
import re
import subprocess
import sys
import tarfile
from collections.abc import Container, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml

Keys = dict[str, Any]
Version = tuple[int, ...]

# The key that says of which chart the values are.
OF_CHART = "&"
# Where repositories keep charts, and how one with a single chart begins its tags.
_FOLDERS = ("charts", "operations/helm/charts")
_FOLDER_OF_ISTIOD = "manifests/charts/istio-control/istio-discovery/"
# Below which key that chart keeps its defaults; and the one whose values may stand at the top, and the other way round.
_DEFAULTS = ("_internal_defaults_do_not_set", "defaults")
_EITHER = "pilot"
_HANDED_ON_BY_ISTIOD = (("global",), (_EITHER,))
_ONLY_CHART = "helm-chart/"
# As far down as keys are told apart.
_DEEPEST = 4
# How many characters before a reference tell whether a template only looks at the value.
_AROUND = 60
# Brackets may stand around each part: ((.Values.tempo).server).port.
_REFERENCE = re.compile(r"\bValues\)*\.(?P<path>\w+(?:\)*\.\w+)*)")
_BY_INDEX = re.compile(r'index\s+[$\w.]*Values\s+"(?P<key>[^"]+)"')
# A section that is named elsewhere: (index .ctx.Values $section).image.
_OF_ANY_SECTION = re.compile(r"index\s+[$\w.]*Values\s+\$\w+\s*\)\.(?P<key>\w+)")
# A section that a template hands to another one, which reads keys of it: (dict "component" .Values.querier).
_HANDED_ON = re.compile(r'(?:"component"|\bmerge\s+\(dict [^()]*\))\s+[$\w.]*$')
_OF_COMPONENT = re.compile(r"\bcomponent\)*\.(?P<path>\w+(?:\)*\.\w+)*)")
_CONDITION = re.compile(r"(?:\b(?:if|and|or|not|eq|ne|hasKey|kindIs|empty|default \S+))\s*\(?[$\w.]*$")
_SAID = re.compile(r"\{\{-?\s*/\*.*?\*/\s*-?\}\}", re.DOTALL)
_COMMENT = re.compile(r"^(?P<indent> *)#+ ?(?P<more> *)(?P<key>[A-Za-z][\w.-]*):(?:\s|$)")
_KEY = re.compile(r"^(?P<indent> *)(?P<key>[A-Za-z][\w.-]*):")


def main(arguments: list[str]) -> None:
    clones = dict(argument.partition("=")[::2] for argument in arguments)
    for chart, clone in clones.items():
        released = ((version, _files(clone, tag, chart)) for version, tag in _tags(chart, clone))
        versions = {version: read(files, clones) for version, files in released if files}
        names = [f"{major}.{minor}" for major, minor in versions]
        written = {"versions": names, "keys": by_version([*versions.values()], names)}
        target = Path(__file__).with_name(f"{chart}.json")
        target.write_text(json.dumps(written, sort_keys=True, separators=(",", ":")) + "\n", encoding="utf-8")


def read(files: dict[str, str], charts: Container[str]) -> Keys:
    """What one version of a chart reads."""
    values = files["values.yaml"]
    written = yaml.load(values, yaml.CSafeLoader) or {}
    defaults = next((written[key] for key in _DEFAULTS if key in written), written)
    of_istiod = (yaml.load(files.get("Chart.yaml", ""), yaml.CSafeLoader) or {}).get("name") == "istiod"
    keys = _of_values(defaults, 1) or {}
    for path in _commented(values):
        _add(keys, path)
    for name, content in files.items():
        if name == "values.yaml" or name.startswith(("templates/", "files/")):
            for path, is_whole in _references(content):
                # Templates hand these on, to be read by others.
                _add(keys, path, is_whole=is_whole and not (of_istiod and path in _HANDED_ON_BY_ISTIOD))
            for found in _OF_ANY_SECTION.finditer(content):
                for section in filter(None, keys.values()):
                    section.setdefault(found["key"], None)
    handed_on = {name for content in files.values() for name in _handed_on(content)}
    for name in handed_on & keys.keys():
        for content in files.values():
            for path, is_whole in _found(_OF_COMPONENT, content):
                _add(keys, (name, *path)[:_DEEPEST], is_whole=is_whole)
    if defaults is not written:
        either = {key: below for key, below in keys.items() if key != _EITHER}
        keys |= {**(keys.get(_EITHER) or {}), **keys, _EITHER: {**either, **(keys.get(_EITHER) or {})}}
    for name, dependency in _dependencies(files):
        # What this chart says of the other one, with the mark that the rest is what that one reads.
        keys[name] = {**(keys.get(name) or {}), OF_CHART: dependency} if dependency in charts else None
    return keys


def by_version(trees: Sequence[Keys], versions: Sequence[str]) -> Keys:
    """One tree of all ``versions``: a key that some of them do not read, or read otherwise, has the first and the last
    one that reads it so behind ``@``, as in ``minio@0.7-2.9``."""
    found: Keys = {}
    for key in sorted({key for tree in trees for key in tree}):
        kinds = [_kind(tree, key) for tree in trees]
        for kind, run in groupby(range(len(trees)), kinds.__getitem__):
            places = [*run]
            first, last = places[0], places[-1]
            name = key if len(places) == len(trees) else f"{key}@{versions[first]}-{versions[last]}"
            if kind == "map":
                found[name] = by_version([trees[place][key] for place in places], versions[first : last + 1])
            elif kind != "absent":
                found[name] = trees[first][key]
    return found


def _kind(tree: Keys, key: str) -> str:
    """What is to be told apart of a key: whether it is there, has known keys below it, or names a chart."""
    if key not in tree:
        return "absent"
    below = tree[key]
    return below if isinstance(below, str) else "any" if below is None else "map"


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
    yield from _found(_REFERENCE, content)
    for found in _BY_INDEX.finditer(content):
        yield (found["key"],), True


def _found(reference: re.Pattern[str], content: str) -> Iterator[tuple[tuple[str, ...], bool]]:
    """Yield each path, and whether a template takes what is there as a whole."""
    for found in reference.finditer(content):
        before = content[max(0, found.start() - _AROUND) : found.start()]
        is_whole = _CONDITION.search(before) is None and _HANDED_ON.search(before) is None
        yield tuple(found["path"].replace(")", "").split("."))[:_DEEPEST], is_whole


def _handed_on(content: str) -> Iterator[str]:
    """Yield the sections that are handed to other templates."""
    for found in _REFERENCE.finditer(content):
        if _HANDED_ON.search(content[max(0, found.start() - _AROUND) : found.start()]):
            yield found["path"].partition(".")[0]


def _dependencies(files: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield under which key the values of each chart are that this one depends on, and its name."""
    for name in ("Chart.yaml", "requirements.yaml"):
        for dependency in (yaml.load(files.get(name, ""), yaml.CSafeLoader) or {}).get("dependencies") or ():
            yield dependency.get("alias") or dependency["name"], dependency["name"]


def _tags(chart: str, clone: str) -> Iterator[tuple[Version, str]]:
    """Yield each minor version with the tag of its last patch, the oldest first."""
    begin = "" if chart == "istiod" else f"(?:{chart}-|{_ONLY_CHART})"
    pattern = re.compile(rf"{begin}(\d+)\.(\d+)\.(\d+)")
    names = _git(clone, "tag").decode().split()
    found = [(match, name) for name in names if (match := pattern.fullmatch(name))]
    last: dict[Version, tuple[Version, str]] = {}
    for match, name in found:
        version = tuple(map(int, match.groups()))
        last[version[:2]] = max(last.get(version[:2], (version, name)), (version, name))
    yield from ((version, name) for version, (_, name) in sorted(last.items()))


def _files(clone: str, tag: str, chart: str) -> dict[str, str]:
    """The files of a chart, without those that it brings of others; none if the tag is of another repository."""
    folders = (_FOLDER_OF_ISTIOD,) if chart == "istiod" else tuple(f"{folder}/{chart}/" for folder in _FOLDERS)
    folder = next((one for one in folders if _git(clone, "ls-tree", tag, f"{one}values.yaml")), "")
    if not folder:
        return {}
    archive = _git(clone, "archive", tag, folder, f":(exclude){folder}charts")
    found = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        for member in files:
            content = files.extractfile(member) if member.isfile() else None
            if content is not None:
                # What a template says of itself is no reference.
                found[member.name.removeprefix(folder)] = _SAID.sub("", content.read().decode(errors="replace"))
    return found


def _git(clone: str, *arguments: str) -> bytes:
    command = ["git", "-C", clone, *arguments]
    return subprocess.run(command, check=True, capture_output=True).stdout  # noqa: S603  it names clones


if __name__ == "__main__":
    main(sys.argv[1:])

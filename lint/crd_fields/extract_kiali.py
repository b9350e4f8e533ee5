"""Writes what Kiali reads in its configuration: ``python lint/crd_fields/extract_kiali.py CLONE TAG...``.

CLONE is a clone of kiali/kiali with its tags. The structs below ``config`` are parsed there, and nothing is compiled. A
key counts that one of the releases has.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

_STRUCT = re.compile(r"^type (?P<name>\w+) struct \{(?P<body>.*?)^\}", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"^\s*(?P<name>[A-Z]\w*)[ \t]+(?P<type>[^\s`]+)[ \t]*(?:`(?P<tags>[^`]*)`)?", re.MULTILINE)
_TAG = re.compile(r'yaml:"(?P<name>[^",]*)(?P<options>[^"]*)"')

Fields = dict[str, Any] | None


def main(clone: str, tags: list[str]) -> None:
    found: Fields = {}
    for tag in tags:
        files = [name for name in _git(clone, "ls-tree", "-r", "--name-only", tag, "config/").split() if _is_code(name)]
        sources = "\n".join(_git(clone, "show", f"{tag}:{name}") for name in files)
        structs = {one["name"]: one["body"] for one in _STRUCT.finditer(sources)}
        found = _union(found, _fields("Config", structs, ()))
    written = json.dumps({"*": found}, sort_keys=True, separators=(",", ":"))
    Path(__file__).with_name("KialiConfig.json").write_text(f"{written}\n", encoding="utf-8")


def _is_code(name: str) -> bool:
    return name.endswith(".go") and not name.endswith("_test.go")


def _fields(name: str, structs: dict[str, str], around: tuple[str, ...]) -> Fields:
    """The keys of a struct; None for a type that is not told apart, or contains itself."""
    if name not in structs or name in around:
        return None
    fields: dict[str, Any] = {}
    for found in _FIELD.finditer(structs[name]):
        tag = _TAG.search(found["tags"] or "")
        below = _of_type(found["type"], structs, (*around, name))
        if tag and "inline" in tag["options"]:
            fields.update(below or {})
        elif not tag or tag["name"] != "-":
            fields[tag["name"] if tag and tag["name"] else found["name"].lower()] = below
    return fields or None


def _of_type(kind: str, structs: dict[str, str], around: tuple[str, ...]) -> Fields:
    items = _fields(kind.removeprefix("[]").lstrip("*").rpartition(".")[2], structs, around)
    if kind.startswith("[]"):
        return None if items is None else {"=": "list", "[]": items}
    return items


def _union(one: Fields, other: Fields) -> Fields:
    if one is None or other is None or (one and other and ("=" in one) != ("=" in other)):
        return None
    shared = {name: one[name] if name == "=" else _union(one[name], other[name]) for name in one.keys() & other.keys()}
    return {**one, **other, **shared}


def _git(clone: str, *arguments: str) -> str:
    command = ["git", "-C", clone, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603  it names a clone


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])

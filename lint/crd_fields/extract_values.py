"""Writes the values that an IstioOperator has: ``python lint/crd_fields/extract_values.py CLONE API TAG...``.

CLONE is a clone of istio/istio with its tags, API a folder with the module k8s.io/api, whose types it takes over. The
file values_types.proto in the clone has all values of a release, by which istioctl reads them strictly. What a release
has counts for the whole range of releases that it is in. Below ``spec`` is the form of everything else, as types.go of
the last one of the tags has it.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

# The first release of each range: from 1.23 on, values for what was taken out are gone.
_RANGES = ((1, 23), (1, 16))
_DEFINITIONS = ("operator/pkg/apis/values_types.proto", "operator/pkg/apis/istio/v1alpha1/values_types.proto")
_MESSAGE = re.compile(r"^message\s+(?P<name>\w+)\s*\{(?P<body>.*?)^\}", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(
    r"^\s*(?P<many>repeated\s+)?(?P<type>map\s*<[^>]*>|[\w.]+)\s+(?P<name>\w+)\s*=\s*\d+\s*(?:\[(?P<options>[^\]]*)\])?;",
    re.MULTILINE,
)
_TYPES = "operator/pkg/apis/types.go"
_STRUCT = re.compile(r"^type (?P<name>\w+) struct \{(?P<body>.*?)^\}", re.MULTILINE | re.DOTALL)
_GO_FIELD = re.compile(
    r'^\s*(?:(?P<embedded>[A-Z]\w+)|\w+\s+(?P<type>\S+)\s+`json:"(?P<json>[\w-]+)[^`]*`)\s*(?://.*)?$', re.MULTILINE
)
# Read by a method of its own.
_NOT_CHECKED_TYPES = frozenset({"BoolValue", "IntOrString"})
_SCALARS = {"string": "string", "bool": "boolean", "int32": "integer", "int64": "integer", "uint32": "integer"}
_IMPORT = re.compile(r'^\s*(?P<alias>\w+) "k8s\.io/api/(?P<folder>[\w/]+)"$', re.MULTILINE)
# Deep, and nothing that people write in a form of their own.
_DEEP = frozenset({"*corev1.Volume"})
_NOT_CHECKED_FIELDS = frozenset({"affinity", "securityContext", "strategy"})
_JSON_NAME = re.compile(r'json_name\s*=\s*"([^"]+)"')
# Other rules know the mesh configuration; Kubernetes' own types are not checked.
_NOT_CHECKED = frozenset({"meshConfig", "resources"})

Fields = dict[str, Any] | None


def main(clone: str, api: Path, tags: list[str]) -> None:
    found: dict[str, Fields] = {}
    for tag in tags:
        major, release = map(int, tag.split(".")[:2])
        first = next(".".join(map(str, start)) for start in _RANGES if (major, release) >= start)
        values = read(_definitions(clone, tag))
        found[first] = _union(found[first], values) if first in found else values
    types = _git(clone, f"{tags[-1]}:{_TYPES}")
    imported = {one["alias"]: (api / one["folder"] / "types.go").read_text("utf-8") for one in _IMPORT.finditer(types)}
    found["spec"] = in_go(types, imported)
    written = json.dumps(found, sort_keys=True, separators=(",", ":"))
    Path(__file__).with_name("IstioOperator.json").write_text(f"{written}\n", encoding="utf-8")


def read(definitions: str) -> Fields:
    """What may stand in ``spec.values``; None below a key whose content is not told apart."""
    plain = re.sub(r"//[^\n]*|/\*.*?\*/", "", definitions, flags=re.DOTALL)
    return _fields("Values", {found["name"]: found["body"] for found in _MESSAGE.finditer(plain)})


def _fields(name: str, messages: dict[str, str]) -> Fields:
    fields: dict[str, Any] = {}
    for found in _FIELD.finditer(messages[name]):
        kind, said = found["type"], _JSON_NAME.search(found["options"] or "")
        is_message = kind in messages and "{" not in messages[kind] and not found["many"]
        below = _fields(kind, messages) if is_message and found["name"] not in _NOT_CHECKED else None
        if found["many"]:
            below = {"=": "list", "[]": None}
        # JSON of a protobuf has a field by either of its names.
        for written in {found["name"], said[1] if said else _in_camel_case(found["name"])}:
            fields[written] = below
    return fields or None


def in_go(types: str, imported: Mapping[str, str]) -> Fields:
    """What may stand in ``spec``, and in which form: the structs that istioctl reads it into.

    ``imported`` are the types of Kubernetes, by the name of their package.
    """
    of_kubernetes = {f"{alias}.{name}": body for alias, file in imported.items() for name, body in _structs(file)}
    return _of_struct("IstioOperatorSpec", {**dict(_structs(types)), **of_kubernetes})


def _structs(types: str) -> Iterator[tuple[str, str]]:
    return ((found["name"], found["body"]) for found in _STRUCT.finditer(types))


def _of_struct(name: str, structs: dict[str, str]) -> dict[str, Any]:
    # Which further fields a type of Kubernetes has is not checked: it has others in other releases.
    package, dot, _ = name.rpartition(".")
    fields: dict[str, Any] = {"*": None} if dot else {}
    for found in _GO_FIELD.finditer(structs[name]):
        if found["embedded"]:
            fields.update(_of_struct(found["embedded"], structs))
        elif found["json"] != "-":
            is_deep = found["json"] in _NOT_CHECKED_FIELDS
            below = {"*": None} if is_deep else _of_type(found["type"], structs, package)
            if below is not None or not dot:
                fields[found["json"]] = below
    return fields


def _of_type(kind: str, structs: dict[str, str], package: str = "") -> Fields:
    if kind.startswith("[]"):
        items = kind.removeprefix("[]")
        return {"=": "list", "[]": {"*": None} if items in _DEEP else _of_type(items, structs, package)}
    name = kind.removeprefix("*")
    own = f"{package}.{name}" if package and f"{package}.{name}" in structs else name
    if own in structs and name not in _NOT_CHECKED_TYPES:
        return _of_struct(own, structs)
    if name in _SCALARS:
        return {"=": _SCALARS[name]}
    # A type of Kubernetes: a map, whose keys are not checked.
    is_map = name.startswith("map[") or (kind.startswith("*") and "." in name and not package)
    return {"*": None} if is_map else None


def _in_camel_case(name: str) -> str:
    return re.sub("_([a-z0-9])", lambda match: match[1].upper(), name)


def _union(one: Fields, other: Fields) -> Fields:
    if one is None or other is None:
        return None
    if "=" in one or "=" in other:
        return one if one == other else None
    return {**one, **other, **{name: _union(one[name], other[name]) for name in one.keys() & other.keys()}}


def _definitions(clone: str, tag: str) -> str:
    for path in _DEFINITIONS:
        found = _git(clone, f"{tag}:{path}")
        if found:
            return found
    raise FileNotFoundError(f"{tag} has no definitions of values")


def _git(clone: str, place: str) -> str:
    command = ["git", "-C", clone, "show", place]
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout  # noqa: S603  it names clones


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])

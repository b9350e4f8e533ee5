"""Writes the values that an IstioOperator has: ``python lint/crd_fields/extract_values.py CLONE TAG...``.

CLONE is a clone of istio/istio with its tags. The file values_types.proto there has all values of a release, by which
istioctl reads them strictly. What a release has counts for the whole range of releases that it is in.
"""

import json
import re
import subprocess
import sys
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
_JSON_NAME = re.compile(r'json_name\s*=\s*"([^"]+)"')
# Other rules know the mesh configuration; Kubernetes' own types are not checked.
_NOT_CHECKED = frozenset({"meshConfig", "resources"})

Fields = dict[str, Any] | None


def main(clone: str, tags: list[str]) -> None:
    found: dict[str, Fields] = {}
    for tag in tags:
        major, release = map(int, tag.split(".")[:2])
        first = next(".".join(map(str, start)) for start in _RANGES if (major, release) >= start)
        values = read(_definitions(clone, tag))
        found[first] = _union(found[first], values) if first in found else values
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
        # JSON of a protobuf has a field by either of its names.
        for written in {found["name"], said[1] if said else _in_camel_case(found["name"])}:
            fields[written] = below
    return fields or None


def _in_camel_case(name: str) -> str:
    return re.sub("_([a-z0-9])", lambda match: match[1].upper(), name)


def _union(one: Fields, other: Fields) -> Fields:
    if one is None or other is None:
        return None
    return {**one, **other, **{name: _union(one[name], other[name]) for name in one.keys() & other.keys()}}


def _definitions(clone: str, tag: str) -> str:
    for path in _DEFINITIONS:
        command = ["git", "-C", clone, "show", f"{tag}:{path}"]
        shown = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603  it names clones
        if shown.returncode == 0:
            return shown.stdout
    raise FileNotFoundError(f"{tag} has no definitions of values")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])

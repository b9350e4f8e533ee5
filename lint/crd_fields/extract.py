"""Writes the fields that resources have: ``python lint/crd_fields/extract.py FOLDER...``.

The folders have CustomResourceDefinitions as released, each of another release. A field counts that one of them has.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

_HERE = Path(__file__).parent
_KINDS = frozenset({"OpenTelemetryCollector", "TempoMonolithic", "TempoStack"})
# Kubernetes' own types, in which nobody looks for tracing: they would be most of what is written.
_NOT_CHECKED = frozenset(
    {
        "additionalContainers",
        "affinity",
        "env",
        "envFrom",
        "initContainers",
        "lifecycle",
        "livenessProbe",
        "podDnsConfig",
        "podSecurityContext",
        "readinessProbe",
        "resources",
        "securityContext",
        "startupProbe",
        "tolerations",
        "topologySpreadConstraints",
        "volumeClaimTemplates",
        "volumeMounts",
        "volumes",
    }
)

Fields = dict[str, Any] | None


def main(folders: list[str]) -> None:
    found: dict[str, dict[str, Fields]] = {}
    for folder in folders:
        for file in sorted(Path(folder).glob("*.yaml")):
            definition = yaml.safe_load(file.read_text(encoding="utf-8"))
            kind = definition["spec"]["names"]["kind"]
            if kind in _KINDS:
                for version in definition["spec"]["versions"]:
                    known = found.setdefault(kind, {})
                    spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
                    known[version["name"]] = _union(known.get(version["name"], {}), _fields(spec))
    for kind, versions in found.items():
        written = json.dumps(versions, sort_keys=True, separators=(",", ":"))
        (_HERE / f"{kind}.json").write_text(f"{written}\n", encoding="utf-8")


def _fields(schema: Mapping[str, Any]) -> Fields:
    """The fields below a value; None if any may be there, or none."""
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        return None
    if schema.get("type") == "array":
        return _fields(schema["items"])
    properties = schema.get("properties")
    if properties is None:
        return None
    return {name: None if name in _NOT_CHECKED else _fields(below) for name, below in properties.items()}


def _union(one: Fields, other: Fields) -> Fields:
    if one is None or other is None:
        return None
    shared = {name: _union(one[name], other[name]) for name in one.keys() & other.keys()}
    return {**one, **other, **shared}


if __name__ == "__main__":
    main(sys.argv[1:])

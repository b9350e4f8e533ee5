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
_KINDS = frozenset(
    {
        "Istio",
        "IstioCNI",
        "IstioRevisionTag",
        "Kiali",
        "OpenTelemetryCollector",
        "ServiceMeshControlPlane",
        "Sidecar",
        "Telemetry",
        "TempoMonolithic",
        "TempoStack",
        "ZTunnel",
    }
)
# Kubernetes' own types, in which nobody looks for tracing: they would be most of what is written.
_NOT_CHECKED = frozenset(
    {
        "additionalContainers",
        "affinity",
        "containers",
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
_SAME_IN_ALL_VERSIONS = (".istio.io", "sailoperator.io")
_EVERY = "*"
# What each release of an operator may be asked for, so a newer one has more of them.
_OPEN = frozenset({"profile", "version"})
_SCALARS = frozenset({"boolean", "integer", "number", "string"})

Fields = dict[str, Any] | None


def main(folders: list[str]) -> None:
    found: dict[str, dict[str, Fields]] = {}
    for folder in folders:
        for file in sorted(Path(folder).glob("*.yaml")):
            for definition in yaml.safe_load_all(file.read_text(encoding="utf-8")):
                kind = definition["spec"]["names"]["kind"] if definition else ""
                if kind in _KINDS:
                    _add(found.setdefault(kind, {}), definition["spec"])
    for kind, versions in found.items():
        written = json.dumps(versions, sort_keys=True, separators=(",", ":"))
        (_HERE / f"{kind}.json").write_text(f"{written}\n", encoding="utf-8")


def _add(known: dict[str, Fields], definition: Mapping[str, Any]) -> None:
    """Add the fields of each version of the API; of Istio's own kinds and operator all versions are the same."""
    for version in definition["versions"]:
        fields = _fields(version["schema"]["openAPIV3Schema"]["properties"]["spec"])
        name = _EVERY if definition["group"].endswith(_SAME_IN_ALL_VERSIONS) else version["name"]
        known[name] = _union(known[name], fields) if name in known else fields


def _fields(schema: Mapping[str, Any]) -> Fields:
    """What may be there, as ``lint.crd_fields`` has it; None if anything may."""
    if schema.get("x-kubernetes-preserve-unknown-fields") or schema.get("x-kubernetes-int-or-string"):
        return None
    kind = schema.get("type")
    if kind == "array":
        items = _fields(schema["items"])
        return None if items is None else {"=": "list", "[]": items}
    if kind in _SCALARS:
        return {"=": [*schema["enum"]] if "enum" in schema and kind == "string" else kind}
    properties, others = schema.get("properties"), schema.get("additionalProperties")
    if properties is None and others is not None:
        any_key = _fields(others) if isinstance(others, Mapping) else None
        return None if any_key is None else {"*": any_key}
    if kind != "object":
        return None
    return {name: _field(name, below) for name, below in (properties or {}).items()}


def _field(name: str, schema: Mapping[str, Any]) -> Fields:
    if name in _NOT_CHECKED or (name == "env" and schema.get("type") == "array"):
        return None
    return {"=": "string"} if name in _OPEN and schema.get("type") == "string" else _fields(schema)


def _union(one: Fields, other: Fields) -> Fields:
    if one is None or other is None:
        return None
    if "=" in one or "=" in other:
        return _either(one, other)
    shared = {name: _union(one[name], other[name]) for name in one.keys() & other.keys()}
    return {**one, **other, **shared}


def _either(one: dict[str, Any], other: dict[str, Any]) -> Fields:
    """Of two releases that want values of different types, any value is right."""
    first, second = one.get("="), other.get("=")
    if isinstance(first, list) and isinstance(second, list):
        return {"=": sorted({*first, *second})}
    if first != second:
        return {"=": "string"} if {type(first), type(second)} == {list, str} and "string" in (first, second) else None
    items = _union(one["[]"], other["[]"]) if first == "list" else None
    if first == "list":
        return None if items is None else {"=": "list", "[]": items}
    return one


if __name__ == "__main__":
    main(sys.argv[1:])

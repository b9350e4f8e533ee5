"""Strict schemas of every Kubernetes kind that the program may create.

The API server drops an unknown field of a custom resource and at most warns; here it is a mistake. The schemas are
those of the definitions that the embedded cluster may be given, of Istio's own module, and of
Kubernetes' OpenAPI document. Not checked: the rules in CEL (`x-kubernetes-validations`), which need an API server.
"""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from recording import ROOT, Deployed, Registration

from local.build import tools
from local.progress import Progress
from local.run import addons

Schema = dict[str, Any]
# An object's apiVersion and its kind.
Kind = tuple[str, str]

_OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_REFERENCE = "#/definitions/"
_QUANTITY = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[mkMGTPE]|[eE][+-]?[0-9]+)?$"

# Types of the OpenAPI document that stand for themselves, and what JSON may hold in their place.
_SPECIAL: Mapping[str, Schema] = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {"type": ["string", "number"], "pattern": _QUANTITY},
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {"type": ["integer", "string"]},
    "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1": {"type": "object"},
    "io.k8s.apimachinery.pkg.runtime.RawExtension": {"type": "object"},
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON": {},
}

# Fields that newer versions of an operator have added; they are allowed without a schema.
_ADDED_LATER: Mapping[Kind, Mapping[str, str]] = {
    ("tempo.grafana.com/v1alpha1", "TempoMonolithic"): {
        # Since 0.21 of Tempo's operator, which `tempo.env` therefore requires.
        "spec": "env",
    },
    ("tempo.grafana.com/v1alpha1", "TempoStack"): {
        "spec": "env",
        # Since 0.22 of Tempo's operator (platform-facts.md, 2b), which mode `stack` therefore requires.
        "spec.template": "metricsGenerator",
    },
}

# No module that is at hand carries Argo's definition. This is what it has of the one field that is patched
# (argo-rollouts: manifests/crds/rollout-crd.yaml).
_ROLLOUT: Mapping[str, Any] = {
    "kind": "CustomResourceDefinition",
    "spec": {
        "group": "argoproj.io",
        "names": {"kind": "Rollout"},
        "versions": [
            {
                "name": "v1alpha1",
                "served": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "properties": {"restartAt": {"type": "string", "format": "date-time"}},
                            }
                        },
                    }
                },
            }
        ],
    },
}

# Keywords whose subschemas only constrain values; structural schemas list every field outside of them.
_JUNCTIONS = ("allOf", "anyOf", "oneOf", "not")


def strict(schema: Mapping[str, Any]) -> Schema:
    """``schema``, a structural one of a definition, as a JSON schema that refuses what would be dropped."""
    result: Schema = {
        key: value
        for key, value in schema.items()
        # Generators sometimes leave an empty list of alternatives.
        if value is not None
        and key
        in {"type", "enum", "pattern", "required", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
        | {"minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "multipleOf"}
        | {"format", "uniqueItems", "x-kubernetes-list-map-keys", *_JUNCTIONS}
    }
    if "properties" in schema:
        result["properties"] = {name: strict(field) for name, field in schema["properties"].items()}
    if isinstance(schema.get("items"), Mapping):
        result["items"] = strict(schema["items"])
    additional = schema.get("additionalProperties")
    if isinstance(additional, Mapping):
        result["additionalProperties"] = strict(additional)
    elif schema.get("type") == "object" and not additional and not schema.get("x-kubernetes-preserve-unknown-fields"):
        result["additionalProperties"] = False
    if schema.get("x-kubernetes-embedded-resource"):
        fields = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"}}
        result["properties"] = {**fields, **result.get("properties", {})}
    if schema.get("x-kubernetes-int-or-string"):
        result["type"] = ["integer", "string"]
    if schema.get("nullable"):
        return {"anyOf": [{"type": "null"}, result]}
    return result


def _of_definition(definition: Mapping[str, Any]) -> Iterator[tuple[Kind, Schema]]:
    """The schema of each served version of a CustomResourceDefinition."""
    spec = definition["spec"]
    for version in spec["versions"]:
        if not version["served"]:
            continue
        api_version, kind = f"{spec['group']}/{version['name']}", spec["names"]["kind"]
        schema = strict(version["schema"]["openAPIV3Schema"])
        properties = schema.setdefault("properties", {})
        # Only the controller writes it.
        properties.pop("status", None)
        properties["apiVersion"] = {"const": api_version}
        properties["kind"] = {"const": kind}
        properties["metadata"] = {"$ref": f"{_REFERENCE}{_OBJECT_META}"}
        schema["required"] = sorted({*schema.get("required", []), "apiVersion", "kind", "metadata"} - {"status"})
        _allow_later_fields(schema, _ADDED_LATER.get((api_version, kind), {}))
        yield (api_version, kind), schema


def _allow_later_fields(schema: Schema, fields: Mapping[str, str]) -> None:
    for path, field in fields.items():
        place = schema
        for part in path.split("."):
            place = place["properties"][part]
        place["properties"].setdefault(field, {})


def _strict_builtin(schema: Any) -> Any:
    """A type of the OpenAPI document, with unknown fields refused."""
    if isinstance(schema, list):
        return [_strict_builtin(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return {"$ref": schema["$ref"]}
    kept = ("type", "items", "additionalProperties", "required", "format", "x-kubernetes-list-map-keys")
    result = {key: _strict_builtin(schema[key]) for key in kept if key in schema}
    if "properties" in schema:
        result["properties"] = {name: _strict_builtin(field) for name, field in schema["properties"].items()}
        result.setdefault("additionalProperties", False)
    return result


def _unique_map_keys(_: Any, keys: Sequence[str], items: Any, __: Any) -> Iterator[ValidationError]:
    """Two entries with the same key are one to server-side apply, which refuses them."""
    if not isinstance(items, list):
        return
    seen = set()
    for item in items:
        identity = json.dumps([item.get(key) for key in keys] if isinstance(item, dict) else item)
        if identity in seen:
            yield ValidationError(f"two entries with the same {', '.join(keys)}: {identity}")
        seen.add(identity)


_Validator = extend(Draft202012Validator, {"x-kubernetes-list-map-keys": _unique_map_keys})
_FORMATS = FormatChecker(formats=())


@_FORMATS.checks("byte", raises=(binascii.Error, ValueError))
def _is_base64(value: object) -> bool:
    return not isinstance(value, str) or base64.b64decode(value, validate=True) is not None


class Schemas:
    """Validates objects by their ``apiVersion`` and ``kind``."""

    def __init__(self, definitions: Sequence[Mapping[str, Any]], openapi: Mapping[str, Any]) -> None:
        raw = openapi["definitions"]
        self._types = {name: _SPECIAL.get(name) or _strict_builtin(schema) for name, schema in raw.items()}
        self._schemas: dict[Kind, Schema] = {}
        for name, schema in raw.items():
            for kind in schema.get("x-kubernetes-group-version-kind", []):
                group = f"{kind['group']}/" if kind["group"] else ""
                self._schemas[f"{group}{kind['version']}", kind["kind"]] = self._builtin(name, kind["kind"])
        for definition in definitions:
            if definition["kind"] == "CustomResourceDefinition":
                self._schemas.update(_of_definition(definition))
        self._validators: dict[Kind, Any] = {}

    def __contains__(self, kind: Kind) -> bool:
        return kind in self._schemas

    def _builtin(self, name: str, kind: str) -> Schema:
        required = [field for field in ("apiVersion", "kind", "metadata") if field in self._types[name]["properties"]]
        return {"$ref": f"{_REFERENCE}{name}", "properties": {"kind": {"const": kind}}, "required": required}

    def _validator(self, kind: Kind) -> Any:
        if kind not in self._validators:
            schema = self._schemas[kind]
            self._validators[kind] = _Validator(
                {**schema, "definitions": dict(self._reachable(schema))}, format_checker=_FORMATS
            )
        return self._validators[kind]

    def _reachable(self, schema: Schema) -> Iterator[tuple[str, Schema]]:
        waiting, seen = [schema], set()
        while waiting:
            for name in set(_references(waiting.pop())) - seen:
                seen.add(name)
                waiting.append(self._types[name])
                yield name, self._types[name]

    def problems(self, obj: Mapping[str, Any], *, partial: bool = False) -> list[str]:
        """What is wrong with ``obj``, one line per field; ``partial`` objects (patches) may lack fields."""
        kind = (str(obj.get("apiVersion")), str(obj.get("kind")))
        if kind not in self:
            return [f"{kind[0]}/{kind[1]}: no definition of this kind is known"]
        name = (obj.get("metadata") or {}).get("name")
        return [
            f"{kind[1]} {name}: {'.'.join(map(str, error.absolute_path)) or 'object'}: {error.message[:300]}"
            for error in self._validator(kind).iter_errors(obj)
            if not (partial and error.validator == "required")
        ]


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].removeprefix(_REFERENCE)
        for value in schema.values():
            yield from _references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _references(value)


@cache
def schemas() -> Schemas:
    """Those of the modules that ``local/toolchain`` pins; the Go module proxy is asked for what is missing.

    Raises ``LocalError`` when the proxy does not answer: the check is never left out.
    """
    module_folder = tools.Toolbox(ROOT / ".local" / "logs", Progress()).module_folder
    openapi = module_folder("kubernetes", "k8s.io/kubernetes") / "api" / "openapi-spec" / "swagger.json"
    istio = module_folder("istio", "istio.io/istio") / "manifests" / "charts" / "base" / "files"
    definitions = [
        _ROLLOUT,
        *addons.read(module_folder, ROOT, addons.extras()).objects(),
        *_read(istio / "crd-all.gen.yaml"),
    ]
    return Schemas(definitions, json.loads(openapi.read_text()))


def _read(path: Path) -> list[dict[str, Any]]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return [item for item in yaml.load_all(path.read_text(), Loader=loader) if item]


def missing_beside_checkout() -> Mapping[str, str]:
    """API groups whose definitions this machine does not have, and the sentence that says so."""
    groups = {"sail": "sailoperator.io", "kiali": "kiali.io"}
    return {groups[name]: note for name in groups for note in addons.notes(ROOT) if f"of {name} are" in note}


def kubernetes_objects(deployed: Deployed) -> list[Registration]:
    """What the program itself sends to the API server, without the objects of Helm charts."""
    return [
        r for r in deployed.children if not r.read and not r.type.startswith(("kubernetes:helm", "kubernetes:yaml"))
    ]


def faults(deployed: Deployed) -> list[str]:
    """Everything wrong with the objects of one run, but for kinds whose definitions this machine lacks."""
    absent = missing_beside_checkout()
    return [
        f"{registration.name}: {problem}"
        for registration in kubernetes_objects(deployed)
        if str(registration.inputs.get("apiVersion")).split("/")[0] not in absent
        for problem in schemas().problems(registration.inputs, partial=registration.type.endswith("Patch"))
    ]

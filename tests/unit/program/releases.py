"""What clusters with released operators answer: the definitions as their projects published them."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from recording import ROOT
from schemas import strict

FOLDER = ROOT.parent / "shared" / "crds" / "releases"


def names() -> list[str]:
    """The folders of the releases; none where the definitions are absent."""
    return sorted(path.name for path in FOLDER.glob("*-*.*.*")) if FOLDER.is_dir() else []


@cache
def definitions(release: str) -> tuple[Mapping[str, Any], ...]:
    """The CustomResourceDefinitions of a release."""
    files = sorted(Path(FOLDER, release).glob("*.yaml"))
    return tuple(yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader) for path in files)


def _versions(release: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """API version, kind and schema of everything that a release defines."""
    for definition in definitions(release):
        spec = definition["spec"]
        for version in spec["versions"]:
            if version["served"]:
                api_version = f"{spec['group']}/{version['name']}"
                yield api_version, spec["names"]["kind"], version["schema"]["openAPIV3Schema"]


@cache
def answers(*releases: str) -> Mapping[str, Any]:
    """What an API server with the definitions of ``releases`` publishes of them, by API path."""
    found: dict[str, Any] = {}
    for release in releases:
        for api_version, kind, schema in _versions(release):
            group, _, version = api_version.partition("/")
            document = found.setdefault(f"/openapi/v3/apis/{api_version}", {"components": {"schemas": {}}})
            known_as = [{"group": group, "version": version, "kind": kind}]
            document["components"]["schemas"][f"{group}.{version}.{kind}"] = {
                **schema,
                "x-kubernetes-group-version-kind": known_as,
            }
    return found


@cache
def strict_specs(release: str) -> Mapping[tuple[str, str], Mapping[str, Any]]:
    """By API version and kind, a JSON schema of the spec that refuses what the API server would drop."""
    return {
        (api_version, kind): strict(schema["properties"]["spec"]) for api_version, kind, schema in _versions(release)
    }

"""The fields of resources of operators: the JSON files here, one for each kind, with the versions of its API.

``extract.py`` writes them from the definitions that were released. Their form is that of ``lint.tempo_keys``.
"""

import json
from functools import cache
from importlib import resources

from lint.objects import mapping
from lint.tempo_keys import Keys

KINDS = {
    "OpenTelemetryCollector": "opentelemetry.io",
    "TempoMonolithic": "tempo.grafana.com",
    "TempoStack": "tempo.grafana.com",
}


def fields(kind: str, version: str) -> Keys | None:
    """What may stand below ``spec``; None for a version that no release has."""
    return mapping(_versions(kind)).get(version)


@cache
def _versions(kind: str) -> Keys:
    found: Keys = json.loads((resources.files("lint.crd_fields") / f"{kind}.json").read_text(encoding="utf-8"))
    return found

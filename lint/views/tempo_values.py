"""The parts of Tempo's configuration in the values of its charts, tempo and tempo-distributed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lint.objects import Path, mapping, text
from lint.templates import without_blocks
from lint.views.values import Values

CHARTS = ("tempo", "tempo-distributed")
GENERATOR: Mapping[str, Path] = {"tempo": ("tempo", "metricsGenerator"), "tempo-distributed": ("metricsGenerator",)}

# What a chart puts into Tempo's configuration as it is: by section, where that is in the values
# (grafana-community/helm-charts: charts/tempo/values.yaml and charts/tempo-distributed/values.yaml, `config`).
_SECTIONS: Mapping[str, Mapping[str, Path]] = {
    "tempo": {
        "ingester": ("tempo", "ingester"),
        "metrics_generator": GENERATOR["tempo"],
        "overrides": ("tempo", "overrides"),
        "querier": ("tempo", "querier"),
        "query_frontend": ("tempo", "queryFrontend"),
        "server": ("tempo", "server"),
        "storage": ("tempo", "storage"),
    },
    "tempo-distributed": {
        "metrics_generator": (*GENERATOR["tempo-distributed"], "config"),
        "overrides": ("overrides",),
    },
}
# What a condition needs: a value, or that one and others.
_NEEDED = re.compile(r"(?:and\s+)?\.Values\.(?P<path>[\w.]+)(?:\s+\.Values\.[\w.]+)*\s*")
_ENTERPRISE = "enterprise.enabled"
_WORKLOADS = ("distributor", "ingester", "querier")
# Of the values of the generator the chart tempo reads these, and of its two storages only what follows them.
_OF_GENERATOR = frozenset({"metrics_ingestion_time_range_slack", "processor", "registry", "storage", "traces_storage"})
_OF_STORAGES = frozenset({"path", "remote_write"})
# Older charts have overrides of single tenants under the same name.
_OF_ALL_TENANTS = frozenset({"defaults", "metrics_generator_processors"})


def has_shape_of_distributed(values: Values) -> bool:
    """Whether the values are surely those of tempo-distributed: they have sections for its workloads."""
    return values.chart == "tempo-distributed" and all(mapping(values.at(part)) for part in _WORKLOADS)


@dataclass(frozen=True)
class Parts:
    """``sections`` has by the sections of ``config`` where they are; ``url`` is a remote write beside them."""

    config: Mapping[str, Any]
    sections: Mapping[str, Path]
    url: tuple[Path, str] | None
    tag: str


def parts(values: Values) -> Parts:
    generator = GENERATOR[values.chart]
    found = {section: (path, mapping(values.at(*path))) for section, path in _SECTIONS[values.chart].items()}
    config = {section: _of_tempo(values.chart, section, content) for section, (_, content) in found.items()}
    url = text(values.at(*generator, "remoteWriteUrl")) if values.chart == "tempo" else ""
    return Parts(
        config={section: content for section, content in config.items() if content},
        sections={section: (*values.path, *path) for section, (path, _) in found.items()},
        url=((*values.path, *generator, "remoteWriteUrl"), url) if url else None,
        # The chart of one Tempo has the image's tag beside the configuration, the other one below `image`.
        tag=text(values.at("tempo", "tag")) or text(values.at("tempo", "image", "tag")),
    )


def _of_tempo(chart: str, section: str, content: Mapping[Any, Any]) -> Mapping[Any, Any]:
    if section == "metrics_generator":
        read = {key: value for key, value in content.items() if key in _OF_GENERATOR}
        return read if chart != "tempo" else {key: _of_storage(key, value) for key, value in read.items()}
    return content if section != "overrides" or not _OF_ALL_TENANTS.isdisjoint(content) else {}


def _of_storage(key: str, value: object) -> object:
    is_storage = key.endswith("storage") and isinstance(value, Mapping)
    return {name: one for name, one in mapping(value).items() if name in _OF_STORAGES} if is_storage else value


def own_configuration(values: Values) -> str:
    """The template of Tempo's configuration that the values have, without what they switch off."""
    return without_blocks(text(values.at("config")), lambda condition: _is_off(values, condition))


def _is_off(values: Values, condition: str) -> bool:
    """Whether a value that has to be set is not: the enterprise edition is off unless it is switched on."""
    needed = _NEEDED.fullmatch(condition)
    if needed is None:
        return False
    found = values.at(*needed["path"].split("."))
    return found is False or (found is None and needed["path"] == _ENTERPRISE)

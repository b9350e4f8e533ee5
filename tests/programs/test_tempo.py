"""What the program and its users write into Tempo's configuration, judged by Tempo itself and by lint."""

import copy
import json
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import variants
from judges import TEMPO_RELEASES, Program
from recording import minimal_config
from test_checks import plan_of

from objects.merge import merge
from program.inventory import every_object

# What Tempo's operator writes around the extra configuration, as far as Tempo needs it.
AROUND: dict[str, Any] = {
    "server": {"http_listen_port": 3200},
    "distributor": {"receivers": {"otlp": {"protocols": {"grpc": {"endpoint": "0.0.0.0:4317"}}}}},
    "storage": {
        "trace": {"backend": "local", "wal": {"path": "/var/tempo/wal"}, "local": {"path": "/var/tempo/blocks"}}
    },
    "usage_report": {"reporting_enabled": False},
}
# Tempo 3 does not take what is written for 2, and is not built here.
WHOLE = merge(
    AROUND,
    {
        "metrics_generator": {
            "storage": {
                "path": "/var/tempo/generator/wal",
                "remote_write": [{"url": "http://prometheus:9090/api/v1/write"}],
            },
            "processor": {"service_graphs": {"wait": "10s", "max_items": 1000}, "span_metrics": {"dimensions": ["a"]}},
            "registry": {"collection_interval": "15s"},
        },
        "compactor": {"compaction": {"block_retention": "48h"}},
        "ingester": {"max_block_duration": "5m", "lifecycler": {"min_ready_duration": "0s"}},
        "overrides": {
            "defaults": {
                "metrics_generator": {"processors": ["service-graphs", "span-metrics"]},
                "ingestion": {"rate_limit_bytes": 15000000},
                "global": {"max_bytes_per_trace": 5000000},
            }
        },
        "query_frontend": {"search": {"max_duration": "0s"}},
    },
)


def written_by_the_program() -> Mapping[str, dict[str, Any]]:
    """Each configuration that a variant of settings leads to, by the first variant that does."""
    found: dict[str, dict[str, Any]] = {}
    for config in variants.variants().values():
        for obj in every_object(plan_of(config)):
            if obj["kind"] in {"TempoMonolithic", "TempoStack"}:
                extra = obj["spec"]["extraConfig"]["tempo"]
                if "live_store" not in extra:
                    found.setdefault(json.dumps(extra, sort_keys=True, default=str), extra)
    return found


def paths(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, child in value.items() if isinstance(value, Mapping) else ():
        yield (*path, key)
        yield from paths(child, (*path, key))


# Below these, Tempo takes the keys of other programs: the collector's receivers and Prometheus' remote write.
NOT_TEMPOS_OWN = {("distributor", "receivers"), ("metrics_generator", "storage", "remote_write")}
PATHS = [
    path for path in paths(WHOLE) if not any(path[: len(other)] == other and path != other for other in NOT_TEMPOS_OWN)
]


def renamed(path: tuple[str, ...]) -> dict[str, Any]:
    config = copy.deepcopy(WHOLE)
    holder = config
    for key in path[:-1]:
        holder = holder[key]
    holder[f"{path[-1]}_x"] = holder.pop(path[-1])
    return config


def test_tempo_takes_whatever_a_variant_of_settings_leads_to(tempo: Program, tmp_path: Path) -> None:
    configs = written_by_the_program()
    assert len(configs) > 3
    refused = {said for extra in configs.values() if (said := tempo.refuses(merge(AROUND, extra), tmp_path))}
    assert refused == set()


def test_the_whole_configuration_is_right_for_both(tempo: Program, tmp_path: Path) -> None:
    assert (tempo.refuses(WHOLE, tmp_path), tempo.lint_refuses(WHOLE)) == ("", [])


@pytest.mark.parametrize("path", PATHS, ids=".".join)
def test_a_key_that_tempo_does_not_know_is_an_error_of_lint(
    tempo: Program, tmp_path: Path, path: tuple[str, ...]
) -> None:
    config = renamed(path)
    assert "not found in type" in tempo.refuses(config, tmp_path)
    assert any(f"{path[-1]}_x" in said for said in tempo.lint_refuses(config))


@pytest.mark.parametrize(
    "change",
    [
        {"overrides": {"defaults": {"rate_limit_bytes": 1}}},
        {"metrics_generator": {"processors": ["service-graphs"]}},
        {"overrides": {"max_bytes_per_trace": 1}},
        {"compaction": {"block_retention": "1h"}},
        {"storage": {"block_retention": "1h"}},
    ],
    ids=json.dumps,
)
def test_what_stands_at_the_wrong_place_is_refused_by_both(
    tempo: Program, tmp_path: Path, change: dict[str, Any]
) -> None:
    config = merge(WHOLE, change)
    assert tempo.refuses(config, tmp_path)
    assert tempo.lint_refuses(config)


def known_keys() -> dict[str, Any]:
    """The keys that lint knows of both releases around the built one."""
    folder = resources.files("lint.tempo_keys")
    first, last = (json.loads(folder.joinpath(f"{release}.json").read_text("utf-8")) for release in TEMPO_RELEASES)
    common: dict[str, Any] = of_both(first, last)
    return common


def of_both(one: object, other: object) -> Any:
    if not (isinstance(one, Mapping) and isinstance(other, Mapping)):
        return None
    return {key: of_both(one[key], other[key]) for key in one.keys() & other.keys()}


@pytest.mark.parametrize("section", sorted(set(known_keys()) - {"overrides"}))
def test_tempo_knows_each_key_that_lint_knows(tempo: Program, tmp_path: Path, section: str) -> None:
    """Nothing but the names is looked at: a value that is null may be wrong in another way."""
    said = tempo.refuses({**AROUND, section: empty(known_keys()[section])}, tmp_path)
    assert [line for line in said.splitlines() if "not found in type" in line] == []


def empty(keys: object) -> Any:
    """Every key below ``keys``, without values."""
    if not isinstance(keys, Mapping) or "*" in keys or not keys:
        return None
    return {key: empty(below) for key, below in keys.items()}


def test_what_the_settings_refuse_is_what_tempo_refuses(tempo: Program, tmp_path: Path) -> None:
    """The oracle of the setting's refusal: Tempo itself."""
    (extra, *_) = (
        obj["spec"]["extraConfig"]["tempo"]
        for obj in every_object(plan_of({**minimal_config()}))
        if obj["kind"] == "TempoMonolithic"
    )
    assert tempo.refuses(merge(merge(AROUND, extra), {"compaction": {}}), tmp_path)

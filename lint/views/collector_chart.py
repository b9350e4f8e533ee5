"""The chart opentelemetry-collector: the configuration that its values become, and the Service that it makes."""

from collections.abc import Iterator, Mapping
from typing import Any

from lint.objects import Path, mapping, text
from lint.views.charts import release_name
from lint.views.values import Values

CHART = "opentelemetry-collector"

# What the chart has of its own, as far as pipelines and their components go
# (opentelemetry-helm-charts: charts/opentelemetry-collector/values.yaml).
_OWN_ADDRESS = "${env:MY_POD_IP}"
_DEFAULTS: dict[str, Any] = {
    "receivers": {
        "jaeger": {"protocols": {"grpc": {}, "thrift_http": {}, "thrift_compact": {}}},
        "otlp": {
            "protocols": {
                "grpc": {"endpoint": f"{_OWN_ADDRESS}:4317"},
                "http": {"endpoint": f"{_OWN_ADDRESS}:4318"},
            }
        },
        "prometheus": {"config": {}},
        "zipkin": {"endpoint": f"{_OWN_ADDRESS}:9411"},
    },
    "processors": {
        "batch": {},
        "memory_limiter": {"check_interval": "5s", "limit_percentage": 80, "spike_limit_percentage": 25},
    },
    "exporters": {"debug": {}},
    "extensions": {"health_check": {"endpoint": f"{_OWN_ADDRESS}:13133"}},
    "service": {
        "extensions": ["health_check"],
        "pipelines": {
            "logs": {"receivers": ["otlp"], "processors": ["memory_limiter", "batch"], "exporters": ["debug"]},
            "metrics": {
                "receivers": ["otlp", "prometheus"],
                "processors": ["memory_limiter", "batch"],
                "exporters": ["debug"],
            },
            "traces": {
                "receivers": ["otlp", "jaeger", "zipkin"],
                "processors": ["memory_limiter", "batch"],
                "exporters": ["debug"],
            },
        },
    },
}

# What older versions of the chart had too: null is for taking it away.
_ONCE_OF_ITS_OWN = frozenset({"logging"})


def configuration(values: Values) -> tuple[Mapping[Any, Any], bool, Path]:
    """Return the configuration, whether all of it is known, and the path to it in the values."""
    alternate = mapping(values.at("alternateConfig"))
    if alternate:
        return alternate, not _has_presets(values), ("alternateConfig",)
    own = mapping(values.at("config"))
    return (
        _merged(_DEFAULTS, own, null_removes=not _is_dependency(values)),
        _says_all(values, own) and not _has_presets(values),
        ("config",),
    )


def names_of_service(values: Values) -> Iterator[str]:
    """Yield the name of the chart's Service, if the release's name is known."""
    full_name, release = text(values.at("fullnameOverride")), release_name(values.owner)
    name = text(values.at("nameOverride")) or CHART
    if full_name:
        yield full_name
    elif release:
        yield release if name in release else f"{release}-{name}"


def _says_all(values: Values, own: Mapping[Any, Any]) -> bool:
    """Whether no other values are merged with these.

    There may be others for a file and for a chart that is a dependency: the defaults of the chart around it.
    """
    alone = bool(values.owner.kind) and values.owner.kind != "ConfigMap" and not _is_dependency(values)
    layered = bool(values.owner.at("spec", "valuesFrom")) or bool(
        values.owner.at("spec", "source", "helm", "valueFiles")
    )
    return (alone and not layered) or all(mapping(own.get(key)) for key in ("receivers", "exporters", "service"))


def _has_presets(values: Values) -> bool:
    """Whether the chart adds components to the pipelines."""
    presets = mapping(values.at("presets")).values()
    return any(mapping(preset).get("enabled") not in {None, False} for preset in presets)


def _is_dependency(values: Values) -> bool:
    """Whether they are below a key of their own, in an object or in a file of the chart around it."""
    return values.path[-1:] == (CHART,) or (bool(values.path) and not values.owner.kind)


def _merged(base: Mapping[Any, Any], over: Mapping[Any, Any], *, null_removes: bool) -> Mapping[Any, Any]:
    """Merge as Helm does: maps by key, and all else is replaced.

    Null takes a key away, except in values for a dependency (helm: https://github.com/helm/helm/pull/12879).
    """
    merged = dict(base)
    for key, value in over.items():
        if value is None and null_removes:
            merged.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(merged.get(key), Mapping):
            merged[key] = _merged(merged[key], value, null_removes=null_removes)
        elif value is not None or (key not in merged and key not in _ONCE_OF_ITS_OWN):
            merged[key] = value
    return merged

"""The configuration that a TempoMonolithic or a TempoStack passes on to Tempo."""

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.lifecycle import lifecycle
from lint.objects import Manifests, Object, Path, at, mapping, sequence, strings, text
from lint.rule import rule
from lint.views.services import TEMPO
from lint.views.versions import minor

CONFIG: Path = ("spec", "extraConfig", "tempo")
GENERATOR: Path = ("spec", "template", "metricsGenerator")

_VOLUME = "/var/tempo"
_STORAGE_PATH: Path = ("metrics_generator", "storage", "path")
_NEW_PROCESSORS: Path = ("overrides", "defaults", "metrics_generator", "processors")
_OLD_PROCESSORS: Path = ("overrides", "metrics_generator_processors")
_GRAPH_PROCESSORS = {"service_graphs": "service-graphs", "span_metrics": "span-metrics"}

# The flat keys of the older format (tempo: modules/overrides/config_legacy.go).
_OLD_KEYS = (
    "block_retention",
    "compaction_",
    "forwarders",
    "ingestion_",
    "max_",
    "metrics_generator_",
    "parquet_dedicated_columns",
    "unsafe_query_hints",
)

# Two dollars are an escaped one: the variable is then meant for Grafana, and not for Tempo.
_VARIABLE = re.compile(r"(?<!\$)\$\{[^}]*\}")
_EXPANDS_VARIABLES = lifecycle().first_release("Tempo expands variables")
_KNOWS_GENERATOR = lifecycle().first_release("a TempoStack has a metrics generator")


@rule(
    code="N5",
    title="The metrics generator has no path for its data",
    levels=(Severity.ERROR,),
    why=(
        "Without a path, Tempo writes one line to its log, switches the metrics generator off and starts all the "
        "same. There is then no service graph."
    ),
    remedy="Set `metrics_generator.storage.path` to `/var/tempo/generator/wal`.",
    example="""
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoMonolithic
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          extraConfig:
            tempo:
              overrides:
                defaults: {metrics_generator: {processors: [service-graphs]}}
    """,
)
def generator_without_path(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for obj, config in _monolithic(manifests):
        if _generates(config) and not at(config, *_STORAGE_PATH):
            yield error(
                obj.where(*CONFIG, *_STORAGE_PATH),
                "without a path Tempo switches the metrics generator off and starts all the same: no service graph",
                f"set it to {_VOLUME}/generator/wal",
            )


@rule(
    code="N5",
    title="The metrics generator's path is outside Tempo's volume",
    levels=(Severity.ERROR,),
    why=(
        "In the container that the operator makes, only `/var/tempo` can be written to: the rest of its file system "
        "is read-only."
    ),
    remedy="Set `metrics_generator.storage.path` to `/var/tempo/generator/wal`.",
    example="""
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoMonolithic
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          extraConfig:
            tempo:
              metrics_generator:
                storage: {path: /data/generator/wal}
    """,
)
def generator_outside_its_volume(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for obj, config in _monolithic(manifests):
        path = text(at(config, *_STORAGE_PATH))
        if path and not f"{posixpath.normpath(path)}/".startswith(f"{_VOLUME}/"):
            yield error(
                obj.where(*CONFIG, *_STORAGE_PATH),
                f"only {_VOLUME} can be written to in the container that the operator makes",
                f"set it to {_VOLUME}/generator/wal",
            )


@rule(
    code="N5",
    title="A metrics generator's processor is configured and not switched on",
    levels=(Severity.ERROR,),
    why=(
        "Configuring a processor does not start it. It runs only for tenants whose overrides name it, and otherwise "
        "makes no metrics."
    ),
    remedy="Add the processor to `overrides.defaults.metrics_generator.processors`.",
    example="""
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoMonolithic
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          extraConfig:
            tempo:
              metrics_generator:
                storage: {path: /var/tempo/generator/wal}
                processor: {service_graphs: {}}
    """,
)
def processors_not_switched_on(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for obj, config in _monolithic(manifests):
        if at(config, "overrides", "per_tenant_override_config"):
            continue
        switched_on = [*_names(at(config, *_NEW_PROCESSORS)), *_names(at(config, *_OLD_PROCESSORS))]
        for key, name in _GRAPH_PROCESSORS.items():
            configured = key in mapping(at(config, "metrics_generator", "processor"))
            # span-metrics can also be switched on in parts, such as span-metrics-latency.
            if configured and not any(on.startswith(name) for on in switched_on):
                yield error(
                    obj.where(*CONFIG, *_NEW_PROCESSORS),
                    f"the processor {name} is configured and not switched on, so it makes no metrics",
                    f"add {name} to the list",
                )


@rule(
    code="N6",
    title="Tempo's overrides mix the older and the newer format",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "Tempo reads overrides either in the newer format, below `defaults`, or in the older one of flat keys, and "
        "does not start if it finds both. The operator of a TempoStack itself writes the older format for the metrics"
        " generator and for limits; `defaults` in a TempoStack without these is a warning."
    ),
    remedy=(
        "In a TempoMonolithic move the flat keys below `defaults`; in a TempoStack write the older format, such as "
        "`metrics_generator_processors: [...]`."
    ),
    example="""
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoMonolithic
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          extraConfig:
            tempo:
              overrides:
                max_bytes_per_trace: 5000000
                defaults: {ingestion: {rate_limit_bytes: 15000000}}
    """,
)
def mixed_overrides(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for obj in manifests.of(TEMPO, "TempoMonolithic", "TempoStack"):
        path: Path = (*CONFIG, "overrides")
        overrides = mapping(obj.at(*path))
        defaults = overrides.get("defaults")
        if defaults is None:
            continue
        if obj.kind == "TempoStack":
            # The operator writes overrides of its own, in the older format, for the generator and for limits.
            writes_own = obj.at(*GENERATOR, "enabled") is True or bool(mapping(obj.at("spec", "limits")))
            yield (error if writes_own else warning)(
                obj.where(*path, "defaults"),
                "the operator of a TempoStack writes overrides in the older format, and Tempo does not start with both",
                "write the older format, such as metrics_generator_processors: [...]",
            )
            continue
        for key in _old_keys(overrides):
            yield error(
                obj.where(*path, key),
                "Tempo does not start with a key of the older format beside `defaults`",
                "write it in the newer format, below `defaults`",
            )
        for key in _old_keys(mapping(defaults)):
            yield error(
                obj.where(*path, "defaults", key),
                "Tempo does not start with a key of the older format below `defaults`",
                "write it in the newer format, such as metrics_generator: {processors: [...]}",
            )


@rule(
    code="N17",
    title="The operator does not let Tempo expand a variable",
    levels=(Severity.ERROR,),
    why=(
        "Tempo operators before 0.21 start a monolithic Tempo without the flag `-config.expand-env`, so `${NAME}` "
        "stays as it is written."
    ),
    remedy="Write the value out, or upgrade the operator to 0.21 or later.",
    example="""
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoMonolithic
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          extraConfig:
            tempo:
              usage_report: {reporting_enabled: "${REPORT}"}
    """,
    facts=Facts(tempo_operator_version="0.20.0"),
    reads_variables=True,
)
def variable_that_stays_literal(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    version = minor(facts.tempo_operator_version)
    if version is None or version >= _EXPANDS_VARIABLES:
        return
    for obj, config in _monolithic(manifests):
        for path, value in strings(config, CONFIG):
            variable = _VARIABLE.search(value)
            if variable:
                yield error(
                    obj.where(*path),
                    f"Tempo operator {facts.tempo_operator_version} does not let Tempo expand {variable[0]!r}",
                    "write the value out, or upgrade the operator to 0.21 or later",
                )


@rule(
    code="N20",
    title="The operator does not know the metrics generator of a TempoStack",
    levels=(Severity.ERROR,),
    why=(
        "The field `spec.template.metricsGenerator` came with Tempo operator 0.22. Older operators, and their CRD, do"
        " not know it, so there is no metrics generator and no service graph."
    ),
    remedy="Upgrade the operator to 0.22 or later, or use a TempoMonolithic with `extraConfig`.",
    example="""
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoStack
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          template:
            metricsGenerator: {enabled: true}
    """,
    facts=Facts(tempo_operator_version="0.21.0"),
)
def generator_that_the_operator_ignores(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    version = minor(facts.tempo_operator_version)
    if version is None or version >= _KNOWS_GENERATOR:
        return
    for obj in manifests.of(TEMPO, "TempoStack"):
        generator = obj.at(*GENERATOR)
        if isinstance(generator, Mapping) and generator.get("enabled") is not False:
            yield error(
                obj.where(*GENERATOR),
                f"Tempo operator {facts.tempo_operator_version} does not know the metrics generator of a TempoStack",
                "upgrade the operator to 0.22 or later, or use a TempoMonolithic with extraConfig",
            )


def _monolithic(manifests: Manifests) -> Iterator[tuple[Object, Mapping[Any, Any]]]:
    for obj in manifests.of(TEMPO, "TempoMonolithic"):
        yield obj, mapping(obj.at(*CONFIG))


def _generates(config: Mapping[Any, Any]) -> bool:
    """Whether ``config`` asks for metrics: it configures the generator, or switches a processor on."""
    return bool(
        mapping(config.get("metrics_generator"))
        or _names(at(config, *_NEW_PROCESSORS))
        or _names(at(config, *_OLD_PROCESSORS))
    )


def _names(processors: object) -> list[str]:
    return [name for name in sequence(processors) if isinstance(name, str)]


def _old_keys(overrides: Mapping[Any, Any]) -> list[str]:
    return [key for key in overrides if isinstance(key, str) and key.startswith(_OLD_KEYS)]

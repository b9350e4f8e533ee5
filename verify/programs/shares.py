"""Whether what counts the spans knows how many requests each stands for, where only some are traced or kept."""

from collections.abc import Iterator, Mapping
from typing import Any

from verify.deployment import Tracing
from verify.fields import value_at
from verify.programs.exporters import type_of

# Tempo's processors that count spans (tempo: modules/generator/processor/*/config.go).
_COUNTERS = ("service_graphs", "span_metrics")
_KEY = "span_multiplier_key"
# Of the collector: processors that let only some traces pass.
_SAMPLERS = ("tail_sampling", "probabilistic_sampler")


def not_multiplied(tracing: Tracing, tempo: Mapping[str, Any], collector: Mapping[str, Any]) -> Iterator[str]:
    """What keeps Tempo's generator from counting a span as often as its share says; nothing if that is not meant."""
    if tracing.ratio_attribute is None:
        return
    for counter in _COUNTERS:
        key = value_at(tempo, ["metrics_generator", "processor", counter, _KEY])
        if key != tracing.ratio_attribute:
            yield f"Tempo: metrics_generator.processor.{counter}.{_KEY} is {key or 'not set'}"
    said = str(_used(collector))
    for ratio in tracing.ratios:
        statement = f'set(span.attributes["{tracing.ratio_attribute}"], {ratio!r})'
        if statement not in said:
            yield f"no processor of the collector's pipelines has the statement {statement}"


def counted_after_sampling(collector: Mapping[str, Any], connectors: frozenset[str]) -> Iterator[str]:
    """The samplers before the ``connectors`` that make the graph, which then count a part for the whole."""
    for kind, pipeline in _pipelines(collector).items():
        if connectors & set((pipeline or {}).get("exporters") or []):
            for name in (pipeline or {}).get("processors") or []:
                if type_of(name) in _SAMPLERS:
                    yield f"pipeline {kind}: {name} comes before the connectors"


def _pipelines(collector: Mapping[str, Any]) -> Mapping[str, Any]:
    return (collector.get("service") or {}).get("pipelines") or {}


def _used(collector: Mapping[str, Any]) -> list[Any]:
    """The settings of the processors that some pipeline has."""
    names = {name for one in _pipelines(collector).values() for name in (one or {}).get("processors") or []}
    return [settings for name, settings in (collector.get("processors") or {}).items() if name in names]

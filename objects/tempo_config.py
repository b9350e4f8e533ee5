"""Tempo's own configuration, for the field ``extraConfig`` that both of its operator's resources have.

The operator merges it over what it renders: maps are merged, lists are replaced. The overrides have
two formats, and Tempo stops when it finds both: the operator writes none for a TempoMonolithic and
the older one for a TempoStack.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from model import ExistingPrometheus, Tempo
from model.scalars import seconds_of
from objects.context import Text
from objects.merge import merge
from objects.prometheus_access import remote_write_fields
from objects.sampling import RATIO

# The Tempo of the newest operator, whose keys are written where nothing else is known.
DEFAULT_TEMPO = "2.10.8"

PROCESSORS = ["service-graphs", "span-metrics"]

# The operator makes no other path in Tempo's container writable. A generator without a path disables
# itself.
_GENERATOR_WAL = "/var/tempo/generator/wal"

# Upper bounds in seconds. Tempo's own begin at 100 ms, and most calls inside a cluster are faster: all of them would be
# in one bucket, and every quantile would be the same.
EDGE_BUCKETS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

# By these attributes of a client's span that no server's span answers, what it called is a node of the graph. Only
# databases have them. What Tempo has beside them, `peer.service`, an application says of each call that it makes, and
# where a sidecar sends the call on, the sidecar's span is the one that is answered: the call would count twice.
PEERS = ["db.name", "db.system"]

# Tempo waits 15 s so that other ingesters hear of a new one before the next is replaced. A single binary has no others,
# and its readiness probe, which asks every 10 s, would find it ready 20 s later than it is.
_NO_OTHERS: Mapping[str, Any] = {"lifecycler": {"min_ready_duration": "0s"}}

# At each check the ingester writes a file of its own into the block that it fills, and each search opens all of them:
# after half an hour, the usual length of a block, of a file a second, it took 3 s at rest, and with 120 of them 0.1 s.
_FILES = 120
_SHORTEST_BLOCK, _LONGEST_BLOCK = 60, 1800

_WITHOUT_INGESTERS = 3
# How long Tempo 3 collects the spans of a trace that does not become idle.
_LIVES_SECONDS = 30


def build_monolithic_config(  # noqa: PLR0913  each decides over a part of it
    tempo: Tempo,
    remote_write_url: Text,
    revision: Text | None = None,
    *,
    version: str = DEFAULT_TEMPO,
    prometheus: ExistingPrometheus | None = None,
    makes_graph: bool = True,
    multiplies: bool = False,
    dimensions: Sequence[str] = (),
    max_series: int | None = None,
) -> dict[str, Any]:
    """The ``extraConfig`` of a TempoMonolithic, with keys that Tempo of ``version`` knows, from 2.6 on.

    ``multiplies``: a span counts as many times as its share says (``sampling.py``).
    """
    compaction = {"compaction": {"block_retention": tempo.retention}}
    if _since_3(version):
        blocks = {"backend_scheduler": {"provider": {"compaction": compaction}}, "live_store": _search_3(tempo)}
    else:
        blocks = {"compactor": compaction, "ingester": {**_NO_OTHERS, **_search(tempo)}}
    if not makes_graph:
        # A single process tells nobody its name.
        named = {} if revision is None else {"memberlist": {"node_name": revision}}
        return merge(merge(blocks, tempo.extra_config), named)
    # A configured processor runs only for tenants for which it is also switched on here.
    overrides: dict[str, Any] = {"processors": PROCESSORS}
    if tempo.histograms != "classic":
        overrides["generate_native_histograms"] = tempo.histograms
    if max_series is not None:
        overrides["max_active_series"] = max_series
    ours = {
        **blocks,
        "metrics_generator": {
            "storage": {"path": _GENERATOR_WAL, "remote_write": _remote_write(tempo, remote_write_url, prometheus)},
            "registry": _registry(tempo),
            "processor": _processors(dimensions, multiplies=multiplies),
        },
        "overrides": {"defaults": {"metrics_generator": overrides}},
    }
    return _revised(merge(ours, tempo.extra_config), revision)


def build_stack_config(  # noqa: PLR0913  each decides over a part of it
    tempo: Tempo,
    remote_write_url: Text,
    revision: Text | None = None,
    *,
    version: str = DEFAULT_TEMPO,
    prometheus: ExistingPrometheus | None = None,
    multiplies: bool = False,
    writes_graph: bool = True,
    dimensions: Sequence[str] = (),
    max_series: int | None = None,
) -> dict[str, Any]:
    """The ``extraConfig`` of a TempoStack, without retention and processors, which have fields of their own there."""
    ours: dict[str, Any] = {
        # With TLS between the parts, the operator leaves it out: the metrics, at the server that anybody may ask.
        **({"internal_server": {"register_instrumentation": True}} if tempo.internal_tls else {}),
        **({"live_store": _search_3(tempo)} if _since_3(version) else {"ingester": _search(tempo)}),
    }
    if not writes_graph:
        # As free a text as the name of a remote write, of a generator that does not run.
        named = (
            {} if revision is None else {"metrics_generator": {"registry": {"external_labels": {"revision": revision}}}}
        )
        return merge(merge(ours, tempo.extra_config), named)
    ours |= {
        "metrics_generator": {
            # The operator's own entry for the URL has no exemplars; this list replaces it.
            "storage": {"remote_write": _remote_write(tempo, remote_write_url, prometheus)},
            "registry": _registry(tempo),
            "processor": _processors(dimensions, multiplies=multiplies),
        },
    }
    overrides: dict[str, Any] = {}
    if tempo.histograms != "classic":
        overrides["metrics_generator_generate_native_histograms"] = tempo.histograms
    if max_series is not None:
        overrides["metrics_generator_max_active_series"] = max_series
    if overrides:
        ours["overrides"] = overrides
    return _revised(merge(ours, tempo.extra_config), revision)


def _revised(config: dict[str, Any], revision: Text | None) -> dict[str, Any]:
    """``config`` with the revision as the name of the first remote write.

    Tempo uses that name for nothing but labels of its own metrics and lines of its log, and has no other text that is
    free to choose. A new one changes the configuration, for which the operator restarts every pod of either resource;
    it does not for a changed Secret, and copies no annotation to the pods.
    """
    if revision is None:
        return config
    first, *others = config["metrics_generator"]["storage"]["remote_write"]
    return merge(config, {"metrics_generator": {"storage": {"remote_write": [{**first, "name": revision}, *others]}}})


def _since_3(version: str) -> bool:
    """Whether Tempo has no compactor and no ingester any more, and refuses their keys."""
    return int(version.partition(".")[0]) >= _WITHOUT_INGESTERS


def _search(tempo: Tempo) -> dict[str, str]:
    """When a trace moves from the ingester's memory to its write-ahead log: search reads the log, not the memory.

    Tempo looks for traces that have become idle once per check period, so the two times add up.
    """
    idle = tempo.trace_idle_period
    block = min(max(_FILES * seconds_of(idle), _SHORTEST_BLOCK), _LONGEST_BLOCK)
    return {"trace_idle_period": idle, "flush_check_period": idle, "max_block_duration": f"{block:g}s"}


def _search_3(tempo: Tempo) -> dict[str, str]:
    """The same in Tempo 3, whose live store has taken the ingester's place (modules/livestore/config.go)."""
    idle = tempo.trace_idle_period
    # A trace that may be idle for longer than it may live is refused.
    longest = {"max_trace_live": idle} if seconds_of(idle) > _LIVES_SECONDS else {}
    return {"max_trace_idle": idle, "flush_check_period": idle, **longest}


def _remote_write(tempo: Tempo, url: Text, prometheus: ExistingPrometheus | None) -> list[dict[str, Any]]:
    entry: dict[str, Any] = {"url": url, "send_exemplars": True, **remote_write_fields(prometheus)}
    if tempo.histograms != "classic":
        entry["send_native_histograms"] = True
    return [entry]


def _processors(dimensions: Sequence[str], *, multiplies: bool) -> dict[str, Any]:
    """The settings of the two processors."""
    # The reciprocal of this attribute of a span is how often it counts (modules/generator/processor/util/util.go).
    counted = {"span_multiplier_key": RATIO} if multiplies else {}
    further = {"dimensions": list(dimensions)} if dimensions else {}
    return {
        "service_graphs": {"histogram_buckets": EDGE_BUCKETS, "peer_attributes": PEERS, **counted},
        "span_metrics": {**counted, **further},
    }


def _registry(tempo: Tempo) -> dict[str, Any]:
    return {"collection_interval": tempo.graph_interval, "external_labels": {"source": "tempo"}}

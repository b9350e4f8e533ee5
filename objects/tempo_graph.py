"""A Tempo that only makes the service graph, beside a TempoStack whose operator knows no metrics generator.

The collector sends it every span too. It keeps them in memory for minutes, and nobody reads them there. It is one
process: the two spans of an edge always meet, and its loss costs minutes of the graph and no trace.
"""

from typing import Any

from model import Exposure, Storage, Tempo
from objects.addresses import TEMPO_GRAPH, tempo_graph_service
from objects.context import Object, Text, wait_for
from objects.merge import merge
from objects.rollout import Rollout
from objects.tempo import TEMPO_API_VERSION
from objects.tempo_args import TempoStackArgs
from objects.tempo_specs import build_monolithic_spec

# The volume is in memory, so blocks are finished and deleted as soon as may be. By default that takes an hour and more.
_FORGETS: dict[str, Any] = {
    "ingester": {"max_block_duration": "1m", "complete_block_timeout": "1m"},
    "compactor": {"compaction": {"compacted_block_retention": "1m"}},
    "storage": {"trace": {"blocklist_poll": "30s"}},
}
_RETENTION = "5m"
_GENERATOR = "metrics_generator"


def build_tempo_graph(args: TempoStackArgs, *, revision: Text | None = None, awaited: bool = True) -> Object:
    """The TempoMonolithic that makes the graph; ``awaited`` as for ``build_tempo``."""
    annotations = wait_for("condition=Ready") if awaited else None
    return {
        "apiVersion": TEMPO_API_VERSION,
        "kind": "TempoMonolithic",
        "metadata": args.context.metadata(TEMPO_GRAPH, args.tempo.namespace, annotations=annotations),
        "spec": build_monolithic_spec(_args(args), None, revision),
    }


def tempo_graph_rollout(args: TempoStackArgs) -> Rollout:
    """The StatefulSet that the operator makes, and where it writes the configuration with the revision."""
    return Rollout(
        title="The Tempo that makes the service graph",
        namespace=args.tempo.namespace,
        workloads=(tempo_graph_service(),),
        seconds=args.context.timeouts.tempo,
        config_map=f"{tempo_graph_service()}-config",
        config_file="tempo.yaml",
    )


def _args(args: TempoStackArgs) -> TempoStackArgs:
    """The arguments of a Tempo that stores nothing, with what the settings say of the metrics generator."""
    stack = args.tempo
    generator = {_GENERATOR: stack.extra_config[_GENERATOR]} if _GENERATOR in stack.extra_config else {}
    tempo = Tempo(
        namespace=stack.namespace,
        storage=Storage(backend="memory"),
        retention=_RETENTION,
        graph_interval=stack.graph_interval,
        histograms=stack.histograms,
        extra_config=merge(_FORGETS, generator),
        resources=stack.parts.metrics_generator.resources or Tempo().resources,
        env=stack.env,
    )
    return args.model_copy(update={"tempo": tempo, "exposure": Exposure()})

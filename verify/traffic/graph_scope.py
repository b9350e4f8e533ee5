"""Which edges of a Prometheus are of this mesh: others may write to it too."""

import re
from collections.abc import Mapping
from dataclasses import replace

from verify.fields import value_at
from verify.hops import collector, connectors, provider, tempo_generator
from verify.traffic.service_graph import EVERYTHING, Scope
from verify.world import World

# The label that each stack of this program writes alike (objects/tempo_config.py): it tells no two of them apart.
_ALIKE = "source"
_LABEL = re.compile(r"[a-zA-Z_]\w*\Z")
# The connector of the graph keeps no exemplars, and that of the spans, which gets the same traces, does.
_BY_COLLECTOR = Scope(exemplars="traces_spanmetrics_latency_bucket")


def of(world: World) -> Scope:
    """Everything in a Prometheus that only this stack writes to; in any other one, what has the generator's labels.

    Where the generator has no label of its own, it is what a service of the mesh's namespaces sends or receives. A
    Prometheus that scrapes ours may rename labels, so that only the namespaces are looked at.
    """
    prometheus, mesh = world.deployment.prometheus, world.deployment.mesh
    everything = _BY_COLLECTOR if world.deployment.graph_source == "collector" else EVERYTHING
    if prometheus.deployment is not None and prometheus.scraped_url is None:
        return everything
    labels = {} if prometheus.scraped_url else _labels(world)
    if labels.keys() - {_ALIKE} or provider.names_services_by_convention(world):
        return replace(everything, labels=labels)
    return replace(everything, labels=labels, namespaces=frozenset(mesh.namespaces) or None)


def _labels(world: World) -> dict[str, str]:
    """The labels that the generator adds to all that it writes."""
    if world.deployment.graph_source == "collector":
        found: Mapping[str, object] = connectors.labels_of(collector.config_of(collector.read(world)))
    else:
        config = tempo_generator.running_config(world) or {}
        labels = value_at(config, ("metrics_generator", "registry", "external_labels"))
        found = labels if isinstance(labels, Mapping) else {}
    return {str(key): str(value) for key, value in found.items() if _LABEL.match(str(key)) and value}

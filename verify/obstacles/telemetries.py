"""Telemetries of others: the ones that switch off, thin out or lead elsewhere what the stack's Telemetry asks for.

istiod takes, in this order, the oldest Telemetry without a selector of the root namespace, the oldest one of the
workload's namespace, and those that select the workload; a later one replaces single fields of an earlier one (istio:
pilot/pkg/model/telemetry.go, applicableTelemetries and Tracing).
"""

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from verify.access.cluster import Object
from verify.causes import Code
from verify.obstacles.obstacle import Obstacle
from verify.obstacles.selectors import labels_of
from verify.obstacles.surroundings import Surroundings, arguments, name_of, oldest_first
from verify.world import World

_KIND = "telemetries.telemetry.istio.io"


@dataclass(frozen=True)
class Said:
    """The value of a field of tracing, and the Telemetry that says so."""

    value: Any
    by: Object


def effective(around: Surroundings, pod: Object) -> Mapping[str, Said]:
    """Return each field of tracing that some Telemetry sets for a pod; the first of ``providers`` is the one used."""
    found: dict[str, Said] = {}
    for telemetry in _applying(around, pod):
        for entry in telemetry.get("spec", {}).get("tracing") or []:
            found |= {field: Said(value, telemetry) for field, value in entry.items() if value not in (None, [])}
    return found


def older(world: World, telemetries: Sequence[Object]) -> Obstacle | None:
    """Return the Telemetry that istiod takes instead of the stack's, if there is one, of those of one namespace."""
    tracing = world.deployment.tracing
    everywhere = [one for one in oldest_first(telemetries) if _is_for_all(one)]
    ours = next((one for one in everywhere if one["metadata"]["name"] == tracing.telemetry), None)
    if ours is None or everywhere[0] is ours:
        return None
    first, wanted = everywhere[0], ours.get("spec", {}).get("tracing")
    if first.get("spec", {}).get("tracing") == wanted:
        return None
    has = ", ".join(sorted(first.get("spec", {}))) or "nothing"
    patch = json.dumps({"spec": {"tracing": wanted}})
    return Obstacle(
        Code.OLDER_TELEMETRY,
        f"Telemetry {name_of(first)} (with {has}) is older than {name_of(ours)}, and neither has a selector",
        f"istiod takes only the older one of both, {first['metadata']['name']}: the stack's has no effect; what is "
        "merged into the older one has",
        f"kubectl patch {arguments(_KIND, first)} --type merge --patch {shlex.quote(patch)}",
    )


def own(world: World, around: Surroundings, pod: Object) -> Obstacle | None:
    """Return the Telemetry of a pod's namespace or workload by which it does not trace as the stack says."""
    wanted = percentage_of(world, pod)
    said = {field: one for field, one in effective(around, pod).items() if not _is_meant(world, around, one.by)}
    off, providers = said.get("disableSpanReporting"), said.get("providers")
    sampling = said.get("randomSamplingPercentage")
    if off is not None and off.value is True:
        return _taken_back(off, "disableSpanReporting is on", "reports no spans")
    name = "" if providers is None else str(providers.value[0].get("name"))
    if providers is not None and not _leads_to_collector(world, around, name):
        return _taken_back(providers, f"it names the provider {name}", "sends its spans elsewhere, or nowhere")
    if sampling is not None and float(sampling.value) < wanted:
        return _taken_back(
            sampling,
            f"randomSamplingPercentage is {float(sampling.value):g}",
            "samples no request" if float(sampling.value) == 0 else "samples fewer requests than the stack says",
            Code.OTHER_TELEMETRY if float(sampling.value) == 0 else Code.SAMPLED_LESS,
        )
    return None


def percentage_of(world: World, pod: Object) -> float:
    """The percentage of the requests that the stack wants a pod's proxy to trace."""
    return world.deployment.tracing.percentage_of(pod["metadata"]["namespace"], labels_of(pod))


def _applying(around: Surroundings, pod: Object) -> Iterator[Object]:
    namespace, labels = pod["metadata"]["namespace"], labels_of(pod)
    of = {
        name: [one for one in around.telemetries if one["metadata"]["namespace"] == name]
        for name in (around.root, namespace)
    }
    for name in dict.fromkeys((around.root, namespace)):
        yield from [one for one in oldest_first(of[name]) if _is_for_all(one)][:1]
    for one in oldest_first(of[namespace]):
        wanted = (one.get("spec", {}).get("selector") or {}).get("matchLabels") or {}
        if wanted and wanted.items() <= labels.items():
            yield one


def _is_meant(world: World, around: Surroundings, telemetry: Object) -> bool:
    """Whether it is the mesh's, or the stack's in one of its namespaces."""
    tracing = world.deployment.tracing
    is_ours = tracing.scope == "namespaces" and telemetry["metadata"]["name"] == tracing.telemetry
    return is_ours or _is_of_mesh(around, telemetry)


def _is_of_mesh(around: Surroundings, telemetry: Object) -> bool:
    return _is_for_all(telemetry) and telemetry["metadata"]["namespace"] == around.root


def _leads_to_collector(world: World, around: Surroundings, name: str) -> bool:
    """Whether it is the stack's provider, or another one with the same address; names have no case to istiod."""
    tracing = world.deployment.tracing
    of_mesh = around.mesh.get("extensionProviders") or []
    services = [one.get("opentelemetry", {}) for one in of_mesh if str(one.get("name")).lower() == name.lower()]
    address = (tracing.collector_host, tracing.collector_port)
    return name.lower() == tracing.provider.lower() or any(
        (str(one.get("service")).rpartition("/")[2], one.get("port")) == address for one in services
    )


def _is_for_all(telemetry: Object) -> bool:
    spec = telemetry.get("spec") or {}
    selector = (spec.get("selector") or {}).get("matchLabels")
    return not selector and not spec.get("targetRef") and not spec.get("targetRefs")


def _taken_back(said: Said, field: str, what: str, code: Code = Code.OTHER_TELEMETRY) -> Obstacle:
    scope = "its namespace" if _is_for_all(said.by) else "the workloads that it selects"
    return Obstacle(
        code,
        f"Telemetry {name_of(said.by)}: {field}",
        f"this Telemetry has another tracing for {scope}, which {what}; without it, that of the mesh applies",
        f"kubectl patch {arguments(_KIND, said.by)} --type json"
        """ --patch '[{"op":"remove","path":"/spec/tracing"}]'""",
    )

"""The tracing provider: the Telemetry names one of the mesh configuration, and istiod finds its Service."""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from verify.access.cluster import UNREADABLE, CannotLookError, Object
from verify.causes import Code
from verify.findings import Finding, absent, fault, ok
from verify.obstacles.surroundings import mesh_configuration, of_revision
from verify.obstacles.telemetries import older
from verify.programs.metrics import Samples, growth, scrape, total
from verify.redaction import redacted
from verify.world import Looks, World

NAME = "provider"
TITLE = "istiod resolves the provider"

_ISTIOD_METRICS_PORT = 15014
# istiod counts how often it did not find a provider's Service (istio: pilot/pkg/model/monitoring.go).
_LOOKUP_FAILURES = "provider_lookup_cluster_failures"
# The variable of istiod that names a second ConfigMap with a mesh configuration (istio: pilot/pkg/bootstrap/mesh.go).
_SHARED = "SHARED_MESH_CONFIG"


@dataclass(frozen=True)
class Seen:
    """``telemetries`` are those of each namespace with one of ours; ``config_maps`` hold the mesh configuration.

    ``unread`` are those that istiod would have to read, and does not.
    """

    telemetries: Mapping[str, list[Object]]
    config_maps: Mapping[str, Object | None]
    unread: list[str]
    service: Object | None
    metrics: Samples | None


def look(world: World) -> Seen:
    cluster, mesh, tracing = world.cluster, world.deployment.mesh, world.deployment.tracing
    service, namespace = tracing.collector_host.split(".")[:2]
    core = f"/api/v1/namespaces/{mesh.namespace}/configmaps"
    first, *further = mesh.config_maps
    unread = [name for name in further if name != _shared(world)]
    return Seen(
        telemetries={
            name: of_revision(
                mesh.revision, cluster.items(f"/apis/telemetry.istio.io/v1/namespaces/{name}/telemetries")
            )
            for name in world.deployment.telemetry_namespaces
            if name not in world.unseen
        },
        config_maps={name: cluster.read(f"{core}/{name}") for name in (first, *further) if name not in unread},
        unread=unread,
        service=cluster.read(f"/api/v1/namespaces/{namespace}/services/{service}"),
        metrics=scrape(cluster, cluster.pods(mesh.namespace, {"app": "istiod"}), _ISTIOD_METRICS_PORT),
    )


def judge(world: World, looks: Looks[Seen]) -> Finding:
    before, after = looks.before, looks.after
    tracing, mesh = world.deployment.tracing, world.deployment.mesh
    if not after.telemetries:
        return absent(NAME, "the stack brings no namespace into the mesh")
    known = providers(after.config_maps)
    wrong = (_by_telemetry(world, after, namespace, known) for namespace in after.telemetries)
    found = next(filter(None, wrong), None)
    if found is not None:
        return found
    places = ", ".join(f"{namespace}/{tracing.telemetry}" for namespace in after.telemetries)
    entry = _entry(_ours(world, next(iter(after.telemetries.values()))) or {})
    named, sampling = _named(entry), entry["randomSamplingPercentage"]
    config_map, settings = known[named[0]]
    service, port = _bare(settings.get("service", "")), settings.get("port")
    if (service, port) != (tracing.collector_host, tracing.collector_port):
        return fault(
            NAME,
            f"ConfigMap {mesh.namespace}/{config_map}: provider {named[0]} leads to {service}:{port}",
            f"the collector is {tracing.collector_host}:{tracing.collector_port}",
            *_failures(before, after),
            code=Code.PROVIDER_ELSEWHERE,
            cause="the provider's address is not the collector's, so spans go nowhere",
            remedy=_correct(world, config_map, after.config_maps[config_map] or {}, named[0]),
        )
    if after.service is None:
        return fault(
            NAME,
            f"no Service {tracing.collector_host}",
            *_failures(before, after),
            code=Code.NO_COLLECTOR_SERVICE,
            cause="istiod cannot find the collector's Service and leaves the tracer out",
            remedy=world.restore,
        )
    evidence = [f"Telemetry {places}: {named[0]}, {float(sampling):g} %", f"{named[0]} leads to {service}:{port}"]
    if tracing.scope == "namespaces":
        evidence.append("other namespaces are not the stack's to trace: tracing.scope is namespaces")
    if _names_by_convention(settings):
        evidence.append("services are named by OpenTelemetry's conventions: which edges Bookinfo has is not known")
    return ok(NAME, *evidence)


def _by_telemetry(
    world: World, after: Seen, namespace: str, known: Mapping[str, tuple[str, Mapping[str, Any]]]
) -> Finding | None:
    """The fault of the stack's Telemetry in a namespace."""
    tracing = world.deployment.tracing
    place = f"Telemetry {namespace}/{tracing.telemetry}"
    telemetry = _ours(world, after.telemetries[namespace])
    if telemetry is None:
        return fault(
            NAME, f"no {place}", code=Code.NO_TELEMETRY, cause="nothing switches tracing on", remedy=world.restore
        )
    hidden = older(world, after.telemetries[namespace])
    if hidden is not None:
        return fault(NAME, hidden.evidence, code=hidden.code, cause=hidden.cause, remedy=hidden.remedy)
    entry = _entry(telemetry)
    named, sampling = _named(entry), entry.get("randomSamplingPercentage")
    if not named or named[0] not in known:
        return fault(
            NAME,
            f"{place} names the provider {', '.join(named) or 'none'}",
            f"the mesh configuration has {', '.join(known) or 'none'}",
            *(f"istiod's variable {_SHARED} does not name ConfigMap {name}" for name in after.unread),
            code=Code.PROVIDER_UNKNOWN,
            cause="istiod switches tracing off, and reports nothing, for a provider that it does not know",
            remedy=world.restore,
        )
    wanted = tracing.percentage_of(namespace, {})
    if entry.get("disableSpanReporting") or sampling is None or float(sampling) == 0:
        return _no_sampling(world, place, entry)
    if float(sampling) < wanted:
        return fault(
            NAME,
            f"{place}: randomSamplingPercentage is {float(sampling):g}",
            f"the stack's setting is {wanted:g} %",
            code=Code.SAMPLED_LESS,
            cause="somebody has changed the Telemetry, and fewer requests are traced than the stack says",
            remedy=world.restore,
        )
    if tracing.ratio_attribute is not None and float(sampling) > wanted:
        return fault(
            NAME,
            f"{place}: randomSamplingPercentage is {float(sampling):g}",
            f"the stack's setting is {wanted:g} %, by which the graph counts",
            code=Code.RATES_DIFFER,
            cause="somebody has changed the Telemetry, and the graph counts more requests than there are",
            remedy=world.restore,
        )
    return None


def _ours(world: World, telemetries: Sequence[Object]) -> Object | None:
    name = world.deployment.tracing.telemetry
    return next((one for one in telemetries if one["metadata"]["name"] == name), None)


def _entry(telemetry: Object) -> Mapping[str, Any]:
    """What a Telemetry says of tracing."""
    return next(iter(telemetry.get("spec", {}).get("tracing") or [{}]))


def _named(entry: Mapping[str, Any]) -> list[str]:
    """The providers; istiod compares names without case (istio: pilot/pkg/model/telemetry.go, fetchProvider)."""
    return [str(provider.get("name", "")).lower() for provider in entry.get("providers") or []]


def names_services_by_convention(world: World) -> bool:
    """Whether a provider that leads to the collector names services otherwise than ``<app>.<namespace>``.

    Istio's default is assumed where the mesh configuration cannot be read.
    """
    mesh, tracing = world.deployment.mesh, world.deployment.tracing
    core = f"/api/v1/namespaces/{mesh.namespace}/configmaps"
    try:
        config_maps = {name: world.cluster.read(f"{core}/{name}") for name in mesh.config_maps}
    except (CannotLookError, *UNREADABLE):
        return False
    return any(
        _bare(settings.get("service", "")) == tracing.collector_host and _names_by_convention(settings)
        for _, settings in providers(config_maps).values()
    )


def _names_by_convention(settings: Mapping[str, Any]) -> bool:
    """Since Istio 1.31; its API takes the number of the value too (istio: api/mesh/v1alpha1/config.proto)."""
    return settings.get("serviceAttributeEnrichment") in ("OTEL_SEMANTIC_CONVENTIONS", 1)


def _shared(world: World) -> str | None:
    """The ConfigMap that istiod reads beside its own."""
    mesh = world.deployment.mesh
    istiod = world.cluster.read(f"/apis/apps/v1/namespaces/{mesh.namespace}/deployments/{mesh.istiod}") or {}
    pod = istiod.get("spec", {}).get("template", {}).get("spec", {})
    variables = [entry for one in pod.get("containers", []) for entry in one.get("env") or []]
    return next((entry.get("value") for entry in variables if entry["name"] == _SHARED), None)


def providers(config_maps: Mapping[str, Object | None]) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """The OpenTelemetry providers of the mesh configuration by name, in lower case, each with its ConfigMap."""
    found: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for name, config_map in config_maps.items():
        for entry in extension_providers(config_map):
            found.setdefault(str(entry.get("name", "")).lower(), (name, entry.get("opentelemetry") or {}))
    return found


def extension_providers(config_map: Object | None) -> Sequence[Mapping[str, Any]]:
    listed = mesh_configuration(config_map).get("extensionProviders")
    return [entry for entry in listed or [] if isinstance(entry, dict)]


def _no_sampling(world: World, place: str, entry: Mapping[str, Any]) -> Finding:
    intended, sampling = world.deployment.tracing.sampling_percentage, entry.get("randomSamplingPercentage")
    on_stack = f"--stack {world.stack}"
    if entry.get("disableSpanReporting"):
        cause = "requests are sampled, but their spans are not reported"
    else:
        cause = "1 % of the requests is sampled" if sampling is None else "no request is sampled"
    return fault(
        NAME,
        f"{place}: randomSamplingPercentage is {'not set' if sampling is None else sampling}"
        + (", disableSpanReporting is on" if entry.get("disableSpanReporting") else ""),
        f"the stack's setting is {intended:g} %",
        code=Code.NOT_SAMPLED,
        cause=cause,
        remedy=world.restore
        if intended
        else f"pulumi config set --path tracing.samplingPercentage 100 {on_stack} && pulumi up {on_stack}",
    )


def _bare(service: str) -> str:
    """The host without the namespace that may precede it."""
    return service.rpartition("/")[2]


def _failures(before: Seen, after: Seen) -> list[str]:
    counted = total(after.metrics, _LOOKUP_FAILURES)
    grown = growth(before.metrics, after.metrics, _LOOKUP_FAILURES)
    return [f"istiod's {_LOOKUP_FAILURES} is {counted:g} (+{grown:g})"] if counted and grown is not None else []


def _correct(world: World, name: str, config_map: Object, provider: str) -> str:
    """The command that writes the right address into the mesh configuration.

    Of a Helm release Pulumi sees only the values, so `pulumi up` would find nothing to restore.
    """
    tracing, mesh_facts = world.deployment.tracing, world.deployment.mesh
    if mesh_facts.installer != "helm":
        return world.restore
    mesh = yaml.safe_load(config_map["data"]["mesh"])
    for entry in mesh["extensionProviders"]:
        if str(entry.get("name")).lower() == provider:
            right = {"service": tracing.collector_host, "port": tracing.collector_port}
            settings = {**(entry.get("opentelemetry") or {}), **right}
            name_there = entry["name"]
            # An entry may name only one kind of provider.
            entry.clear()
            entry |= {"name": name_there, "opentelemetry": settings}
    patch = json.dumps({"data": {"mesh": yaml.safe_dump(mesh)}})
    place = f"-n {mesh_facts.namespace}"
    # istiod reads the new text by itself, once the kubelet has brought it into the pod, which takes a minute or two.
    restart = f"kubectl rollout restart deployment/{mesh_facts.istiod} {place}"
    if "headers:" in patch or redacted(patch) != patch:
        # Headers of other providers may contain their keys, which must not be printed.
        return f"kubectl edit configmap {name} {place} && {restart}"
    return f"kubectl patch configmap {name} {place} --type merge --patch {shlex.quote(patch)} && {restart}"

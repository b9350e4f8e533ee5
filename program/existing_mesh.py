"""An Istio that somebody else has installed: what has to be so before it can trace to our collector."""

from collections.abc import Iterator, Mapping
from typing import Any

from cluster.paths import path_of
from model import TRACING_PROVIDER
from objects.addresses import OTLP_GRPC_PORT, collector_host
from objects.context import Object
from objects.existing_istio import SHARED_MESH_CONFIG, SHARED_MESH_VARIABLE, existing_istiod, existing_mesh_config
from program.plan import Plan

_GUIDE = 'docs/operations.md, "A mesh that exists already"'


def existing_istio(plan: Plan) -> Iterator[Object]:
    """The objects of an existing Istio that are looked at, by their names."""
    mesh = plan.settings.mesh
    if mesh.installer == "existing":
        yield existing_istiod(mesh)
        yield existing_mesh_config(mesh)


def to_look_at(plan: Plan) -> Iterator[str]:
    """The API paths of an existing Istio."""
    return (path_of(obj) for obj in existing_istio(plan))


def unprepared(plan: Plan) -> Iterator[str]:
    """One line for each thing that the owner of an existing Istio has to change; what was not read is not judged."""
    mesh, answers = plan.mesh, plan.seen.answers
    if mesh.installer != "existing":
        return
    named = f"{mesh.namespace}/{existing_istiod(mesh)['metadata']['name']}"
    config = f"{mesh.namespace}/{existing_mesh_config(mesh)['metadata']['name']}"
    found = answers.get(path_of(existing_mesh_config(mesh))) or {}
    ours = f"{collector_host(mesh.namespace, plan.context)}:{OTLP_GRPC_PORT}"
    theirs = found.get("provider")
    # The host may have its namespace before it.
    leads_to_us = theirs is not None and theirs.rpartition("/")[2] == ours
    if theirs is not None and not leads_to_us:
        yield (
            f"ConfigMap {config} has a provider {TRACING_PROVIDER} of its owner's, which leads to {theirs} and would "
            "win over ours: its owner gives it another name"
        )
    if mesh.is_patched:
        return
    if found.get("traces") is False:
        yield f"ConfigMap {config} switches tracing off: its owner takes enableTracing out of meshConfig"
    path = path_of(existing_istiod(mesh))
    istiod = answers.get(path)
    if path in answers and istiod is None:
        yield f"there is no Deployment {named}: correct mesh.namespace or mesh.revision, or mesh.installer"
    elif istiod is not None and not leads_to_us and istiod.get("shared") != SHARED_MESH_CONFIG:
        prepared = _prepares(istiod, ours, mesh.namespace)
        yield f"Deployment {named} does not read our provider: its owner {prepared}; {_GUIDE}"


def _prepares(istiod: Mapping[str, Any], address: str, namespace: str) -> str:
    """What leads istiod to our collector at ``address``, in the words of what has installed it."""
    if istiod.get("shared"):
        host, _, port = address.rpartition(":")
        return (
            f"adds {{name: {TRACING_PROVIDER}, opentelemetry: {{service: {host}, port: {port}}}}} to "
            f"meshConfig.extensionProviders, since it reads ConfigMap {istiod['shared']} beside its own already"
        )
    value = f"pilot.env.{SHARED_MESH_VARIABLE}"
    if istiod.get("release") is None:
        return f"installs it again with `--set values.{value}={SHARED_MESH_CONFIG}` and the files that it came from"
    return (
        f"runs `helm upgrade {istiod['release']} CHART --namespace {namespace} --reuse-values "
        f"--set {value}={SHARED_MESH_CONFIG}` with the chart and the version that it came from"
    )

"""An Istio that somebody else has installed: what has to be so before it can trace to our collector."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from cluster.paths import path_of
from model import Mesh
from objects.access_logs import build_logs_provider
from objects.context import Object
from objects.existing_istio import (
    SHARED_MESH_CONFIG,
    SHARED_MESH_VARIABLE,
    existing_istiod,
    existing_mesh_config,
    revision_tag,
)
from objects.mesh_config import DEFAULT_REVISION, active_revision
from program.installed import collector_address, foreign_providers, leads_to_us
from program.plan import Plan

_GUIDE = 'docs/operations.md, "A mesh that exists already"'


def existing_istio(plan: Plan) -> Iterator[Object]:
    """The objects of an existing Istio that are looked at, by their names."""
    mesh = plan.mesh
    if mesh.installer == "existing":
        yield revision_tag(mesh)
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
    theirs = foreign_providers(mesh, answers, plan.context).get(mesh.provider.lower())
    if theirs is not None:
        yield (
            f"ConfigMap {config} has a provider {mesh.provider} of its owner's, which leads to {theirs} and would win "
            "over ours: give ours another name by mesh.existing.provider"
        )
    if mesh.is_patched:
        return
    if found.get("traces") is False:
        yield f"ConfigMap {config} switches tracing off: its owner takes enableTracing out of meshConfig"
    path = path_of(existing_istiod(mesh))
    istiod = answers.get(path)
    if path in answers and istiod is None:
        yield f"there is no Deployment {named}: correct mesh.namespace or mesh.revision, or mesh.installer"
    elif (
        istiod is not None
        and not leads_to_us(mesh, answers, plan.context)
        and istiod.get("shared") != SHARED_MESH_CONFIG
    ):
        prepared = _prepares(istiod, mesh, collector_address(mesh, plan.context))
        yield f"Deployment {named} does not read our provider: its owner {prepared}; {_GUIDE}"
    if istiod is not None and mesh.access_logs.enabled and not _has_logs(plan, istiod, found):
        provider = json.dumps(build_logs_provider(mesh.access_logs, mesh.access_logs_provider))
        yield (
            f"Deployment {named} does not know the provider of mesh.accessLogs: its owner adds {provider} to "
            f"meshConfig.extensionProviders; {_GUIDE}"
        )


def _has_logs(plan: Plan, istiod: Mapping[str, Any], config: Mapping[str, Any]) -> bool:
    """Whether ``istiod`` knows our provider of access logs, from our ConfigMap or from ``config``, its own."""
    if plan.mesh.access_logs_provider in config.get("access_logs", []):
        return True
    # What does not read our ConfigMap yet is told to.
    reads_none = not istiod.get("shared") and not leads_to_us(plan.mesh, plan.seen.answers, plan.context)
    return reads_none or istiod.get("shared") == SHARED_MESH_CONFIG


def _prepares(istiod: Mapping[str, Any], mesh: Mesh, address: str) -> str:
    """What leads istiod to our collector at ``address``, in the words of what has installed it."""
    if istiod.get("shared"):
        host, _, port = address.rpartition(":")
        return (
            f"adds {{name: {mesh.provider}, opentelemetry: {{service: {host}, port: {port}}}}} to "
            f"meshConfig.extensionProviders, since it reads ConfigMap {istiod['shared']} beside its own already"
        )
    value = f"pilot.env.{SHARED_MESH_VARIABLE}"
    if istiod.get("release") is None:
        # `istioctl install` knows nothing of what it was told before.
        revision = "" if active_revision(mesh) == DEFAULT_REVISION else f" --revision {active_revision(mesh)}"
        return (
            f"runs `istioctl install{revision} --set values.{value}={SHARED_MESH_CONFIG}` with each file and option "
            "that it was installed with"
        )
    namespace = istiod.get("release_namespace") or mesh.namespace
    return (
        f"runs `helm upgrade {istiod['release']} CHART --namespace {namespace} --reuse-values "
        f"--set {value}={SHARED_MESH_CONFIG}` with the chart and the version that it came from"
    )

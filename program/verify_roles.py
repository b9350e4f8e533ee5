"""What ``verify`` may do: read what a stack has, and open port-forwards; everywhere, or in some namespaces."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import yaml

from model.stack import Settings
from objects.context import Object
from objects.existing_istio import SHARED_MESH_CONFIG
from objects.grafana import DATASOURCES
from objects.manifests import MANIFESTS
from objects.mesh_config import active_revision, revision_suffix
from program.plan import Plan

Rule = Mapping[str, Any]

_RBAC = "rbac.authorization.k8s.io"
_ISTIO = "istio"
# Kinds that are in no namespace, which a Role therefore cannot grant. Of namespaces, it grants to read its own.
_OF_CLUSTER = {"mutatingwebhookconfigurations", "istios"}


def rules(plan: Plan) -> Iterator[Rule]:
    """Those of the shipped role, for this stack's Tempo, Grafana and mesh, and the ConfigMaps of its revision."""
    shipped = yaml.safe_load((MANIFESTS / "verify-role.yaml").read_text(encoding="utf-8"))
    absent = set(_absent_kinds(plan.settings))
    for rule in shipped["rules"]:
        resources = [kind for kind in rule["resources"] if kind not in absent]
        if resources == ["configmaps"]:
            yield {**rule, "resourceNames": list(_config_maps(plan, rule["resourceNames"]))}
        elif resources:
            yield {**rule, "resources": resources}


def roles_of_namespaces(plan: Plan, stack: str, namespace: str, user: str) -> Iterator[Object]:
    """Roles for somebody who checks one namespace of the mesh: in it, and in those on the way of its spans.

    What is in no namespace, and other namespaces of the mesh, are then left out of the check.
    """
    granted = [
        {**rule, "resources": kinds}
        for rule in rules(plan)
        if (kinds := [kind for kind in rule["resources"] if kind not in _OF_CLUSTER])
    ]
    name = f"mesh-tracing-{stack}-verify"
    for place in _namespaces(plan, namespace):
        metadata = {"name": name, "namespace": place}
        yield {"apiVersion": f"{_RBAC}/v1", "kind": "Role", "metadata": metadata, "rules": granted}
        yield {
            "apiVersion": f"{_RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": _RBAC, "kind": "Role", "name": name},
            "subjects": [{"apiGroup": _RBAC, "kind": "User", "name": user}],
        }


def _absent_kinds(settings: Settings) -> Iterator[str]:
    """The kinds of which the stack has nothing."""
    if settings.tempo.is_deployed:
        yield "tempostacks" if settings.tempo.mode == "monolithic" else "tempomonolithics"
    else:
        yield from ("tempostacks", "tempomonolithics")
    if settings.grafana.mode != "operator":
        yield "grafanadatasources"
    if not (settings.mesh.installer == "sail" or settings.mesh.is_patched):
        yield "istios"


def _config_maps(plan: Plan, shipped: list[str]) -> Iterator[str]:
    """The shipped names, but for those of another revision, of a mesh of ours, and of another Grafana."""
    settings = plan.settings
    for name in shipped:
        if name == _ISTIO:
            yield f"{name}{revision_suffix(active_revision(plan.mesh))}"
        elif name == SHARED_MESH_CONFIG:
            if settings.mesh.installer == "existing":
                yield name
        elif name != DATASOURCES or settings.grafana.mode != "operator":
            yield name


def _namespaces(plan: Plan, namespace: str) -> Iterator[str]:
    settings = plan.settings
    # The collector, Kiali and a Prometheus of ours are in that of the mesh.
    found = [namespace, settings.mesh.namespace, settings.grafana_namespace]
    if settings.tempo.is_deployed:
        found.insert(2, settings.tempo.namespace)
    for url in (plan.prometheus_urls[0], plan.tempo_url):
        labels = (urlsplit(url or "").hostname or "").split(".")
        if labels[2:3] == ["svc"]:
            found.append(labels[1])
    yield from dict.fromkeys(found)

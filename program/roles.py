"""``python -m program.roles``: what each command may do on a stack's cluster, and no more.

It prints one ClusterRole for each of ``preview``, ``up``, ``destroy`` and ``verify``. An administrator applies them and
binds each to whoever, or whatever, runs the command. Objects stand there by name; where Pulumi waits, or a chart brings
what has other names, the whole kind does.
"""

import argparse
import asyncio
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import yaml

from cluster.paths import plural
from objects.context import Object, is_ours
from objects.manifests import MANIFESTS
from objects.mesh_config import active_revision, revision_suffix
from objects.tempo import tempo_rollout
from objects.tempo_graph import build_tempo_graph, tempo_graph_rollout
from program.checks import without_secrets
from program.configured import plan_of
from program.existing_mesh import existing_istio
from program.inventory import every_object
from program.plan import Plan
from program.releases import packages_to_look_at

Rule = dict[str, Any]

_READ = ("get",)
# Pulumi creates and changes by patches (server-side apply).
_WRITE = ("get", "create", "patch", "update", "delete")
_DELETE = ("get", "patch", "delete")
_WATCH = ("get", "list", "watch")
# What Pulumi looks at while it waits for a workload.
_WAITED_FOR: Mapping[str, tuple[str, ...]] = {
    "": ("pods", "events", "endpoints", "services", "persistentvolumeclaims"),
    "apps": ("deployments", "replicasets", "statefulsets", "daemonsets"),
    "batch": ("jobs",),
    "discovery.k8s.io": ("endpointslices",),
    "networking.k8s.io": ("ingresses",),
    "storage.k8s.io": ("storageclasses",),
}
# The kinds in Istio's and Kiali's charts and in the operators' release manifests. Whoever creates a role that grants
# more than his own has to be allowed to (`escalate`, `bind`).
_OF_CHARTS: Mapping[str, tuple[str, ...]] = {
    "": ("configmaps", "secrets", "services", "serviceaccounts", "namespaces"),
    "apps": ("deployments", "daemonsets"),
    "autoscaling": ("horizontalpodautoscalers",),
    "policy": ("poddisruptionbudgets",),
    "networking.k8s.io": ("networkpolicies",),
    "admissionregistration.k8s.io": (
        "mutatingwebhookconfigurations",
        "validatingwebhookconfigurations",
        "validatingadmissionpolicies",
        "validatingadmissionpolicybindings",
    ),
    "apiextensions.k8s.io": ("customresourcedefinitions",),
    "rbac.authorization.k8s.io": ("roles", "rolebindings", "clusterroles", "clusterrolebindings"),
    "networking.istio.io": ("envoyfilters",),
    "k8s.cni.cncf.io": ("network-attachment-definitions",),
    "cert-manager.io": ("certificates", "issuers"),
}


def roles(plan: Plan, stack: str) -> list[Object]:
    """The ClusterRoles of the four commands, for ``stack`` with the settings of ``plan``."""
    objects = [*every_object(plan), *_of_other_releases(plan)]
    # A preview needs no Secret's content; of a new stack it says that it has not looked for them.
    return [
        _role(stack, "preview", [*_identity_of_cluster(plan), *_named(without_secrets(objects), _READ)]),
        _role(stack, "up", [*_identity_of_cluster(plan), *_of_update(plan, objects, _WRITE)]),
        _role(stack, "destroy", [*_identity_of_cluster(plan), *_of_update(plan, objects, _DELETE)]),
        _role(stack, "verify", list(_of_verify(plan))),
    ]


def _of_other_releases(plan: Plan) -> Iterator[Object]:
    """What is there as long as Tempo's operator is of another release than now."""
    args = plan.tempo()
    if args.tempo.mode == "stack" and not args.graph_beside:
        yield build_tempo_graph(args)


def _role(stack: str, command: str, rules: list[Rule]) -> Object:
    metadata = {"name": f"mesh-tracing-{stack}-{command}"}
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": metadata, "rules": rules}


def _identity_of_cluster(plan: Plan) -> Iterator[Rule]:
    """What every run of the program reads."""
    names = ["kube-system", *plan.settings.namespaces.existing]
    yield {"apiGroups": [""], "resources": ["namespaces"], "resourceNames": names, "verbs": list(_READ)}
    yield {"apiGroups": ["telemetry.istio.io"], "resources": ["telemetries"], "verbs": ["list"]}
    # Whether volumes may grow, and how large those are that Tempo's operator made.
    yield {"apiGroups": ["storage.k8s.io"], "resources": ["storageclasses"], "verbs": list(_READ)}
    yield {"apiGroups": [""], "resources": ["persistentvolumeclaims"], "verbs": list(_READ)}
    packages = list(packages_to_look_at(plan.settings))
    if packages:
        yield {
            "apiGroups": ["packages.operators.coreos.com"],
            "resources": ["packagemanifests"],
            "resourceNames": [found["metadata"]["name"] for found in packages],
            "verbs": list(_READ),
        }
    # Whether an existing istiod is prepared.
    for obj in existing_istio(plan):
        group, _, _ = obj["apiVersion"].rpartition("/")
        names, resources = [obj["metadata"]["name"]], [plural(obj["kind"])]
        yield {"apiGroups": [group], "resources": resources, "resourceNames": names, "verbs": list(_READ)}


def _of_update(plan: Plan, objects: Iterable[Object], verbs: tuple[str, ...]) -> Iterator[Rule]:
    yield from _named(objects, verbs)
    yield from _patched(plan)
    for group, resources in _WAITED_FOR.items():
        yield {"apiGroups": [group], "resources": list(resources), "verbs": list(_WATCH)}
    # Why a pod does not start stands in its log, and which revision it runs in the configuration of Tempo's operator.
    yield {"apiGroups": [""], "resources": ["pods/log"], "verbs": list(_READ)}
    tempo = plan.tempo()
    rollouts = [tempo_rollout(tempo), *([tempo_graph_rollout(tempo)] if tempo.tempo.mode == "stack" else [])]
    names = [rollout.config_map for rollout in rollouts]
    yield {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": names, "verbs": list(_READ)}
    if _brings_others(plan):
        for group, resources in _OF_CHARTS.items():
            granting = ["escalate", "bind"] if group == "rbac.authorization.k8s.io" else []
            all_verbs = [*dict.fromkeys([*verbs, *_WATCH, "create", "update", *granting])]
            yield {"apiGroups": [group], "resources": list(resources), "verbs": all_verbs}


def _named(objects: Iterable[Object], verbs: tuple[str, ...]) -> Iterator[Rule]:
    """One rule for each kind: the objects by their names."""
    names: dict[tuple[str, str], list[str]] = {}
    for obj in objects:
        if is_ours(obj):
            group, _, _ = obj["apiVersion"].rpartition("/")
            names.setdefault((group, plural(obj["kind"])), []).append(obj["metadata"]["name"])
    for (group, resource), found in names.items():
        unique = list(dict.fromkeys(found))
        yield {"apiGroups": [group], "resources": [resource], "resourceNames": unique, "verbs": list(verbs)}
        if verbs != _READ:
            # To wait until an object is ready, or gone, Pulumi watches its kind.
            yield {"apiGroups": [group], "resources": [resource], "verbs": list(_WATCH)}


def _patched(plan: Plan) -> Iterator[Rule]:
    """The objects of others of which some fields are ours."""
    settings = plan.settings
    namespaces = list(settings.mesh_namespaces)
    if namespaces:
        yield {"apiGroups": [""], "resources": ["namespaces"], "resourceNames": namespaces, "verbs": ["get", "patch"]}
    deployments = [name for application in settings.namespaces.applications for name in application.deployments]
    if deployments:
        names = list(dict.fromkeys(deployments))
        yield {"apiGroups": ["apps"], "resources": ["deployments"], "resourceNames": names, "verbs": ["get", "patch"]}
    if settings.mesh.is_patched:
        names = [settings.mesh.existing.istio]
        verbs = ["get", "patch", "list", "watch"]
        yield {"apiGroups": ["sailoperator.io"], "resources": ["istios"], "resourceNames": names, "verbs": verbs}


def _brings_others(plan: Plan) -> bool:
    """Whether charts or release manifests are part of the stack."""
    wanted = plan.settings
    by_charts = wanted.mesh.installer == "helm" or wanted.kiali.installer == "helm"
    return by_charts or bool(plan.operators().by("manifests"))


def _of_verify(plan: Plan) -> Iterator[Rule]:
    """The shipped role, with the mesh configuration of this stack's revision."""
    shipped = yaml.safe_load((MANIFESTS / "verify-role.yaml").read_text(encoding="utf-8"))
    mine = f"istio{revision_suffix(active_revision(plan.settings.mesh))}"
    for rule in shipped["rules"]:
        if rule["resources"] == ["configmaps"]:
            yield {**rule, "resourceNames": list(dict.fromkeys([mine, *rule["resourceNames"]]))}
        else:
            yield rule


async def _print(stack: str) -> None:
    # Outputs, which the secrets are, need a running loop.
    sys.stdout.write(yaml.safe_dump_all(roles(plan_of(stack), stack), sort_keys=False))


def main() -> None:
    """Print the roles of the stack that is asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").replace("``", "`"))
    parser.add_argument("--stack", "-s", required=True, help="the stack")
    asyncio.run(_print(parser.parse_args().stack))


if __name__ == "__main__":
    main()

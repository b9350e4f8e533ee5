"""``python -m program.roles [COMMAND]``: what each command may do on a stack's cluster, and no more.

It prints one ClusterRole for each of ``preview``, ``up``, ``destroy`` and ``verify``, or for one of them. An
administrator applies them and binds each to whoever, or whatever, runs the command. Objects stand there by name; where
Pulumi waits, or a chart brings what has other names, the whole kind does. With --namespaced, ``verify`` gets Roles
instead, in one namespace of the mesh and in those on the way of its spans, bound to a user.
"""

import argparse
import asyncio
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import yaml

from cluster.paths import plural
from model import WorkloadKind
from objects.context import Object, is_ours
from objects.tempo import build_tempo, tempo_rollout
from objects.tempo_claims import claims_of
from objects.tempo_graph import build_tempo_graph, tempo_graph_rollout
from objects.tempo_storage import store_secret
from program import verify_roles
from program.catalogs import packages
from program.checks import without_secrets
from program.configured import plan_of
from program.existing_mesh import existing_istio
from program.inventory import every_object
from program.plan import Plan

Rule = dict[str, Any]

_COMMANDS = ("preview", "up", "destroy", "verify")
_READ = ("get",)
# Pulumi creates and changes by patches (server-side apply).
_WRITE = ("get", "create", "patch", "update", "delete")
_DELETE = ("get", "patch", "delete")
_WATCH = ("get", "list", "watch")
# Whoever creates a role that grants more than his own, or binds one, has to be allowed to.
_GRANT = ("escalate", "bind")
_RBAC = "rbac.authorization.k8s.io"
# What Pulumi looks at while it waits for a workload.
_WAITED_FOR: Mapping[str, tuple[str, ...]] = {
    "": ("pods", "events", "endpoints", "services", "persistentvolumeclaims"),
    "apps": ("deployments", "replicasets", "statefulsets", "daemonsets"),
    "batch": ("jobs",),
    "discovery.k8s.io": ("endpointslices",),
    "networking.k8s.io": ("ingresses",),
    "storage.k8s.io": ("storageclasses",),
}
# The kinds in Istio's and Kiali's charts and in the operators' release manifests.
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
    _RBAC: ("roles", "rolebindings", "clusterroles", "clusterrolebindings"),
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
        _role(stack, "verify", [dict(rule) for rule in verify_roles.rules(plan)]),
    ]


def _of_other_releases(plan: Plan) -> Iterator[Object]:
    """What is there as long as Tempo's operator is of another release than now."""
    args = plan.tempo()
    if args.tempo.is_deployed and args.tempo.mode == "stack" and not args.graph_beside:
        yield build_tempo_graph(args)


def _role(stack: str, command: str, rules: list[Rule]) -> Object:
    metadata = {"name": f"mesh-tracing-{stack}-{command}"}
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": metadata, "rules": rules}


def _identity_of_cluster(plan: Plan) -> Iterator[Rule]:
    """What every run of the program reads."""
    yield _rule("", "namespaces", ["kube-system", *plan.settings.namespaces.existing], _READ)
    yield {"apiGroups": ["telemetry.istio.io"], "resources": ["telemetries"], "verbs": ["list"]}
    # Whether volumes may grow, and how large those are that Tempo's operator made.
    yield {"apiGroups": ["storage.k8s.io"], "resources": ["storageclasses"], "verbs": ["list"]}
    yield {"apiGroups": [""], "resources": ["persistentvolumeclaims"], "verbs": list(_READ)}
    yield from _of_catalogs(plan)
    if plan.settings.operators.by_manifests:
        # Whether there is a cert-manager.
        group, resource = "admissionregistration.k8s.io", "validatingwebhookconfigurations"
        yield {"apiGroups": [group], "resources": [resource], "verbs": ["list"]}
    # A Rollout is read before it is patched.
    rollouts = [name for application in plan.settings.namespaces.applications for name in application.rollouts]
    if rollouts:
        yield _rule("argoproj.io", "rollouts", rollouts, _READ)
    # Whether an existing istiod is prepared.
    for obj in existing_istio(plan):
        yield _rule(obj["apiVersion"].rpartition("/")[0], plural(obj["kind"]), [obj["metadata"]["name"]], _READ)


def _of_catalogs(plan: Plan) -> Iterator[Rule]:
    """What a run looks at before it subscribes to operators."""
    found = packages(plan)
    if found:
        yield _rule("operators.coreos.com", "catalogsources", [one.source for one in found], _READ)
        yield _rule("packages.operators.coreos.com", "packagemanifests", [one.name for one in found], _READ)
        yield {"apiGroups": ["operators.coreos.com"], "resources": ["operatorgroups"], "verbs": ["list"]}


def _of_update(plan: Plan, objects: Iterable[Object], verbs: tuple[str, ...]) -> Iterator[Rule]:
    yield from _named(objects, verbs)
    yield from _patched(plan)
    for group, resources in _WAITED_FOR.items():
        yield {"apiGroups": [group], "resources": list(resources), "verbs": list(_WATCH)}
    # Why a pod does not start stands in its log, and which revision it runs in the configuration of Tempo's operator.
    yield {"apiGroups": [""], "resources": ["pods/log"], "verbs": list(_READ)}
    yield from _of_tempo(plan)
    if packages(plan):
        # Why OLM does not get on; it chooses their names.
        followed = ["clusterserviceversions", "installplans"]
        yield {"apiGroups": ["operators.coreos.com"], "resources": followed, "verbs": list(_READ)}
    if _brings_others(plan):
        for group, resources in _OF_CHARTS.items():
            granting = _GRANT if group == _RBAC else ()
            all_verbs = [*dict.fromkeys([*verbs, *_WATCH, "create", "update", *granting])]
            yield {"apiGroups": [group], "resources": list(resources), "verbs": all_verbs}


def _of_tempo(plan: Plan) -> Iterator[Rule]:
    """What an update reads of a Tempo that it waits for."""
    tempo = plan.tempo()
    if not tempo.tempo.is_deployed:
        return
    rollouts = [tempo_rollout(tempo), *([tempo_graph_rollout(tempo)] if tempo.tempo.mode == "stack" else [])]
    names = [rollout.config_map for rollout in rollouts]
    yield _rule("", "configmaps", [name for name in names if name is not None], _READ)


def _rule(group: str, resource: str, names: Iterable[str], verbs: tuple[str, ...]) -> Rule:
    """The right to do ``verbs`` with the objects of one kind that have these names."""
    unique = list(dict.fromkeys(names))
    return {"apiGroups": [group], "resources": [resource], "resourceNames": unique, "verbs": list(verbs)}


def _named(objects: Iterable[Object], verbs: tuple[str, ...]) -> Iterator[Rule]:
    """One rule for each kind: the objects by their names."""
    names: dict[tuple[str, str], list[str]] = {}
    for obj in objects:
        if is_ours(obj):
            group, _, _ = obj["apiVersion"].rpartition("/")
            names.setdefault((group, plural(obj["kind"])), []).append(obj["metadata"]["name"])
    for (group, resource), found in names.items():
        is_granting = verbs == _WRITE and group == _RBAC and resource.endswith("roles")
        yield _rule(group, resource, found, (*verbs, *_GRANT) if is_granting else verbs)
        if verbs != _READ:
            # To wait until an object is ready, or gone, Pulumi watches its kind.
            yield {"apiGroups": [group], "resources": [resource], "verbs": list(_WATCH)}


def _patched(plan: Plan) -> Iterator[Rule]:
    """The objects of others of which some fields are ours."""
    settings = plan.settings
    if settings.mesh_namespaces:
        yield _rule("", "namespaces", settings.mesh_namespaces, ("get", "patch"))
    yield from _restarted(plan, ("get", "patch"))
    tempo = plan.tempo()
    built = build_tempo(tempo, store_secret(tempo.tempo.storage))
    claims = [claim["metadata"]["name"] for claim in claims_of(built)] if tempo.tempo.is_deployed else []
    if claims:
        yield _rule("", "persistentvolumeclaims", claims, ("get", "patch"))
    if settings.mesh.is_patched:
        yield _rule("sailoperator.io", "istios", [settings.mesh.existing.istio], ("get", "patch", "list", "watch"))


def _restarted(plan: Plan, verbs: tuple[str, ...]) -> Iterator[Rule]:
    """The workloads of applications, one rule for each kind."""
    names: dict[WorkloadKind, list[str]] = {}
    for application in plan.settings.namespaces.applications:
        for kind, workloads in application.workloads.items():
            names.setdefault(kind, []).extend(workloads)
    for kind, found in names.items():
        yield _rule("argoproj.io" if kind == "Rollout" else "apps", plural(kind), found, verbs)
    if "Rollout" in names:
        # The other kinds are among those that Pulumi waits for.
        yield {"apiGroups": ["argoproj.io"], "resources": ["rollouts"], "verbs": list(_WATCH)}


def _brings_others(plan: Plan) -> bool:
    """Whether charts or release manifests are part of the stack."""
    wanted = plan.settings
    by_charts = wanted.mesh.installer == "helm" or wanted.kiali.installer == "helm"
    return by_charts or bool(plan.operators().by("manifests"))


async def _print(options: argparse.Namespace) -> None:
    # Outputs, which the secrets are, need a running loop.
    plan, stack = plan_of(options.stack), options.stack
    if options.namespaced:
        printed = list(verify_roles.roles_of_namespaces(plan, stack, options.namespaced, options.user))
    else:
        suffix = f"-{options.command}" if options.command else ""
        printed = [role for role in roles(plan, stack) if role["metadata"]["name"].endswith(suffix)]
    sys.stdout.write(yaml.safe_dump_all(printed, sort_keys=False))


def main() -> None:
    """Print the roles of the stack that is asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").replace("``", "`"))
    parser.add_argument("command", nargs="?", choices=_COMMANDS, help="only this one; default: all")
    parser.add_argument("--stack", "-s", required=True, help="the stack")
    parser.add_argument("--namespaced", metavar="NAMESPACE", help="for somebody who checks this one alone; verify only")
    parser.add_argument("--user", default="USER", help="to whom the Roles of --namespaced are bound")
    options = parser.parse_args()
    if options.namespaced and options.command != "verify":
        parser.error("--namespaced is for verify")
    asyncio.run(_print(options))


if __name__ == "__main__":
    main()

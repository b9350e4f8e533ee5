"""What exists already and is not this stack's: it is neither taken over by an update nor deleted by a destroy."""

from collections.abc import Iterable, Iterator
from importlib import metadata

from cluster.paths import path_of
from cluster.recorded import Recorded
from objects.context import Object, identity, is_ours, owner
from objects.mesh_config import revision_suffix
from program.plan import Plan

# The first provider that refuses to create what exists; those before it take it over.
_STRICT_PROVIDER = (4, 29)
# OLM makes an object of this kind by itself, and the program adds its own fields to it.
_SHARED_KINDS = {"Operator"}


def claimed(plan: Plan, objects: Iterable[Object], before: Recorded) -> list[Object]:
    """Those of ``objects`` that an update would create, and a telling one of each Helm release."""
    made = {identity(obj) for obj in before.objects()}
    whole = [obj for obj in objects if is_ours(obj) and obj["kind"] not in _SHARED_KINDS]
    return [obj for obj in whole if identity(obj) not in made] + list(_of_releases(plan, before))


def taken(plan: Plan, objects: Iterable[Object], before: Recorded) -> Iterator[str]:
    """One line for each object that exists and is somebody else's, with what to do about it.

    What lies in such a namespace is left out: it follows from the namespace.
    """
    ours = owner()
    strict = tuple(int(part) for part in metadata.version("pulumi-kubernetes").split(".")[:2]) >= _STRICT_PROVIDER
    wanted = claimed(plan, objects, before)
    found = [(obj, live) for obj in wanted if (live := plan.seen.answers.get(path_of(obj))) is not None]
    foreign = [(obj, live["owner"]) for obj, live in found if strict or live["owner"] != ours]
    namespaces = {obj["metadata"]["name"] for obj, _ in foreign if obj["kind"] == "Namespace"}
    for obj, mark in foreign:
        if obj["metadata"].get("namespace") not in namespaces:
            yield f"{_title(obj)} exists and {_whose(mark, ours)}: {_remedy(obj)}"


def _whose(mark: str | None, ours: str) -> str:
    if mark is None:
        return "is somebody else's"
    return "was made by this stack, whose state does not have it" if mark == ours else f"belongs to stack {mark}"


def _of_releases(plan: Plan, before: Recorded) -> Iterator[Object]:
    """The workload by which a Helm release of another owner, or another installer's Istio, is noticed."""
    settings = plan.settings
    released = {(release.get("namespace"), release.get("name")) for release in before.releases()}
    namespace = settings.mesh.namespace
    if settings.mesh.installer == "helm":
        name = f"istiod{revision_suffix(settings.mesh.revision)}"
        if (namespace, name) not in released:
            yield _workload("Deployment", name, namespace)
    if settings.kiali.installer == "helm" and (namespace, "kiali") not in released:
        yield _workload("Deployment", "kiali", namespace)


def _workload(kind: str, name: str, namespace: str) -> Object:
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, "namespace": namespace}}


def _title(obj: Object) -> str:
    namespace = obj["metadata"].get("namespace")
    return f"{obj['kind']} {namespace + '/' if namespace else ''}{obj['metadata']['name']}"


def _remedy(obj: Object) -> str:
    kind, name = obj["kind"], obj["metadata"]["name"]
    if kind == "Namespace":
        return f"add {name} to namespaces.existing, which keeps it on destroy, or choose another name"
    if kind in {"Subscription", "OperatorGroup"}:
        return "set operators.sources of this operator to existing"
    if kind in {"Istio", "IstioCNI", "IstioRevisionTag"}:
        # They are of the whole cluster, and have names that the operator demands.
        return "set mesh.installer to existing"
    if kind == "Deployment" and name.startswith("istiod"):
        return "set mesh.installer to existing, or choose another mesh.revision"
    return "choose another namespace for it, delete it, or, if it is this stack's, take it in with `pulumi import`"

"""What the Operator Lifecycle Manager (OLM) would never install, and for which an update would wait in vain.

It is looked for as long as an operator is not installed, or is to come from elsewhere than before: what has happened to
a catalog since does not keep a stack from its other changes.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from cluster.paths import path_of, plural
from cluster.recorded import Recorded
from model import OperatorName
from objects.context import Object, identity
from objects.operators import Package, build_operator, catalog_source, package, package_manifest
from program.plan import Plan

# Without the API server's word that it knows such kinds, that there is none says nothing.
_CATALOGS = "operators.coreos.com/v1alpha1/CatalogSource"
_PACKAGES = "packages.operators.coreos.com/v1/PackageManifest"


def catalogs_to_look_at(plan: Plan) -> Iterator[str]:
    """The API paths of the catalogs, of the packages in them, and of what lets OLM install into a namespace."""
    for found in packages(plan):
        yield path_of(catalog_source(found))
        yield path_of(package_manifest(found))
        yield _groups_in(found.namespace)


def packages(plan: Plan) -> list[Package]:
    """The packages that OLM is to install."""
    return [package(operator, plan.settings.operators) for operator in plan.operators().by("olm")]


def not_installable(plan: Plan, before: Recorded) -> Iterator[str]:
    """One line for each reason for which OLM would install nothing, with what to do about it."""
    args = plan.operators()
    made = {identity(obj): obj for obj in before.objects()}
    faults: list[str] = []
    for operator in args.by("olm"):
        objects = build_operator(operator, args)
        asked = made.get(identity(objects["subscription"]))
        is_settled = identity(objects["installed"]) in made and asked is not None
        if is_settled and asked is not None and _from(asked) == _from(objects["subscription"]):
            continue
        found = package(operator, plan.settings.operators)
        faults += _not_offered(plan, operator, found)
        faults += _not_let_in(plan, found, brings_group="group" in objects)
    # Operators share catalogs and namespaces.
    yield from dict.fromkeys(faults)


def _from(subscription: Object) -> tuple[Any, ...]:
    """Where what is subscribed to comes from."""
    return tuple(subscription["spec"].get(key) for key in ("source", "sourceNamespace", "name", "channel"))


def _not_offered(plan: Plan, operator: OperatorName, found: Package) -> Iterator[str]:
    answers, kinds = plan.seen.answers, plan.seen.kinds or frozenset()
    catalog = path_of(catalog_source(found))
    title = f"{found.source_namespace}/{found.source}"
    if _CATALOGS not in kinds or catalog not in answers:
        return
    if answers[catalog] is None:
        yield f"the cluster has no catalog {title}: set operators.catalog to one that it has, or have this one added"
        return
    path = path_of(package_manifest(found))
    if _PACKAGES not in kinds or path not in answers:
        return
    offer = answers[path]
    if offer is None:
        state = answers[catalog].get("state")
        if state != "READY":
            yield (
                f"the catalog {title} does not answer OLM yet (it is {state or 'new'}): try again later, or look at "
                f"its pod: kubectl get pods -n {found.source_namespace} -l olm.catalogSource={found.source}"
            )
            return
        yield (
            f"the catalog {title} has no package {found.name}: set operators.catalog to one that has it, or "
            f"operators.sources.{operator} to where that operator comes from"
        )
        return
    if offer.get("catalog") not in (None, found.source):
        # Of packages of one name in several catalogs, the cluster shows any one.
        return
    yield from _not_in_channel(plan, operator, found, offer)


def _not_in_channel(plan: Plan, operator: OperatorName, found: Package, offer: Object) -> Iterator[str]:
    settings = plan.settings.operators
    channels = offer.get("channels", {})
    if found.channel not in channels:
        yield (
            f"operators.channels.{operator}: package {found.name} of {found.source} has no channel {found.channel}: "
            f"set {_one_of(channels)}"
        )
        return
    first = settings.starting_versions.get(operator)
    versions = offer.get("entries", {}).get(found.channel)
    if first is not None and versions and first not in versions:
        yield (
            f"operators.startingVersions.{operator}: channel {found.channel} of package {found.name} has no {first}: "
            f"set {_one_of(versions)}, or none"
        )


def _not_let_in(plan: Plan, found: Package, *, brings_group: bool) -> Iterator[str]:
    """OLM installs into a namespace with exactly one OperatorGroup; these operators watch all namespaces."""
    groups = plan.seen.answers.get(_groups_in(found.namespace))
    if groups is None:
        return
    others = [group for group in groups if not (brings_group and group["name"] == found.namespace)]
    names = ", ".join(sorted(str(group["name"]) for group in others))
    if len(others) + brings_group > 1:
        which = f"beside ours, {names}," if brings_group else names
        yield (
            f"namespace {found.namespace} has more than one OperatorGroup ({which}), and OLM installs nothing there "
            "until there is one: delete the others, with what they were made for"
        )
    elif not others and not brings_group and _exists(plan, found):
        yield (
            f"namespace {found.namespace} has no OperatorGroup, without which OLM installs nothing there: make one "
            "with an empty spec"
        )
    elif any(group.get("targets") for group in others):
        yield (
            f"OperatorGroup {found.namespace}/{names} is for single namespaces, and these operators watch all: "
            "make its spec empty"
        )


def _exists(plan: Plan, found: Package) -> bool:
    """Whether the namespace is one of OLM's own, which cannot be missing where its catalog is there."""
    return plan.seen.answers.get(path_of(catalog_source(found))) is not None


def _one_of(names: Iterable[str]) -> str:
    return " or ".join(sorted(names)) or "another"


def _groups_in(namespace: str) -> str:
    return f"/apis/operators.coreos.com/v1/namespaces/{namespace}/{plural('OperatorGroup')}"

"""One look at the cluster before anything is registered: everything that the checks need, read at the same time."""

import datetime
import os
from collections.abc import Iterable, Iterator

import pulumi

from cluster.access import Access, WrongClusterError
from cluster.paths import path_of
from cluster.reader import NotReadError, Object, UnreachableError, read
from cluster.recorded import Recorded
from cluster.seen import DISCOVERY, KUBE_SYSTEM, WRITE_FACTS, Seen, facts_file, read_facts, seen, write_facts
from objects import context
from program.catalogs import catalogs_to_look_at
from program.cert_manager import cert_managers_to_look_at
from program.definitions import definitions_to_look_at
from program.existing_mesh import to_look_at
from program.inventory import every_object
from program.migrations import volumes_to_look_at
from program.ownership import claimed
from program.plan import Plan
from program.releases import TELLING, releases_to_look_at
from program.telemetries import to_look_at as telemetries_to_look_at


def look(plan: Plan, access: Access | None, before: Recorded) -> Seen:
    """What was seen of the cluster; a preview may have to do with the stack's facts, or with nothing.

    Raises ``WrongClusterError`` if it is another cluster than the one that the stack is on, or if an update cannot
    reach it.
    """
    stack = pulumi.get_stack()
    writing = os.environ.get(WRITE_FACTS) == stack
    try:
        objects = list(every_object(plan))
        kinds = TELLING.union(str(obj["kind"]) for obj in objects)
        answers = _read(access, _paths(plan, objects, Recorded() if writing else before))
        # A revision tag says only now which istiod it leads to.
        known = Plan(plan.settings, seen(answers, kinds), before)
        if further := set(to_look_at(known)) - answers.keys():
            answers |= _read(access, further)
        found = seen(answers, kinds)
    except UnreachableError as unreachable:
        if writing or not pulumi.runtime.is_dry_run():
            raise WrongClusterError(str(unreachable)) from None
        return _without_cluster(stack, str(unreachable))
    _refuse_another_cluster(found, before)
    if found.unread:
        pulumi.log.warn(f"not checked: {'; '.join(found.unread)}")
    if writing:
        pulumi.log.info(f"written: {write_facts(found, stack, datetime.datetime.now(tz=datetime.UTC).date())}")
    return found


def _read(access: Access | None, paths: Iterable[str]) -> dict[str, Object | NotReadError | None]:
    if access is None:
        raise UnreachableError("there is no kubeconfig: log in to the cluster, or set KUBECONFIG")
    return read(access, paths)


def _paths(plan: Plan, objects: list[context.Object], before: Recorded) -> Iterator[str]:
    yield from (KUBE_SYSTEM, DISCOVERY, *telemetries_to_look_at(plan))
    yield from releases_to_look_at(plan.settings)
    yield from catalogs_to_look_at(plan)
    yield from cert_managers_to_look_at(plan)
    yield from definitions_to_look_at(objects)
    yield from (path_of(obj) for obj in claimed(plan, objects, before))
    yield from volumes_to_look_at(objects)
    yield from to_look_at(plan)
    if before.cluster_uid is None:
        yield from (path_of(namespace) for namespace in before.namespaces())


def _without_cluster(stack: str, why: str) -> Seen:
    facts = read_facts(stack)
    if facts is None:
        pulumi.log.warn(
            f"{why}. Not checked: which cluster it is, whether it has the definitions that the stack needs, and "
            "whether objects of others are in the way. `python -m mesh_tracing facts`, run by somebody who reaches it, "
            f"keeps what is needed in {facts_file(stack)}"
        )
        return Seen({}, live=False)
    day, found = facts
    pulumi.log.info(f"{why}. Checked with {facts_file(stack)} of {day}")
    return found


def _refuse_another_cluster(found: Seen, before: Recorded) -> None:
    """Refuse a cluster that is not the stack's, which only UIDs tell: names and addresses are reused."""
    if found.cluster_uid is None:
        if not pulumi.runtime.is_dry_run():
            raise WrongClusterError(
                "the credentials may not read the namespace kube-system, which tells clusters apart: grant that"
            )
        return
    if not _same_cluster(found, before):
        raise WrongClusterError(
            f"the kubeconfig leads to another cluster than the one that stack {pulumi.get_stack()!r} is on: choose "
            "that one by cluster.context or `kubectl config use-context`; if it is gone, forget what was on it with "
            "`pulumi state delete --all`"
        )


def _same_cluster(found: Seen, before: Recorded) -> bool:
    if before.cluster_uid is not None:
        return found.cluster_uid == before.cluster_uid
    # The stack was deployed before it recorded its cluster, or not to the end: its namespaces tell.
    known = {path_of(namespace): namespace["metadata"].get("uid") for namespace in before.namespaces()}
    live = [(found.answers.get(path) or {}).get("uid") for path in known]
    return not known or any(uid is not None and uid in known.values() for uid in live)

"""The object store: it serves, and Tempo finds its bucket there and may use it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from verify.cluster import Object, is_ready, main_container, trouble
from verify.findings import Finding, absent, fault, ok
from verify.world import Looks, World

NAME = "object-store"
TITLE = "Object store"

_LOG_SECONDS = 900
_NO_BUCKET = re.compile(r"NoSuchBucket|specified bucket does not exist")
_REFUSED = re.compile(r"InvalidAccessKeyId|SignatureDoesNotMatch|Access Key Id you provided|AccessDenied|Access Denied")
# Tempo looks through its bucket every few minutes, and says that it did (tempo: tempodb/tempodb.go).
_POLLED = re.compile(r"blocklist poll complete")


@dataclass(frozen=True)
class Seen:
    """``pods`` are those of a store of the program's own; ``complaints`` what Tempo said of the store of late."""

    pods: list[Object]
    complaints: list[str]


def look(world: World) -> Seen:
    tempo, cluster = world.deployment.tempo, world.cluster
    store = tempo.object_store
    if store is None:
        return Seen([], [])
    return Seen(
        pods=cluster.pods_of(tempo.namespace, store.service) if store.service else [],
        complaints=complaints(_log(world)),
    )


def judge(world: World, looks: Looks[Seen]) -> Finding:
    after = looks.after
    tempo = world.deployment.tempo
    store = tempo.object_store
    if store is None:
        return absent(NAME, "traces are kept on a volume or in memory")
    if store.service and not any(is_ready(pod) for pod in after.pods):
        return fault(
            NAME,
            f"Service {tempo.namespace}/{store.service} has no ready pod",
            *(f"Pod {pod['metadata']['name']}: {trouble(pod)}" for pod in after.pods),
            cause="the store does not run",
            remedy=world.restore,
        )
    if any(_NO_BUCKET.search(line) for line in after.complaints):
        made_by = f"kubectl delete job {store.job} -n {tempo.namespace} --ignore-not-found && {world.restore}"
        return fault(
            NAME,
            after.complaints[-1],
            cause=f"the bucket {store.bucket or 'of the Secret'} is gone",
            # The Job that makes the bucket runs again when it is missing.
            remedy=made_by if store.job else f"aws s3 mb s3://{store.bucket or 'BUCKET'}",
        )
    if after.complaints:
        return fault(
            NAME, after.complaints[-1], cause="the store does not accept Tempo's credentials", remedy=world.restore
        )
    evidence = f"Service {tempo.namespace}/{store.service} has {len(after.pods)} ready pods" if store.service else ""
    return ok(
        NAME, *filter(None, [evidence]), f"Tempo complains of nothing in bucket {store.bucket or 'of the Secret'}"
    )


def complaints(lines: Sequence[str]) -> list[str]:
    """The lines about a missing bucket or wrong credentials since Tempo last looked through its bucket."""
    last = max((number for number, line in enumerate(lines) if _POLLED.search(line)), default=-1)
    return [line for line in lines[last + 1 :] if _NO_BUCKET.search(line) or _REFUSED.search(line)]


def _log(world: World) -> list[str]:
    tempo, cluster = world.deployment.tempo, world.cluster
    lines: list[str] = []
    for service in dict.fromkeys((tempo.distributor_service, tempo.generator_service)):
        for pod in cluster.pods_of(tempo.namespace, service):
            container = main_container(pod)
            current = cluster.log(pod, container, seconds=_LOG_SECONDS)
            # One that stops at once says why in the run before.
            earlier = [] if is_ready(pod) else cluster.log(pod, container, seconds=_LOG_SECONDS, previous=True)
            lines += [*earlier, *current]
    return lines

"""The object store: it runs, and Tempo can use its bucket there."""

import datetime
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from verify.access.cluster import Object, is_ready, main_container, trouble
from verify.causes import Code
from verify.findings import Finding, absent, fault, ok
from verify.programs import placement
from verify.programs.placement import Stranded
from verify.programs.tempo_parts import USERS_OF_THE_BUCKET, pods_by_part
from verify.world import Looks, World

NAME = "object-store"
TITLE = "Object store"

_LOG_SECONDS = 900
_NO_BUCKET = re.compile(r"NoSuchBucket|specified bucket does not exist")
# Tempo logs either the code or the message of the answer; stores spell the messages with other capitals.
_REFUSED = re.compile(
    "InvalidAccessKeyId|access key id you provided|SignatureDoesNotMatch|request signature we calculated does not match"
    "|AccessDenied|access denied",
    re.IGNORECASE,
)
# Tempo polls its bucket every few minutes, and logs when it could (tempo: tempodb/tempodb.go).
_POLLED = re.compile(r"blocklist poll complete")
_WRITTEN_AT = re.compile(r"\bts=(\S+)")
_EARLIEST = datetime.datetime.min.replace(tzinfo=datetime.UTC)


@dataclass(frozen=True)
class Seen:
    """``pods`` are those of a store that the program deployed; ``errors`` are Tempo's recent ones about the store.

    ``stranded`` is one that waits for the node with its volume.
    """

    pods: list[Object]
    errors: list[str]
    stranded: Stranded | None = None


def look(world: World) -> Seen:
    tempo, cluster = world.deployment.tempo, world.cluster
    store = tempo.object_store
    if store is None:
        return Seen([], [])
    pods = cluster.pods_of(tempo.namespace, store.service) if store.service else []
    stranded = None
    if store.service and not any(is_ready(pod) for pod in pods):
        stranded = placement.of_service(cluster, tempo.namespace, store.service)
    return Seen(pods, errors(_log(world)), stranded)


def judge(world: World, looks: Looks[Seen]) -> Finding:
    after = looks.after
    tempo = world.deployment.tempo
    store = tempo.object_store
    if store is None:
        theirs = tempo.mode == "existing"
        return absent(
            NAME, "somebody else's store keeps the traces" if theirs else "traces are kept on a volume or in memory"
        )
    if store.service and not any(is_ready(pod) for pod in after.pods):
        evidence = [
            f"Service {tempo.namespace}/{store.service} has no ready pod",
            *(f"Pod {pod['metadata']['name']}: {trouble(pod)}" for pod in after.pods),
        ]
        if after.stranded:
            cause = placement.cause(world, after.stranded)
            return fault(NAME, *evidence, after.stranded.said, code=cause.code, cause=cause.words, remedy=cause.remedy)
        return fault(NAME, *evidence, code=Code.STORE_DOWN, cause="the store does not run", remedy=world.restore)
    if any(_NO_BUCKET.search(line) for line in after.errors):
        recreate = f"kubectl delete job {store.job} -n {tempo.namespace} --ignore-not-found && {world.restore}"
        return fault(
            NAME,
            after.errors[-1],
            code=Code.NO_BUCKET,
            cause=f"the bucket {store.bucket or 'of the Secret'} does not exist",
            # Pulumi creates the missing Job again, and that creates the bucket.
            remedy=recreate if store.job else f"aws s3 mb s3://{store.bucket or 'BUCKET'}",
        )
    if after.errors:
        return fault(
            NAME,
            after.errors[-1],
            code=Code.STORE_REFUSES,
            cause="the store does not accept Tempo's credentials",
            remedy=world.restore,
        )
    running = f"Service {tempo.namespace}/{store.service} has {len(after.pods)} ready pods" if store.service else ""
    return ok(NAME, running, f"Tempo logs no error about bucket {store.bucket or 'of the Secret'}")


def errors(lines: Sequence[str]) -> list[str]:
    """The lines about a missing bucket or wrong credentials since Tempo last polled its bucket successfully."""
    last = max((number for number, line in enumerate(lines) if _POLLED.search(line)), default=-1)
    return [line for line in lines[last + 1 :] if _NO_BUCKET.search(line) or _REFUSED.search(line)]


def _log(world: World) -> list[str]:
    """What the parts that use the bucket have logged, in the order of time: each polls or writes, and few do both."""
    parts = pods_by_part(world.cluster, world.deployment.tempo)
    pods = [pod for part in USERS_OF_THE_BUCKET for pod in parts.get(part, [])]
    lines = [line for pod in pods for line in in_time(_log_of(world, pod))]
    return [line for _, line in sorted(lines, key=lambda one: one[0])]


def _log_of(world: World, pod: Object) -> list[str]:
    container = main_container(pod)
    current = world.cluster.log(pod, container, seconds=_LOG_SECONDS)
    # A container that keeps stopping has its error in the log of the previous run.
    earlier = [] if is_ready(pod) else world.cluster.log(pod, container, seconds=_LOG_SECONDS, previous=True)
    return [*earlier, *current]


def in_time(lines: Sequence[str]) -> Iterator[tuple[datetime.datetime, str]]:
    """The lines of one log, each with its time; one without has that of the line before it."""
    at = _EARLIEST
    for line in lines:
        written = _WRITTEN_AT.search(line)
        if written is not None:
            at = _moment(written[1]) or at
        yield at, line


def _moment(text: str) -> datetime.datetime | None:
    try:
        found = datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None

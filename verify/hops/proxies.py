"""The proxies: each has the tracer and the collector's cluster, and the collector accepts its spans."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain, zip_longest

import httpx

from verify.access.cluster import Object, ServicePort, is_ready
from verify.causes import Code
from verify.findings import Because, Finding, Status, absent, fault, ok, stalled, starved, unknown, warning
from verify.hops.sidecars import has_sidecar
from verify.obstacles import mutual_tls, network_policies, reception, surroundings, telemetries, visibility
from verify.obstacles.obstacle import Obstacle
from verify.obstacles.surroundings import Surroundings
from verify.programs import envoy
from verify.programs.envoy import TRACER, Tracing
from verify.world import Looks, World

NAME = "proxies"
TITLE = "Proxies send spans to the collector"

# One proxy of each workload is enough, and a mesh may have hundreds of workloads.
_MAX_PROXIES = 12
_PARALLEL = 6


@dataclass(frozen=True)
class Proxy:
    """The sidecar of ``of``, a pod, and what it says."""

    of: Object
    tracing: Tracing

    @property
    def pod(self) -> str:
        return _name(self.of)


@dataclass(frozen=True)
class Seen:
    """``silent`` are the pods whose proxy does not answer; ``workloads`` is how many there are in all."""

    proxies: list[Proxy]
    silent: list[str]
    workloads: int
    around: Surroundings


def look(world: World) -> Seen:
    chosen, workloads = _chosen(world)
    with ThreadPoolExecutor(_PARALLEL) as pool:
        asked = list(pool.map(lambda pod: _ask(world, pod), chosen))
    return Seen(
        proxies=[Proxy(pod, said) for pod, said in zip(chosen, asked, strict=True) if said is not None],
        silent=[_name(pod) for pod, said in zip(chosen, asked, strict=True) if said is None],
        workloads=workloads,
        around=surroundings.read(world),
    )


def flow(seen: Seen) -> dict[str, float]:
    """The exports of spans that the collector has accepted."""
    return {proxy.pod: float(proxy.tracing.counters.get("rq_success", 0)) for proxy in seen.proxies}


def judge(world: World, looks: Looks[Seen]) -> Finding:
    after = looks.after
    if not world.deployment.mesh.namespaces:
        return absent(NAME, "the stack brings no namespace into the mesh")
    if not after.proxies:
        return unknown(
            NAME,
            *(f"Pod {name}: its proxy does not answer" for name in after.silent),
            code=Code.NO_PROXY,
            cause="there is no sidecar to ask",
        )
    sampled = _by_sampling(world, after)
    wrong = _by_tracer(world, after) or (sampled if sampled and sampled.status is Status.BROKEN else None)
    found = wrong or _by_encryption(world, looks) or _by_counters(world, looks)
    if found.because is not Because.FAULT:
        # The cause may be among what may not be looked at.
        found = replace(found, evidence=(*found.evidence, *after.around.unseen))
    return sampled if sampled and found.status is Status.OK else found


def collector_cluster(world: World) -> str:
    """Envoy's name of the collector's cluster."""
    tracing = world.deployment.tracing
    return f"outbound|{tracing.collector_port}||{tracing.collector_host}"


def _by_tracer(world: World, after: Seen) -> Finding | None:
    """The fault of proxies that have no tracer, or one that sends elsewhere."""
    around, wanted = after.around, collector_cluster(world)
    without = [proxy for proxy in after.proxies if proxy.tracing.tracer is None]
    if without:
        evidence = [f"Pod {proxy.pod}: no listener has {TRACER}" for proxy in without]
        found = _first(without, lambda pod: telemetries.own(world, around, pod)) or visibility.discovery(world, around)
        return _obstructed(found, evidence) or _untold(
            world, without, evidence, Code.PROXY_WITHOUT_TRACER, "istiod has not sent these proxies a tracer"
        )
    elsewhere = [proxy for proxy in after.proxies if proxy.tracing.tracer != wanted]
    if elsewhere:
        evidence = [f"Pod {proxy.pod}: the tracer sends to {proxy.tracing.tracer}" for proxy in elsewhere]
        evidence.append(f"expected {wanted}")
        return _obstructed(_first(elsewhere, lambda pod: telemetries.own(world, around, pod)), evidence) or _untold(
            world, elsewhere, evidence, Code.PROXY_ELSEWHERE, "these proxies send to another collector"
        )
    lost = [proxy for proxy in after.proxies if proxy.tracing.cluster is None]
    if lost:
        evidence = [f"Pod {proxy.pod}: no such cluster: {wanted}" for proxy in lost]
        found = (
            _first(lost, lambda pod: visibility.egress(world, around, pod))
            or _first(lost, lambda pod: visibility.export(around, pod))
            or visibility.discovery(world, around)
        )
        return _obstructed(found, evidence) or _untold(
            world, lost, evidence, Code.NO_SUCH_CLUSTER, "these proxies do not know the collector's Service"
        )
    return None


def _by_sampling(world: World, after: Seen) -> Finding | None:
    less = [
        proxy
        for proxy in after.proxies
        if proxy.tracing.sampling is not None and proxy.tracing.sampling < telemetries.percentage_of(world, proxy.of)
    ]
    if not less:
        return None
    evidence = [f"Pod {proxy.pod}: random_sampling is {proxy.tracing.sampling:g}" for proxy in less]
    found = _first(less, lambda pod: telemetries.own(world, after.around, pod))
    if found is not None and found.code is Code.SAMPLED_LESS:
        # Whoever runs a namespace may want that, and spans get through.
        return warning(NAME, found.evidence, *evidence, code=found.code, cause=found.cause, remedy=found.remedy)
    return _obstructed(found, evidence) or _untold(
        world,
        less,
        [*evidence, f"the stack's setting is {telemetries.percentage_of(world, less[0].of):g} %"],
        Code.SAMPLED_LESS,
        "these proxies sample less than the stack says, and no Telemetry says so: istiod has not told them yet",
    )


def _untold(world: World, proxies: Sequence[Proxy], evidence: Sequence[str], code: Code, cause: str) -> Finding:
    """The finding for proxies that have not what istiod should have sent: it has not, or they refuse it."""
    refusing = next((proxy for proxy in proxies if proxy.tracing.refusal), None)
    if refusing is None:
        return starved(NAME, *evidence, code=code, cause=cause, remedy=_restart_istiod(world))
    return starved(
        NAME,
        f"Pod {refusing.pod} refuses a listener: {refusing.tracing.refusal}",
        *evidence,
        code=Code.LISTENERS_REFUSED,
        cause="these proxies refuse what istiod sends and keep what they had, most often for an EnvoyFilter that does "
        "not fit them",
        remedy="kubectl get envoyfilters.networking.istio.io --all-namespaces",
    )


def _by_encryption(world: World, looks: Looks[Seen]) -> Finding | None:
    after, wanted = looks.after, collector_cluster(world)
    encrypting = [proxy for proxy in after.proxies if envoy.is_encrypted(proxy.tracing.cluster or {})]
    if not encrypting or world.deployment.tracing.collector_in_mesh:
        return None
    evidence = [f"Pod {proxy.pod}: {wanted} has a TLS transport socket" for proxy in encrypting]
    return _obstructed(
        mutual_tls.rule(world, after.around, encrypting[0].of), [*evidence, *_counters(looks.before, after)]
    )


def _by_counters(world: World, looks: Looks[Seen]) -> Finding:
    before, after, journey = looks.before, looks.after, looks.journey
    around, count = after.around, len(after.proxies)
    evidence = f"{count} of {after.workloads} workloads asked: all have {TRACER} and {collector_cluster(world)}"
    silent = [f"Pod {name}: its proxy does not answer" for name in after.silent]
    if journey is None or not journey.answered or _grown(before, after, "rq_success"):
        return ok(NAME, evidence, *(_counters(before, after) if journey else ()), *silent)
    if not {proxy.pod for proxy in before.proxies} & {proxy.pod for proxy in after.proxies}:
        return unknown(NAME, evidence, code=Code.PROXY_RESTARTED, cause="these proxies have only just started")
    in_mesh = world.deployment.tracing.collector_in_mesh
    found = (
        (_first(after.proxies, lambda pod: mutual_tls.plain(world, around, pod)) if in_mesh else None)
        or next(
            filter(None, (reception.protocol(world, around, one.tracing.cluster or {}) for one in after.proxies)), None
        )
        or reception.listener(world, around)
        or _first(after.proxies, lambda pod: network_policies.closed(world, around, pod))
    )
    obstructed = _obstructed(found, _counters(before, after))
    if obstructed is not None:
        return obstructed
    tracing = world.deployment.tracing
    return stalled(
        NAME,
        *_counters(before, after),
        *([] if around.unseen else ["no NetworkPolicy keeps the proxies from the collector"]),
        code=Code.SPANS_DROPPED,
        cause=f"packets to port {tracing.collector_port} of the collector do not arrive: the network, a firewall or a "
        "policy of another kind drops them",
        remedy=f"kubectl get endpointslices -n {tracing.collector_namespace} --output wide",
    )


def _first(proxies: Sequence[Proxy], find: Callable[[Object], Obstacle | None]) -> Obstacle | None:
    return next(filter(None, (find(proxy.of) for proxy in proxies)), None)


def _obstructed(found: Obstacle | None, evidence: Sequence[str]) -> Finding | None:
    if found is None:
        return None
    return fault(NAME, found.evidence, *evidence, code=found.code, cause=found.cause, remedy=found.remedy)


def _ask(world: World, pod: Object) -> Tracing | None:
    try:
        with world.cluster.pod_client(pod, envoy.ADMIN_PORT) as client:
            return envoy.read(client, collector_cluster(world))
    except (httpx.HTTPError, ValueError):
        return None


def _chosen(world: World) -> tuple[list[Object], int]:
    """One ready pod of each workload, at most ``_MAX_PROXIES``, and how many workloads there are.

    The application that requests are sent to comes first: it is the one whose spans have to arrive. Of the others, each
    namespace gets its turn.
    """
    by_namespace = [_of_workloads(world.cluster.pods(name)) for name in world.deployment.mesh.namespaces]
    in_turn = [pod for pod in chain.from_iterable(zip_longest(*by_namespace)) if pod is not None]
    followed = {_name(pod) for pod in _followed(world)}
    in_turn.sort(key=lambda pod: _name(pod) not in followed)
    return in_turn[:_MAX_PROXIES], len(in_turn)


def _of_workloads(pods: Sequence[Object]) -> list[Object]:
    chosen: dict[tuple[str, str], Object] = {}
    for pod in pods:
        if has_sidecar(pod) and is_ready(pod):
            chosen.setdefault(_owner(pod), pod)
    return list(chosen.values())


def _owner(pod: Object) -> tuple[str, str]:
    """What made a pod; of the ReplicaSets of one Deployment, whatever their hash."""
    meta = pod["metadata"]
    for owner in meta.get("ownerReferences") or []:
        if owner.get("controller"):
            template = (meta.get("labels") or {}).get("pod-template-hash", "")
            return owner["kind"], owner["name"].removesuffix(f"-{template}")
    return "Pod", meta["name"]


def _followed(world: World) -> Iterator[Object]:
    target = None if world.followed is None else ServicePort.of(world.followed)
    if target is not None:
        yield from world.cluster.pods_of(target.namespace, target.service)


def _name(pod: Object) -> str:
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"


def _grown(before: Seen, after: Seen, counter: str) -> int:
    """By how much a counter grew in the proxies that were seen twice; one that is smaller was restarted from 0."""
    then = {proxy.pod: proxy.tracing.counters.get(counter, 0) for proxy in before.proxies}
    grown = 0
    for proxy in after.proxies:
        now = proxy.tracing.counters.get(counter, 0)
        if proxy.pod in then:
            grown += now - then[proxy.pod] if now >= then[proxy.pod] else now
    return grown


def _counters(before: Seen, after: Seen) -> list[str]:
    grown = {name: _grown(before, after, name) for name in ("rq_success", "rq_error", "cx_connect_fail")}
    return ["to the collector, during the check: " + ", ".join(f"{name} +{value}" for name, value in grown.items())]


def _restart_istiod(world: World) -> str:
    mesh = world.deployment.mesh
    return f"kubectl rollout restart deployment/{mesh.istiod} -n {mesh.namespace}"

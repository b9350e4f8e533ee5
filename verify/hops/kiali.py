"""Kiali: it answers, and shows the traces that Tempo has."""

from dataclasses import dataclass

from verify.causes import Code
from verify.findings import Finding, absent, fault, ok, starved, unknown
from verify.programs import answers
from verify.programs.answers import NoAnswer
from verify.world import Looks, World

NAME = "kiali"
TITLE = "Kiali"

# How far back Kiali is asked for traces.
_RECENT_SECONDS = 300


@dataclass(frozen=True)
class Seen:
    """``traces`` is their number, None for the reason in ``problem``; ``path`` is where Kiali was asked."""

    path: str
    traces: int | None
    problem: str
    allowed: bool


def look(world: World) -> Seen:
    kiali = world.deployment.kiali
    if kiali is None:
        return Seen("", None, "", allowed=True)
    token, path = world.cluster.bearer(), _path(world)
    try:
        with world.cluster.client(kiali.url) as client:
            answer = client.get(
                path,
                params={"startMicros": str(int((world.cluster.now() - _RECENT_SECONDS) * 1e6)), "limit": "20"},
                headers={"Authorization": f"Bearer {token}"} if token else {},
            )
            found = answer.raise_for_status().json()
            errors, traces = found.get("errors") or [], found.get("data") or []
            return Seen(path, len(traces), str(errors[0].get("msg", "")) if errors else "", allowed=True)
    except answers.ERRORS as error:
        none = NoAnswer.of(error)
        return Seen(path, None, none.said, allowed=not none.wants_login)


def judge(world: World, looks: Looks[Seen]) -> Finding:
    after, journey = looks.after, looks.journey
    kiali = world.deployment.kiali
    if kiali is None:
        return absent(NAME, "the stack has no Kiali")
    logs = f"kubectl logs deployment/kiali -n {world.deployment.mesh.namespace} --tail=50"
    if not after.allowed:
        return unknown(
            NAME,
            after.problem,
            code=Code.LOGIN_REFUSED,
            cause="Kiali does not accept the kubeconfig's login",
            remedy=f"kubectl port-forward -n {world.deployment.mesh.namespace} service/kiali 20001",
        )
    if after.problem:
        return fault(
            NAME,
            after.problem,
            code=Code.KIALI_DOWN,
            cause="Kiali does not answer, or does not reach Tempo",
            remedy=logs,
        )
    if journey is not None and journey.answered and not after.traces:
        return starved(
            NAME, f"0 traces at {after.path}", code=Code.KIALI_WITHOUT_TRACES, cause="Kiali finds no trace", remedy=logs
        )
    return ok(NAME, f"{after.traces} traces at {after.path}")


def _path(world: World) -> str:
    """Kiali's traces of the product page, or of some service in the first namespace of the mesh."""
    bookinfo = world.deployment.bookinfo
    if bookinfo is not None:
        return f"/api/namespaces/{bookinfo.namespace}/services/productpage/traces"
    namespace = next(iter(world.deployment.mesh.namespaces), world.deployment.mesh.namespace)
    services = world.cluster.items(f"/api/v1/namespaces/{namespace}/services")
    name = services[0]["metadata"]["name"] if services else "none"
    return f"/api/namespaces/{namespace}/services/{name}/traces"

"""Kiali: it answers, and shows the traces that Tempo has."""

import re
import shlex
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from verify.causes import Code
from verify.findings import Finding, absent, fault, ok, starved, unknown
from verify.programs import answers
from verify.programs.answers import NoAnswer
from verify.world import Looks, World

NAME = "kiali"
TITLE = "Kiali"

# How far back Kiali is asked for traces.
_RECENT_SECONDS = 300
# Where Kiali asked Tempo, in what it says of an error; the search itself, after the path, is long.
_ASKED = re.compile(r"(https?://[^\s\"'?\]]+/api/search)(\?[^\s\"'\]]*)?")


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
    since = {"startMicros": str(int((world.cluster.now() - _RECENT_SECONDS) * 1e6)), "limit": "20"}
    try:
        with world.cluster.client(kiali.url) as client:
            answer = client.get(path, params=since, headers={"Authorization": f"Bearer {token}"} if token else {})
            if answer.status_code == httpx.codes.UNAUTHORIZED and token:
                # With OpenShift's login Kiali takes a token with each request, with that by token only for a session.
                client.post("/api/authenticate", data={"token": token}).raise_for_status()
                answer = client.get(path, params=since)
            if said := _said(answer):
                return Seen(path, None, said, allowed=True)
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
    if not world.deployment.tempo.query_url:
        return absent(NAME, "Kiali shows no traces: tempo.existing has no queryUrl")
    logs = f"kubectl logs deployment/kiali -n {world.deployment.mesh.namespace} --tail=50"
    elsewhere = _elsewhere(world, after.problem)
    if not after.allowed:
        return unknown(
            NAME,
            after.problem,
            code=Code.LOGIN_REFUSED,
            cause="Kiali does not accept the kubeconfig's login",
            remedy=f"kubectl port-forward -n {world.deployment.mesh.namespace} service/kiali 20001",
        )
    if elsewhere is not None:
        return fault(
            NAME,
            after.problem,
            code=Code.KIALI_DOWN,
            cause=f"Kiali looks for traces at {elsewhere}, and Tempo is at {_origin(world.deployment.tempo.query_url)}",
            remedy=_correct(world, elsewhere),
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


def _said(answer: httpx.Response) -> str:
    """Why Kiali failed, in its own words, without the whole search; nothing where it did not, or says nothing."""
    if not answer.is_server_error:
        return ""
    try:
        said = answer.json()["error"]
    except (ValueError, TypeError, KeyError):
        return ""
    return _ASKED.sub(r"\1", " ".join(str(said).split()))


def _elsewhere(world: World, problem: str) -> str | None:
    """The scheme, host and port at which Kiali asked, according to its words, if Tempo is elsewhere."""
    asked = {_origin(found[1]) for found in _ASKED.finditer(problem)}
    return asked.pop() if len(asked) == 1 and _origin(world.deployment.tempo.query_url) not in asked else None


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _correct(world: World, elsewhere: str) -> str:
    """The command that leads Kiali to Tempo.

    Of its chart Pulumi sees only the values. The ConfigMap holds Kiali's signing key, and is not printed.
    """
    if "kiali" in world.deployment.operators:
        return world.restore
    place, right = f"-n {world.deployment.mesh.namespace}", _origin(world.deployment.tempo.query_url)
    change = shlex.quote(f"s#{elsewhere}#{right}#g")
    return (
        f"kubectl get configmap kiali {place} -o yaml | sed {change} | kubectl replace -f -"
        f" && kubectl rollout restart deployment/kiali {place}"
    )


def _path(world: World) -> str:
    """Kiali's traces of the product page, or of some service in the first namespace of the mesh."""
    bookinfo = world.deployment.bookinfo
    if bookinfo is not None:
        return f"/api/namespaces/{bookinfo.namespace}/services/productpage/traces"
    namespace = next(iter(world.deployment.mesh.namespaces), world.deployment.mesh.namespace)
    services = world.cluster.items(f"/api/v1/namespaces/{namespace}/services")
    name = services[0]["metadata"]["name"] if services else "none"
    return f"/api/namespaces/{namespace}/services/{name}/traces"

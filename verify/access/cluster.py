"""The cluster as ``verify`` sees it: objects and logs from the API server, everything else through port-forwards.

It only reads, but for a result that is published. Every request is written as an API path, so that tests can compare
them with the role in ``manifests/verify-role.yaml``.
"""

import json
import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpcore
import httpx

from verify.access import kubeconfig
from verify.access.api_server import Answer, ApiServer, RefusedError
from verify.access.clock import Clock
from verify.access.deadline import Deadline, TimeOverError
from verify.access.kubeconfig import KubeconfigError
from verify.access.pod_transport import PodTransport
from verify.access.port_forward import PROTOCOL, PortForward
from verify.causes import Code
from verify.redaction import quoted

Object = Mapping[str, Any]

POD_SECONDS = 10.0
# What Python raises while it reads an answer that does not have the expected form.
UNREADABLE = (ValueError, LookupError, TypeError, AttributeError)
# The log of a pod that waits for a node is 204.
_DONE = {200, 201, 204}
_BAD_REQUEST, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = 400, 401, 403, 404


class CannotCheckError(Exception):
    """The deployment cannot be checked at all; ``remedy`` is a command, or empty."""

    def __init__(self, what: str, remedy: str = "", *, code: Code) -> None:
        super().__init__(what)
        self.remedy = remedy
        self.code = code


class CannotLookError(Exception):
    """One hop cannot be looked at; ``remedy`` is a command, or empty."""

    def __init__(self, what: str, remedy: str = "", *, code: Code = Code.NOT_READABLE) -> None:
        super().__init__(what)
        self.remedy = remedy
        self.code = code


@dataclass(frozen=True)
class ServicePort:
    """A port of a Service, from a URL such as ``http://tempo-tempo.tracing-system.svc.cluster.local:3200``."""

    service: str
    namespace: str
    port: int

    @classmethod
    def of(cls, url: str) -> "ServicePort | None":
        """None for a host outside the cluster."""
        parts = urlsplit(url)
        labels = (parts.hostname or "").split(".")
        if labels[2:3] != ["svc"]:
            return None
        return cls(labels[0], labels[1], parts.port or (443 if parts.scheme == "https" else 80))


@dataclass(frozen=True)
class Listed:
    """``unseen`` says, in a line each, what could not be listed because it is not allowed."""

    items: list[Object]
    unseen: tuple[str, ...] = ()


class Cluster:
    """The cluster of one context in the user's kubeconfig, or of the current one.

    Nothing waits longer than ``deadline``: afterwards every method, and every request of its clients, raises
    ``TimeOverError``.
    """

    def __init__(self, context: str | None, uid: str | None, deadline: Deadline) -> None:
        """Read the kubeconfig, and ask the API server whether it is the cluster whose ``kube-system`` has ``uid``.

        Raises ``CannotCheckError``.
        """
        self.deadline = deadline
        self._clock = Clock()
        try:
            login = kubeconfig.load(context, deadline)
            self._server = ApiServer(login, deadline)
        except KubeconfigError as error:
            raise _unusable(context, str(error)) from error
        self.context = login.context
        try:
            self._get("/version", {})
        except CannotLookError as error:
            raise CannotCheckError(str(error), error.remedy, code=error.code) from error
        except TimeOverError as error:
            raise CannotCheckError(str(error), code=Code.TIME_OVER) from error
        if uid is not None and self._uid() not in {None, uid}:
            raise CannotCheckError(
                f"context {self.context!r} leads to another cluster than the stack was deployed to: name the context "
                "of that one with --context",
                "kubectl config get-contexts",
                code=Code.OTHER_CLUSTER,
            )

    def _uid(self) -> str | None:
        """The UID of ``kube-system``, or None to those who may not read it."""
        try:
            found = self.read("/api/v1/namespaces/kube-system")
        except CannotLookError:
            return None
        return None if found is None else str(found["metadata"]["uid"])

    def now(self) -> float:
        """Unix time by the API server's clock: what was stored in the cluster is compared with no other."""
        return self._clock.now()

    def read(self, path: str) -> Object | None:
        """One object, or None if it, its kind or its namespace does not exist; raises ``CannotLookError``."""
        body = self._get(path, {})
        return None if body is None else json.loads(body)

    def items(self, path: str, labels: Mapping[str, str] | None = None) -> list[Object]:
        """The items at ``path`` that have all of ``labels``; none if the kind does not exist."""
        selector = ",".join(f"{key}={value}" for key, value in (labels or {}).items())
        body = self._get(path, {"labelSelector": selector} if selector else {})
        return [] if body is None else json.loads(body)["items"]

    def may_list(self, path: str) -> bool:
        """Whether the items at ``path`` may be listed."""
        try:
            self._get(path, {"limit": "1"})
        except CannotLookError as error:
            if error.code is not Code.NOT_ALLOWED:
                raise
            return False
        return True

    def everywhere(self, group: str, plural: str, namespaces: Iterable[str]) -> Listed:
        """All items of one kind, with the path of its group and version, such as ``/apis/apps/v1``.

        To those who may not list them in the whole cluster, those of each of ``namespaces`` that they may list.
        """
        try:
            return Listed(self.items(f"{group}/{plural}"))
        except CannotLookError as error:
            if error.code is not Code.NOT_ALLOWED:
                raise
        found: list[Object] = []
        unseen = [f"not looked at: {plural} of other namespaces (not allowed)"]
        for namespace in dict.fromkeys(namespaces):
            part = self.allowed(f"{group}/namespaces/{namespace}/{plural}", f"{plural} in {namespace}")
            found += part.items
            unseen += part.unseen
        return Listed(found, tuple(unseen))

    def allowed(self, path: str, what: str) -> Listed:
        """The items at ``path``, or none where they may not be listed; ``what`` names them."""
        try:
            return Listed(self.items(path))
        except CannotLookError as error:
            if error.code is not Code.NOT_ALLOWED:
                raise
        return Listed([], (f"not looked at: {what} (not allowed)",))

    def pods(self, namespace: str, labels: Mapping[str, str] | None = None) -> list[Object]:
        """The pods that are not being deleted."""
        found = self.items(f"/api/v1/namespaces/{namespace}/pods", labels)
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def pods_of(self, namespace: str, service: str) -> list[Object]:
        """The pods that a Service selects; none if it does not exist or has no selector."""
        return self._selected(namespace, self.read(_service(namespace, service)))

    def log(self, pod: Object, container: str, *, seconds: int, previous: bool = False) -> list[str]:
        """The lines that a container logged in the last ``seconds``, at most its last 500."""
        meta = pod["metadata"]
        query = {"container": container, "sinceSeconds": str(seconds), "tailLines": "500"}
        if previous:
            query["previous"] = "true"
        try:
            body = self._get(f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/log", query)
        except _BadRequestError:
            # The container has not started, or has no earlier run.
            return []
        return (body or b"").decode(errors="replace").splitlines()

    def client(self, url: str, ca: str | None = None) -> httpx.Client:
        """A client with the base ``url``: through a pod of the Service in it, or directly to a host outside.

        ``ca`` is the certificate of a private authority that such a host has.

        Raises ``CannotLookError`` if no pod of the Service is ready.
        """
        target = ServicePort.of(url)
        if target is None:
            trust = True if ca is None else _trusting(ca)
            return _OutsideClient(self.deadline, base_url=url, verify=trust)
        service = self.read(_service(target.namespace, target.service))
        ready = [pod for pod in self._selected(target.namespace, service) if is_ready(pod)]
        if service is None or not ready:
            raise CannotLookError(f"Service {target.namespace}/{target.service} has no ready pod")
        parts = urlsplit(url)
        port = _container_port(service, ready[0], target.port)
        return self.pod_client(ready[0], port, scheme=parts.scheme, path=parts.path)

    def pod_client(self, pod: Object, port: int, *, scheme: str = "http", path: str = "") -> httpx.Client:
        """A client of one port of one pod, below ``path``.

        Its requests raise ``httpx.TransportError`` if nothing answers there, and ``CannotLookError`` if
        port-forwards are not allowed.
        """
        meta = pod["metadata"]
        place = f"{meta['namespace']}/{meta['name']}"

        def connect() -> httpcore.NetworkStream:
            path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/portforward"
            try:
                below = self._server.connect(path, {"ports": str(port)}, PROTOCOL)
            except RefusedError as error:
                if error.status == _FORBIDDEN:
                    raise _not_allowed(f"a port-forward to Pod {place}") from None
                raise httpx.ConnectError(f"no port-forward to Pod {place}: {error}") from None
            except httpx.TimeoutException:
                raise httpx.ConnectTimeout(f"the API server does not open a port-forward to Pod {place}") from None
            except KubeconfigError as error:
                raise _unusable(self.context, str(error)) from error
            return PortForward(below, self.deadline)

        return httpx.Client(
            base_url=f"{scheme}://localhost:{port}{path}",
            transport=PodTransport(connect),
            timeout=POD_SECONDS,
            trust_env=False,
        )

    def write(self, method: str, path: str, kind: str, body: Object) -> None:
        """Create an object, or change one, by a ``body`` of the media type ``kind``; raises ``CannotLookError``."""
        content = json.dumps(body).encode()
        if self._body(f"{method} {path}", lambda: self._server.write(method, path, kind, content)) is None:
            raise CannotLookError(f"{method} {path}: there is no such object or namespace")

    def bearer(self) -> str | None:
        """The token of the kubeconfig's user, or None if it logs in by other means."""
        try:
            header = self._server.login.authorization(False) or ""
        except KubeconfigError as error:
            raise _unusable(self.context, str(error)) from error
        return header.removeprefix("Bearer ") if header.startswith("Bearer ") else None

    def _selected(self, namespace: str, service: Object | None) -> list[Object]:
        selector = (service or {}).get("spec", {}).get("selector")
        return self.pods(namespace, selector) if selector else []

    def _get(self, path: str, query: Mapping[str, str]) -> bytes | None:
        return self._body(f"GET {path}", lambda: self._server.get(path, query))

    def _body(self, request: str, send: Callable[[], Answer]) -> bytes | None:
        """What the API server answers to ``request``, which ``send`` sends; None if there is no such thing."""
        try:
            answer = send()
        except httpx.TransportError as error:
            raise CannotLookError(
                f"the API server {self._server.login.server} of context {self.context!r} does not answer "
                f"({error or type(error).__name__})",
                f"kubectl --context {quoted(self.context)} get --raw /readyz",
                code=Code.NO_API_SERVER,
            ) from error
        except KubeconfigError as error:
            raise _unusable(self.context, str(error)) from error
        self._clock.hear(answer.date)
        if answer.status == _NOT_FOUND:
            return None
        if answer.status == _UNAUTHORIZED:
            raise CannotCheckError(
                f"the API server does not accept the credentials of context {self.context!r}: they have expired, or "
                "belong to another cluster; log in again",
                code=Code.LOGIN_REFUSED,
            )
        if answer.status == _FORBIDDEN:
            raise _not_allowed(request)
        if answer.status == _BAD_REQUEST:
            raise _BadRequestError(f"{request}: the API server answered {answer.status}")
        if answer.status not in _DONE:
            raise CannotLookError(f"{request}: the API server answered {answer.status}")
        return answer.body


def _not_allowed(what: str) -> CannotLookError:
    return CannotLookError(f"not allowed: {what}", code=Code.NOT_ALLOWED)


def _trusting(ca: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cadata=ca)
    except ssl.SSLError:
        raise CannotLookError("the authority that it is to be trusted by is no certificate") from None


class _OutsideClient(httpx.Client):
    """A client of a host outside the cluster, whose requests raise ``TimeOverError`` after ``deadline``."""

    def __init__(self, deadline: Deadline, **options: Any) -> None:
        super().__init__(**options)
        self._deadline = deadline

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        request.extensions["timeout"] = httpx.Timeout(self._deadline.at_most(POD_SECONDS)).as_dict()
        try:
            return super().send(request, **options)
        except httpx.TimeoutException:
            self._deadline.at_most(None)
            raise


class _BadRequestError(CannotLookError):
    """The API server cannot serve the request, such as one for the log of a container that has not started."""


def is_ready(pod: Object) -> bool:
    return any(
        condition["type"] == "Ready" and condition["status"] == "True"
        for condition in pod.get("status", {}).get("conditions", [])
    )


def containers(pod: Object) -> Sequence[Object]:
    """The containers that keep running: the main ones, and the sidecars among the init containers."""
    sidecars = [one for one in pod["spec"].get("initContainers", []) if one.get("restartPolicy") == "Always"]
    return [*sidecars, *pod["spec"]["containers"]]


def main_container(pod: Object) -> str:
    """The name of a pod's main container, which is its first: operators add helpers after it."""
    return str(pod["spec"]["containers"][0]["name"])


def condition(obj: Object, kind: str) -> Object | None:
    """One condition of an object's status."""
    conditions = obj.get("status", {}).get("conditions", [])
    return next((one for one in conditions if one.get("type") == kind), None)


def trouble(pod: Object) -> str:
    """Why a pod is not ready: the reason that Kubernetes gives for a container, or else the pod's phase."""
    for state in pod.get("status", {}).get("containerStatuses", []):
        if not state["ready"]:
            for words in state.get("state", {}).values():
                if words.get("reason"):
                    return f"{state['name']}: {words['reason']}"
    return str(pod.get("status", {}).get("phase", "unknown"))


def _unusable(context: str | None, why: str) -> CannotCheckError:
    which = "current context" if context is None else f"context {context!r}"
    return CannotCheckError(
        f"the kubeconfig has no usable {which} ({why}): log in to that cluster, set KUBECONFIG, or name another one "
        "with --context",
        "kubectl config get-contexts",
        code=Code.NO_LOGIN,
    )


def _service(namespace: str, name: str) -> str:
    return f"/api/v1/namespaces/{namespace}/services/{name}"


def _container_port(service: Object, pod: Object, port: int) -> int:
    """The port of the pod behind ``port`` of its Service."""
    for entry in service.get("spec", {}).get("ports", []):
        if entry["port"] == port:
            target = entry.get("targetPort", port)
            if isinstance(target, int):
                return target
            for container in containers(pod):
                for exposed in container.get("ports", []):
                    if exposed.get("name") == target:
                        return int(exposed["containerPort"])
    return port

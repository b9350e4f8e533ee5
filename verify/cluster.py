"""The cluster as ``verify`` sees it: objects and logs from the API server, everything else through port-forwards.

It only reads. Every request is written as an API path, so that tests can compare them with the role in
``manifests/verify-role.yaml``.
"""

import json
import shlex
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import urllib3
import yaml

from verify.clock import Clock
from verify.pod_transport import PodTransport

# The kubernetes library takes a second to import. Help, and what is wrong with an option, are said without it.
if TYPE_CHECKING:
    from kubernetes.client import Configuration

Object = Mapping[str, Any]

API_SECONDS = 10.0
POD_SECONDS = 10.0
# The command that grants the permissions that are needed.
GRANT = (
    "kubectl apply -f manifests/verify-role.yaml"
    " && kubectl create clusterrolebinding mesh-tracing-verify --clusterrole mesh-tracing-verify --user USER"
)
# What Python raises while it reads an answer that does not have the expected form.
UNREADABLE = (ValueError, LookupError, TypeError, AttributeError)
_FOUND, _BAD_REQUEST, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = 200, 400, 401, 403, 404


class CannotCheckError(Exception):
    """The deployment cannot be checked at all; ``remedy`` is a command, or empty."""

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.remedy = remedy


class CannotLookError(Exception):
    """One hop cannot be looked at; ``remedy`` is a command, or empty."""

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.remedy = remedy


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


class Cluster:
    """The cluster of one context in the user's kubeconfig, or of the current one."""

    def __init__(self, context: str | None, uid: str | None) -> None:
        """Read the kubeconfig, and ask the API server whether it is the cluster whose ``kube-system`` has ``uid``.

        Raises ``CannotCheckError``.
        """
        from kubernetes.client import ApiClient  # noqa: PLC0415

        self.context, configuration = _configuration(context)
        # A server that cannot be reached is reported at once, instead of after retries.
        configuration.retries = False
        self._client = ApiClient(configuration)
        self._clock = Clock()
        try:
            self._get("/version", {})
        except CannotLookError as error:
            raise CannotCheckError(str(error), error.remedy) from error
        if uid is not None and self._uid() not in {None, uid}:
            raise CannotCheckError(
                f"context {self.context!r} leads to another cluster than the stack was deployed to: name the context "
                "of that one with --context",
                "kubectl config get-contexts",
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
            trust = True if ca is None else ssl.create_default_context(cadata=ca)
            return httpx.Client(base_url=url, timeout=POD_SECONDS, verify=trust)
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
        from kubernetes.client import ApiClient, ApiException, CoreV1Api  # noqa: PLC0415
        from kubernetes.stream import portforward  # noqa: PLC0415

        meta = pod["metadata"]
        place = f"{meta['namespace']}/{meta['name']}"

        def connect() -> Any:
            try:
                # An ApiClient of its own: while portforward() connects, it replaces how the client sends requests.
                forward = portforward(
                    CoreV1Api(ApiClient(self._client.configuration)).connect_get_namespaced_pod_portforward,
                    meta["name"],
                    meta["namespace"],
                    ports=str(port),
                )
            except ApiException as error:
                said = str(error.reason or error.status).splitlines()[0]
                if str(_FORBIDDEN) in said:
                    raise CannotLookError(f"not allowed: a port-forward to Pod {place}", GRANT) from None
                raise httpx.ConnectError(f"no port-forward to Pod {place}: {said}") from None
            return forward.socket(port)

        return httpx.Client(
            base_url=f"{scheme}://localhost:{port}{path}",
            transport=PodTransport(connect),
            timeout=POD_SECONDS,
            trust_env=False,
        )

    def bearer(self) -> str | None:
        """The token of the kubeconfig's user, or None if it logs in by other means."""
        # Versions of the library keep it under different names.
        header = self._client.configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
        return (header or "").removeprefix("Bearer ") or None

    def _selected(self, namespace: str, service: Object | None) -> list[Object]:
        selector = (service or {}).get("spec", {}).get("selector")
        return self.pods(namespace, selector) if selector else []

    def _get(self, path: str, query: Mapping[str, str]) -> bytes | None:
        method, url, headers, *_ = self._client.param_serialize(
            method="GET",
            resource_path=path,
            query_params=list(query.items()),
            header_params={"Accept": "application/json, */*"},
            auth_settings=["BearerToken"],
        )
        try:
            response = self._client.call_api(method, url, headers, _request_timeout=API_SECONDS)
            body = response.read()  # type: ignore[no-untyped-call]
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise CannotLookError(
                f"the API server {self._client.configuration.host} of context {self.context!r} does not answer "
                f"({_reason(error)})",
                f"kubectl --context {shlex.quote(self.context)} get --raw /readyz",
            ) from error
        self._clock.hear(response.headers.get("Date"))
        if response.status == _NOT_FOUND:
            return None
        if response.status == _UNAUTHORIZED:
            raise CannotCheckError(
                f"the API server does not accept the credentials of context {self.context!r}: they have expired, or "
                "belong to another cluster; log in again"
            )
        if response.status == _FORBIDDEN:
            raise CannotLookError(f"not allowed: GET {path}", GRANT)
        if response.status == _BAD_REQUEST:
            raise _BadRequestError(path)
        if response.status != _FOUND:
            raise CannotLookError(f"GET {path}: the API server answered {response.status}")
        return bytes(body)


class _BadRequestError(Exception):
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


def _configuration(context: str | None) -> tuple[str, "Configuration"]:
    """The context that is used, and how to reach its API server."""
    import kubernetes.config  # noqa: PLC0415
    from kubernetes.client import Configuration  # noqa: PLC0415

    configuration = Configuration()
    try:
        used = context or kubernetes.config.list_kube_config_contexts()[1]["name"]  # type: ignore[no-untyped-call]
        kubernetes.config.load_kube_config(  # type: ignore[no-untyped-call]
            context=used, client_configuration=configuration
        )
    except (kubernetes.config.ConfigException, yaml.YAMLError, OSError, *UNREADABLE):
        # The loader's own message may quote the file, which holds credentials.
        raise _unusable(context) from None
    if not urlsplit(str(configuration.host)).netloc:
        raise _unusable(context)
    return str(used), configuration


def _unusable(context: str | None) -> CannotCheckError:
    which = "current context" if context is None else f"context {context!r}"
    return CannotCheckError(
        f"the kubeconfig has no usable {which}: log in to that cluster, set KUBECONFIG, or name another one "
        "with --context",
        "kubectl config get-contexts",
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


def _reason(error: Exception) -> str:
    """The message of the innermost error: urllib3 nests several."""
    while (inner := getattr(error, "reason", None)) is not None and isinstance(inner, Exception):
        error = inner
    words = str(error).rsplit(": ", 1)[-1]
    return words or type(error).__name__

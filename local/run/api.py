"""The cluster's API server, asked directly: one connection instead of one ``kubectl`` process for each question.

``kubectl`` reads the API's whole description again in every process, and waits for one object after the other at the
rate that its own limiter allows: 5 s for the 30 definitions of this cluster, which are established at once.
"""

import json
import ssl
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import httpx

from local.errors import LocalError
from local.state import State

# A Kubernetes object as the API server takes it.
Object = dict[str, Any]

_SECONDS = 60.0
_WORKERS = 8
# kubectl's own name, so that a person may change with it what was applied here.
_FIELD_MANAGER = "kubectl"
_ONLY_METADATA = "application/json;as={};g=meta.k8s.io;v=v1"


class Api:
    """A client with the administrator's certificate; use it as a context manager.

    Every method raises ``LocalError`` when the server refuses or does not answer.
    """

    def __init__(self, client: httpx.Client, logs: Path) -> None:
        """Ask through ``client``; errors name the server's log in ``logs``."""
        self._client = client
        self._log = logs / "kube-apiserver.log"

    @classmethod
    def of(cls, state: State) -> Self:
        """Return a client of the cluster in ``state``; it connects with the first request."""
        trusted = ssl.create_default_context(cafile=state.pki / "ca.crt")
        trusted.load_cert_chain(state.pki / "admin.crt", state.pki / "admin.key")
        address = f"https://127.0.0.1:{state.record()['ports']['kubernetes']}"
        return cls(httpx.Client(base_url=address, verify=trusted, timeout=_SECONDS, trust_env=False), state.logs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def is_ready(self) -> bool:
        """Return whether the server is ready; one that does not answer yet is not."""
        try:
            return self._client.get("/readyz").is_success
        except httpx.HTTPError:
            return False

    def read(self, path: str) -> Object | None:
        """Return one object or list, or None when it is not there."""
        answer = self._ask("GET", path)
        return None if answer.status_code == httpx.codes.NOT_FOUND else _content(answer)

    def has(self, path: str) -> bool:
        """Return whether there is something at ``path``."""
        return self.read(path) is not None

    def post(self, path: str, body: Mapping[str, Any]) -> None:
        """Send JSON to ``path``, which may lead through the server to a Service."""
        self._ask("POST", path, content=json.dumps(body), headers={"Content-Type": "application/json"})

    def apply(self, objects: Collection[Object]) -> None:
        """Apply ``objects`` server-side, several at a time, and take over fields that others own."""
        with ThreadPoolExecutor(_WORKERS) as pool:
            list(pool.map(self._apply, objects))

    def versions(self, objects: Collection[Object]) -> dict[str, str]:
        """Return, by path, a version of each of ``objects`` that exists; it changes whenever the content changes."""
        collections = sorted({path_of(entry).rpartition("/")[0] for entry in objects})
        wanted = {path_of(entry) for entry in objects}
        headers = {"Accept": _ONLY_METADATA.format("PartialObjectMetadataList")}
        found = {}
        for collection in collections:
            answer = self._ask("GET", collection, headers=headers)
            items = None if answer.status_code == httpx.codes.NOT_FOUND else _content(answer)["items"]
            for item in items or []:  # an empty list of metadata is null
                meta = item["metadata"]
                # A change of the status raises the resource version, but not the generation, which not every kind has.
                version = meta.get("generation") or meta["resourceVersion"]
                found[f"{collection}/{meta['name']}"] = f"{meta['uid']} {version}"
        return {path: version for path, version in sorted(found.items()) if path in wanted}

    def _apply(self, entry: Object) -> None:
        self._ask(
            "PATCH",
            path_of(entry),
            params={"fieldManager": _FIELD_MANAGER, "force": "true"},
            content=json.dumps(entry),
            headers={
                "Content-Type": "application/apply-patch+yaml",
                "Accept": _ONLY_METADATA.format("PartialObjectMetadata"),
            },
            missing_is_fine=False,
        )

    def _ask(self, method: str, path: str, *, missing_is_fine: bool = True, **request: Any) -> httpx.Response:
        try:
            answer = self._client.request(method, path, **request)
        except httpx.HTTPError as error:
            raise LocalError(
                f"the API server does not answer to {method} {path} ({error or type(error).__name__}): see {self._log}"
            ) from error
        if answer.is_success or (missing_is_fine and answer.status_code == httpx.codes.NOT_FOUND):
            return answer
        raise LocalError(f"the API server refuses {method} {path} ({_reason(answer)}): see {self._log}")


def path_of(entry: Object) -> str:
    """Return the path of an object: its collection, and its name."""
    version, meta = entry["apiVersion"], entry["metadata"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    space = f"/namespaces/{meta['namespace']}" if "namespace" in meta else ""
    kind = entry["kind"].lower()
    # This holds for every kind that is applied here.
    plural = f"{kind}es" if kind.endswith("s") else f"{kind}s"
    return f"{root}{space}/{plural}/{meta['name']}"


def is_ready(entry: Object | None) -> bool:
    """Return whether a Node, a definition, a Deployment, or a catalog or an operator of OLM is there and ready."""
    if entry is None:
        return False
    status = entry.get("status", {})
    if entry["kind"] == "CatalogSource":
        return bool(status.get("connectionState", {}).get("lastObservedState") == "READY")
    if entry["kind"] == "ClusterServiceVersion":
        return bool(status.get("phase") == "Succeeded")
    if entry["kind"] == "Deployment":
        wanted = entry["spec"].get("replicas", 1)
        counted = [status.get(name, 0) for name in ("replicas", "updatedReplicas", "availableReplicas")]
        return status.get("observedGeneration", 0) >= entry["metadata"]["generation"] and counted == [wanted] * 3
    condition = {"Node": "Ready", "CustomResourceDefinition": "Established"}[entry["kind"]]
    # A definition that is new has null there.
    conditions = status.get("conditions") or []
    return any(found["type"] == condition and found["status"] == "True" for found in conditions)


def _content(answer: httpx.Response) -> Object:
    content: Object = answer.json()
    return content


def _reason(answer: httpx.Response) -> str:
    """Return the message of an answer that is a Status, else its number."""
    try:
        return str(_content(answer)["message"]).splitlines()[0]
    except (ValueError, LookupError, TypeError):
        return str(answer.status_code)

"""OpenShift's security context constraint `restricted-v2`, played by the test as an admission webhook.

It gives namespaces the annotations with their ranges, and pods the first user and group of these where they name none.
A pod with another user is refused. OpenShift's documentation on managing security context constraints has the rules.
"""

import base64
import copy
import ctypes
import json
import socket
import ssl
import threading
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from embedded import Host

from local.run.cluster import EmbeddedCluster
from local.run.pki import Authority
from local.state import State

_FIRST, _COUNT = 1_000_660_000, 10_000
_RANGES = {
    "openshift.io/sa.scc.uid-range": f"{_FIRST}/{_COUNT}",
    "openshift.io/sa.scc.supplemental-groups": f"{_FIRST}/{_COUNT}",
}
_NAME = "restricted-v2.example.com"
# CLONE_NEWNET of setns(2).
_NETWORK = 0x40000000


def admitted(kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a Namespace or Pod as the constraint completes it; raises ``ValueError`` if it may not be."""
    changed = copy.deepcopy(dict(given))
    if kind == "Namespace":
        metadata = changed["metadata"]
        metadata["annotations"] = {**_RANGES, **metadata.get("annotations", {})}
        return changed
    spec = changed["spec"]
    pod = spec.setdefault("securityContext", {})
    pod.setdefault("fsGroup", _FIRST)
    pod.setdefault("seccompProfile", {"type": "RuntimeDefault"})
    for container in [*spec.get("initContainers", []), *spec["containers"]]:
        context = container.setdefault("securityContext", {})
        user = context.setdefault("runAsUser", pod.get("runAsUser", _FIRST))
        if not _FIRST <= user < _FIRST + _COUNT:
            raise ValueError(f"container {container['name']}: {user} is not in the range {_FIRST}/{_COUNT}")
        context.setdefault("allowPrivilegeEscalation", False)
        context.setdefault("runAsNonRoot", True)
        context.setdefault("capabilities", {"drop": ["ALL"]})
    return changed


class Constraints:
    """Use it as a context manager: it completes pods of ``spaces`` between its beginning and its end."""

    def __init__(self, host: Host, spaces: Collection[str], folder: Path) -> None:
        self._host = host
        self._spaces = sorted(spaces)
        authority = Authority.create(folder, "constraints-ca")
        certificate, key = authority.issue("constraints", "constraints", hosts=["127.0.0.1"])
        self._trusted = base64.b64encode(authority.path.read_bytes()).decode()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler, bind_and_activate=False)
        self._server.socket.close()
        listening = _listening_beside(EmbeddedCluster(State(host.state)).init_process())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._port = listening.getsockname()[1]
        self._server.socket = context.wrap_socket(listening, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._file = folder / "constraints.json"

    def __enter__(self) -> "Constraints":
        self._thread.start()
        self._file.write_text(json.dumps(self._configuration()))
        self._host.kubectl("apply", "-f", str(self._file))
        return self

    def __exit__(self, *_: object) -> None:
        self._host.kubectl("delete", "-f", str(self._file))
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _configuration(self) -> dict[str, Any]:
        webhook = {
            "name": _NAME,
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            # Again after a sidecar was injected.
            "reinvocationPolicy": "IfNeeded",
            "failurePolicy": "Fail",
            "clientConfig": {"url": f"https://127.0.0.1:{self._port}/", "caBundle": self._trusted},
            "rules": [
                {
                    "apiGroups": [""],
                    "apiVersions": ["v1"],
                    "operations": ["CREATE"],
                    "resources": ["pods", "namespaces"],
                }
            ],
            "namespaceSelector": {
                "matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "In", "values": self._spaces}]
            },
        }
        return {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": _NAME},
            "webhooks": [webhook],
        }


def _listening_beside(process: int | None) -> socket.socket:
    """A socket at 127.0.0.1 of the network namespace of ``process``, where the API server is."""

    def listen() -> socket.socket:
        with Path(f"/proc/{process}/ns/net").open("rb") as namespace:
            if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), _NETWORK) != 0:
                raise OSError(ctypes.get_errno(), "setns")
        return socket.create_server(("127.0.0.1", 0))

    # The namespace is that of a thread, which ends.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(listen).result()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        request = review["request"]
        given = request["object"]
        answer: dict[str, Any] = {"uid": request["uid"]}
        try:
            changed = admitted(request["kind"]["kind"], given)
        except ValueError as error:
            answer |= {"allowed": False, "status": {"message": f"restricted-v2: {error}"}}
        else:
            parts = [
                {"op": "add", "path": f"/{part}", "value": changed[part]}
                for part in ("metadata", "spec")
                if changed.get(part) != given.get(part)
            ]
            patch = base64.b64encode(json.dumps(parts).encode()).decode()
            answer |= {"allowed": True, "patchType": "JSONPatch", "patch": patch}
        body = json.dumps({"apiVersion": review["apiVersion"], "kind": review["kind"], "response": answer}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing on standard error."""

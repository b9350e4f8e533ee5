"""The API server is asked at the right paths, and an object is ready when it says so."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.errors import LocalError
from local.run.api import Api, is_ready, path_of

ACCOUNT = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "coredns", "namespace": "kube-system"}}
STORAGE = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "standard"}}


def api(answer: Callable[[httpx.Request], httpx.Response]) -> Api:
    return Api(httpx.Client(base_url="https://server", transport=httpx.MockTransport(answer)), Path("logs"))


def deployment(**status: int) -> dict[str, Any]:
    return {"kind": "Deployment", "metadata": {"generation": 2}, "spec": {"replicas": 1}, "status": status}


@pytest.mark.parametrize(
    ("entry", "path"),
    [
        (ACCOUNT, "/api/v1/namespaces/kube-system/serviceaccounts/coredns"),
        (STORAGE, "/apis/storage.k8s.io/v1/storageclasses/standard"),
    ],
)
def test_an_object_has_its_path(entry: dict[str, Any], path: str) -> None:
    assert path_of(entry) == path


def test_an_object_is_applied_also_against_other_owners() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={})

    with api(answer) as opened:
        opened.apply([ACCOUNT])

    (request,) = seen
    assert (request.method, request.url.path) == ("PATCH", path_of(ACCOUNT))
    assert request.url.params["force"] == "true"
    assert json.loads(request.content) == ACCOUNT


def test_a_refusal_gives_the_servers_reason() -> None:
    with (
        api(lambda _: httpx.Response(422, json={"message": "spec: is wrong"})) as opened,
        pytest.raises(LocalError, match=r"refuses PATCH /api.*coredns \(spec: is wrong\): see logs"),
    ):
        opened.apply([ACCOUNT])


def test_an_object_cannot_be_applied_where_its_namespace_is_missing() -> None:
    with api(lambda _: httpx.Response(404, json={"message": "not found"})) as opened, pytest.raises(LocalError):
        opened.apply([ACCOUNT])


def test_a_server_that_does_not_answer_is_named() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with api(answer) as opened:
        assert not opened.is_ready()
        with pytest.raises(LocalError, match=r"does not answer to GET /version \(refused\)"):
            opened.read("/version")


def test_what_is_not_there_has_no_version() -> None:
    items = {
        "/api/v1/namespaces/kube-system/serviceaccounts": [
            {"metadata": {"name": "coredns", "uid": "a", "resourceVersion": "7"}},
            {"metadata": {"name": "default", "uid": "b", "resourceVersion": "8"}},
        ],
        "/apis/storage.k8s.io/v1/storageclasses": None,
    }

    with api(lambda request: httpx.Response(200, json={"items": items[request.url.path]})) as opened:
        assert opened.versions([ACCOUNT, STORAGE]) == {path_of(ACCOUNT): "a 7"}


def test_a_status_that_changes_is_no_new_version() -> None:
    meta = {"name": "standard", "uid": "a", "generation": 3, "resourceVersion": "7"}

    def answer(_: httpx.Request) -> httpx.Response:
        meta["resourceVersion"] = "8"
        return httpx.Response(200, json={"items": [{"metadata": meta}]})

    with api(answer) as opened:
        assert opened.versions([STORAGE]) == opened.versions([STORAGE])


@pytest.mark.parametrize(
    ("entry", "ready"),
    [
        (None, False),
        (deployment(observedGeneration=2, replicas=1, updatedReplicas=1, availableReplicas=1), True),
        (deployment(observedGeneration=1, replicas=1, updatedReplicas=1, availableReplicas=1), False),
        (deployment(observedGeneration=2, replicas=2, updatedReplicas=1, availableReplicas=1), False),
        (deployment(observedGeneration=2, replicas=1, updatedReplicas=1), False),
        ({"kind": "Node", "status": {"conditions": [{"type": "Ready", "status": "True"}]}}, True),
        ({"kind": "Node", "status": {"conditions": [{"type": "Ready", "status": "False"}]}}, False),
        ({"kind": "CustomResourceDefinition", "status": {"conditions": None}}, False),
        (
            {
                "kind": "CustomResourceDefinition",
                "status": {"conditions": [{"type": "Established", "status": "True"}]},
            },
            True,
        ),
    ],
)
def test_an_object_is_ready_when_it_says_so(entry: dict[str, Any] | None, ready: bool) -> None:
    assert is_ready(entry) is ready

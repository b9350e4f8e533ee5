"""The findings for a store of traces that somebody else runs."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from verify_world import DEPLOYMENT, KIALI, assert_broken, deployment, healthy, journey, looks, part, world

from verify.access.cluster import CannotLookError
from verify.causes import Code
from verify.findings import Because, Status
from verify.hops import existing_tempo, generator, kiali, object_store, store, tempo
from verify.world import World

URL = "http://tempo.others.example.com:3200"
THEIRS: Mapping[str, Any] = {
    "mode": "existing",
    "name": "",
    "namespace": "",
    "query_url": URL,
    "object_store": None,
    "processors": [],
}


def existing(*, graph_source: str = "collector", **changes: Any) -> World:
    meant = deployment(tempo=part(DEPLOYMENT.tempo, **{**THEIRS, **changes}), graph_source=graph_source, kiali=KIALI)
    return world(meant)


def test_one_that_finds_traces_is_ok() -> None:
    finding = store.judge(existing(), looks(existing_tempo.Seen(3), followed=journey()))
    assert (finding.status, finding.evidence) == (Status.OK, (f"3 recent traces at {URL}",))


def test_one_that_does_not_answer_is_named_with_what_it_said() -> None:
    said = tempo.Failure("it answered 401 no org id", Code.NO_TENANT)
    finding = store.judge(existing(), looks(existing_tempo.Seen(said)))
    assert finding.code is Code.NO_TENANT
    assert finding.evidence == (f"{URL}: it answered 401 no org id",)
    assert_broken(finding, Because.FAULT, remedy="pulumi config get --path tempo.existing --stack local")


def test_one_without_a_query_url_is_said_to_be_out_of_sight() -> None:
    nowhere = existing(query_url="")
    finding = store.judge(nowhere, looks(store.look(nowhere)))
    assert finding.status is Status.ABSENT
    assert "queryUrl" in finding.evidence[0]
    assert kiali.judge(nowhere, looks(None)).status is Status.ABSENT
    with pytest.raises(CannotLookError):
        nowhere.tempo()


def test_its_bucket_and_its_generator_are_its_owners() -> None:
    theirs = existing(graph_source="tempo")
    assert object_store.judge(theirs, looks(object_store.Seen([], []))).status is Status.ABSENT
    assert generator.judge(theirs, looks(generator.look(theirs))).status is Status.ABSENT


def test_every_question_has_its_tenant(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[httpx.Headers] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers)
        return httpx.Response(200, json={"traces": [{}, {}]})

    cluster = healthy()
    monkeypatch.setattr(
        cluster, "client", lambda url, _=None: httpx.Client(base_url=url, transport=httpx.MockTransport(answer))
    )
    meant = existing(headers={"X-Scope-OrgID": "mesh"}).deployment
    assert store.look(world(meant, cluster)) == existing_tempo.Seen(2)
    assert [one["X-Scope-OrgID"] for one in asked] == ["mesh"]

"""A Prometheus that wants to know who asks is told, and a person's own token goes nowhere that is not this cluster."""

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_world import ApiServer, certificate, serving
from verify_world import DEPLOYMENT, StubCluster, deployment, looks, part, pod, service, world

from verify.access.cluster import CannotLookError
from verify.findings import Status
from verify.hops import graph, prometheus
from verify.world import Journey, Looks, World

OUTSIDE = "https://prometheus.example.com"


class Asked(StubCluster):
    """Notes the headers of each question."""

    def __init__(self) -> None:
        super().__init__()
        self.headers: list[httpx.Headers] = []
        self.api.put("/api/v1/services", service("prometheus", "istio-system", {"app": "prometheus"}, {"port": 9090}))
        self.api.put("/api/v1/pods", pod("prometheus-1", "istio-system", labels={"app": "prometheus"}))
        self.answers["prometheus-1", 9090] = self._answer

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.headers.append(request.headers)
        return httpx.Response(200, json={"data": {"result": []}})

    def bearer(self) -> str | None:
        return "own-token"


def asking(cluster: StubCluster, **access: Any) -> World:
    return world(deployment(prometheus=part(DEPLOYMENT.prometheus, **access)), cluster)


@pytest.mark.parametrize("hop", [prometheus, graph])
def test_a_token_and_a_tenant_go_with_every_question(monkeypatch: pytest.MonkeyPatch, hop: Any) -> None:
    monkeypatch.setenv("PROMETHEUS_CREDENTIALS", "the-token")
    cluster = Asked()
    hop.look(asking(cluster, login="bearer", headers={"X-Scope-OrgID": "mesh"}))
    assert cluster.headers
    for headers in cluster.headers:
        assert (headers["Authorization"], headers["X-Scope-OrgID"]) == ("Bearer the-token", "mesh")


def test_a_token_may_be_in_a_file_which_is_read_each_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PROMETHEUS_CREDENTIALS", raising=False)
    monkeypatch.setenv("PROMETHEUS_CREDENTIALS_FILE", str(tmp_path / "token"))
    cluster = Asked()
    for content in ("one\n", "two"):
        (tmp_path / "token").write_text(content)
        prometheus.look(asking(cluster, login="bearer"))
    assert [headers["Authorization"] for headers in cluster.headers] == ["Bearer one", "Bearer two"]


def test_the_variable_comes_before_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PROMETHEUS_CREDENTIALS", "the-token")
    monkeypatch.setenv("PROMETHEUS_CREDENTIALS_FILE", str(tmp_path / "missing"))
    cluster = Asked()
    prometheus.look(asking(cluster, login="bearer"))
    assert cluster.headers[0]["Authorization"] == "Bearer the-token"


def test_a_file_that_cannot_be_read_is_named_and_nothing_else_is_sent(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("PROMETHEUS_CREDENTIALS", raising=False)
    monkeypatch.setenv("PROMETHEUS_CREDENTIALS_FILE", str(tmp_path / "missing"))
    cluster = Asked()
    with pytest.raises(CannotLookError, match=r"PROMETHEUS_CREDENTIALS_FILE names .*/missing, which cannot be read"):
        asking(cluster, login="bearer").prometheus()
    assert cluster.headers == []


def test_a_user_goes_with_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMETHEUS_CREDENTIALS", "pass:word")
    cluster = Asked()
    prometheus.look(asking(cluster, login="basic", username="mesh"))
    kind, _, text = cluster.headers[0]["Authorization"].partition(" ")
    assert (kind, base64.b64decode(text)) == ("Basic", b"mesh:pass:word")


def test_a_prometheus_of_this_cluster_takes_the_token_of_its_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROMETHEUS_CREDENTIALS", raising=False)
    cluster = Asked()
    prometheus.look(asking(cluster, login="bearer"))
    assert cluster.headers[0]["Authorization"] == "Bearer own-token"


@pytest.mark.parametrize(
    ("access", "kind"),
    [({"login": "basic", "username": "mesh"}, "password"), ({"login": "bearer", "query_url": OUTSIDE}, "token")],
    ids=["a password", "a host outside"],
)
def test_without_it_the_hop_says_what_to_set_and_nothing_is_asked(
    monkeypatch: pytest.MonkeyPatch, access: dict[str, Any], kind: str
) -> None:
    monkeypatch.delenv("PROMETHEUS_CREDENTIALS", raising=False)
    cluster = Asked()
    stack = asking(cluster, **access)
    finding = prometheus.judge(stack, looks(prometheus.look(stack)))
    assert finding.status is not Status.OK
    assert f"it wants a login: set PROMETHEUS_CREDENTIALS to its {kind}" in finding.evidence[0]
    assert cluster.headers == []


def test_without_a_login_no_token_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMETHEUS_CREDENTIALS", "the-token")
    cluster = Asked()
    prometheus.look(asking(cluster))
    assert "Authorization" not in cluster.headers[0]


@pytest.mark.parametrize("given", [True, False], ids=["by the option", "by the settings"])
def test_a_host_outside_is_trusted_by_an_authority_of_its_own(tmp_path: Path, given: bool) -> None:
    own, other = certificate(tmp_path, "127.0.0.1"), certificate(tmp_path, "other.test")
    server = ApiServer(own)
    with serving(server):
        stack = asking(Asked(), query_url=server.url, ca=other.pem if given else own.pem)
        stack = replace(stack, prometheus_ca=own.pem if given else None)
        with stack.prometheus() as client:
            assert client.get("/version").is_success
        with replace(stack, prometheus_ca=other.pem).prometheus() as client, pytest.raises(httpx.ConnectError):
            client.get("/version")


def test_an_authority_that_is_no_certificate_is_said() -> None:
    with pytest.raises(CannotLookError, match="is no certificate"):
        asking(Asked(), query_url=OUTSIDE, ca="nothing").prometheus()


def test_where_an_existing_one_scrapes_ours_ours_has_to_take_writes_and_the_existing_one_has_the_graph(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PROMETHEUS_CREDENTIALS", "the-token")
    cluster = Asked()
    cluster.api.put("/api/v1/services", service("theirs", "monitoring", {"app": "theirs"}, {"port": 9091}))
    cluster.api.put("/api/v1/pods", pod("theirs-1", "monitoring", labels={"app": "theirs"}))
    asked: list[str] = []

    def theirs(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers["Authorization"])
        return httpx.Response(200, json={"data": {"result": []}})

    cluster.answers["theirs-1", 9091] = theirs
    stack = asking(
        cluster,
        login="bearer",
        query_url="http://theirs.monitoring.svc:9091",
        scraped_url=DEPLOYMENT.prometheus.query_url,
    )
    prometheus.look(stack)
    assert "Authorization" not in cluster.headers[0]
    assert asked == []
    graph.look(stack)
    assert set(asked) == {"Bearer the-token"}


def test_a_graph_that_does_not_arrive_where_ours_is_scraped_points_to_the_monitor() -> None:
    stack = asking(Asked(), scraped_url=DEPLOYMENT.prometheus.query_url)
    seen = graph.Seen({}, "")
    finding = graph.judge(stack, Looks(seen, seen, Journey(answered=3, stored_seconds=2.0)))
    assert finding.remedy == "kubectl describe servicemonitor prometheus -n istio-system"

"""The cluster, on a real HTTP server in the place of the API server."""

import socket
import threading
from collections.abc import Callable, Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import yaml
from verify_world import Api, assert_is_command, pod, service

from verify.access import api_server, cluster
from verify.access.cluster import CannotCheckError, CannotLookError, Cluster, Listed, ServicePort
from verify.access.deadline import Deadline
from verify.causes import Code

SENTINEL = "sentinel-token"
KUBE_SYSTEM = "/api/v1/namespaces/kube-system"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self.server.headers.append(dict(self.headers))
        if self.server.silent:
            self.server.released.wait(5)
            self.close_connection = True
            return
        status, body = self.server.api.answer(parts.path, dict(parse_qsl(parts.query)))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def date_time_string(self, timestamp: float | None = None) -> str:
        return self.server.date or super().date_time_string(timestamp)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, api: Api) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.api = api
        self.headers: list[dict[str, str]] = []
        self.silent = False
        self.date = ""
        self.released = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@pytest.fixture
def server() -> Iterator[_Server]:
    made = _Server(Api())
    thread = threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield made
    made.released.set()
    made.shutdown()
    made.server_close()
    thread.join()


@pytest.fixture
def api(server: _Server) -> Api:
    return server.api


def kubeconfig(url: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "elsewhere",
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "clusters": [{"name": "test", "cluster": {"server": url}}],
        "users": [{"name": "test", "user": {"token": SENTINEL}}],
    }


Log = Callable[..., Cluster]


@pytest.fixture
def log_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Log:
    """Connects with a kubeconfig for ``url``, or with the kubeconfig ``text``."""
    path = tmp_path / "kubeconfig"
    monkeypatch.setenv("KUBECONFIG", str(path))

    def into(url: str, *, text: str | None = None, context: str | None = "test", uid: str | None = None) -> Cluster:
        path.write_text(yaml.safe_dump(kubeconfig(url)) if text is None else text)
        return Cluster(context, uid, Deadline())

    return into


@pytest.fixture
def connected(log_in: Log, server: _Server) -> Cluster:
    return log_in(server.url)


def refusal(ask: Callable[[], Any], kind: type[Exception] = CannotCheckError) -> Any:
    """The error, which is one line and holds no secret, and whose remedy is a command."""
    with pytest.raises(kind) as caught:
        ask()
    said = str(caught.value)
    assert "\n" not in said
    assert SENTINEL not in said
    assert_is_command(caught.value.remedy)
    return caught.value


# Logging in.


def test_the_context_is_the_one_that_was_asked_for(log_in: Log, server: _Server) -> None:
    log_in(server.url)
    assert server.api.asked == ["/version"]
    assert server.headers[0]["Authorization"] == f"Bearer {SENTINEL}"


def test_the_time_is_that_of_the_api_server(log_in: Log, server: _Server) -> None:
    """The date is months off, which no test machine's clock is."""
    server.date = formatdate(1_800_000_000, usegmt=True)
    assert 0 <= log_in(server.url).now() - 1_800_000_000 < 3600


def test_the_users_token_is_known(connected: Cluster) -> None:
    assert connected.bearer() == SENTINEL


def test_a_user_without_a_token_has_none(log_in: Log, server: _Server) -> None:
    text = yaml.safe_dump(kubeconfig(server.url) | {"users": [{"name": "test", "user": {}}]})
    assert log_in(server.url, text=text).bearer() is None


def test_credentials_that_are_not_accepted_end_the_check(log_in: Log, server: _Server) -> None:
    server.api.refused["/version"] = 401
    error = refusal(lambda: log_in(server.url))
    assert str(error).startswith("the API server does not accept the credentials of context 'test'")


def test_a_server_that_may_not_be_asked_for_its_version_ends_the_check(log_in: Log, server: _Server) -> None:
    server.api.refused["/version"] = 403
    error = refusal(lambda: log_in(server.url))
    assert (str(error), error.code) == ("not allowed: GET /version", Code.NOT_ALLOWED)


def test_a_server_that_is_not_there_ends_the_check(log_in: Log) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    error = refusal(lambda: log_in(url))
    assert str(error) == f"the API server {url} of context 'test' does not answer ([Errno 111] Connection refused)"
    assert error.remedy == "kubectl --context test get --raw /readyz"


def test_a_server_that_never_answers_ends_the_check(
    log_in: Log, server: _Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_server, "API_SECONDS", 0.05)
    server.silent = True
    error = refusal(lambda: log_in(server.url))
    assert str(error).startswith(f"the API server {server.url} of context 'test' does not answer (")


def test_a_name_that_cannot_be_resolved_ends_the_check(log_in: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert "does not answer" in str(refusal(lambda: log_in("http://api.example.com")))


def test_a_context_that_is_not_there_ends_the_check(log_in: Log, server: _Server) -> None:
    error = refusal(lambda: log_in(server.url, context="my prod"))
    assert str(error).startswith("the kubeconfig has no usable context 'my prod'")
    assert error.remedy == "kubectl config get-contexts"
    assert server.api.asked == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"{SENTINEL}\n",
        f"users: [{{name: test, user: {{token: {SENTINEL}",
        f"[{SENTINEL}]\n",
        yaml.safe_dump({"contexts": SENTINEL}),
        yaml.safe_dump(kubeconfig("http://127.0.0.1:1") | {"clusters": [{"name": "other", "token": SENTINEL}]}),
        yaml.safe_dump(kubeconfig("http://127.0.0.1:1") | {"clusters": [{"name": "test", "cluster": {}}]}),
        yaml.safe_dump(kubeconfig("http://127.0.0.1:1") | {"users": SENTINEL}),
        yaml.safe_dump(
            kubeconfig("http://127.0.0.1:1")
            | {"clusters": [{"name": "test", "cluster": {"server": 5, "certificate-authority-data": SENTINEL}}]}
        ),
        yaml.safe_dump(
            kubeconfig("https://127.0.0.1:1")
            | {"users": [{"name": "test", "user": {"client-certificate": f"/nowhere/{SENTINEL}"}}]}
        ),
    ],
    ids=[
        "empty",
        "one word",
        "broken",
        "a list",
        "contexts are a word",
        "no such cluster",
        "no server",
        "users are a word",
        "the server is a number",
        "no such certificate",
    ],
)
def test_a_kubeconfig_that_is_of_no_use_ends_the_check(log_in: Log, text: str) -> None:
    refusal(lambda: log_in("", text=text))


def test_a_kubeconfig_that_is_not_there_ends_the_check(
    log_in: Log, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    missing = str(tmp_path / "missing")
    monkeypatch.setenv("KUBECONFIG", missing)
    refusal(lambda: Cluster("test", None, Deadline()))


def test_a_context_that_leads_to_another_cluster_than_the_stacks_ends_the_check(log_in: Log, server: _Server) -> None:
    server.api.put("/api/v1/namespaces", {"metadata": {"name": "kube-system", "uid": "one"}})
    error = refusal(lambda: log_in(server.url, uid="another"))
    assert str(error).startswith("context 'test' leads to another cluster than the stack was deployed to")
    assert server.api.asked == ["/version", KUBE_SYSTEM]


def test_who_may_not_see_which_cluster_it_is_may_look_at_the_rest(log_in: Log, server: _Server) -> None:
    server.api.refused[KUBE_SYSTEM] = 403
    assert log_in(server.url, uid="one").context == "test"


def test_the_stacks_cluster_is_known_by_its_uid(log_in: Log, server: _Server) -> None:
    server.api.put("/api/v1/namespaces", {"metadata": {"name": "kube-system", "uid": "one"}})
    assert log_in(server.url, uid="one").context == "test"


def test_without_a_context_the_current_one_is_used(log_in: Log, server: _Server) -> None:
    text = yaml.safe_dump(kubeconfig(server.url) | {"current-context": "test"})
    assert log_in("", text=text, context=None).context == "test"


def test_no_current_context_ends_the_check(log_in: Log, server: _Server) -> None:
    assert "no usable current context" in str(refusal(lambda: log_in(server.url, context=None)))


# Objects.


def test_an_object_is_read(connected: Cluster, api: Api) -> None:
    api.put("/api/v1/pods", pod("cart-1", "shop"))
    assert connected.read("/api/v1/namespaces/shop/pods/cart-1") == pod("cart-1", "shop")


def test_an_object_that_is_not_there_is_none(connected: Cluster) -> None:
    assert connected.read("/api/v1/namespaces/shop/pods/cart-1") is None


def test_a_kind_that_is_not_there_has_no_items(connected: Cluster) -> None:
    assert connected.items("/apis/sailoperator.io/v1/istios") == []


@pytest.mark.parametrize("ask", [Cluster.read, Cluster.items])
def test_a_forbidden_request_is_told_from_others(
    connected: Cluster, api: Api, ask: Callable[[Cluster, str], Any]
) -> None:
    api.refused["/api/v1/namespaces"] = 403
    error = refusal(lambda: ask(connected, "/api/v1/namespaces"), CannotLookError)
    assert (str(error), error.code) == ("not allowed: GET /api/v1/namespaces", Code.NOT_ALLOWED)


def test_a_login_that_expires_meanwhile_ends_the_check(connected: Cluster, api: Api) -> None:
    api.refused["/api/v1/namespaces"] = 401
    refusal(lambda: connected.items("/api/v1/namespaces"))


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_error_of_the_server_affects_one_hop(connected: Cluster, api: Api, status: int) -> None:
    api.refused["/api/v1/namespaces"] = status
    error = refusal(lambda: connected.items("/api/v1/namespaces"), CannotLookError)
    assert str(error) == f"GET /api/v1/namespaces: the API server answered {status}"


def test_a_server_that_no_longer_answers_affects_one_hop(
    connected: Cluster, server: _Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_server, "API_SECONDS", 0.05)
    server.silent = True
    refusal(lambda: connected.items("/api/v1/namespaces"), CannotLookError)


def test_all_labels_select(connected: Cluster, api: Api) -> None:
    connected.items("/api/v1/pods", {"app": "cart", "app.kubernetes.io/name": "shop"})
    assert api.queries[-1] == {"labelSelector": "app=cart,app.kubernetes.io/name=shop"}


def test_without_labels_nothing_is_selected(connected: Cluster, api: Api) -> None:
    connected.items("/api/v1/pods")
    assert api.queries[-1] == {}


def test_pods_about_to_go_are_left_out(connected: Cluster, api: Api) -> None:
    going = pod("cart-2", "shop")
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    api.put("/api/v1/pods", pod("cart-1", "shop"), going)
    assert [one["metadata"]["name"] for one in connected.pods("shop")] == ["cart-1"]


def test_the_pods_of_a_service_are_those_that_it_selects(connected: Cluster, api: Api) -> None:
    api.put("/api/v1/pods", pod("cart-1", "shop", labels={"app": "cart"}), pod("web-1", "shop", labels={"app": "web"}))
    api.put("/api/v1/services", service("cart", "shop", {"app": "cart"}))
    assert [one["metadata"]["name"] for one in connected.pods_of("shop", "cart")] == ["cart-1"]


def test_a_service_without_a_selector_has_no_pods(connected: Cluster, api: Api) -> None:
    api.put("/api/v1/pods", pod("cart-1", "shop"))
    api.put("/api/v1/services", {"metadata": {"name": "outside", "namespace": "shop"}, "spec": {}})
    assert connected.pods_of("shop", "outside") == []


def test_a_service_that_is_not_there_has_no_pods(connected: Cluster) -> None:
    assert connected.pods_of("shop", "cart") == []


# What is in several namespaces.

TELEMETRIES = "/apis/telemetry.istio.io/v1"


@pytest.fixture
def telemetries(api: Api) -> None:
    for name in ("shop", "bank", "secret"):
        api.put(f"{TELEMETRIES}/telemetries", {"metadata": {"name": name, "namespace": name}})


def names(listed: Listed) -> list[str]:
    return sorted(one["metadata"]["name"] for one in listed.items)


def test_who_may_list_everywhere_asks_once(connected: Cluster, api: Api, telemetries: None) -> None:
    listed = connected.everywhere(TELEMETRIES, "telemetries", ["shop"])
    assert (names(listed), listed.unseen) == (["bank", "secret", "shop"], ())
    assert api.asked[1:] == [f"{TELEMETRIES}/telemetries"]


def test_who_may_not_lists_namespace_by_namespace_and_says_what_is_missing(
    connected: Cluster, api: Api, telemetries: None
) -> None:
    api.refused[f"{TELEMETRIES}/telemetries"] = 403
    api.refused[f"{TELEMETRIES}/namespaces/bank/telemetries"] = 403
    listed = connected.everywhere(TELEMETRIES, "telemetries", ["shop", "bank", "shop"])
    assert names(listed) == ["shop"]
    assert listed.unseen == (
        "not looked at: telemetries of other namespaces (not allowed)",
        "not looked at: telemetries in bank (not allowed)",
    )


@pytest.mark.parametrize("path", [f"{TELEMETRIES}/telemetries", f"{TELEMETRIES}/namespaces/shop/telemetries"])
def test_an_error_is_not_taken_for_a_missing_right(connected: Cluster, api: Api, telemetries: None, path: str) -> None:
    api.refused[f"{TELEMETRIES}/telemetries"] = 403
    api.refused[path] = 500
    refusal(lambda: connected.everywhere(TELEMETRIES, "telemetries", ["shop"]), CannotLookError)


@pytest.mark.parametrize(("status", "may"), [(200, True), (404, True), (403, False)])
def test_whether_something_may_be_listed_is_asked_for_one_item(
    connected: Cluster, api: Api, telemetries: None, status: int, may: bool
) -> None:
    if status != 200:
        api.refused[f"{TELEMETRIES}/telemetries"] = status
    assert connected.may_list(f"{TELEMETRIES}/telemetries") == may
    assert api.queries[-1] == {"limit": "1"}


# Logs.


def test_a_log_is_read_by_lines(connected: Cluster, api: Api) -> None:
    api.logs["cart-1", "cart"] = "one\ntwo\n"
    assert connected.log(pod("cart-1", "shop"), "cart", seconds=60) == ["one", "two"]
    assert api.asked[-1] == "/api/v1/namespaces/shop/pods/cart-1/log"
    assert api.queries[-1] == {"container": "cart", "sinceSeconds": "60", "tailLines": "500"}


def test_a_container_that_has_not_started_has_no_log(connected: Cluster) -> None:
    assert connected.log(pod("cart-1", "shop"), "cart", seconds=60) == []


def test_a_pod_that_has_gone_has_no_log(connected: Cluster, api: Api) -> None:
    api.refused["/api/v1/namespaces/shop/pods/cart-1/log"] = 404
    assert connected.log(pod("cart-1", "shop"), "cart", seconds=60) == []


def test_the_log_of_the_run_before_is_asked_for(connected: Cluster, api: Api) -> None:
    connected.log(pod("cart-1", "shop"), "cart", seconds=60, previous=True)
    assert api.queries[-1]["previous"] == "true"


# Port-forwards.


def test_a_url_inside_the_cluster_names_a_port_of_a_service() -> None:
    assert ServicePort.of("http://tempo-tempo.tracing-system.svc.cluster.local:3200/ready") == ServicePort(
        "tempo-tempo", "tracing-system", 3200
    )


@pytest.mark.parametrize(("url", "port"), [("http://web.shop.svc", 80), ("https://web.shop.svc/path", 443)])
def test_a_url_without_a_port_has_the_schemes(url: str, port: int) -> None:
    assert ServicePort.of(url) == ServicePort("web", "shop", port)


@pytest.mark.parametrize(
    "url", ["https://prometheus.example.com", "http://127.0.0.1:9090", "http://web.shop:80", "web"]
)
def test_a_host_outside_of_the_cluster_is_no_service(url: str) -> None:
    assert ServicePort.of(url) is None


def test_a_host_outside_of_the_cluster_is_asked_directly(connected: Cluster) -> None:
    with connected.client("https://prometheus.example.com/base") as client:
        assert client.base_url == httpx.URL("https://prometheus.example.com/base/")


OTHER = {"name": "metrics", "containerPort": 1}


@pytest.mark.parametrize(
    ("entry", "containers", "port"),
    [
        ({"port": 80}, [], 80),
        ({"port": 80, "targetPort": 8080}, [], 8080),
        ({"port": 80, "targetPort": "http"}, [OTHER, {"name": "http", "containerPort": 9}], 9),
        ({"port": 80, "targetPort": "http"}, [], 80),
        ({"port": 443, "targetPort": 8443}, [], 80),
    ],
    ids=["the same", "a number", "a name", "an unknown name", "another port"],
)
def test_the_port_of_a_pod_behind_a_service(
    connected: Cluster, api: Api, entry: dict[str, Any], containers: list[dict[str, Any]], port: int
) -> None:
    one = pod("web-1", "shop", labels={"app": "web"})
    one["spec"]["containers"] = [{"name": "sidecar"}, {"name": "web", "ports": containers}]
    api.put("/api/v1/pods", one)
    api.put("/api/v1/services", service("web", "shop", {"app": "web"}, entry))
    with connected.client("http://web.shop.svc:80/base") as client:
        assert client.base_url == httpx.URL(f"http://localhost:{port}/base/")


def test_a_service_that_speaks_tls_is_asked_so(connected: Cluster, api: Api) -> None:
    api.put("/api/v1/pods", pod("web-1", "shop", labels={"app": "web"}))
    api.put("/api/v1/services", service("web", "shop", {"app": "web"}, {"port": 443, "targetPort": 8443}))
    with connected.client("https://web.shop.svc/base") as client:
        assert client.base_url == httpx.URL("https://localhost:8443/base/")


def test_a_service_without_a_ready_pod_cannot_be_asked(connected: Cluster, api: Api) -> None:
    api.put("/api/v1/pods", pod("web-1", "shop", ready=False, labels={"app": "web"}))
    api.put("/api/v1/services", service("web", "shop", {"app": "web"}, {"port": 80}))
    error = refusal(lambda: connected.client("http://web.shop.svc"), CannotLookError)
    assert str(error) == "Service shop/web has no ready pod"


def test_a_forbidden_port_forward_is_told_from_others(connected: Cluster, api: Api) -> None:
    api.refused["/api/v1/namespaces/shop/pods/web-1/portforward"] = 403
    with connected.pod_client(pod("web-1", "shop"), 80) as client:
        error = refusal(lambda: client.get("/"), CannotLookError)
    assert (str(error), error.code) == ("not allowed: a port-forward to Pod shop/web-1", Code.NOT_ALLOWED)


@pytest.mark.parametrize("status", [404, 500])
def test_a_port_forward_that_fails_is_an_error_of_the_transport(connected: Cluster, api: Api, status: int) -> None:
    api.refused["/api/v1/namespaces/shop/pods/web-1/portforward"] = status
    with (
        connected.pod_client(pod("web-1", "shop"), 80) as client,
        pytest.raises(httpx.ConnectError, match="no port-forward to Pod shop/web-1") as caught,
    ):
        client.get("/")
    assert "\n" not in str(caught.value)
    assert SENTINEL not in str(caught.value)


def test_after_a_port_forward_objects_are_read_as_before(connected: Cluster, api: Api) -> None:
    api.put("/api/v1/pods", pod("web-1", "shop"))
    with connected.pod_client(pod("web-1", "shop"), 80) as client, pytest.raises(httpx.TransportError):
        client.get("/")
    assert connected.read("/api/v1/namespaces/shop/pods/web-1") == pod("web-1", "shop")


def test_a_server_that_is_gone_is_an_error_of_the_transport(connected: Cluster, server: _Server) -> None:
    server.shutdown()
    server.server_close()
    with connected.pod_client(pod("web-1", "shop"), 80) as client, pytest.raises(httpx.TransportError):
        client.get("/")


# The state of pods.


def test_a_pod_is_as_ready_as_its_condition_says() -> None:
    assert [cluster.is_ready(one) for one in (pod("a"), pod("b", ready=False), {"metadata": {}})] == [
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"waiting": {"reason": "ErrImagePull"}}, "web: ErrImagePull"),
        ({"terminated": {"reason": "OOMKilled"}}, "web: OOMKilled"),
        ({"running": {"startedAt": "2026-01-01T00:00:00Z"}}, "Running"),
    ],
)
def test_why_a_container_is_not_ready_is_the_reason_that_kubernetes_gives(state: dict[str, Any], words: str) -> None:
    states = [{"name": "sidecar", "ready": True, "state": {}}, {"name": "web", "ready": False, "state": state}]
    status = {"phase": "Running", "containerStatuses": states}
    assert cluster.trouble({"metadata": {"name": "web-1"}, "status": status}) == words


@pytest.mark.parametrize(("status", "words"), [({"phase": "Pending"}, "Pending"), ({}, "unknown")])
def test_the_trouble_of_a_pod_without_containers_is_its_phase(status: dict[str, Any], words: str) -> None:
    assert cluster.trouble({"metadata": {"name": "web-1"}, "status": status}) == words

"""What proxies and applications record of a request's secrets is in no store and in no log, unless it is asked for."""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

import httpx
import pytest
from running import Process, collector, prometheus, tempo

from model import Tempo, Tracing

SECONDS = 60
# Each setting leads to another pipeline, and the first one to the collector that the operator runs by default.
SHAPES: Mapping[str, tuple[str, dict[str, Any]]] = {
    "by default": ("otelcol", {}),
    "where the collector counts and chooses": ("otelcol-full", {"sampling": {"mode": "tail", "wait": "1s"}}),
    "where proxies trace a share": ("otelcol-full", {"samplingPercentage": 50, "sampling": {"wait": "1s"}}),
}
# The collector prints every span, so that its log is a store too.
PRINTING = {
    "collector": {
        "extraConfig": {
            "exporters": {"debug": {"verbosity": "detailed"}},
            "service": {"pipelines": {"traces": {"exporters": ["otlp_grpc", "debug"]}}},
        }
    }
}


class Request:
    """A request full of secrets, as a proxy and an application record it."""

    def __init__(self) -> None:
        self.trace_id = uuid.uuid4().hex
        # What is no secret, by which one sees that a span has been written.
        self.marker = token_urlsafe(24)
        self._names = (
            *("url", "url in new names", "path", "path of gRPC", "query", "login", "header", "headers", "cookie"),
            *("cookie that is set", "key", "resource", "attribute of the user's"),
        )
        # Of so many characters that those of a file that is packed stay together.
        self.secrets = {name: token_urlsafe(24) for name in self._names}

    def spans(self) -> dict[str, Any]:
        """In OTLP."""
        secrets, now = self.secrets, time.time_ns()
        attributes = {
            "component": "proxy",
            "marker": self.marker,
            # Of Envoy, in its names of today and of tomorrow.
            "http.url": f"http://shop.example/cart?token={secrets['url']}",
            "url.full": f"https://user:{secrets['login']}@shop.example/cart?token={secrets['url in new names']}#top",
            "grpc.path": f"/shop.Cart/Get?{secrets['path of gRPC']}",
            # Of OpenTelemetry's libraries in applications.
            "http.target": f"/cart?token={secrets['path']}",
            "url.query": f"token={secrets['query']}",
            "http.request.header.cookie": f"session={secrets['cookie']}",
            "http.response.header.set_cookie": f"session={secrets['cookie that is set']}",
            # Of custom tags.
            "Authorization": f"Bearer {secrets['header']}",
            "x-api-key": secrets["key"],
            "tenant.card": secrets["attribute of the user's"],
        }
        listed = {"arrayValue": {"values": [{"stringValue": f"Basic {secrets['headers']}"}]}}
        span = {
            "traceId": self.trace_id,
            "spanId": self.trace_id[:16],
            "name": "shop:9080/*",
            "kind": 2,
            "startTimeUnixNano": str(now - 2_000_000_000),
            "endTimeUnixNano": str(now),
            "status": {"code": 2},
            "attributes": [*_texts(attributes), {"key": "http.request.header.authorization", "value": listed}],
        }
        resource = _texts({"service.name": "cart.shop", "tenant.card": secrets["resource"]})
        return {"resourceSpans": [{"resource": {"attributes": resource}, "scopeSpans": [{"spans": [span]}]}]}

    def found_in(self, text: str) -> set[str]:
        return {name for name, secret in self.secrets.items() if secret in text}


def _texts(attributes: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()]


@pytest.fixture(scope="module")
def metrics(programs: Mapping[str, Path], folder: Path) -> Iterator[Process]:
    (folder / "prometheus").mkdir()
    with prometheus(programs["prometheus"], folder / "prometheus") as running:
        yield running


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where every program keeps what it stores."""
    return tmp_path_factory.mktemp("stores")


@pytest.fixture(scope="module")
def store(programs: Mapping[str, Path], metrics: Process, folder: Path) -> Iterator[Process]:
    (folder / "tempo").mkdir()
    settings = Tempo(graph_interval="1s", trace_idle_period="1s")
    with tempo(programs["tempo"], folder / "tempo", settings, f"{metrics.url('http')}/api/v1/write") as running:
        yield running


@pytest.fixture
def start(programs: Mapping[str, Path], store: Process, tmp_path: Path) -> Iterator[Callable[..., Process]]:
    with ExitStack() as stack:

        def begin(program: str, **tracing: Any) -> Process:
            settings = Tracing.model_validate({**PRINTING, **tracing})
            return stack.enter_context(collector(programs[program], tmp_path, settings, store))

        yield begin


def send(running: Process, request: Request) -> None:
    url = f"{running.url('http')}/v1/traces"
    httpx.post(url, json=request.spans(), trust_env=False).raise_for_status()


def stored(store: Process, folder: Path, request: Request, running: Process) -> Mapping[str, str]:
    """What is where, once the span is in Tempo's files, which the generator has then counted too."""
    deadline = time.monotonic() + SECONDS
    while request.marker not in (files := _files(folder)):
        assert time.monotonic() < deadline, "Tempo has written no span"
        time.sleep(0.5)
    answer = httpx.get(f"{store.url('http')}/api/v2/traces/{request.trace_id}", trust_env=False)
    log = running.log.read_text()
    assert request.marker in answer.raise_for_status().text
    assert request.marker in log
    return {"files": files, "answer": answer.text, "log": log}


def _files(folder: Path) -> str:
    return "\n".join(path.read_bytes().decode("latin-1") for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("shape", SHAPES)
def test_no_secret_of_a_request_is_stored_or_logged(
    start: Callable[..., Process], store: Process, folder: Path, shape: str
) -> None:
    program, tracing = SHAPES[shape]
    request = Request()
    running = start(program, **tracing, redaction={"attributes": ["tenant.card"]})
    send(running, request)
    assert {place: request.found_in(text) for place, text in stored(store, folder, request, running).items()} == {
        "files": set(),
        "answer": set(),
        "log": set(),
    }


@pytest.mark.parametrize("shape", SHAPES)
def test_every_one_of_them_is_where_redaction_is_switched_off(
    start: Callable[..., Process], store: Process, folder: Path, shape: str
) -> None:
    program, tracing = SHAPES[shape]
    request = Request()
    running = start(program, **tracing, redaction={"enabled": False})
    send(running, request)
    everywhere = stored(store, folder, request, running)
    every_name = set(request.secrets)
    assert {place: request.found_in(text) for place, text in everywhere.items()} == {
        "files": every_name,
        "answer": every_name,
        "log": every_name,
    }


def test_what_is_no_secret_stays(start: Callable[..., Process], store: Process, folder: Path) -> None:
    request = Request()
    running = start("otelcol")
    send(running, request)
    found = stored(store, folder, request, running)["answer"]
    for value in ("http://shop.example/cart", "shop.example/cart", "/shop.Cart/Get", "/cart", "proxy", "cart.shop"):
        assert f'"{value}"' in found


def test_queries_stay_where_the_settings_keep_them_and_logins_do_not(
    start: Callable[..., Process], store: Process, folder: Path
) -> None:
    request = Request()
    running = start("otelcol", redaction={"keepQueryStrings": True})
    send(running, request)
    kept = {"url", "url in new names", "path", "path of gRPC", "query"}
    of_the_user = {"resource", "attribute of the user's"}
    assert request.found_in(stored(store, folder, request, running)["answer"]) == kept | of_the_user

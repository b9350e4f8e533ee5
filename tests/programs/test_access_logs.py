"""A real Envoy writes the access log that istiod would tell it to: the id in a line finds its trace."""

import http.server
import json
import threading
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

import httpx
import pytest
import yaml
from running import Process, collector, free_ports, tempo

from local.build import envoy
from local.progress import Progress
from model import AccessLogs, Tempo, Tracing
from objects.access_logs import build_logs_provider

SECONDS = 60
_EXTENSIONS = "type.googleapis.com/envoy.extensions"
_TRACER = "type.googleapis.com/envoy.config.trace.v3.OpenTelemetryConfig"
_HTTP_2 = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


class Upstream(http.server.BaseHTTPRequestHandler):
    """What the proxy is in front of."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def store(programs: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    folder = tmp_path_factory.mktemp("tempo")
    with tempo(programs["tempo"], folder, Tempo(trace_idle_period="1s"), "http://127.0.0.1:9/api/v1/write") as running:
        yield running


@pytest.fixture(scope="module")
def collecting(
    programs: Mapping[str, Path], store: Process, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Process]:
    with collector(programs["otelcol"], tmp_path_factory.mktemp("collector"), Tracing(), store) as running:
        yield running


@pytest.fixture(scope="module")
def application() -> Iterator[int]:
    """The port of an application."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture(params=[False, True], ids=["by default", "with queries"])
def logs(request: pytest.FixtureRequest) -> AccessLogs:
    return AccessLogs(enabled=True, keep_query_strings=request.param)


@pytest.fixture
def proxy(logs: AccessLogs, application: int, collecting: Process, tmp_path: Path) -> Iterator[Process]:
    program = envoy.ensure(Progress(), tmp_path)
    ports, file = free_ports("http", "admin"), tmp_path / "envoy.yaml"
    file.write_text(yaml.safe_dump(bootstrap(logs, ports, application, collecting.ports["grpc"])))
    command = [str(program), "--config-path", str(file), "--log-level", "error", "--use-dynamic-base-id"]
    running = Process(command, tmp_path / "log", ports)
    try:
        running.start(lambda: httpx.get(f"{running.url('admin')}/ready", trust_env=False).is_success)
        yield running
    finally:
        running.stop()


def bootstrap(logs: AccessLogs, ports: Mapping[str, int], application: int, otlp: int) -> dict[str, Any]:
    """A proxy before ``application``, with the log's format as istiod passes it on (istio: telemetry_logging.go)."""
    provider = build_logs_provider(logs, "logs")["envoyFileAccessLog"]
    without_query = f"{_EXTENSIONS}.formatter.req_without_query.v3.ReqWithoutQuery"
    log_format = {
        "json_format": provider["logFormat"]["labels"],
        "formatters": [{"name": "envoy.formatter.req_without_query", "typed_config": {"@type": without_query}}],
    }
    logger = {
        "@type": f"{_EXTENSIONS}.access_loggers.file.v3.FileAccessLog",
        "path": provider["path"],
        "log_format": log_format,
    }
    tracer = {"@type": _TRACER, "service_name": "shop.test", "grpc_service": {"envoy_grpc": {"cluster_name": "otlp"}}}
    manager = {
        "@type": f"{_EXTENSIONS}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "http",
        "access_log": [{"name": "file", "typed_config": logger}],
        "tracing": {"provider": {"name": "otel", "typed_config": tracer}},
        "http_filters": [{"name": "router", "typed_config": {"@type": f"{_EXTENSIONS}.filters.http.router.v3.Router"}}],
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "application"}}],
                }
            ]
        },
    }
    return {
        "admin": {"address": _address(ports["admin"])},
        # Each span at once.
        "layered_runtime": {"layers": [{"name": "all", "static_layer": {"tracing.opentelemetry.min_flush_spans": 1}}]},
        "static_resources": {
            "listeners": [
                {
                    "name": "http",
                    "address": _address(ports["http"]),
                    "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
                }
            ],
            "clusters": [_cluster("application", application), {**_cluster("otlp", otlp), **_speaking_http_2()}],
        },
    }


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _cluster(name: str, port: int) -> dict[str, Any]:
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": _address(port)}}]}]
    return {"name": name, "type": "STATIC", "load_assignment": {"cluster_name": name, "endpoints": endpoints}}


def _speaking_http_2() -> dict[str, Any]:
    options = {"@type": f"type.googleapis.com/{_HTTP_2}", "explicit_http_config": {"http2_protocol_options": {}}}
    return {"typed_extension_protocol_options": {_HTTP_2: options}}


def line_of(proxy: Process) -> dict[str, Any]:
    """The first line that the proxy writes."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        for line in proxy.log.read_text().splitlines():
            if line.startswith("{"):
                found: dict[str, Any] = json.loads(line)
                return found
        time.sleep(0.2)
    raise AssertionError(proxy.log.read_text())


def trace(store: Process, trace_id: str) -> str:
    """What Tempo has under ``trace_id``."""
    deadline = time.monotonic() + SECONDS
    url = f"{store.url('http')}/api/traces/{trace_id}"
    while not (answer := httpx.get(url, trust_env=False)).is_success:
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.5)
    return answer.text


def test_the_id_in_a_line_finds_the_trace_of_its_request(logs: AccessLogs, proxy: Process, store: Process) -> None:
    secret, page = token_urlsafe(24), token_urlsafe(8)
    httpx.get(f"{proxy.url('http')}/{page}?token={secret}", trust_env=False).raise_for_status()
    line = line_of(proxy)
    found = trace(store, line["trace_id"])
    assert page in found
    assert secret not in found
    _, trace_id, span_id, _ = line["traceparent"].split("-")
    assert trace_id == line["trace_id"]
    # As Tempo writes it.
    assert b64encode(bytes.fromhex(span_id)).decode() in found
    assert line["path"] == (f"/{page}?token={secret}" if logs.keep_query_strings else f"/{page}")
    assert (secret in proxy.log.read_text()) is logs.keep_query_strings
    assert (line["method"], line["response_code"]) == ("GET", 200)

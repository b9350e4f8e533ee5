"""The result for those who did not start the check: a condition, an Event and metrics, on real HTTP servers."""

import datetime
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from typer.testing import CliRunner, Result
from verify_world import DEPLOYMENT, part

from verify import __main__ as command
from verify.access.cluster import Cluster
from verify.access.deadline import Deadline
from verify.causes import Code
from verify.findings import Finding, blocked, fault, ok, unknown, warning
from verify.hops import HOPS
from verify.output.report import Report
from verify.publication import Place, publish, remote_write
from verify.publication.remote_write import Sample
from verify.traffic.service_graph import Calls, Edge
from verify.world import World

PLACE = Place("istio-system", "mesh-tracing-verify")
CONFIG_MAP = "/api/v1/namespaces/istio-system/configmaps/mesh-tracing-verify"
EVENTS = "/api/v1/namespaces/istio-system/events"
Run = Callable[..., Result]
NOON = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)
FINE = ok("collector", "3 pods are ready")
NO_COLLECTOR = fault(
    "collector", code=Code.NO_COLLECTOR, cause="the collector does not exist", remedy="kubectl get pods"
)
FOLLOWS = replace(
    blocked("proxies", code=Code.NO_SUCH_CLUSTER, cause="nothing is accepted", remedy=""), follows_from="collector"
)
NO_TEMPO = fault("tempo", code=Code.NO_TEMPO, cause="Tempo does not exist", remedy="kubectl get pods")
UNCLEAR = unknown("tempo", code=Code.NO_TRAFFIC, cause="no request went through it")
STOPPED = warning("operators", code=Code.OPERATOR_STOPPED, cause="it does not run")


def report(*findings: Finding, minutes: int = 0) -> Report:
    at = NOON + datetime.timedelta(minutes=minutes)
    titles = {hop.name: hop.title for hop in HOPS}
    return Report("prod", "in-cluster", at, findings, titles, None, {}, frozenset(), None)


# The API server and Prometheus.


class Handler(BaseHTTPRequestHandler):
    """A ConfigMap and Events by the API server's rules, and a Prometheus that takes remote writes."""

    protocol_version = "HTTP/1.1"
    server: "Server"

    def do_GET(self) -> None:
        self._note()
        known = {"/version": {}, CONFIG_MAP: self.server.config_map}
        found = known.get(self.path)
        self._answer(404, {}) if found is None else self._answer(200, found)

    def do_PATCH(self) -> None:
        self._note()
        change = json.loads(self._content())
        if self.headers["Content-Type"] != "application/merge-patch+json":
            self._answer(415, {})
        elif self.server.config_map is None or self.path != CONFIG_MAP:
            self._answer(404, {})
        else:
            self.server.config_map = merged(self.server.config_map, change)
            self._answer(200, self.server.config_map)

    def do_POST(self) -> None:
        self._note()
        content = self._content()
        if self.path == "/api/v1/write":
            self.server.writes.append((dict(self.headers), content))
            status, said = self.server.prometheus
            self._answer(status, said)
            return
        event = json.loads(content)
        in_one_namespace = {event["metadata"]["namespace"], event["involvedObject"]["namespace"]} == {"istio-system"}
        if self.headers["Content-Type"] != "application/json" or not in_one_namespace or self.path != EVENTS:
            self._answer(422, {})
        elif self.server.refuses_events:
            self._answer(403, {})
        else:
            self.server.events.append(event)
            self._answer(201, event)

    def _note(self) -> None:
        self.server.asked.append((self.command, self.path))

    def _content(self) -> bytes:
        return self.rfile.read(int(self.headers["Content-Length"]))

    def _answer(self, status: int, body: Any) -> None:
        text = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def merged(target: Any, change: Any) -> Any:
    """RFC 7396."""
    if not isinstance(change, dict):
        return change
    kept = {key: value for key, value in (target or {}).items() if change.get(key, "") is not None}
    return kept | {key: merged(kept.get(key), value) for key, value in change.items() if value is not None}


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        metadata = {"name": "mesh-tracing-verify", "namespace": "istio-system", "uid": "the-uid", "labels": {"a": "b"}}
        self.config_map: dict[str, Any] | None = {"metadata": metadata}
        self.events: list[dict[str, Any]] = []
        self.asked: list[tuple[str, str]] = []
        self.refuses_events = False
        self.writes: list[tuple[dict[str, str], bytes]] = []
        self.prometheus: tuple[int, str] = (204, "")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def data(self) -> dict[str, str]:
        assert self.config_map is not None
        found: dict[str, str] = self.config_map["data"]
        return found

    def series(self) -> dict[tuple[str, ...], float]:
        """The values of the last write, by name and the labels that tell series apart."""
        return {tuple(series.labels.values()): series.value for series in decoded(self.writes[-1][1])}


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


@pytest.fixture
def world(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    kubeconfig = {
        "current-context": "test",
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "clusters": [{"name": "test", "cluster": {"server": server.url}}],
        "users": [{"name": "test", "user": {"token": "none"}}],
    }
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(kubeconfig))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    prometheus = part(DEPLOYMENT.prometheus, query_url=server.url, write_url=f"{server.url}/api/v1/write")
    return World(Cluster(None, None, Deadline()), part(DEPLOYMENT, prometheus=prometheus), "prod")


def write(world: World, *findings: Finding, minutes: int = 0) -> list[str]:
    return publish(world, report(*findings, minutes=minutes), PLACE)


# The condition.


@pytest.mark.parametrize(
    ("findings", "status", "reason"),
    [
        ([FINE], "True", "Works"),
        ([FINE, STOPPED], "True", "Works"),
        ([FOLLOWS, NO_COLLECTOR, UNCLEAR], "False", "NoCollector"),
        ([FINE, UNCLEAR], "Unknown", "NoTraffic"),
    ],
)
def test_the_verdict_is_a_condition_with_the_code_of_its_first_cause(
    server: Server, world: World, findings: list[Finding], status: str, reason: str
) -> None:
    assert write(world, *findings) == []
    assert (server.data["type"], server.data["status"], server.data["reason"]) == ("TracingWorks", status, reason)


def test_the_message_has_every_cause_and_no_consequence(server: Server, world: World) -> None:
    write(world, FOLLOWS, NO_COLLECTOR, NO_TEMPO)
    assert "the collector does not exist" in server.data["message"]
    assert "Tempo does not exist" in server.data["message"]
    assert "nothing is accepted" not in server.data["message"]


def test_a_condition_says_since_when_it_is_so_and_when_it_was_last_looked_at(server: Server, world: World) -> None:
    for minutes, finding in enumerate([FINE, FINE, NO_COLLECTOR, NO_TEMPO]):
        write(world, finding, minutes=minutes)
    assert server.data["lastTransitionTime"] == "2026-01-01T12:02:00Z"
    assert server.data["lastProbeTime"] == "2026-01-01T12:03:00Z"


def test_the_whole_report_stands_beside_it(server: Server, world: World) -> None:
    write(world, NO_COLLECTOR, FINE)
    assert json.loads(server.data["report.json"]) == report(NO_COLLECTOR, FINE).to_json()


def test_what_is_not_the_checks_in_the_config_map_stays(server: Server, world: World) -> None:
    write(world, FINE)
    assert server.config_map is not None
    assert server.config_map["metadata"]["labels"] == {"a": "b"}


def test_a_report_that_no_config_map_could_hold_is_written_without_its_graph(server: Server, world: World) -> None:
    graph = {Edge(f"client-{number}", f"server-{number}"): Calls(1, 0, 0.5) for number in range(10_000)}
    assert publish(world, replace(report(FINE), graph=graph), PLACE) == []
    assert len(server.data["report.json"]) < 2**20
    assert json.loads(server.data["report.json"])["hops"] == report(FINE).to_json()["hops"]


# Events.


def test_a_new_verdict_is_an_event_on_the_config_map(server: Server, world: World) -> None:
    write(world, NO_COLLECTOR)
    (event,) = server.events
    assert (event["type"], event["reason"]) == ("Warning", "NoCollector")
    assert "the collector does not exist" in event["message"]
    assert event["involvedObject"]["uid"] == "the-uid"


def test_that_it_works_again_is_an_ordinary_event(server: Server, world: World) -> None:
    write(world, NO_COLLECTOR)
    write(world, FINE)
    assert [(event["type"], event["reason"]) for event in server.events][1:] == [("Normal", "Works")]


def test_what_stays_as_it_was_is_no_event(server: Server, world: World) -> None:
    for minutes in range(3):
        write(world, NO_COLLECTOR, minutes=minutes)
    assert len(server.events) == 1


def test_another_cause_is_an_event(server: Server, world: World) -> None:
    write(world, NO_COLLECTOR)
    write(world, NO_TEMPO)
    assert [event["reason"] for event in server.events] == ["NoCollector", "NoTempo"]


# Metrics.


def test_a_verdict_that_works_is_a_success_and_any_other_is_none(server: Server, world: World) -> None:
    for finding, value in ((FINE, 1.0), (NO_COLLECTOR, 0.0), (UNCLEAR, 0.0)):
        write(world, finding)
        assert server.series()["mesh_tracing_verify_success", "mesh-tracing-verify", "prod"] == value


def test_the_time_of_the_run_is_a_metric(server: Server, world: World) -> None:
    write(world, FINE)
    name = "mesh_tracing_verify_last_run_timestamp_seconds"
    assert server.series()[name, "mesh-tracing-verify", "prod"] == NOON.timestamp()


def hops(server: Server) -> dict[tuple[str, ...], float]:
    """By code, if there is one, hop and status."""
    found = {labels: value for labels, value in server.series().items() if "hop_status" in labels[0]}
    return {tuple(label for label in labels[1:] if label not in {"mesh-tracing-verify", "prod"}): value
            for labels, value in found.items()}  # fmt: skip


def test_each_hop_has_a_series_with_its_status_and_code(server: Server, world: World) -> None:
    write(world, FINE, STOPPED)
    assert hops(server) == {("collector", "ok"): 1, ("operator-stopped", "operators", "warning"): 1}


def test_what_is_not_so_any_more_is_zero_once(server: Server, world: World) -> None:
    write(world, NO_COLLECTOR)
    write(world, FINE)
    assert hops(server) == {("collector", "ok"): 1, ("no-collector", "collector", "broken"): 0}
    write(world, FINE)
    assert hops(server) == {("collector", "ok"): 1}


def test_samples_have_the_time_of_the_check(server: Server, world: World) -> None:
    write(world, FINE, minutes=1)
    times = {series.milliseconds for series in decoded(server.writes[-1][1])}
    assert times == {round(NOON.timestamp() * 1000) + 60_000}


def test_an_existing_prometheus_is_told_what_it_wants_to_know(
    server: Server, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_CREDENTIALS", "the-token")
    prometheus = part(world.deployment.prometheus, login="bearer", headers={"X-Scope-OrgID": "mesh"})
    assert write(replace(world, deployment=part(world.deployment, prometheus=prometheus)), FINE) == []
    headers, _ = server.writes[-1]
    assert (headers["Authorization"], headers["X-Scope-OrgID"]) == ("Bearer the-token", "mesh")


def test_a_prometheus_that_another_one_scrapes_gets_nothing_of_the_other_ones_login(
    server: Server, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_CREDENTIALS", "the-token")
    changes = {"login": "bearer", "scraped_url": server.url, "query_url": "https://elsewhere.example"}
    prometheus = part(world.deployment.prometheus, **changes)
    assert write(replace(world, deployment=part(world.deployment, prometheus=prometheus)), FINE) == []
    assert "Authorization" not in server.writes[-1][0]


def test_a_prometheus_that_takes_no_writes_is_written_nothing(server: Server, world: World) -> None:
    prometheus = part(world.deployment.prometheus, takes_writes=False)
    assert write(replace(world, deployment=part(world.deployment, prometheus=prometheus)), FINE) == []
    assert server.writes == []


# What it may write.


def test_the_role_in_the_manifest_allows_what_is_asked_for_and_no_more(server: Server, world: World) -> None:
    write(world, FINE)
    manifest = Path(__file__).parents[3] / "manifests" / "verify.yaml"
    (role,) = (obj for obj in yaml.safe_load_all(manifest.read_text()) if obj["kind"] == "Role")
    verbs = {"GET": "get", "PATCH": "patch", "POST": "create"}
    root = "/api/v1/namespaces/istio-system/"
    assert {(verbs[method], *path.removeprefix(root).split("/")) for method, path in server.asked if root in path} == {
        (verb, resource, *rule.get("resourceNames", []))
        for rule in role["rules"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


# What cannot be written.


def test_a_config_map_that_is_gone_is_named_and_the_metrics_are_written(server: Server, world: World) -> None:
    server.config_map = None
    assert write(world, FINE) == ["ConfigMap istio-system/mesh-tracing-verify: it does not exist"]
    assert len(server.writes) == 1


def test_an_event_that_is_refused_keeps_nothing_else_from_being_written(server: Server, world: World) -> None:
    server.refuses_events = True
    (problem,) = write(world, FINE)
    assert problem == f"the Event: not allowed: POST {EVENTS}"
    assert (server.data["status"], len(server.writes)) == ("True", 1)


def test_what_prometheus_says_against_the_samples_is_repeated(server: Server, world: World) -> None:
    server.prometheus = (400, "out of order sample\n")
    assert write(world, FINE) == ["the metrics: Prometheus answered 400 out of order sample"]
    assert server.data["status"] == "True"


def test_a_report_of_an_earlier_version_that_cannot_be_read_is_none(server: Server, world: World) -> None:
    assert server.config_map is not None
    server.config_map["data"] = {"report.json": "{"}
    assert write(world, FINE) == []


@pytest.mark.parametrize("text", ["", "name", "/name", "namespace/", "a/b/c"])
def test_a_place_is_a_namespace_and_a_name(text: str) -> None:
    assert Place.parse(text) is None
    assert Place.parse("istio-system/mesh-tracing-verify") == PLACE


# The format, read by Google's own library and by the description of Snappy's.


@dataclass
class Series:
    labels: Mapping[str, str]
    value: float = 0.0
    milliseconds: int = 0


def _messages() -> Any:
    """The class of `WriteRequest` (prometheus: prompb/remote.proto and prompb/types.proto)."""
    file = descriptor_pb2.FileDescriptorProto(name="write.proto", package="test", syntax="proto3")
    kinds = descriptor_pb2.FieldDescriptorProto
    wanted = {
        "Label": [("name", 1, kinds.TYPE_STRING, ""), ("value", 2, kinds.TYPE_STRING, "")],
        "Sample": [("value", 1, kinds.TYPE_DOUBLE, ""), ("timestamp", 2, kinds.TYPE_INT64, "")],
        "TimeSeries": [("labels", 1, kinds.TYPE_MESSAGE, "Label"), ("samples", 2, kinds.TYPE_MESSAGE, "Sample")],
        "WriteRequest": [("timeseries", 1, kinds.TYPE_MESSAGE, "TimeSeries")],
    }
    for name, fields in wanted.items():
        message = file.message_type.add(name=name)
        for field_name, number, kind, type_name in fields:
            label = kinds.LABEL_REPEATED if type_name else kinds.LABEL_OPTIONAL
            more = {"type_name": f".test.{type_name}"} if type_name else {}
            message.field.add(name=field_name, number=number, type=kind, label=label, **more)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("test.WriteRequest"))


def decoded(body: bytes) -> list[Series]:
    request = _messages().FromString(uncompressed(body))
    found = []
    for series in request.timeseries:
        (sample,) = series.samples
        found.append(Series({label.name: label.value for label in series.labels}, sample.value, sample.timestamp))
    return found


def uncompressed(block: bytes) -> bytes:
    """Snappy's block format; copies, which the format allows too, are not expected."""
    length = shift = place = 0
    while True:
        byte = block[place]
        length, shift, place = length | (byte & 0x7F) << shift, shift + 7, place + 1
        if byte < 0x80:
            break
    content = b""
    while place < len(block):
        tag = block[place]
        assert tag & 3 == 0
        size, place = tag >> 2, place + 1
        if size >= 60:
            more = size - 59
            size, place = int.from_bytes(block[place : place + more], "little"), place + more
        content, place = content + block[place : place + size + 1], place + size + 1
    assert len(content) == length
    return content


def test_labels_are_in_order_and_an_empty_one_is_left_out() -> None:
    (series,) = decoded(remote_write.body([Sample({"b": "2", "__name__": "n", "a": "", "Z": "1"}, 1.5, 1)]))
    assert list(series.labels.items()) == [("Z", "1"), ("__name__", "n"), ("b", "2")]
    assert (series.value, series.milliseconds) == (1.5, 1)


@pytest.mark.parametrize("count", [0, 1, 2, 5000])
def test_any_number_of_samples_arrives_whole(count: int) -> None:
    samples = [Sample({"__name__": "n", "number": str(number)}, number, 10**13 + number) for number in range(count)]
    found = decoded(remote_write.body(samples))
    assert [(series.labels["number"], series.value, series.milliseconds) for series in found] == [
        (str(number), number, 10**13 + number) for number in range(count)
    ]


def test_the_headers_are_those_of_the_specification(server: Server, world: World) -> None:
    write(world, FINE)
    headers, _ = server.writes[-1]
    assert headers["Content-Type"] == "application/x-protobuf"
    assert headers["Content-Encoding"] == "snappy"
    assert headers["X-Prometheus-Remote-Write-Version"] == "0.1.0"


# The command.


@pytest.fixture
def run(world: World, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command on a check that ends with ``finding``."""
    monkeypatch.setattr(command, "Cluster", lambda *_: world.cluster)
    monkeypatch.setattr(command.outputs, "of_stack", lambda *_: ("prod", world.deployment))

    def invoke(finding: Finding, *arguments: str) -> Result:
        monkeypatch.setattr(command, "check", lambda *_: report(finding))
        return CliRunner().invoke(command.app, ["--no-report", *arguments])

    return invoke


@pytest.mark.parametrize(("finding", "code"), [(FINE, 0), (NO_COLLECTOR, 1), (UNCLEAR, 2)])
def test_the_command_publishes_where_it_is_told_to(server: Server, run: Run, finding: Finding, code: int) -> None:
    assert run(finding, "--publish", str(PLACE)).exit_code == code
    assert "status" in server.data


def test_nothing_is_published_unasked(server: Server, run: Run) -> None:
    run(FINE)
    assert (server.events, server.writes) == ([], [])


def test_a_result_that_cannot_be_published_is_said_and_is_no_success(server: Server, run: Run) -> None:
    server.config_map = None
    done = run(FINE, "--publish", str(PLACE), "--json")
    assert done.exit_code == 2
    assert "not published: ConfigMap istio-system/mesh-tracing-verify: it does not exist" in done.stderr
    assert json.loads(done.stdout)["verdict"] == "works"


def test_a_malformed_place_is_refused(server: Server, run: Run) -> None:
    done = run(FINE, "--publish", "mesh-tracing-verify")
    assert (done.exit_code, "NAMESPACE/NAME, found 'mesh-tracing-verify'" in done.stderr) == (2, True)

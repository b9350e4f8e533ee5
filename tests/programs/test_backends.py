"""Further backends: each gets every trace once, whatever becomes of the others, and nobody gets a secret in clear."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from receiver import hosted
from running import Process, collector, free_ports, settled, tempo
from traffic import Request, requests, send

from model import ExistingTempo, Tempo, Tracing

# A queue of a thousand spans is full after a few of these requests, of three spans each.
MANY = 2000
PATH = ("web.shop", "api.shop")
NOWHERE = "http://127.0.0.1:1/api/v1/write"


@pytest.fixture
def store(programs: Mapping[str, Path], tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Starts a Tempo, by a name, with further configuration."""
    with ExitStack() as stack:

        def begin(name: str, **extra: Any) -> Process:
            folder = tmp_path / name
            folder.mkdir()
            settings = Tempo(trace_idle_period="1s", extra_config=extra)
            return stack.enter_context(tempo(programs["tempo"], folder, settings, NOWHERE))

        yield begin


@pytest.fixture
def start(programs: Mapping[str, Path], tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Starts a collector before that Tempo, with these settings of ``tracing``."""
    with ExitStack() as stack:

        def begin(before: Process, **tracing: Any) -> Process:
            settings = Tracing.model_validate(tracing)
            return stack.enter_context(collector(programs["otelcol-full"], tmp_path, settings, before))

        yield begin


def down() -> Process:
    """A store at whose port nobody listens."""
    return Process([], Path(), free_ports("otlp"))


def backend(of: Process, **further: Any) -> dict[str, Any]:
    return {"endpoint": f"127.0.0.1:{of.ports['otlp']}", "tls": {"insecure": True}, **further}


def counted(page: Process, at: str, name: str, **labels: str) -> float:
    """The sum of a counter's values with these labels."""
    found = 0.0
    for line in httpx.get(f"{page.url(at)}/metrics", trust_env=False).text.splitlines():
        if re.match(rf"{name}(_total)?\{{", line) and all(f'{key}="{value}"' in line for key, value in labels.items()):
            found += float(line.rpartition("} ")[2])
    return found


def stored(at: Process, **headers: str) -> set[str]:
    """The ids of all traces that a Tempo has for who asks with these headers."""
    query = {"q": f'{{resource.service.name="{PATH[0]}"}}', "limit": "100000"}
    answer = httpx.get(f"{at.url('http')}/api/search", params=query, headers=headers, trust_env=False, timeout=60)
    return {found["traceID"].zfill(32) for found in answer.raise_for_status().json()["traces"]}


def ids(sent: list[Request]) -> set[str]:
    return {request.trace_id for request in sent}


@pytest.mark.parametrize("dead", ["tempo", "further"])
def test_one_that_is_down_with_a_full_queue_keeps_nothing_from_the_other_and_the_sender_hears_of_none(
    store: Callable[..., Process], start: Callable[..., Process], dead: str
) -> None:
    living, ends = store("living"), down()
    first, second = (ends, living) if dead == "tempo" else (living, ends)
    running = start(first, collector={"queueSize": 1}, exporters={"further": backend(second, queueSize=1)})
    full, works = ("otlp_grpc", "otlp_grpc/further") if dead == "tempo" else ("otlp_grpc/further", "otlp_grpc")
    sent = list(requests(MANY, PATH, seed=1))
    spans = sum(request.spans for request in sent)
    # In small parts, as proxies send them: the sender would see any error here.
    for begin in range(0, MANY, 50):
        send(running.url("http"), sent[begin : begin + 50])
    assert settled(lambda: counted(running, "telemetry", "otelcol_exporter_sent_spans", exporter=works), bool) == spans
    assert counted(running, "telemetry", "otelcol_exporter_enqueue_failed_spans", exporter=full) > 0
    assert counted(running, "telemetry", "otelcol_receiver_accepted_spans") == spans
    assert counted(running, "telemetry", "otelcol_receiver_refused_spans") == 0
    assert counted(living, "http", "tempo_distributor_spans_received_total") == spans
    assert settled(lambda: stored(living), lambda found: ids(sent) <= found) == ids(sent)


def test_with_the_tail_a_further_one_gets_what_is_kept_or_everything(
    store: Callable[..., Process], start: Callable[..., Process]
) -> None:
    first, same, whole = store("first"), store("same"), store("whole")
    exporters = {"same": backend(same), "whole": backend(whole, allTraces=True)}
    sampling = {"mode": "tail", "wait": "2s", "tail": {"percentage": 0}}
    running = start(first, sampling=sampling, exporters=exporters)
    sent = list(requests(100, PATH, seed=2, failing=0.2, slow=0))
    send(running.url("http"), sent)
    failed = {request.trace_id for request in sent if request.fails}
    assert 0 < len(failed) < len(sent)
    assert settled(lambda: stored(first), bool) == failed
    assert settled(lambda: stored(same), bool) == failed
    assert settled(lambda: stored(whole), bool) == ids(sent)


def test_a_store_with_tenants_takes_what_names_one_and_shows_it_to_that_one_only(
    store: Callable[..., Process], start: Callable[..., Process]
) -> None:
    first, shared = store("first"), store("shared", multitenancy_enabled=True)
    exporters = {"named": backend(shared, headers={"X-Scope-OrgID": "mesh"}), "nameless": backend(shared)}
    running = start(first, exporters=exporters)
    sent = list(requests(20, PATH, seed=3))
    send(running.url("http"), sent)
    mine, theirs = {"X-Scope-OrgID": "mesh"}, {"X-Scope-OrgID": "others"}
    assert settled(lambda: stored(shared, **mine), bool) == ids(sent)
    assert stored(shared, **theirs) == set()
    spans = sum(request.spans for request in sent)
    for name, taken in (("named", spans), ("nameless", 0)):
        exporter = f"otlp_grpc/{name}"
        assert counted(running, "telemetry", "otelcol_exporter_sent_spans", exporter=exporter) == taken
    assert "no org id" in running.log.read_text()
    assert settled(lambda: stored(first), bool) == ids(sent)


def test_an_existing_tempo_with_tenants_has_the_traces_for_the_one_that_is_named(
    programs: Mapping[str, Path], store: Callable[..., Process], tmp_path: Path
) -> None:
    shared = store("shared", multitenancy_enabled=True)
    otlp = {"endpoint": f"127.0.0.1:{shared.ports['otlp']}", "tls": {"insecure": True}}
    theirs = ExistingTempo.model_validate({"otlp": otlp, "tenant": "mesh"}).destination
    sent = list(requests(20, PATH, seed=5))
    with collector(programs["otelcol-full"], tmp_path, Tracing(), shared, store=theirs) as running:
        send(running.url("http"), sent)
        assert settled(lambda: stored(shared, **{"X-Scope-OrgID": "mesh"}), bool) == ids(sent)
        assert stored(shared, **{"X-Scope-OrgID": "others"}) == set()


def test_a_hosted_store_gets_secret_headers_by_tls_in_both_directions(
    store: Callable[..., Process],
    start: Callable[..., Process],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with hosted(tmp_path) as there:
        secrets = {
            "EXPORTER__HOSTED__CA": there.authority,
            "EXPORTER__HOSTED__CERTIFICATE": there.certificate,
            "EXPORTER__HOSTED__KEY": there.key,
            "EXPORTER__HOSTED__BEARER": "hidden-token",
            "EXPORTER__HOSTED__HEADER_X_API_KEY": "hidden-key",
        }
        for name, text in secrets.items():
            monkeypatch.setenv(name, text)
        exporter = {
            "protocol": "http",
            "endpoint": there.url,
            "tls": {
                "caSecret": {"secret": "hosted", "key": "ca"},
                "clientCertificate": "hosted-client",
                "serverName": "traces.example.com",
            },
            "headers": {"X-Team": "mesh"},
            "secretHeaders": {"X-Api-Key": {"secret": "hosted", "key": "key"}},
            "bearerToken": {"secret": "hosted", "key": "token"},
        }
        running = start(store("first"), exporters={"hosted": exporter})
        send(running.url("http"), list(requests(5, PATH, seed=4)))
        assert settled(lambda: len(there.requests), bool, seconds=30) >= 1
        (seen, *_) = there.requests
    assert (seen["path"], seen["x-team"], seen["x-api-key"]) == ("/v1/traces", "mesh", "hidden-key")
    assert seen["authorization"] == "Bearer hidden-token"
    written = (tmp_path / "collector.yaml").read_text() + running.log.read_text()
    assert [text for text in secrets.values() if text in written] == []

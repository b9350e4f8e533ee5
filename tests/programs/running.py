"""The collector, Tempo and Prometheus as processes of this machine, with the configuration that the project writes."""

import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from model import Destination, Tempo, Tracing
from objects.addresses import COLLECTOR_GRAPH_PORT, COLLECTOR_TELEMETRY_PORT, OTLP_GRPC_PORT, OTLP_HTTP_PORT
from objects.collector import build_config
from objects.collector_graph import CollectorGraph
from objects.merge import merge
from objects.tempo_config import build_monolithic_config

_START_SECONDS = 60
_STOP_SECONDS = 20
# What the operator writes beside the project's configuration, as far as a Tempo without a cluster needs it.
_OF_THE_OPERATOR = """
stream_over_http_enabled: true
server:
  http_listen_address: 127.0.0.1
  http_listen_port: {http}
  grpc_listen_address: 127.0.0.1
  grpc_listen_port: {grpc}
memberlist: {{bind_addr: [127.0.0.1], bind_port: {gossip}, abort_if_cluster_join_fails: false}}
distributor: {{receivers: {{otlp: {{protocols: {{grpc: {{endpoint: "127.0.0.1:{otlp}"}}}}}}}}}}
ingester: {{lifecycler: {{address: 127.0.0.1, ring: {{kvstore: {{store: inmemory}}, replication_factor: 1}}}}}}
metrics_generator: {{ring: {{instance_addr: 127.0.0.1, kvstore: {{store: inmemory}}}}}}
compactor: {{ring: {{instance_addr: 127.0.0.1, wait_stability_min_duration: 0s, kvstore: {{store: inmemory}}}}}}
querier: {{frontend_worker: {{frontend_address: "127.0.0.1:{grpc}"}}}}
storage: {{trace: {{backend: local, wal: {{path: "{folder}/wal"}}, local: {{path: "{folder}/blocks"}}}}}}
usage_report: {{reporting_enabled: false}}
"""


@dataclass
class Process:
    """A program that runs, its log, and the ports of this machine at which it listens."""

    command: list[str]
    log: Path
    ports: Mapping[str, int]
    _running: subprocess.Popen[bytes] | None = None

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def start(self, is_ready: Callable[[], bool]) -> None:
        with self.log.open("ab") as log:
            self._running = subprocess.Popen(self.command, stdout=log, stderr=log)
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            assert self._running.poll() is None, self.log.read_text()[-3000:]
            with suppress(httpx.HTTPError):
                if is_ready():
                    return
            time.sleep(0.2)
        raise AssertionError(f"{self.command[0]} is not ready:\n{self.log.read_text()[-3000:]}")

    def kill(self) -> None:
        """End it as a node that fails does."""
        assert self._running is not None
        self._running.kill()
        self._running.wait()

    def stop(self) -> None:
        if self._running is not None and self._running.poll() is None:
            self._running.terminate()
            try:
                self._running.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()


def free_ports(*names: str) -> dict[str, int]:
    """A free port of 127.0.0.1 for each name."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in names]
    ports = {name: one.getsockname()[1] for name, one in zip(names, sockets, strict=True)}
    for one in sockets:
        one.close()
    return ports


def settled(look: Callable[[], Any], enough: Callable[[Any], bool], seconds: float = 60, rests: float = 5) -> Any:
    """What ``look`` sees once it is ``enough`` and has then not changed for so many seconds, or the time is over."""
    deadline, seen, since = time.monotonic() + seconds, look(), time.monotonic()
    while time.monotonic() < deadline and (time.monotonic() - since < rests or not enough(seen)):
        time.sleep(0.5)
        now = look()
        if now != seen:
            seen, since = now, time.monotonic()
    return seen


@contextmanager
def prometheus(program: Path, folder: Path, settings: Mapping[str, Any] | None = None) -> Iterator[Process]:
    """A Prometheus that takes what is written to it, and does what its ``settings`` say beside that."""
    ports, config = free_ports("http"), folder / "prometheus.yml"
    config.write_text(yaml.safe_dump(dict(settings or {})))
    command = [
        str(program),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{ports['http']}",
        "--web.enable-remote-write-receiver",
    ]
    process = Process(command, folder / "log", ports)
    try:
        process.start(lambda: httpx.get(f"{process.url('http')}/-/ready", trust_env=False).is_success)
        yield process
    finally:
        process.stop()


@contextmanager
def tempo(program: Path, folder: Path, settings: Tempo, write_url: str, **graph: Any) -> Iterator[Process]:
    """A Tempo whose generator writes to ``write_url`` and counts a span as often as its share says.

    ``graph`` is what else ``build_monolithic_config`` is told of it.
    """
    ports, file = free_ports("http", "grpc", "otlp", "gossip"), folder / "tempo.yaml"
    rendered = yaml.safe_load(_OF_THE_OPERATOR.format(folder=folder, **ports))
    ours = build_monolithic_config(settings, write_url, version="2.8.0", multiplies=True, **graph)
    generator = {"metrics_generator": {"storage": {"path": f"{folder}/generator"}}}
    file.write_text(yaml.safe_dump(merge(merge(rendered, ours), generator)))
    process = Process([str(program), f"-config.file={file}", "-target=all"], folder / "log", ports)
    try:
        process.start(lambda: httpx.get(f"{process.url('http')}/ready", trust_env=False).is_success)
        yield process
    finally:
        process.stop()


@contextmanager
def collector(  # noqa: PLR0913  what it is made from
    program: Path,
    folder: Path,
    tracing: Tracing,
    tempo: Process,
    *,
    store: Destination | None = None,
    makes_graph: bool = False,
    **settings: Any,
) -> Iterator[Process]:
    """The collector of ``tracing``, before ``tempo``; it makes the graph itself too if it chooses traces.

    ``store`` says how that Tempo is called, if it is somebody else's, and ``settings`` are further ones of the graph.
    """
    ports = free_ports("grpc", "http", "telemetry", "graph")
    graph = CollectorGraph(interval="1s", **settings) if makes_graph or tracing.sampling.is_tail else None
    config = build_config(tracing, f"127.0.0.1:{tempo.ports['otlp']}", peers="localhost", store=store, graph=graph)
    file = folder / "collector.yaml"
    file.write_text(yaml.safe_dump(_on_this_machine(config, ports)))
    process = Process([str(program), f"--config=file:{file}"], folder / "log", ports)
    try:
        process.start(lambda: httpx.get(f"{process.url('telemetry')}/metrics", trust_env=False).is_success)
        yield process
    finally:
        process.stop()


def _on_this_machine(config: Any, ports: Mapping[str, int]) -> Any:
    """``config`` with ports of this machine in place of a pod's."""
    own = {
        OTLP_GRPC_PORT: ports["grpc"],
        OTLP_HTTP_PORT: ports["http"],
        COLLECTOR_TELEMETRY_PORT: ports["telemetry"],
        COLLECTOR_GRAPH_PORT: ports["graph"],
    }
    if isinstance(config, Mapping):
        return {key: _on_this_machine(value, ports) for key, value in config.items()}
    if isinstance(config, list):
        return [_on_this_machine(value, ports) for value in config]
    if config == "0.0.0.0":  # noqa: S104
        return "127.0.0.1"
    if isinstance(config, str) and config.startswith("0.0.0.0:"):
        return f"127.0.0.1:{own[int(config.rpartition(':')[2])]}"
    return own.get(config, config) if isinstance(config, int) and not isinstance(config, bool) else config

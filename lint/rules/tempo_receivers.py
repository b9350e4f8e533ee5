"""Where Tempo listens: its receivers of spans, and its own server."""

from collections.abc import Iterator

from lint.collector_keys import components
from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.lifecycle import lifecycle
from lint.objects import Manifests, Path, at, dotted, mapping, number, sequence, strings, text
from lint.rule import rule
from lint.templates import is_unknown
from lint.tempo_keys import unknown
from lint.views.collectors import kind_of
from lint.views.probes import probes
from lint.views.tempo_values import CHARTS
from lint.views.tempos import Tempo, tempos
from lint.views.values import values
from lint.views.versions import Version, version

_RECEIVERS: Path = ("distributor", "receivers")
_OVER_UDP = frozenset({"thrift_binary", "thrift_compact"})
_OF_SERVER = ("http_listen_port", "grpc_listen_port")
# By receiver and protocol; zipkin has none.
_PORTS = {
    ("otlp", "grpc"): 4317,
    ("otlp", "http"): 4318,
    ("jaeger", "grpc"): 14250,
    ("jaeger", "thrift_http"): 14268,
    ("zipkin", ""): 9411,
}
_DEFAULT_PORT, _OLDER_DEFAULT_PORT = 3200, 80
_INTERNAL_PORT = 3101
_LOCAL = ("localhost:", "127.0.0.1:", "[::1]:")
_LISTENS_LOCALLY = lifecycle().first_release("Tempo takes spans on localhost")
_LISTENS_AT_3200 = lifecycle().first_release("Tempo serves queries at 3200")
_KNOWN = frozenset({"jaeger", "kafka", "otlp", "zipkin"})
_GONE = "opencensus"
# The patches that lack it: it was taken out of two releases that were maintained.
_WITHOUT_IT: tuple[Version, ...] = ((2, 9, 5), (2, 10, 6))
# By chart, where the receiver is in its values.
_OF_CHARTS: dict[str, Path] = {
    "tempo": ("tempo", "receivers", _GONE),
    "tempo-distributed": ("traces", _GONE, "enabled"),
}


@rule(
    code="N31",
    title="Tempo takes spans from its own pod only",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "Since release 2.7 a receiver without an endpoint listens on localhost, where only containers of the same pod "
        "reach it. Whoever sends spans to the Service is refused. It is a warning for a file of its own, which says "
        "nothing of Tempo's release."
    ),
    remedy='Set the endpoint of the receiver, such as `grpc: {endpoint: "0.0.0.0:4317"}`.',
    example="""
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: tempo, namespace: tracing-system}
        data:
          tempo.yaml: |
            distributor: {receivers: {otlp: {protocols: {grpc: {}}}}}
            storage: {trace: {backend: local, local: {path: /var/tempo/blocks}}}
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          template:
            spec:
              containers: [{name: tempo, image: "docker.io/grafana/tempo:2.10.8"}]
              volumes: [{name: conf, configMap: {name: tempo}}]
    """,
    source="tempo: docs/sources/tempo/release-notes/version-2/v2-7.md",
)
def tempo_on_localhost(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for tempo in tempos(manifests, facts):
        is_file = _is_file(tempo)
        is_newer = tempo.release is not None and tempo.release >= _LISTENS_LOCALLY
        receivers = list(_receivers(tempo))
        for path, port, endpoint in receivers if is_file or _is_alone(tempo) else ():
            if (endpoint is None and (is_newer or is_file)) or text(endpoint).startswith(_LOCAL):
                yield (warning if is_file else error)(
                    tempo.where(*_RECEIVERS, *path, "endpoint"),
                    "the receiver listens on localhost"
                    + (" since Tempo 2.7" if is_file and endpoint is None else "")
                    + ", and takes spans from its own pod only",
                    f"set it to 0.0.0.0:{port}",
                )


@rule(
    code="N31",
    title="Two listeners of Tempo have the same port",
    levels=(Severity.ERROR,),
    why=(
        "Tempo's own server listens at `server.http_listen_port` and `server.grpc_listen_port`, and each receiver of "
        "spans at its endpoint. Where two have the same port, the second one cannot listen, and Tempo stops."
    ),
    remedy="Give the receiver the port of its protocol, such as 4317 for OTLP over gRPC.",
    example="""
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: tempo, namespace: tracing-system}
        data:
          tempo.yaml: |
            server: {http_listen_port: 3200}
            distributor: {receivers: {otlp: {protocols: {grpc: {endpoint: "0.0.0.0:3200"}}}}}
            storage: {trace: {backend: local, local: {path: /var/tempo/blocks}}}
    """,
    source="tempo: cmd/tempo/app/modules.go, initServer, and modules/distributor/receiver/shim.go",
)
def port_that_is_taken(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for tempo in tempos(manifests, facts):
        taken = {number(tempo.at("server", key)): f"server.{key}" for key in _OF_SERVER}
        for path, endpoint in sorted(_endpoints(tempo), key=str):
            port = number(endpoint.rpartition(":")[2])
            if port is not None and port in taken:
                yield error(
                    tempo.where(*path),
                    f"{taken[port]} has port {port} too, and Tempo does not start",
                    "give the receiver a port of its own",
                )
            taken.setdefault(port, dotted(path[:-1]))


@rule(
    code="N31",
    title="Tempo has no such receiver",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "Tempo takes spans by the receivers `otlp`, `jaeger`, `zipkin` and `kafka`, and does not start with another "
        "one. It had `opencensus` until 2.9.4 and 2.10.5. It is a warning for a file of its own, "
        "and for values of a chart of which no version is known."
    ),
    remedy="Leave the receiver out, and send OTLP.",
    example="""
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: tempo, namespace: tracing-system}
        data:
          tempo.yaml: |
            distributor: {receivers: {otlp: {protocols: {grpc: {endpoint: "0.0.0.0:4317"}}}, opencensus: {}}}
            storage: {trace: {backend: local, local: {path: /var/tempo/blocks}}}
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          template:
            spec:
              containers: [{name: tempo, image: "docker.io/grafana/tempo:3.0.3"}]
              volumes: [{name: conf, configMap: {name: tempo}}]
    """,
    source="tempo: modules/distributor/receiver/shim.go; grafana-community/helm-charts: charts/tempo/Chart.yaml",
    # A receiver is not known, however it is configured.
    reads_variables=True,
)
def receiver_that_tempo_does_not_have(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for tempo in tempos(manifests, facts):
        for name in mapping(tempo.at(*_RECEIVERS)):
            kind = kind_of(text(name))
            is_file = _is_file(tempo)
            may_have_it = kind == _GONE and not _lacks_it(tempo)
            if not kind or is_unknown(kind) or kind in _KNOWN or (may_have_it and not is_file):
                continue
            yield (warning if may_have_it else error)(
                tempo.where(*_RECEIVERS, text(name)),
                f"Tempo has no receiver {kind!r}{' any more' if kind == _GONE else ''}, and does not start",
                "leave it out, and send OTLP",
            )
    for one in values(manifests, *CHARTS):
        path = _OF_CHARTS[one.chart]
        # Without settings it is there too, once the chart has none of its own that null takes away.
        is_there = one.at(*path) is True if path[-1] == "enabled" else path[-1] in mapping(one.at(*path[:-1]))
        has_version = (one.said and one.said.version) or one.at("tempo", "tag") or one.at("tempo", "image", "tag")
        if is_there and not has_version and not one.of_ones_own:
            yield warning(
                one.where(*path),
                "the Tempo of the chart's newest version has no receiver opencensus any more, and does not start",
                "leave it out, and send OTLP",
            )


@rule(
    code="N31",
    title="A receiver of Tempo does not know a setting",
    levels=(Severity.ERROR,),
    why=(
        "Tempo's receivers are those of the collector, and it does not start with a setting that they do not know, such"
        " as `grpc` of `otlp`, which belongs below `protocols`."
    ),
    remedy="Write the setting as the documentation of the collector's receiver has it.",
    example="""
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: tempo, namespace: tracing-system}
        data:
          tempo.yaml: |
            distributor: {receivers: {otlp: {grpc: {endpoint: "0.0.0.0:4317"}}}}
            storage: {trace: {backend: local, local: {path: /var/tempo/blocks}}}
    """,
    source=(
        "tempo: modules/distributor/receiver/shim.go; "
        "lint/collector_keys, read from the structs that each receiver is configured by"
    ),
    reads_variables=True,
)
def setting_that_a_receiver_does_not_know(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for tempo in tempos(manifests, facts):
        for name, settings in mapping(tempo.at(*_RECEIVERS)).items():
            receiver = components()["receivers"].get(kind_of(text(name)))
            for path in unknown(settings, receiver.keys) if receiver else ():
                belongs = path[0] in {"grpc", "http"} and len(path) == 1
                yield error(
                    tempo.where(*_RECEIVERS, name, *path),
                    f"the receiver {name!r} has no such setting, and Tempo does not start",
                    "move it below protocols" if belongs else "write it as the documentation of the receiver has it",
                )


@rule(
    code="N31",
    title="A probe asks Tempo at a port that it does not serve",
    levels=(Severity.ERROR,),
    why=(
        "Tempo answers `/ready` at `server.http_listen_port`, which is 3200 since 2.8 and was 80 before. Where a probe "
        "asks another port, Tempo is restarted again and again, or gets no requests."
    ),
    remedy="Give the probe the port of Tempo's server.",
    example="""
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: tempo, namespace: tracing-system}
        data:
          tempo.yaml: |
            server: {http_listen_port: 3200}
            distributor: {receivers: {otlp: {protocols: {grpc: {endpoint: "0.0.0.0:4317"}}}}}
            storage: {trace: {backend: local, local: {path: /var/tempo/blocks}}}
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          template:
            spec:
              containers:
                - name: tempo
                  image: docker.io/grafana/tempo:2.10.8
                  readinessProbe: {httpGet: {path: /ready, port: 3100}}
              volumes: [{name: conf, configMap: {name: tempo}}]
    """,
    source="tempo: cmd/tempo/app/config.go, server.http-listen-port and internal_server",
)
def probe_of_another_port(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for tempo in tempos(manifests, facts):
        for runs in tempo.workloads:
            written = number(tempo.at("server", "http_listen_port"))
            is_newer = tempo.release is not None and tempo.release >= _LISTENS_AT_3200
            port = written or (None if tempo.release is None else _DEFAULT_PORT if is_newer else _OLDER_DEFAULT_PORT)
            if port is None or "http-listen-port" in runs.command or tempo.at("server", "http_tls_config"):
                continue
            served = {port, _internal_port(tempo)}
            for probe in probes(runs.owner, runs.path):
                if probe.path is not None and probe.port not in served:
                    yield error(
                        probe.where,
                        f"Tempo serves /ready at {port} and not at {probe.port}, so it {probe.consequence}",
                        f"ask port {port}",
                    )


def _internal_port(tempo: Tempo) -> int | None:
    """The port of the second server, which answers the kubelet without TLS, if it is on; tempo-operator's always is."""
    if tempo.at("internal_server", "enable") is not True:
        return None
    return number(tempo.at("internal_server", "http_listen_port")) or _INTERNAL_PORT


def _is_file(tempo: Tempo) -> bool:
    """Whether it is a file of its own, which says nothing of the release."""
    return tempo.written_by == "nobody" and not tempo.owner.kind


def _receivers(tempo: Tempo) -> Iterator[tuple[Path, int, object]]:
    """The receivers of spans: the path to each, the port of its protocol, and its endpoint."""
    for name, settings in mapping(tempo.at(*_RECEIVERS)).items():
        protocols = mapping(at(settings, "protocols")) if kind_of(text(name)) != "zipkin" else {"": settings}
        for protocol, found in protocols.items():
            port = _PORTS.get((kind_of(text(name)), text(protocol)))
            if port is not None:
                yield (name, "protocols", protocol) if protocol else (name,), port, at(found, "endpoint")


def _lacks_it(tempo: Tempo) -> bool:
    """Whether it is known to be a release without the receiver that was taken out."""
    if tempo.is_newest:
        return True
    for runs in tempo.workloads:
        full = version(runs.tag)
        if full is not None:
            patches = [first for first in _WITHOUT_IT if first[:2] == full[:2]]
            return full >= max(_WITHOUT_IT) or (bool(patches) and full >= patches[0])
    return tempo.release is not None and tempo.release[:2] > max(_WITHOUT_IT)[:2]


def _endpoints(tempo: Tempo) -> Iterator[tuple[Path, str]]:
    """Where receivers listen, but those over UDP, whose ports are others."""
    for path, found in strings(tempo.at(*_RECEIVERS), _RECEIVERS):
        if path[-1] == "endpoint" and _OVER_UDP.isdisjoint(path):
            yield path, found


def _is_alone(tempo: Tempo) -> bool:
    """Whether it is known that no other container is in its pod."""
    pods = [at(runs.owner.raw, *runs.path[:-1]) for runs in tempo.workloads]
    return bool(pods) and all(len(sequence(containers)) == 1 for containers in pods)

"""Where Tempo takes spans."""

from collections.abc import Iterator

from lint.facts import Facts
from lint.findings import Fault, Severity, error
from lint.lifecycle import lifecycle
from lint.objects import Manifests, Path, at, dotted, mapping, number, sequence, strings, text
from lint.rule import rule
from lint.views.tempos import Tempo, tempos

_PROTOCOLS: Path = ("distributor", "receivers", "otlp", "protocols")
_RECEIVERS: Path = ("distributor", "receivers")
_OVER_UDP = frozenset({"thrift_binary", "thrift_compact"})
_OF_SERVER = ("http_listen_port", "grpc_listen_port")
_PORTS = {"grpc": 4317, "http": 4318}
_LOCAL = ("localhost:", "127.0.0.1:", "[::1]:")
_LISTENS_LOCALLY = lifecycle().first_release("Tempo takes spans on localhost")


@rule(
    code="N31",
    title="Tempo takes spans from its own pod only",
    levels=(Severity.ERROR,),
    why=(
        "Since release 2.7 a receiver without an endpoint listens on localhost, where only containers of the same pod "
        "reach it. Whoever sends spans to the Service is refused."
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
        if not _is_alone(tempo):
            continue
        for protocol, settings in mapping(tempo.at(*_PROTOCOLS)).items():
            endpoint = at(settings, "endpoint")
            is_default = endpoint is None and tempo.release is not None and tempo.release >= _LISTENS_LOCALLY
            if protocol in _PORTS and (is_default or text(endpoint).startswith(_LOCAL)):
                yield error(
                    tempo.where(*_PROTOCOLS, protocol, "endpoint"),
                    "the receiver listens on localhost, and takes spans from its own pod only",
                    f"set it to 0.0.0.0:{_PORTS[protocol]}",
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


def _endpoints(tempo: Tempo) -> Iterator[tuple[Path, str]]:
    """Where receivers listen, but those over UDP, whose ports are others."""
    for path, found in strings(tempo.at(*_RECEIVERS), _RECEIVERS):
        if path[-1] == "endpoint" and _OVER_UDP.isdisjoint(path):
            yield path, found


def _is_alone(tempo: Tempo) -> bool:
    """Whether it is known that no other container is in its pod."""
    pods = [at(runs.owner.raw, *runs.path[:-1]) for runs in tempo.workloads]
    return bool(pods) and all(len(sequence(containers)) == 1 for containers in pods)

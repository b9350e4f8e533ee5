"""Where Tempo takes spans."""

from collections.abc import Iterator

from lint.facts import Facts
from lint.findings import Fault, Severity, error
from lint.lifecycle import lifecycle
from lint.objects import Manifests, Path, at, mapping, sequence, text
from lint.rule import rule
from lint.views.tempos import Tempo, tempos

_PROTOCOLS: Path = ("distributor", "receivers", "otlp", "protocols")
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


def _is_alone(tempo: Tempo) -> bool:
    """Whether it is known that no other container is in its pod."""
    pods = [at(runs.owner.raw, *runs.path[:-1]) for runs in tempo.workloads]
    return bool(pods) and all(len(sequence(containers)) == 1 for containers in pods)

"""Configuration files that a container is told to read, and that nothing brings into it."""

from collections.abc import Collection, Iterator

from lint.facts import Facts
from lint.findings import Fault, Severity, error
from lint.objects import Manifests, Place
from lint.rule import rule
from lint.templates import is_unknown
from lint.views.config_files import COLLECTOR, TEMPO, ConfigFile, Program, config_files

# opentelemetry-collector-releases: distributions/*/Dockerfile, and what it was in older images.
_IN_IMAGES = frozenset(
    {
        "/etc/otel/config.yaml",
        "/etc/otelcol/config.yaml",
        "/etc/otelcol-contrib/config.yaml",
        "/etc/otelcol-k8s/config.yaml",
        "/etc/otelcol-otlp/config.yaml",
    }
)
_REMEDY = "mount the ConfigMap with the configuration there"


@rule(
    code="N31",
    title="Tempo's configuration file is not mounted",
    levels=(Severity.ERROR,),
    why="Tempo's image has no configuration. Tempo does not start if nothing is mounted where its flag says.",
    remedy="Mount the ConfigMap with the configuration at the path of `-config.file`.",
    example="""
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          selector: {matchLabels: {app: tempo}}
          template:
            metadata: {labels: {app: tempo}}
            spec:
              containers:
                - {name: tempo, image: "grafana/tempo:2.10.8", args: [-config.file=/etc/tempo/tempo.yaml]}
    """,
    source="tempo: cmd/tempo/Dockerfile and cmd/tempo/main.go, loadConfig",
)
def configuration_of_tempo_that_is_not_mounted(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for file in _missing(manifests, TEMPO, ()):
        yield error(_place(file), f"nothing is mounted at {file.path}, and Tempo does not start", _REMEDY)


@rule(
    code="N25",
    title="A collector's configuration file is not mounted",
    levels=(Severity.ERROR,),
    why="A collector does not start if nothing is mounted where its flag `--config` says.",
    remedy="Mount the ConfigMap with the configuration at the path of `--config`.",
    example="""
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: otel, namespace: tracing-system}
        spec:
          selector: {matchLabels: {app: otel}}
          template:
            metadata: {labels: {app: otel}}
            spec:
              containers:
                - {name: otel, image: "otel/opentelemetry-collector-contrib:0.150.0", args: [--config=/conf/otel.yaml]}
    """,
    source="opentelemetry-collector: confmap/provider/fileprovider",
)
def configuration_of_a_collector_that_is_not_mounted(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for file in _missing(manifests, COLLECTOR, _IN_IMAGES):
        yield error(_place(file), f"nothing is mounted at {file.path}, and the collector does not start", _REMEDY)


def _missing(manifests: Manifests, program: Program, there: Collection[str]) -> Iterator[ConfigFile]:
    for file in config_files(manifests, program):
        is_mounted = any(file.path == mount or file.path.startswith(f"{mount}/") for mount in file.mounts)
        if not is_mounted and file.path not in there and not any(map(is_unknown, (file.path, *file.mounts))):
            yield file


def _place(file: ConfigFile) -> Place:
    return file.owner.where(*file.container, "volumeMounts")

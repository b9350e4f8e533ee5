"""Configuration files that a container is told to read, and that nothing brings into it."""

import re
from collections.abc import Collection, Iterator

from lint.facts import Facts
from lint.findings import Fault, Severity, error
from lint.objects import Manifests, Object, Path, at, sequence, text
from lint.rule import rule
from lint.templates import is_unknown
from lint.views.images import full_name
from lint.views.workloads import WORKLOADS

_TEMPO = re.compile(r"docker\.io/grafana/tempo")
_COLLECTOR = re.compile(
    r"docker\.io/otel/opentelemetry-collector[a-z0-9-]*"
    r"|ghcr\.io/open-telemetry/opentelemetry-collector-releases/opentelemetry-collector[a-z0-9-]*"
)
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
    for obj, path, file in _missing(manifests, _TEMPO, "config.file", ()):
        yield error(obj.where(*path), f"nothing is mounted at {file}, and Tempo does not start", _REMEDY)


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
    for obj, path, file in _missing(manifests, _COLLECTOR, "config", _IN_IMAGES):
        yield error(obj.where(*path), f"nothing is mounted at {file}, and the collector does not start", _REMEDY)


def _missing(
    manifests: Manifests, image: re.Pattern[str], flag: str, there: Collection[str]
) -> Iterator[tuple[Object, Path, str]]:
    """Yield the files that containers of an image are told to read and do not have, with the path to the container."""
    told = re.compile(rf"--?{re.escape(flag)}[= ](?:file:)?(/\S+)")
    for obj, pod in _pods(manifests):
        for index, container in enumerate(sequence(obj.at(*pod, "containers"))):
            name = text(at(container, "image")).partition("@")[0].partition(":")[0]
            command = " ".join(text(word) for field in ("command", "args") for word in sequence(at(container, field)))
            mounts = [text(at(mount, "mountPath")).rstrip("/") for mount in sequence(at(container, "volumeMounts"))]
            for file in told.findall(command) if image.fullmatch(full_name(name)) else ():
                is_mounted = any(file == mount or file.startswith(f"{mount}/") for mount in mounts)
                if not is_mounted and file not in there and not any(map(is_unknown, (file, *mounts))):
                    yield obj, (*pod, "containers", index, "volumeMounts"), file


def _pods(manifests: Manifests) -> Iterator[tuple[Object, Path]]:
    """Yield what has a Pod, and the path to its specification; a patch, which has no selector, has but a part of it."""
    for obj in manifests.of("apps", *WORKLOADS):
        if obj.at("spec", "selector") is not None:
            yield obj, ("spec", "template", "spec")
    for obj in manifests.of("", "Pod"):
        yield obj, ("spec",)

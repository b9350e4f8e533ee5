"""Variables of the environment in a collector's configuration."""

import re
from collections.abc import Iterator

from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.lifecycle import lifecycle
from lint.objects import Manifests, at, sequence, text
from lint.rule import rule
from lint.views.collectors import collectors

_EXPANDS_NO_MORE = lifecycle().first_release("collectors do not expand $X")
# Not $1 and $name of a replacement, nor $$, which is one dollar.
_BARE = re.compile(r"(?<!\$)\$(?P<name>[A-Z][A-Z0-9_]{2,})\b")
# Without a default behind :-, and without a second dollar before it.
_IN_BRACES = re.compile(r"(?<!\$)\$\{(?:env:)?([A-Za-z_]\w*)\}")
# Of the image and of Kubernetes, which sets those of Services.
_OF_EVERY_CONTAINER = frozenset({"HOME", "HOSTNAME", "PATH"})
_OF_SERVICES = ("_SERVICE_HOST", "_SERVICE_PORT", "_PORT")


@rule(
    code="N25",
    title="A collector does not put in a variable that is written without braces",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "Collectors expand `${env:NAME}` and `${NAME}`, and since 0.104 no `$NAME`: they refuse it, or take it for the "
        "text that it is, as the address of a server. It is a warning if the release is the one that is the newest "
        "when it is installed."
    ),
    remedy="Write `${env:NAME}`.",
    example="""
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
        spec:
          config:
            receivers: {otlp: {protocols: {grpc: {}}}}
            exporters: {otlp: {endpoint: "$TEMPO_HOST:4317"}}
            service:
              pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}
    """,
    source="opentelemetry-collector: CHANGELOG.md of 0.104.0, confmap.unifyEnvVarExpansion",
    # The name of a variable is known, and that nothing is put in for it.
    reads_variables=True,
)
def variable_without_braces(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for collector in collectors(manifests, facts):
        is_newer = collector.is_from(_EXPANDS_NO_MORE)
        for path, written in collector.strings if is_newer or collector.is_unpinned else ():
            found = _BARE.search(written)
            if found:
                yield (error if is_newer else warning)(
                    collector.where(*path),
                    f"collectors do not put anything in for ${found['name']} since 0.104",
                    f"write ${{env:{found['name']}}}",
                )


@rule(
    code="N25",
    title="A collector's container has no such variable",
    levels=(Severity.WARNING,),
    why=(
        "A collector puts an empty text where a variable is not set, and writes a line to its log: a key or an address "
        "is then missing, and most exporters refuse to start without."
    ),
    remedy="Set the variable in the container's `env`, or give it a default, as `${env:NAME:-default}`.",
    example="""
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: otel, namespace: tracing-system}
        data:
          relay.yaml: |
            receivers: {otlp: {protocols: {grpc: {endpoint: "0.0.0.0:4317"}}}}
            exporters: {otlp: {endpoint: "${env:TEMPO_HOST}:4317"}}
            service:
              pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: otel, namespace: tracing-system}
        spec:
          template:
            spec:
              containers:
                - name: otel
                  image: otel/opentelemetry-collector-contrib:0.158.0
                  env: [{name: TEMPO, value: tempo}]
              volumes: [{name: conf, configMap: {name: otel}}]
    """,
    source="opentelemetry-collector: confmap/provider/envprovider/provider.go",
    reads_variables=True,
)
def variable_that_is_not_set(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for collector in collectors(manifests, facts):
        container = collector.workload.container("opentelemetry-collector") if collector.workload else {}
        # What is taken from a ConfigMap or a Secret as a whole may have it, and a shell may set it.
        if not container or container.get("envFrom") or container.get("command"):
            continue
        there = {text(at(one, "name")) for one in sequence(container.get("env"))}
        for path, written in collector.strings:
            for name in _IN_BRACES.findall(written):
                if name not in there and name not in _OF_EVERY_CONTAINER and not name.endswith(_OF_SERVICES):
                    yield warning(
                        collector.where(*path),
                        f"the container has no variable {name}, and nothing is put in for it",
                        "set it in env",
                    )

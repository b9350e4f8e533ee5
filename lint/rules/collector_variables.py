"""Variables of the environment in a collector's configuration."""

import re
from collections.abc import Iterator

from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.lifecycle import lifecycle
from lint.objects import Manifests, strings
from lint.rule import rule
from lint.views.collectors import collectors

_EXPANDS_NO_MORE = lifecycle().first_release("collectors do not expand $X")
# Not $1 and $name of a replacement, nor $$, which is one dollar.
_BARE = re.compile(r"(?<!\$)\$(?P<name>[A-Z][A-Z0-9_]{2,})\b")


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
        for path, written in strings(collector.config) if is_newer or collector.is_unpinned else ():
            found = _BARE.search(written)
            if found:
                yield (error if is_newer else warning)(
                    collector.where(*path),
                    f"collectors do not put anything in for ${found['name']} since 0.104",
                    f"write ${{env:{found['name']}}}",
                )

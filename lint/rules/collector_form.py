"""The form of a collector's configuration in its resource."""

from collections.abc import Iterator, Mapping

from lint.facts import Facts
from lint.findings import Fault, Severity, error
from lint.objects import Manifests, parsed, text
from lint.rule import rule
from lint.views.services import OPENTELEMETRY


@rule(
    code="N25",
    title="A collector's configuration has the form of another version of the API",
    levels=(Severity.ERROR,),
    why="In `v1beta1` the configuration is a map, in `v1alpha1` a text. The API server refuses the other form.",
    remedy="Write `config:` with a map below it in `v1beta1`, and `config: |` in `v1alpha1`.",
    example="""
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
        spec:
          config: |
            receivers: {otlp: {protocols: {grpc: {}}}}
            exporters: {otlp: {endpoint: "tempo.example.com:4317"}}
            service:
              pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}
    """,
    source="opentelemetry-operator: the CustomResourceDefinition, spec.config of both versions",
    # The text as a whole is known, be there variables in it.
    reads_variables=True,
)
def configuration_of_the_other_form(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for obj in manifests.of(OPENTELEMETRY, "OpenTelemetryCollector"):
        version = text(obj.at("apiVersion")).rpartition("/")[2]
        config = obj.at("spec", "config")
        if version == "v1beta1" and isinstance(config, str) and isinstance(parsed(config), Mapping):
            yield error(
                obj.where("spec", "config"),
                "v1beta1 has a map here, and the API server refuses a text",
                "write config: without the bar behind it, or v1alpha1 as the version",
            )
        elif version == "v1alpha1" and isinstance(config, Mapping):
            yield error(
                obj.where("spec", "config"),
                "v1alpha1 has a text here, and the API server refuses a map",
                "write v1beta1 as the version, or config: | before the text",
            )

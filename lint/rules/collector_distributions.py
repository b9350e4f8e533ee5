"""Components that the image of a collector does not have."""

from collections.abc import Iterator

from lint.collector_keys import distributions, lacks
from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.objects import Manifests, mapping
from lint.rule import rule
from lint.views.collectors import Collector, collectors, kind_of
from lint.views.images import full_name
from lint.views.services import OPENTELEMETRY
from lint.views.versions import image_tag

# Where the project publishes its images, and how their names begin; a distribution has the rest of the name.
_PUBLISHERS = ("docker.io/otel/", "ghcr.io/open-telemetry/opentelemetry-collector-releases/")
_IMAGE, _DISTRIBUTION = "opentelemetry-collector", "otelcol"
_FOR_KUBERNETES = "otelcol-k8s"
_SECTIONS = ("receivers", "processors", "exporters", "connectors", "extensions")


@rule(
    code="N25",
    title="The image of a collector lacks a component",
    levels=(Severity.ERROR,),
    why=(
        "The image opentelemetry-collector has few components, opentelemetry-collector-k8s has those for Kubernetes, "
        "and opentelemetry-collector-contrib has them all. A collector does not start if its configuration has one "
        "that its image lacks, such as `tail_sampling` or `spanmetrics`."
    ),
    remedy="Set the image to that of a distribution with the component, such as opentelemetry-collector-contrib.",
    example="""
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
        spec:
          image: otel/opentelemetry-collector:0.150.0
          config:
            receivers: {otlp: {protocols: {grpc: {}}}}
            processors: {transform: {error_mode: ignore}}
            exporters: {otlp: {endpoint: "tempo.example.com:4317"}}
            service:
              pipelines: {traces: {receivers: [otlp], processors: [transform], exporters: [otlp]}}
    """,
    source="opentelemetry-collector-releases: distributions/*/manifest.yaml",
)
def component_that_the_image_lacks(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for collector in collectors(manifests, facts):
        distribution = _distribution(collector.image)
        for section, name in _lacking(collector, distribution):
            yield error(
                collector.where(section, name),
                f"the image {_image(distribution)} has no {kind_of(name)!r}, and the collector does not start with it",
                _remedy(collector, section, name),
            )


@rule(
    code="N25",
    title="The operator's image of a collector lacks a component",
    levels=(Severity.WARNING,),
    why=(
        "For an OpenTelemetryCollector without an image, the operator takes opentelemetry-collector, which has few "
        "components, and the collector does not start with another one. It is a warning, for the operator may have "
        "been installed with another image, as its Helm chart does. On OpenShift it takes that of Red Hat, so it is "
        "reported only where the platform is known."
    ),
    remedy="Set `image` to that of a distribution with the component, such as opentelemetry-collector-contrib.",
    example="""
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
        spec:
          config:
            receivers: {otlp: {protocols: {grpc: {}}}}
            processors: {transform: {error_mode: ignore}}
            exporters: {otlp: {endpoint: "tempo.example.com:4317"}}
            service:
              pipelines: {traces: {receivers: [otlp], processors: [transform], exporters: [otlp]}}
    """,
    source=(
        "opentelemetry-operator: internal/config/config.go, CollectorImage; "
        "opentelemetry-collector-releases: distributions/otelcol/manifest.yaml"
    ),
    facts=Facts(platform="kubernetes"),
)
def component_that_the_default_image_lacks(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for collector in collectors(manifests, facts):
        if collector.owner.group != OPENTELEMETRY or collector.image or facts.platform != "kubernetes":
            continue
        for section, name in _lacking(collector, _DISTRIBUTION):
            yield warning(
                collector.where(section, name),
                f"the image {_IMAGE}, which the operator takes by itself, has no {kind_of(name)!r}",
                _remedy(collector, section, name),
            )


def _lacking(collector: Collector, distribution: str) -> Iterator[tuple[str, str]]:
    """Yield the section and the name of each component that an image of this distribution lacks."""
    for section in _SECTIONS if distribution in distributions() else ():
        for name in mapping(collector.at(section)):
            if isinstance(name, str) and lacks(distribution, section, kind_of(name), collector.release):
                yield section, name


def _distribution(image: str) -> str:
    """That of an image that the project publishes; empty for any other."""
    repository = image.partition("@")[0]
    repository = full_name(repository.removesuffix(f":{image_tag(image)}"))
    name = repository.rpartition("/")[2]
    is_published = repository.startswith(_PUBLISHERS) and name.startswith(_IMAGE)
    return _DISTRIBUTION + name.removeprefix(_IMAGE) if is_published else ""


def _image(distribution: str) -> str:
    return distribution.replace(_DISTRIBUTION, _IMAGE, 1)


def _remedy(collector: Collector, section: str, name: str) -> str:
    suffices = not lacks(_FOR_KUBERNETES, section, kind_of(name), collector.release)
    return f"take the image {f'{_image(_FOR_KUBERNETES)} or ' if suffices else ''}{_IMAGE}-contrib"

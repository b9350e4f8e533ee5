"""Values of the chart opentelemetry-collector."""

from collections.abc import Iterator

from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.objects import Manifests
from lint.rule import rule
from lint.views.collector_chart import CHART
from lint.views.values import values
from lint.views.versions import Minor

_FIRST_WITHOUT_IMAGE: Minor = (0, 89)
_FIRST_WITH_HEALTH_CHECK: Minor = (0, 84)
_HEALTH_CHECKS = frozenset({"health_check", "healthcheckv2"})


@rule(
    code="N25",
    title="The chart of the collector is told no image",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "Since 0.89 the chart opentelemetry-collector has no image by itself, and Helm refuses to render it without "
        "`image.repository`. It is a warning for a file of values, beside which there may be another."
    ),
    remedy="Set `image.repository: otel/opentelemetry-collector-contrib`, or another build of the collector.",
    example="""
        apiVersion: helm.toolkit.fluxcd.io/v2
        kind: HelmRelease
        metadata: {name: otel, namespace: tracing-system}
        spec:
          chart: {spec: {chart: opentelemetry-collector, version: 0.150.0}}
          values: {mode: deployment}
    """,
    source="opentelemetry-helm-charts: charts/opentelemetry-collector/templates/NOTES.txt",
)
def chart_without_image(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for one in values(manifests, CHART):
        version = one.version
        is_older = version is not None and version < _FIRST_WITHOUT_IMAGE
        # The chart around a dependency may have the image. A file with the mode is the one with what the chart demands.
        is_dependency = one.path[-1:] == (CHART,) or (len(one.path) > 0 and not one.owner.kind)
        has_rest_elsewhere = one.are_all is False or (one.are_all is None and not one.at("mode"))
        if not (is_older or is_dependency or has_rest_elsewhere or one.at("image", "repository")):
            yield (error if one.are_all else warning)(
                one.where("image", "repository"),
                "Helm refuses to render the chart: it has no image by itself since 0.89",
                "set it, as otel/opentelemetry-collector-contrib",
            )


@rule(
    code="N25",
    title="The chart of the collector has no health check",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "A list replaces that of the chart: with `config.service.extensions` of one's own, the `health_check` that the "
        "chart's probes ask is gone, and since 0.84 Helm refuses to render the chart without it. It is a warning for a "
        "file of values, beside which there may be another."
    ),
    remedy="Add `health_check` to `config.service.extensions`.",
    example="""
        apiVersion: helm.toolkit.fluxcd.io/v2
        kind: HelmRelease
        metadata: {name: otel, namespace: tracing-system}
        spec:
          chart: {spec: {chart: opentelemetry-collector, version: 0.150.0}}
          values:
            mode: deployment
            image: {repository: otel/opentelemetry-collector-contrib}
            config:
              extensions: {pprof: {}}
              service: {extensions: [pprof]}
    """,
    source="opentelemetry-helm-charts: charts/opentelemetry-collector/templates/NOTES.txt",
)
def chart_without_health_check(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    path = ("config", "service", "extensions")
    for one in values(manifests, CHART):
        version = one.version
        is_older = version is not None and version < _FIRST_WITH_HEALTH_CHECK
        extensions = one.at(*path)
        if isinstance(extensions, list) and not is_older and _HEALTH_CHECKS.isdisjoint(map(str, extensions)):
            yield (error if one.are_all else warning)(
                one.where(*path),
                "Helm refuses to render the chart: its probes need the extension health_check, and it is not listed",
                "add health_check",
            )

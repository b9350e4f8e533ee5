"""Tempo's overrides and variables, and a generator that its operator does not know."""

import re
from collections.abc import Iterator, Mapping

from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.lifecycle import lifecycle
from lint.objects import Manifests, Object, Path, mapping, strings
from lint.rule import rule
from lint.tempo_keys import below, older_overrides, releases
from lint.views.services import TEMPO
from lint.views.tempos import EXTRA_CONFIG, tempos
from lint.views.versions import minor

GENERATOR: Path = ("spec", "template", "metricsGenerator")
KNOWS_GENERATOR = lifecycle().first_release("a TempoStack has a metrics generator")

# Two dollars are an escaped one: the variable is then meant for Grafana, and not for Tempo.
_VARIABLE = re.compile(r"(?<!\$)\$\{([^}]*)\}")
_EXPAND = "config.expand-env"
_EXPANDS_VARIABLES = lifecycle().first_release("Tempo expands variables")


@rule(
    code="N6",
    title="Tempo's overrides mix the older and the newer format",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "Tempo reads overrides either in the newer format, below `defaults`, or in the older one of flat keys, and "
        "does not start if it finds both. The operator of a TempoStack itself writes the older format for the metrics"
        " generator and for limits; `defaults` in a TempoStack without these is a warning."
    ),
    remedy=(
        "In a TempoMonolithic move the flat keys below `defaults`; in a TempoStack write the older format, such as "
        "`metrics_generator_processors: [...]`."
    ),
    example="""
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoMonolithic
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          extraConfig:
            tempo:
              overrides:
                max_bytes_per_trace: 5000000
                defaults: {ingestion: {rate_limit_bytes: 15000000}}
    """,
    source="tempo: modules/overrides/config.go; tempo-operator: internal/manifests/config/tempo-config.yaml",
)
def mixed_overrides(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for tempo in tempos(manifests, facts):
        overrides = mapping(tempo.at("overrides"))
        defaults = overrides.get("defaults")
        if defaults is None:
            continue
        if tempo.owner.kind == "TempoStack":
            yield (error if _writes_overrides(tempo.owner) else warning)(
                tempo.where("overrides", "defaults"),
                "the operator of a TempoStack writes overrides in the older format, and Tempo does not start with both",
                "write the older format, such as metrics_generator_processors: [...]",
            )
            continue
        older = older_overrides()
        for key in sorted(overrides.keys() & older):
            yield error(
                tempo.where("overrides", key),
                "Tempo does not start with a key of the older format beside `defaults`",
                "write it in the newer format, below `defaults`",
            )
        for key in sorted(mapping(defaults).keys() & older - _newer_overrides()):
            yield error(
                tempo.where("overrides", "defaults", key),
                "Tempo does not start with a key of the older format below `defaults`",
                "write it in the newer format, such as metrics_generator: {processors: [...]}",
            )


@rule(
    code="N17",
    title="The operator does not let Tempo expand a variable",
    levels=(Severity.ERROR,),
    why=(
        "Tempo operators before 0.21 start a monolithic Tempo without the flag `-config.expand-env`, so `${NAME}` "
        "stays as it is written."
    ),
    remedy="Write the value out, or upgrade the operator to 0.21 or later.",
    example="""
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoMonolithic
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          extraConfig:
            tempo:
              usage_report: {reporting_enabled: "${REPORT}"}
    """,
    source="https://github.com/grafana/tempo-operator/pull/1412",
    facts=Facts(tempo_operator_version="0.20.0"),
    reads_variables=True,
)
def variable_that_stays_literal(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    version = minor(facts.tempo_operator_version)
    if version is None or version >= _EXPANDS_VARIABLES:
        return
    for obj in manifests.of(TEMPO, "TempoMonolithic"):
        for path, value in strings(obj.at(*EXTRA_CONFIG), EXTRA_CONFIG):
            variable = _VARIABLE.search(value)
            if variable:
                yield error(
                    obj.where(*path),
                    f"Tempo operator {facts.tempo_operator_version} does not let Tempo expand {variable[0]!r}",
                    "write the value out, or upgrade the operator to 0.21 or later",
                )


@rule(
    code="N17",
    title="Tempo is not told to expand variables",
    levels=(Severity.ERROR,),
    why=(
        "Without the flag `-config.expand-env=true` Tempo takes `${NAME}` in its configuration as it is written, though"
        " its container has a variable of that name."
    ),
    remedy="Start Tempo with `-config.expand-env=true`.",
    example="""
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: tempo, namespace: tracing-system}
        data:
          tempo.yaml: |
            distributor: {receivers: {otlp: {protocols: {grpc: {endpoint: "0.0.0.0:4317"}}}}}
            storage: {trace: {backend: s3, s3: {bucket: traces, secret_key: "${KEY}"}}}
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
                  args: [-config.file=/conf/tempo.yaml]
                  env: [{name: KEY, valueFrom: {secretKeyRef: {name: store, key: key}}}]
              volumes: [{name: conf, configMap: {name: tempo}}]
    """,
    source="tempo: cmd/tempo/main.go",
)
def variable_without_the_flag(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for tempo in tempos(manifests, facts):
        written = {name for _, value in strings(tempo.config) for name in _VARIABLE.findall(value)}
        for runs in tempo.workloads:
            # Others are put in before the manifests are applied, as by Flux.
            meant = sorted(written & runs.variables)
            if meant and _EXPAND not in runs.command:
                yield error(
                    runs.owner.where(*runs.path, "args"),
                    f"without the flag -config.expand-env Tempo takes ${{{meant[0]}}} in {tempo.owner.label} as it is "
                    "written",
                    "add -config.expand-env=true",
                )


@rule(
    code="N20",
    title="The operator does not know the metrics generator of a TempoStack",
    levels=(Severity.ERROR,),
    why=(
        "The field `spec.template.metricsGenerator` came with Tempo operator 0.22. Older operators, and their CRD, do"
        " not know it, so there is no metrics generator and no service graph."
    ),
    remedy="Upgrade the operator to 0.22 or later, or use a TempoMonolithic with `extraConfig`.",
    example="""
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoStack
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          template:
            metricsGenerator: {enabled: true, remoteWriteURLs: ["http://prometheus.istio-system.svc:9090/api/v1/write"]}
    """,
    source="https://github.com/grafana/tempo-operator/pull/1401",
    facts=Facts(tempo_operator_version="0.21.0"),
)
def generator_that_the_operator_ignores(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    version = minor(facts.tempo_operator_version)
    if version is None or version >= KNOWS_GENERATOR:
        return
    for obj in manifests.of(TEMPO, "TempoStack"):
        generator = obj.at(*GENERATOR)
        if isinstance(generator, Mapping) and generator.get("enabled") is not False:
            yield error(
                obj.where(*GENERATOR),
                f"Tempo operator {facts.tempo_operator_version} does not know the metrics generator of a TempoStack",
                "upgrade the operator to 0.22 or later, or use a TempoMonolithic with extraConfig",
            )


def _writes_overrides(stack: Object) -> bool:
    """Whether the operator writes overrides of its own, in the older format: for the generator and for limits."""
    return stack.at(*GENERATOR, "enabled") is True or bool(mapping(stack.at("spec", "limits")))


def _newer_overrides() -> frozenset[str]:
    return frozenset(below(releases()[max(releases())], ("overrides", "defaults")) or ())

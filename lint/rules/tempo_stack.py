"""A TempoStack or a TempoMonolithic that its operator refuses, or what is refused beside another field.

The operator's webhook says so only when it is applied (tempo-operator: internal/webhooks).
"""

from collections.abc import Iterator

from lint.facts import Facts
from lint.findings import Fault, Severity, error
from lint.objects import Manifests, Path, number, sequence, text
from lint.rule import rule
from lint.rules.tempo import GENERATOR, KNOWS_GENERATOR
from lint.views.services import TEMPO
from lint.views.versions import minor

_LONGEST_NAME = 63
_JAEGER: Path = ("spec", "template", "queryFrontend", "jaegerQuery")
_JAEGER_OF_MONOLITHIC: Path = ("spec", "jaegerui")
_NO_INGRESS = ("", "none")


@rule(
    code="N32",
    title="The name of a Tempo is too long for its operator",
    levels=(Severity.ERROR,),
    why="The operator refuses a name of more than 63 characters: it labels what it makes with the name.",
    remedy="Choose a shorter name.",
    example="""
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoMonolithic
        metadata: {name: traces-of-the-whole-mesh-and-of-everything-that-is-attached-to-it, namespace: tracing-system}
    """,
    source="tempo-operator: internal/webhooks/validations.go",
)
def name_too_long(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for obj in manifests.of(TEMPO, "TempoStack", "TempoMonolithic"):
        if len(obj.name) > _LONGEST_NAME:
            yield error(
                obj.where("metadata", "name"),
                f"the operator refuses a name of more than {_LONGEST_NAME} characters, and this has {len(obj.name)}",
                "choose a shorter name",
            )


@rule(
    code="N32",
    title="A TempoStack and a TempoMonolithic have the same name",
    levels=(Severity.ERROR,),
    why="The operator refuses the second of two Tempos with one name in a namespace: what it makes has the same names.",
    remedy="Rename one of them.",
    example="""
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoMonolithic
        metadata: {name: tempo, namespace: tracing-system}
        ---
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoStack
        metadata: {name: tempo, namespace: tracing-system}
    """,
    source="tempo-operator: internal/webhooks/validations.go",
)
def name_of_both_kinds(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    of_stacks = {(obj.namespace, obj.name) for obj in manifests.of(TEMPO, "TempoStack")}
    for obj in manifests.of(TEMPO, "TempoMonolithic"):
        if obj.name and (obj.namespace, obj.name) in of_stacks:
            yield error(
                obj.where("metadata", "name"),
                "a TempoStack of this name is in the same namespace, and the operator refuses the second",
                "rename one of them",
            )


@rule(
    code="N32",
    title="Jaeger's page has an ingress and is not switched on",
    levels=(Severity.ERROR,),
    why="The operator refuses an ingress or a route to Jaeger's page without the page.",
    remedy="Set `enabled: true` beside it, or leave the ingress out.",
    example="""
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoMonolithic
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          jaegerui: {route: {enabled: true}}
    """,
    source=(
        "tempo-operator: internal/webhooks/tempostack_webhook.go; "
        "tempo-operator: internal/webhooks/tempomonolithic_webhook.go"
    ),
)
def ingress_without_jaeger(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for obj in manifests.of(TEMPO, "TempoStack"):
        path: Path = (*_JAEGER, "ingress", "type")
        if text(obj.at(*path)) not in _NO_INGRESS and obj.at(*_JAEGER, "enabled") is not True:
            yield error(
                obj.where(*path),
                "the operator refuses an ingress to Jaeger's page, which is not switched on",
                "set spec.template.queryFrontend.jaegerQuery.enabled: true, or leave the ingress out",
            )
    for obj in manifests.of(TEMPO, "TempoMonolithic"):
        for kind in ("ingress", "route"):
            path = (*_JAEGER_OF_MONOLITHIC, kind, "enabled")
            if obj.at(*path) is True and obj.at(*_JAEGER_OF_MONOLITHIC, "enabled") is not True:
                yield error(
                    obj.where(*path),
                    f"the operator refuses {'an ingress' if kind == 'ingress' else 'a route'} to Jaeger's page, which "
                    "is not switched on",
                    "set spec.jaegerui.enabled: true, or leave it out",
                )


@rule(
    code="N32",
    title="Jaeger's monitor tab has no Prometheus",
    levels=(Severity.ERROR,),
    why="The operator refuses the monitor tab without the URL of a Prometheus that has the metrics of the spans.",
    remedy="Set `monitorTab.prometheusEndpoint`.",
    example="""
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoStack
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          template: {queryFrontend: {jaegerQuery: {enabled: true, monitorTab: {enabled: true}}}}
    """,
    source="tempo-operator: internal/webhooks/tempostack_webhook.go",
)
def monitor_tab_without_prometheus(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for obj in manifests.of(TEMPO, "TempoStack"):
        path: Path = (*_JAEGER, "monitorTab")
        if obj.at(*path, "enabled") is True and not obj.at(*path, "prometheusEndpoint"):
            yield error(
                obj.where(*path, "prometheusEndpoint"),
                "the operator refuses the monitor tab without the URL of a Prometheus",
                "set it, such as to http://prometheus.istio-system.svc:9090",
            )


@rule(
    code="N32",
    title="There are too few ingesters for the copies of a trace",
    levels=(Severity.ERROR,),
    why=(
        "More than half of the copies of a trace have to be written. The operator refuses fewer ingesters than that: "
        "a replication factor of 3 needs 2."
    ),
    remedy="Set more `spec.template.ingester.replicas`, or a lower `spec.replicationFactor`.",
    example="""
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoStack
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          replicationFactor: 3
          template: {ingester: {replicas: 1}}
    """,
    source="tempo-operator: internal/webhooks/tempostack_webhook.go",
)
def too_few_ingesters(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for obj in manifests.of(TEMPO, "TempoStack"):
        copies = number(obj.at("spec", "replicationFactor"))
        replicas = number(obj.at("spec", "template", "ingester", "replicas"))
        # A size brings a number of its own.
        ingesters = 1 if replicas is None and not obj.at("spec", "size") else replicas
        if copies and ingesters is not None and ingesters < copies // 2 + 1:
            yield error(
                obj.where("spec", "replicationFactor"),
                f"a replication factor of {copies} needs {copies // 2 + 1} ingesters, and there "
                + ("is 1" if ingesters == 1 else f"are {ingesters}"),
                "set more spec.template.ingester.replicas, or a lower factor",
            )


@rule(
    code="N32",
    title="The metrics generator of a TempoStack has nowhere to write to",
    levels=(Severity.ERROR,),
    why="The operator refuses a metrics generator without a URL for its remote writes.",
    remedy="Set `spec.template.metricsGenerator.remoteWriteURLs`.",
    example="""
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoStack
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          template: {metricsGenerator: {enabled: true}}
    """,
    source="tempo-operator: internal/webhooks/tempostack_webhook.go",
)
def generator_without_url(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    version = minor(facts.tempo_operator_version)
    if version is not None and version < KNOWS_GENERATOR:
        return
    for obj in manifests.of(TEMPO, "TempoStack"):
        if obj.at(*GENERATOR, "enabled") is True and not sequence(obj.at(*GENERATOR, "remoteWriteURLs")):
            yield error(
                obj.where(*GENERATOR, "remoteWriteURLs"),
                "the operator refuses a metrics generator that has nowhere to write to",
                "add the URL of a Prometheus, such as http://prometheus.istio-system.svc:9090/api/v1/write",
            )


@rule(
    code="N32",
    title="Alerts of Tempo are asked for without its metrics",
    levels=(Severity.ERROR,),
    why="The operator refuses to make the rules of Tempo's alerts without the monitors that collect the metrics.",
    remedy="Switch the ServiceMonitors on too.",
    example="""
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoStack
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          observability: {metrics: {createPrometheusRules: true}}
    """,
    source=(
        "tempo-operator: internal/webhooks/tempostack_webhook.go; "
        "tempo-operator: internal/webhooks/tempomonolithic_webhook.go"
    ),
)
def alerts_without_metrics(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    metrics: Path = ("spec", "observability", "metrics")
    fields: dict[str, tuple[Path, Path]] = {
        "TempoStack": (("createPrometheusRules",), ("createServiceMonitors",)),
        "TempoMonolithic": (("prometheusRules", "enabled"), ("serviceMonitors", "enabled")),
    }
    for kind, (rules, monitors) in fields.items():
        for obj in manifests.of(TEMPO, kind):
            if obj.at(*metrics, *rules) is True and obj.at(*metrics, *monitors) is not True:
                yield error(
                    obj.where(*metrics, *rules),
                    "the operator refuses alerts without the metrics that they look at",
                    f"set {'.'.join(map(str, monitors))}: true beside it",
                )

"""Data sources for Grafana's operator, which gives each to the Grafanas that its selector chooses."""

from collections.abc import Iterator

from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.objects import Manifests, Object, mapping, strings
from lint.rule import rule
from lint.views.grafana import GRAFANA

_SELECTOR = ("spec", "instanceSelector")


@rule(
    code="N33",
    title="A GrafanaDatasource does not reach the Grafana in another namespace",
    levels=(Severity.ERROR,),
    why=(
        "Grafana's operator looks for the Grafanas that `instanceSelector` chooses in the namespace of the "
        "GrafanaDatasource only. The one with these labels is in another, so it never gets the data source."
    ),
    remedy="Set `allowCrossNamespaceImport: true`, or put both into one namespace.",
    example="""
        apiVersion: grafana.integreatly.org/v1beta1
        kind: Grafana
        metadata: {name: grafana, namespace: grafana, labels: {dashboards: grafana}}
        ---
        apiVersion: grafana.integreatly.org/v1beta1
        kind: GrafanaDatasource
        metadata: {name: prometheus, namespace: tracing-system}
        spec:
          uid: prometheus
          instanceSelector: {matchLabels: {dashboards: grafana}}
          datasource: {name: Prometheus, type: prometheus, access: proxy, url: "http://prometheus:9090"}
    """,
    source="grafana-operator: controllers/controller_shared.go",
)
def data_source_in_another_namespace(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for source, chosen in _with_grafanas(manifests):
        namespaces = sorted({grafana.namespace for grafana in chosen})
        allowed = source.at("spec", "allowCrossNamespaceImport") is True
        if allowed or not source.namespace or not all(namespaces) or not namespaces or source.namespace in namespaces:
            continue
        yield error(
            source.where("spec", "allowCrossNamespaceImport"),
            f"its Grafana is in the namespace {' or '.join(namespaces)}, and gets only data sources from there",
            "set it to true, or put both into one namespace",
        )


@rule(
    code="N33",
    title="A GrafanaDatasource selects no Grafana",
    levels=(Severity.WARNING,),
    why=(
        "The operator gives a data source to the Grafanas that have all labels of its `instanceSelector`. None here "
        "has them; it is a warning, since another one may be elsewhere."
    ),
    remedy="Give the Grafana these labels, or select those that it has.",
    example="""
        apiVersion: grafana.integreatly.org/v1beta1
        kind: Grafana
        metadata: {name: grafana, namespace: grafana, labels: {dashboards: grafana}}
        ---
        apiVersion: grafana.integreatly.org/v1beta1
        kind: GrafanaDatasource
        metadata: {name: prometheus, namespace: grafana}
        spec:
          uid: prometheus
          instanceSelector: {matchLabels: {dashboards: graphs}}
          datasource: {name: Prometheus, type: prometheus, access: proxy, url: "http://prometheus:9090"}
    """,
    source="grafana-operator: controllers/controller_shared.go",
)
def data_source_of_no_grafana(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for source, chosen in _with_grafanas(manifests):
        if not chosen:
            yield warning(
                source.where(*_SELECTOR, "matchLabels"),
                "no Grafana here has these labels, so the operator gives this data source to none",
                "give the Grafana these labels, or select those that it has",
            )


@rule(
    code="N33",
    title="A GrafanaDatasource has doubled dollars",
    levels=(Severity.WARNING,),
    why=(
        "Only in a provisioning file does Grafana make one dollar of two. The operator sends a GrafanaDatasource to "
        "Grafana's API, which keeps both: a query or a link with `$$__tags` then has a dollar too many. It is found in "
        "a cluster; a file may be for a tool that makes one dollar of two, as Flux does."
    ),
    remedy="Write one dollar: `$__tags`.",
    example="""
        apiVersion: grafana.integreatly.org/v1beta1
        kind: GrafanaDatasource
        metadata: {name: tempo, namespace: tracing-system, uid: 8c3a1f0e-5d62-4b07-9f41-2e6d7a90c1b5}
        spec:
          uid: tempo
          instanceSelector: {matchLabels: {dashboards: grafana}}
          datasource:
            name: Tempo
            type: tempo
            jsonData:
              serviceMap: {datasourceUid: prometheus}
              tracesToMetrics: {queries: [{name: Rate, query: "sum(rate(calls_total{$$__tags}[5m]))"}]}
    """,
    source=(
        "grafana-operator: controllers/datasource_controller.go; grafana: pkg/services/provisioning/values/values.go"
    ),
)
def doubled_dollar(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for obj in manifests.of(GRAFANA, "GrafanaDatasource"):
        # Of a file Flux may make one dollar of two before the cluster sees it (fluxcd/pkg: envsubst/parse/scan.go).
        if not obj.at("metadata", "uid"):
            continue
        for path, found in strings(obj.at("spec", "datasource", "jsonData"), ("spec", "datasource", "jsonData")):
            if "$$__" in found:
                yield warning(
                    obj.where(*path),
                    "the operator sends this to Grafana's API, which does not make one dollar of two",
                    "write one dollar",
                )


def _with_grafanas(manifests: Manifests) -> Iterator[tuple[Object, list[Object]]]:
    """Yield each data source with the Grafanas that it selects by labels alone, if there are Grafanas here."""
    grafanas = list(manifests.of(GRAFANA, "Grafana"))
    for source in manifests.of(GRAFANA, "GrafanaDatasource"):
        wanted = source.at(*_SELECTOR, "matchLabels")
        if grafanas and mapping(wanted) and not source.at(*_SELECTOR, "matchExpressions"):
            yield source, [one for one in grafanas if mapping(wanted).items() <= one.labels.items()]

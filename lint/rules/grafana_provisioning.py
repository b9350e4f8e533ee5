"""What Grafana does with data sources from files: it expands variables, and accepts one default."""

import re
from collections.abc import Hashable, Iterator

from lint.facts import Facts
from lint.findings import Fault, Severity, advice, error, warning
from lint.nearest import nearest
from lint.objects import Manifests, Object, number, strings, text
from lint.rule import rule
from lint.templates import is_unknown
from lint.views.grafana import SIDECAR_LABEL, DataSource, data_sources

# A variable that Grafana fills in later, behind a single dollar: `$__tags`, `${__value.raw}`. Not one of those that are
# meant to be expanded, `$__env{NAME}` and `$__file{name}`, nor one behind three dollars, which some tool makes two of.
_SINGLE_DOLLAR = re.compile(r"(?<!\$)\$(?:\{__\w[^}]*\}|__\w+(?![\w{]))")

# Of a data source in a file (grafana: pkg/services/provisioning/datasources/types.go). Of the last four, older releases
# read the passwords, and the others stand in examples of Grafana's documentation, where they do no harm.
_FIELDS = frozenset(
    {
        "access",
        "basicAuth",
        "basicAuthUser",
        "correlations",
        "database",
        "editable",
        "isDefault",
        "jsonData",
        "name",
        "orgId",
        "orgName",
        "secureJsonData",
        "type",
        "uid",
        "url",
        "user",
        "version",
        "withCredentials",
        "apiVersion",
        "basicAuthPassword",
        "password",
        "readOnly",
    }
)
# None is proxy too.
_ACCESS = ("", "proxy", "direct")
_REMEDY_IN_CHART = "set isDefault to false here, or grafana.sidecar.datasources.isDefaultDatasource"


@rule(
    code="N33",
    title="Grafana expands a variable too early",
    levels=(Severity.ERROR,),
    why=(
        "In a provisioning file Grafana replaces `$name` and `${name}` by environment variables, also in queries and "
        "links. One such as `$__tags` or `${__value.raw}`, which is to be filled in with each click, is gone by then: "
        "the link has no value, the query no filter."
    ),
    remedy="Write two dollars: `$$__tags`, `$${__value.raw}`.",
    example="""
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: grafana-datasources, namespace: tracing-system}
        data:
          datasources.yaml: |
            apiVersion: 1
            datasources:
              - name: Tempo
                uid: tempo
                type: tempo
                jsonData:
                  serviceMap: {datasourceUid: prometheus}
                  tracesToMetrics:
                    datasourceUid: prometheus
                    queries: [{name: Rate, query: "sum(rate(calls_total{$__tags}[5m]))"}]
    """,
    source="grafana: pkg/services/provisioning/values/values.go",
    reads_variables=True,
)
def variable_expanded_too_early(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for source in data_sources(manifests):
        if source.provisioned:
            # In all fields that are texts (grafana: pkg/services/provisioning/values/values.go).
            for path, found in strings(source.entry):
                variable = _SINGLE_DOLLAR.search(found)
                if variable:
                    yield error(
                        source.where(*path),
                        f"Grafana takes {variable[0]} for an environment variable when it reads the file, and puts "
                        "nothing in its place",
                        f"write ${variable[0]}",
                    )


@rule(
    code="N33",
    title="Two data sources are the default",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "Grafana accepts one default in the provisioning of an organization. With a second it does not start. The chart"
        " kube-prometheus-stack makes its own Prometheus the default unless it is told not to; that is a warning, since"
        " other values may tell it."
    ),
    remedy=(
        "Keep `isDefault: true` at one data source. In values of kube-prometheus-stack, "
        "`grafana.sidecar.datasources.isDefaultDatasource: false` leaves it to another."
    ),
    example="""
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: grafana-datasources, namespace: tracing-system}
        data:
          datasources.yaml: |
            apiVersion: 1
            datasources:
              - {name: Prometheus, uid: prometheus, type: prometheus, isDefault: true}
              - {name: Loki, uid: loki, type: loki, isDefault: true}
    """,
    source=(
        "grafana: pkg/services/provisioning/datasources/config_reader.go; "
        "prometheus-community/helm-charts: charts/kube-prometheus-stack/templates/grafana/configmaps-datasources.yaml"
    ),
)
def two_default_data_sources(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    defaults: dict[Hashable, list[DataSource]] = {}
    for source in data_sources(manifests):
        if source.provisioned and source.is_default:
            organization = number(source.at("orgId")) or 1
            defaults.setdefault((source.grafana, organization), []).append(source)
    for first, *others in defaults.values():
        owners = {_named(first.owner): first.owner}
        for other in others:
            # Of two objects with the same name only one can be in the cluster.
            if owners.setdefault(_named(other.owner), other.owner) is other.owner:
                yield (warning if first.assumed else error)(
                    other.where("isDefault"),
                    f"{_shown(first)} is the default too, and Grafana does not start with two",
                    _REMEDY_IN_CHART if first.assumed else "set isDefault to false at one of them",
                )


@rule(
    code="N33",
    title="Grafana does not know the access of a data source",
    levels=(Severity.ADVICE,),
    why=(
        "`access` says who asks a data source: with `proxy` it is Grafana, with `direct` the browser. Grafana takes any"
        " other word for `proxy`, with a warning in its log, and the data source works."
    ),
    remedy="Write `proxy`.",
    example="""
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: grafana-datasources, namespace: tracing-system}
        data:
          datasources.yaml: |
            apiVersion: 1
            datasources: [{name: Loki, uid: loki, type: loki, access: server}]
    """,
    source="grafana: pkg/services/provisioning/datasources/config_reader.go, validateAccessAndOrgID",
)
def access_that_grafana_does_not_know(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for source in data_sources(manifests):
        access = text(source.at("access"))
        if source.provisioned and access not in _ACCESS:
            yield advice(source.where("access"), f"Grafana knows no access {access!r}, and takes proxy", "write proxy")


@rule(
    code="N33",
    title="A data source has a field that does not exist",
    levels=(Severity.WARNING,),
    why=(
        "Grafana passes over a field of a provisioned data source that it does not know, such as `default` or "
        "`httpMethod` beside `url`. Those of one type, such as `httpMethod`, stand in `jsonData`, and passwords in "
        "`secureJsonData`."
    ),
    remedy="Write the field as Grafana calls it, at its place: `isDefault`, `jsonData.httpMethod`.",
    example="""
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: grafana-datasources, namespace: tracing-system}
        data:
          datasources.yaml: |
            apiVersion: 1
            datasources: [{name: Loki, uid: loki, type: loki, default: true}]
    """,
    source="grafana: pkg/services/provisioning/datasources/types.go, upsertDataSourceFromConfigV1",
    reads_variables=True,
)
def field_that_a_data_source_does_not_have(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for source in data_sources(manifests):
        for field in source.entry if source.provisioned and not source.assumed else ():
            if isinstance(field, str) and not is_unknown(field) and field not in _FIELDS:
                yield warning(
                    source.where(field),
                    "Grafana knows no such field of a data source, and passes over it",
                    _nearest_field(field),
                )


@rule(
    code="N33",
    title="Data sources are in a file that Grafana does not read",
    levels=(Severity.ERROR,),
    why=(
        "Grafana reads data sources from files whose name ends in `.yaml` or `.yml`. It passes over any other, and the "
        "sidecar of its chart gives the file the name of the key."
    ),
    remedy="Rename the key, such as to `datasources.yaml`.",
    example="""
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: grafana-datasources, namespace: tracing-system, labels: {grafana_datasource: "1"}}
        data:
          datasources.json: |
            apiVersion: 1
            datasources: [{name: Loki, uid: loki, type: loki}]
    """,
    source="grafana: pkg/services/provisioning/datasources/config_reader.go, readConfig",
)
def data_sources_in_another_file(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    files = {(id(source.owner), source.file): source for source in data_sources(manifests) if source.file}
    for source in files.values():
        # A workload may mount a key under another name; the sidecar does not.
        if SIDECAR_LABEL in source.owner.labels and not source.file.endswith((".yaml", ".yml")):
            yield error(
                source.owner.where(*source.path[:2]),
                "Grafana reads files that end in .yaml or .yml, and passes over this one",
                "rename the key",
            )


def _nearest_field(field: str) -> str:
    meant = {name.lower(): name for name in _FIELDS}
    # As isDefault for default.
    longer = next((letters for letters in meant if letters.endswith(field.lower())), None)
    near = longer or nearest(field.lower(), meant)
    return f"write {meant[near]}" if near else "move it into jsonData, if it is a setting of this type, or leave it out"


def _named(owner: Object) -> tuple[str, str]:
    return owner.kind, owner.name


def _shown(source: DataSource) -> str:
    """A name for a message, which does not quote a Secret."""
    if source.assumed:
        return "the Prometheus that the chart adds"
    return "another one" if source.owner.kind == "Secret" else f"the data source {source.name!r}"

"""Values of charts: whose they are, which version counts, and what no chart reads."""

import textwrap

import pytest

from lint import RULES, Facts
from lint.chart_values import CHARTS, is_recorded, keys
from lint.objects import Manifests
from lint.reading.content import objects_in, parse
from lint.registry import examine
from lint.views.values import Values, values

CHART = """
apiVersion: v2
name: monitoring
version: 0.1.0
dependencies:
  - {name: tempo-distributed, alias: traces, version: VERSION, repository: "https://charts.example.com"}
"""
KUSTOMIZATION = """
helmCharts:
  - {name: opentelemetry-collector, version: 0.150.0, repo: "https://charts.example.com", valuesFile: otel.yaml}
  - name: tempo
    version: 1.24.0
    repo: https://charts.example.com
    valuesInline: {persistence: {enabled: true}, storage: {trace: {backend: s3}}}
"""


def manifests(**files: str) -> Manifests:
    """What files of these names have, in which a double underscore stands for a slash, and a single one for a dot."""
    objects = []
    for name, text in files.items():
        objects.extend(objects_in(*parse(name.replace("__", "/").replace("_", "."), textwrap.dedent(text))))
    return Manifests(tuple(objects))


def found(**files: str) -> list[str]:
    """Each finding about values of charts, by the file and the field."""
    rules = [rule for rule in RULES if rule.name == "value_that_the_chart_does_not_read"]
    places = [finding.place for finding in examine(manifests(**files), Facts(), rules)]
    return sorted(
        f"{place.owner.source.name}: {str(place).rpartition(': ')[2]}" for place in places if place.owner.source
    )


def of(*charts: str, **files: str) -> list[Values]:
    return list(values(manifests(**files), *charts))


def test_a_version_counts_where_it_is_named() -> None:
    release = """
    apiVersion: helm.toolkit.fluxcd.io/v2
    kind: HelmRelease
    metadata: {name: tempo, namespace: tracing-system}
    spec:
      chart: {spec: {chart: tempo-distributed, version: VERSION}}
      values: {metricsGenerator: {enabled: true, processor: {local_blocks: {}}}}
    """
    assert found(release_yaml=release.replace("VERSION", "1.58.1")) == [
        "release.yaml: spec.values.metricsGenerator.processor"
    ]


def test_a_chart_beside_the_values_says_whose_they_are() -> None:
    own = "traces: {serviceMonitor: {enabled: true}}"
    assert found(tempo__Chart_yaml=CHART.replace("VERSION", "2.4.2"), tempo__values_yaml=own) == [
        "tempo/values.yaml: traces.serviceMonitor"
    ]
    # Of a chart in another folder nothing is known.
    assert found(other__Chart_yaml=CHART.replace("VERSION", "2.4.2"), tempo__values_yaml=own) == []


def test_kustomize_has_values_inline_and_in_files_beside() -> None:
    files = {"kustomization_yaml": KUSTOMIZATION, "otel_yaml": "mode: deployment\ntracing: {enabled: true}\n"}
    assert found(**files) == [
        "kustomization.yaml: helmCharts[1].valuesInline.storage",
        "otel.yaml: tracing",
    ]


def test_argo_cd_names_files_of_another_source() -> None:
    application = """
    apiVersion: argoproj.io/v1alpha1
    kind: Application
    metadata: {name: tempo, namespace: argocd}
    spec:
      sources:
        - repoURL: https://charts.example.com
          chart: tempo
          targetRevision: 1.24.0
          helm: {valueFiles: [$values/apps/tempo.yaml]}
        - {repoURL: "https://git.example.com/apps", ref: values}
    """
    assert found(application_yaml=application, repo__apps__tempo_yaml="storage: {trace: {backend: s3}}") == [
        "repo/apps/tempo.yaml: storage"
    ]


def test_helmfile_has_values_in_a_list() -> None:
    helmfile = """
    releases:
      - {name: tempo, chart: grafana/tempo, version: 1.24.0, values: [{storage: {trace: {backend: s3}}}, more.yaml]}
    """
    assert found(helmfile_yaml=helmfile, more_yaml="querier: {replicas: 2}") == [
        "helmfile.yaml: releases[0].values[0].storage",
        "more.yaml: querier",
    ]


def test_a_chart_of_ones_own_may_read_any_value() -> None:
    helmfile = "releases: [{name: tempo, chart: ./charts/tempo, version: 1.24.0, values: [{company: {a: 1}}]}]"
    assert found(helmfile_yaml=helmfile) == []
    own = CHART.replace("VERSION", "2.4.2").replace("https://charts.example.com", "file://../tempo-distributed")
    assert found(Chart_yaml=own, values_yaml="traces: {serviceMonitor: {enabled: true}}") == []


def test_a_copy_of_a_chart_may_read_keys_that_tempo_does_not_know() -> None:
    values_of_copy = "tempo: {server: {httpListenPort: 3100}, storage: {trace: {backend: s3}}}"
    rules = [rule for rule in RULES if rule.name == "unknown_key"]

    def refused(**files: str) -> list[str]:
        return [str(one.place) for one in examine(manifests(values_yaml=values_of_copy, **files), Facts(), rules)]

    assert refused(Chart_yaml="apiVersion: v2\nname: tempo\nversion: 0.7.1\n") == []
    assert refused() == ["values.yaml: document: tempo.server.httpListenPort"]


def test_two_versions_of_one_chart_are_none() -> None:
    two = KUSTOMIZATION + "  - {name: opentelemetry-collector, version: 0.80.0, valuesFile: otel.yaml}\n"
    [one] = of("opentelemetry-collector", kustomization_yaml=two, otel_yaml="mode: deployment")
    assert one.said is not None
    assert one.version is None


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        # Most of it is read by the chart, and the rest has a place: below resources, or under another name.
        ("limits: {memory: 1Gi}", ["grafana.yaml: limits"]),
        ("podSecurityContext: {fsGroup: 472}", ["grafana.yaml: podSecurityContext"]),
        # It may be a value of a chart around this one.
        ("company: example", []),
        ("loki-stack: {enabled: true}\npodSecurityContext: {fsGroup: 472}", []),
    ],
)
def test_what_a_file_of_nobody_has_beside_known_values_has_a_place(own: str, expected: list[str]) -> None:
    known = (
        "grafana.ini: {}\nreplicas: 1\nplugins: []\npersistence: {enabled: true}\nadmin: {existingSecret: grafana}\n"
    )
    assert found(grafana_yaml=f"{known}{own}\n") == expected


def test_what_is_switched_off_counts_if_another_chart_has_it() -> None:
    release = """
    apiVersion: helm.toolkit.fluxcd.io/v2
    kind: HelmRelease
    metadata: {name: grafana, namespace: tracing-system}
    spec:
      chart: {spec: {chart: grafana}}
      values: {FIELD: false}
    """
    assert found(release_yaml=release.replace("FIELD", "defaultDashboardsEnabled")) == [
        "release.yaml: spec.values.defaultDashboardsEnabled"
    ]
    assert found(release_yaml=release.replace("FIELD", "somethingElse")) == []


def test_a_dependency_reads_what_its_own_chart_reads() -> None:
    stack = "prometheus: {prometheusSpec: {replicas: 1}}\ngrafana: {replicas: 1, defaultDashboardsEnabled: false}\n"
    assert found(stack_yaml=stack) == []
    assert "grafana.ini" in keys("kube-prometheus-stack")["grafana"]


def test_the_configuration_of_a_program_is_not_at_the_top_of_its_values() -> None:
    agent = "agent: {mode: flow}\ntraces: {configs: [{name: default}]}\n"
    assert found(agent_yaml=agent) == ["agent.yaml: traces"]


@pytest.mark.parametrize("chart", CHARTS)
def test_each_chart_has_versions_and_keys(chart: str) -> None:
    assert keys(chart)
    assert not is_recorded(chart, (9999, 0))
    assert keys(chart, (9999, 0)) == keys(chart)


def test_a_key_is_known_in_the_versions_that_read_it() -> None:
    assert "global_overrides" in keys("tempo-distributed", (1, 32))
    assert "global_overrides" not in keys("tempo-distributed", (1, 33))


LGTM = """
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: lgtm, namespace: argocd}
spec:
  source:
    repoURL: https://charts.example.com
    chart: lgtm-distributed
    targetRevision: 3.0.1
    helm: {valuesObject: {tempo: VALUES}}
"""


def test_the_tempo_in_a_chart_of_several_products_is_looked_at_as_that_chart_is() -> None:
    broken = LGTM.replace("VALUES", "{storage: {trace: {backend: local}}}")
    right = LGTM.replace("VALUES", "{storage: {trace: {backend: s3}}, traces: {otlp: {grpc: {enabled: true}}}}")
    assert sorted({one.code for one in examine(manifests(a_yaml=broken), Facts())}) == ["N31", "N35"]
    assert examine(manifests(a_yaml=right), Facts()) == []


def test_a_value_of_a_workload_that_its_template_does_not_ask_for_is_found() -> None:
    known = keys("tempo-distributed")
    assert "max_concurrent_queries" not in (known["querier"] or ())
    assert {"replicas", "resources", "config", "extraEnv"} <= (known["querier"] or {}).keys()


def test_values_below_a_key_of_ones_own_are_not_taken_for_those_of_a_chart() -> None:
    own = (
        "otelCollector: {name: a, replicas: 2, config: {receivers: {otlp: {}}, exporters: {debug: {}}}, receivers: {}}"
    )
    assert found(values_yaml=own) == []


@pytest.mark.parametrize(
    ("version", "files", "values", "expected"),
    [
        ("3.3.0", "[values.yaml]", "ingest: {kafka: {topic: traces}}", ["warning N35"]),
        ("3.3.0", "[values.yaml]", "ingest: {kafka: {address: 'kafka.kafka.svc:9092'}}", []),
        ("3.3.0", "[values.yaml]", "{blockBuilder: {enabled: false}, liveStore: {enabled: false}}", []),
        ("3.3.0", "[values.yaml, more.yaml]", "ingest: {kafka: {topic: traces}}", []),
        ("2.9.0", "[values.yaml]", "gateway: {enabled: true}", []),
    ],
)
def test_a_chart_that_writes_to_kafka_is_told_its_address(
    version: str, files: str, values: str, expected: list[str]
) -> None:
    source = f"{{chart: tempo-distributed, targetRevision: {version}, helm: {{valueFiles: {files}}}}}"
    app = f"{{apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {{name: a}}, spec: {{source: {source}}}}}"
    rules = [rule for rule in RULES if rule.name == "chart_without_kafka"]
    found = examine(manifests(app_yaml=app, values_yaml=values), Facts(), rules)
    assert [f"{one.severity} {one.code}" for one in found] == expected

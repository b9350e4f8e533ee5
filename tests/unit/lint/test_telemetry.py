"""Telemetries: which of them count, for what, with which provider and how many requests."""

from collections.abc import Callable, Sequence

import pytest
import yaml

import lint
from lint.objects import Manifests, Object, Source
from lint.registry import examine

Codes = Callable[..., list[str]]

ISTIO = """
apiVersion: sailoperator.io/v1
kind: Istio
metadata: {name: default}
spec:
  version: v1.31.0
  namespace: istio-system
  %s
  values:
    meshConfig:
      extensionProviders:
        - {name: otel, opentelemetry: {service: otel.example.com, port: 4317}}
        - {name: logs, envoyOtelAls: {service: logs.example.com, port: 4317}}
---
"""
PLAIN_ISTIO = ISTIO % ""


def telemetry(tracing: str, name: str = "mesh", namespace: str = "istio-system", spec: str = "") -> str:
    return f"""
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {{name: {name}, namespace: {namespace}}}
spec: {{{spec} tracing: [{tracing}]}}
---
"""


OTEL = "{providers: [{name: otel}], randomSamplingPercentage: 10}"


def from_files(texts: Sequence[tuple[str, str]]) -> list[str]:
    objects = [Object(raw, Source(name)) for name, text in texts for raw in yaml.safe_load_all(text) if raw]
    return [f"{one.severity} {one.code}" for one in examine(Manifests(tuple(objects)), lint.Facts())]


@pytest.mark.parametrize(
    ("provider", "expected"),
    [("otel", []), ("logs", ["error N27"]), ("envoy", ["error N27"]), ("gone", ["error N2"])],
)
def test_a_provider_traces_or_is_refused(codes: Codes, provider: str, expected: list[str]) -> None:
    used = telemetry(f"{{providers: [{{name: {provider}}}], randomSamplingPercentage: 10}}")
    assert codes(PLAIN_ISTIO + used) == expected


def test_the_builtin_provider_for_access_logs_traces_nothing_in_any_mesh(codes: Codes) -> None:
    assert codes(telemetry("{providers: [{name: envoy}]}")) == ["error N27"]


@pytest.mark.parametrize("kind", ["opencensus", "lightstep"])
def test_a_kind_that_istio_gave_up_is_doubtful(codes: Codes, kind: str) -> None:
    old = PLAIN_ISTIO.replace("envoyOtelAls", kind)
    used = telemetry("{providers: [{name: logs}], randomSamplingPercentage: 10}")
    assert codes(old + used) == ["warning N27"]


def test_two_telemetries_of_one_folder_are_a_mistake_and_of_two_may_be_alternatives() -> None:
    first, second = telemetry(OTEL, "a"), telemetry(OTEL, "b")
    assert from_files([("x/a.yaml", first), ("x/b.yaml", second)]) == ["error N27"]
    assert from_files([("x/a.yaml", first), ("y/b.yaml", second)]) == ["warning N27"]


def test_what_has_no_namespace_goes_to_the_same_one_as_the_rest_of_its_file() -> None:
    first, second = (telemetry(OTEL, name).replace(", namespace: istio-system", "") for name in "ab")
    assert from_files([("x/a.yaml", first + second)]) == ["error N27"]
    assert from_files([("x/a.yaml", first), ("x/b.yaml", second)]) == []


def test_a_telemetry_that_comes_twice_is_one(codes: Codes) -> None:
    assert codes(telemetry(OTEL) + telemetry(OTEL)) == []


def test_two_telemetries_that_do_not_trace_break_no_trace(codes: Codes) -> None:
    metrics = (
        "{apiVersion: telemetry.istio.io/v1, kind: Telemetry, metadata: {name: %s, namespace: istio-system}}\n---\n"
    )
    assert codes(metrics % "a" + metrics % "b") == ["warning N27"]


def test_two_telemetries_for_the_same_workloads_may_agree(codes: Codes) -> None:
    selecting = "selector: {matchLabels: {app: a}},"
    first = telemetry(OTEL, "a", "shop", selecting)
    assert codes(first + telemetry(OTEL, "b", "shop", selecting)) == []
    assert codes(first + telemetry("{disableSpanReporting: false}", "b", "shop", selecting)) == []
    assert codes(first + telemetry("{randomSamplingPercentage: 2}", "b", "shop", selecting)) == ["warning N27"]
    other = "match: {mode: CLIENT}, randomSamplingPercentage: 2"
    assert codes(first + telemetry(f"{{{other}}}", "b", "shop", selecting)) == []


def test_an_empty_selector_is_none(codes: Codes) -> None:
    empty = telemetry(OTEL, "b", spec="selector: {matchLabels: {}},")
    assert codes(telemetry(OTEL, "a") + empty) == ["error N27"]


def test_the_older_telemetry_is_the_one_that_counts(check_yaml: Callable[..., list[lint.Finding]]) -> None:
    old = telemetry(OTEL, "z").replace("name: z,", "name: z, creationTimestamp: 2025-01-01T00:00:00Z,")
    (finding,) = check_yaml(telemetry(OTEL, "a") + old)
    assert (finding.place.owner.name, "z in the same namespace" in finding.why) == ("a", True)


@pytest.mark.parametrize(
    "above", [telemetry(OTEL), telemetry(OTEL, "ns", "shop") + telemetry("{disableSpanReporting: true}")]
)
def test_a_telemetry_takes_the_provider_of_one_above_it(codes: Codes, above: str) -> None:
    own = telemetry("{randomSamplingPercentage: 1}", "own", "shop", "selector: {matchLabels: {app: a}},")
    assert codes(PLAIN_ISTIO + above + own) == []


def test_a_telemetry_without_provider_may_have_one_above_it_elsewhere(codes: Codes) -> None:
    own = telemetry("{randomSamplingPercentage: 1}", "own", "shop", "selector: {matchLabels: {app: a}},")
    assert codes(PLAIN_ISTIO + own) == ["warning N27"]
    assert codes(own) == []


def test_a_telemetry_that_switches_spans_off_needs_no_provider(codes: Codes) -> None:
    assert codes(PLAIN_ISTIO + telemetry("{disableSpanReporting: true}")) == []


@pytest.mark.parametrize(
    "setting",
    [
        "profile: demo",
        "profile: ''",
        "values: {}",
    ],
)
def test_sampling_is_set_by_the_profile_for_demonstrations_only(codes: Codes, setting: str) -> None:
    mesh = ISTIO % (setting if "profile" in setting else "")
    expected = [] if setting == "profile: demo" else ["warning N27"]
    assert codes(mesh + telemetry("{providers: [{name: otel}]}")) == expected


@pytest.mark.parametrize(
    "setting",
    [
        "pilot: {env: {PILOT_TRACE_SAMPLING: '100'}}, meshConfig: {",
        "pilot: {traceSampling: 100}, meshConfig: {",
        "meshConfig: {defaultConfig: {tracing: {sampling: 50}}, ",
    ],
)
def test_sampling_may_be_set_in_the_mesh_configuration(codes: Codes, setting: str) -> None:
    release = f"""
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {{name: istiod, namespace: istio-system}}
spec:
  chart: {{spec: {{chart: istiod, version: 1.31.0}}}}
  values: {{{setting} extensionProviders: [{{name: otel, opentelemetry: {{service: otel.example.com, port: 1}}}}]}}}}
---
"""
    assert codes(release + telemetry("{providers: [{name: otel}]}")) == []


def test_the_profile_for_demonstrations_brings_providers(codes: Codes) -> None:
    demo = "{apiVersion: install.istio.io/v1alpha1, kind: IstioOperator, metadata: {name: a}, spec: {profile: %s}}"
    used = telemetry("{providers: [{name: jaeger}]}")
    assert codes(demo % "demo" + "\n---\n" + used) == []
    assert "error N2" in codes(demo % "default" + "\n---\n" + used)


def test_the_built_in_stackdriver_traces_only_with_an_older_release_or_with_google_s_mesh(codes: Codes) -> None:
    used = telemetry("{providers: [{name: stackdriver}], randomSamplingPercentage: 100}")
    istio = "{apiVersion: install.istio.io/v1alpha1, kind: IstioOperator, metadata: {name: a}, spec: {tag: %s}}\n---\n"
    google = "{apiVersion: mesh.cloud.google.com/v1beta1, kind: ControlPlaneRevision, metadata: {name: a}}\n---\n"
    assert codes(used) == codes(istio % "1.23.0" + used) == ["warning N27"]
    assert codes(istio % "1.22.8" + used) == codes(google + used) == []


@pytest.mark.parametrize("rate", ["0", "100", "0.01", "100.0"])
def test_every_percentage_is_a_rate(codes: Codes, rate: str) -> None:
    assert codes(telemetry(f"{{providers: [{{name: otel}}], randomSamplingPercentage: {rate}}}")) == []


@pytest.mark.parametrize(
    "values",
    [
        "meshConfig: {defaultConfig: {tracing: {sampling: 10000, zipkin: {address: 'zipkin.tools:9411'}}}}",
        "pilot: {env: {PILOT_TRACE_SAMPLING: '200'}}",
    ],
)
def test_a_rate_of_the_mesh_that_is_no_percentage_is_not_used(codes: Codes, values: str) -> None:
    istio = "{apiVersion: sailoperator.io/v1, kind: Istio, metadata: {name: default}, spec: {version: v1.31.0, %s}}"
    assert codes(istio % f"values: {{{values}}}") == ["error N27"]


@pytest.mark.parametrize(
    ("entry", "remedy"),
    [
        ("{providers: [{name: otel}], random_sampling_percentage: 1}", "write randomSamplingPercentage"),
        ("{providers: [{name: otel}], samplingPercentage: 1}", "write randomSamplingPercentage"),
        ("{provider: [{name: otel}]}", "write providers"),
        ("{providers: [{nam: otel}]}", "write name"),
        ("{providers: [{name: otel}], match: {modes: CLIENT}}", "write mode"),
        ("{providers: [{name: otel}], customTags: {a: {requestHeader: {name: b}}}}", "write header"),
    ],
)
def test_a_field_that_does_not_exist_gets_the_nearest_one_as_a_remedy(
    check_yaml: Callable[..., list[lint.Finding]], entry: str, remedy: str
) -> None:
    assert [(one.code, one.remedy) for one in check_yaml(telemetry(entry))] == [("N27", remedy)]


def test_a_field_of_an_entry_beside_the_entries_is_moved_into_one(
    check_yaml: Callable[..., list[lint.Finding]],
) -> None:
    (finding,) = check_yaml(telemetry(OTEL, spec="randomSamplingPercentage: 5,"))
    assert finding.remedy == "move it into an entry of tracing"


@pytest.mark.parametrize(("namespace", "found"), [("istio-system", []), ("shop", ["warning N27"])])
def test_a_selector_in_the_root_namespace_may_be_for_a_collector_there(
    codes: Codes, namespace: str, found: list[str]
) -> None:
    collector = f"""
apiVersion: opentelemetry.io/v1beta1
kind: OpenTelemetryCollector
metadata: {{name: own, namespace: {namespace}}}
spec: {{mode: deployment}}
---
"""
    labels = f"{{app.kubernetes.io/component: opentelemetry-collector, app.kubernetes.io/instance: {namespace}.own}}"
    quiet = telemetry("{disableSpanReporting: true}", spec=f"selector: {{matchLabels: {labels}}},")
    assert [code for code in codes(PLAIN_ISTIO + collector + quiet) if "N27" in code] == found


def test_a_selector_in_the_root_namespace_may_be_for_pods_there(codes: Codes) -> None:
    deployment = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: edge, namespace: istio-system}
spec: {template: {metadata: {labels: {app: edge, version: v1}}}}
---
"""
    selecting = telemetry(OTEL, spec="selector: {matchLabels: {app: edge}},")
    assert codes(selecting) == ["warning N27"]
    assert codes(deployment + selecting) == []
    assert codes(selecting.replace("istio-system", "shop")) == []


@pytest.mark.parametrize(
    "value",
    [
        "request.headers[':authority'] == 'a' && !(response.code in [200, 201])",
        "has(request.headers.x) ? request.headers.x : 'none'",
        "string(destination.port) + '/' + xds.route_name",
        "filter_state['wasm.a']",
        "[1, 2].exists(n, n == response.code)",
        "request.path.matches(r'^/a\\d')",
        "istio_operationId",
        "upstream_peer.labels['app'].value",
        "''",
        "${HOST} | x",
        "{{ .Values.host }}",
        "(" * 3000,
    ],
)
def test_an_expression_of_attributes_that_proxies_have_is_right(codes: Codes, value: str) -> None:
    assert codes(metric(value)) == []


@pytest.mark.parametrize(
    "value",
    [
        "%REQ(X-ID)%",
        "%{CLUSTER_NAME}",
        "{{ .source_app | default 'unknown' }}",
        "request.host | 'none'",
        "request.host = 'a'",
        "'bookinfo",
        "two words",
        "v1.2.3",
        "request.headers[x",
        "v1",
        "request.hots",
        "source.workload.name",
        "request.host + suffix",
    ],
)
def test_what_proxies_cannot_make_a_tag_of_is_found(codes: Codes, value: str) -> None:
    assert codes(metric(value)) == ["warning N27"]


def metric(value: str) -> str:
    spec = {"metrics": [{"overrides": [{"tagOverrides": {"tag": {"value": value}}}]}]}
    kind = {"apiVersion": "telemetry.istio.io/v1", "kind": "Telemetry", "metadata": {"name": "a", "namespace": "b"}}
    return yaml.safe_dump({**kind, "spec": spec})

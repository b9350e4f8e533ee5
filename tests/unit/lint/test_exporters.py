"""From a collector to Tempo: what is a fault, and what only resembles one."""

from collections.abc import Callable

import pytest

import lint

Codes = Callable[..., list[str]]
CheckYaml = Callable[..., list[lint.Finding]]

MONOLITHIC = "{apiVersion: tempo.grafana.com/v1alpha1, kind: TempoMonolithic, metadata: {name: t, namespace: obs}%s}"
STACK = """
apiVersion: tempo.grafana.com/v1alpha1
kind: TempoStack
metadata: {name: t, namespace: obs}
spec: {storage: {tls: {enabled: false}}%s}
"""
GATEWAY = ", template: {gateway: {enabled: true}}, tenants: {mode: %s, authentication: [{tenantName: a, tenantId: b}]}"
PLAIN = """
apiVersion: v1
kind: ConfigMap
metadata: {name: tempo, namespace: obs}
data:
  tempo.yaml: |
    multitenancy_enabled: %s
    distributor: {receivers: {otlp: {protocols: {grpc: {endpoint: "0.0.0.0:4317"}}}}}
    storage: {trace: {backend: local, local: {path: /var/tempo}}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: tempo, namespace: obs}
spec:
  template:
    metadata: {labels: {app: tempo}}
    spec:
      volumes: [{name: config, configMap: {name: tempo}}]
      containers: [{name: tempo, image: "grafana/tempo:2.8.1"}]
---
apiVersion: v1
kind: Service
metadata: {name: tempo, namespace: obs}
spec: {selector: {app: tempo}, ports: [{name: http, port: 3200}, {name: otlp, port: 4317}, {name: own, port: 9999}]}
"""


def collector(exporter: str, namespace: str = "obs", **more: str) -> str:
    extensions = more.get("extensions", "")
    running = "[bearertokenauth]" if extensions else "[]"
    name = exporter.partition(":")[0]
    return f"""
apiVersion: opentelemetry.io/v1beta1
kind: OpenTelemetryCollector
metadata: {{name: otel, namespace: {namespace}}}
spec:
  config:
    receivers: {{otlp: {{protocols: {{grpc: {{}}}}}}}}
    extensions: {{{extensions}}}
    exporters:
      {exporter}
    service: {{extensions: {running}, pipelines: {{traces: {{receivers: [otlp], exporters: [{name}]}}}}}}
---
"""


def otlp(endpoint: str, more: str = "tls: {insecure: true}") -> str:
    return collector(f'otlp: {{endpoint: "{endpoint}", {more}}}')


def otlphttp(endpoint: str) -> str:
    return collector(f'otlphttp: {{endpoint: "{endpoint}"}}')


@pytest.mark.parametrize(
    "endpoint",
    [
        "tempo-t:4317",
        "tempo-t.obs:4317",
        "tempo-t.obs.svc:4317",
        "tempo-t.obs.svc.cluster.local:4317",
        "tempo-t.obs.svc.cluster.local.:4317",
        "http://tempo-t.obs:4317",
        "dns:///tempo-t.obs:4317",
    ],
)
def test_a_service_has_many_spellings(codes: Codes, endpoint: str) -> None:
    assert codes(otlp(endpoint) + MONOLITHIC % "") == []
    assert codes(otlp(endpoint.replace("4317", "9095")) + MONOLITHIC % "") == ["error N24"]


@pytest.mark.parametrize("endpoint", ["${env:TEMPO}", "tempo-t.${env:NS}:9095", "tempo.example.com:8443", "10.0.0.1:1"])
def test_an_endpoint_elsewhere_or_unknown_is_not_judged(codes: Codes, endpoint: str) -> None:
    assert codes(otlp(endpoint) + MONOLITHIC % "") == []


def test_an_exporter_in_no_pipeline_of_traces_is_not_judged(codes: Codes) -> None:
    assert codes(otlp("tempo-t:9999").replace("traces:", "metrics:") + MONOLITHIC % "") == []


@pytest.mark.parametrize("name", ["otlp", "otlp/tempo", "otlp_grpc", "otlp_grpc/tempo"])
def test_the_exporter_for_grpc_has_two_names(codes: Codes, name: str) -> None:
    assert codes(collector(f'{name}: {{endpoint: "tempo-t:4317"}}') + MONOLITHIC % "") == ["error N24"]


@pytest.mark.parametrize("name", ["otlphttp", "otlp_http", "otlp_http/tempo"])
def test_the_exporter_for_http_has_two_names(codes: Codes, name: str) -> None:
    assert codes(collector(f'{name}: {{endpoint: "http://tempo-t:4317"}}') + MONOLITHIC % "") == ["error N24"]


def test_an_endpoint_for_traces_alone_counts(codes: Codes) -> None:
    exporter = 'otlphttp: {endpoint: "http://elsewhere:4318", traces_endpoint: "http://tempo-t:4317/v1/traces"}'
    assert codes(collector(exporter) + MONOLITHIC % "") == ["error N24"]


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("tempo-t-distributor:4317", []),
        ("tempo-t:4317", ["error N24"]),
        ("tempo-t-gateway:4317", ["error N24"]),
        ("tempo-t-query-frontend:4317", ["error N24"]),
        ("t:4317", ["warning N24"]),
        ("another:4317", []),
    ],
)
def test_a_stack_takes_spans_at_its_distributor(codes: Codes, endpoint: str, expected: list[str]) -> None:
    assert codes(otlp(endpoint) + STACK % "") == expected


@pytest.mark.parametrize(
    ("endpoint", "expected"), [("tempo-t:4317", ["error N24"]), ("tempo-t.obs:4317", []), ("tempo-t.mesh:4317", [])]
)
def test_a_short_name_is_looked_for_beside_the_collector_only(codes: Codes, endpoint: str, expected: list[str]) -> None:
    elsewhere = otlp(endpoint).replace("namespace: obs", "namespace: mesh")
    assert codes(elsewhere + MONOLITHIC % "") == expected


def test_a_service_of_ones_own_may_have_such_a_name(codes: Codes) -> None:
    own = "{apiVersion: v1, kind: Service, metadata: {name: tempo-t, namespace: obs}, spec: {ports: [{port: 4317}]}}"
    assert codes(otlp("tempo-t:4317") + own + "\n---\n" + STACK % "") == []


def test_another_tempo_of_a_similar_name_is_there(codes: Codes) -> None:
    other = (MONOLITHIC % "").replace("name: t,", "name: t-distributor,")
    assert codes(otlp("tempo-t-distributor:4317") + other + "\n---\n" + MONOLITHIC % "") == []


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("tls: {insecure: true}", []),
        ("tls: {insecure: false}", ["error N24"]),
        ("tls: {insecure_skip_verify: true}", ["error N24"]),
        ("tls: {insecure: true, ca_file: /ca}", ["error N24"]),
        ('tls: {insecure: "${env:INSECURE}"}', []),
        ("compression: none", ["error N24"]),
    ],
)
def test_only_insecure_switches_tls_off(codes: Codes, settings: str, expected: list[str]) -> None:
    assert codes(otlp("tempo-t:4317", settings) + MONOLITHIC % "") == expected


def test_a_scheme_does_not_switch_tls_off_for_grpc(codes: Codes) -> None:
    assert codes(otlp("http://tempo-t:4317", "compression: none") + MONOLITHIC % "") == ["error N24"]
    assert codes(otlp("https://tempo-t:4317") + MONOLITHIC % "") == ["error N24"]


@pytest.mark.parametrize(("scheme", "expected"), [("http", []), ("https", ["error N24"])])
def test_the_scheme_decides_for_http(codes: Codes, scheme: str, expected: list[str]) -> None:
    assert codes(otlphttp(f"{scheme}://tempo-t:4318") + MONOLITHIC % "") == expected


def test_the_distributor_of_a_stack_may_want_tls(codes: Codes) -> None:
    stack = STACK % ", template: {distributor: {tls: {enabled: true, certName: c}}}"
    assert codes(otlp("tempo-t-distributor:4317") + stack) == ["error N24"]
    assert codes(otlp("tempo-t-distributor:4317", "tls: {ca_file: /ca}") + stack) == []


def test_a_protocol_that_tempo_does_not_take_has_no_port(codes: Codes) -> None:
    closed = MONOLITHIC % ", spec: {ingestion: {otlp: {http: {enabled: false}}}}"
    assert codes(otlphttp("http://tempo-t:4318") + closed) == ["error N24"]


def test_past_the_gateway_of_a_stack(check_yaml: CheckYaml) -> None:
    (finding,) = check_yaml(otlp("tempo-t-distributor:4317") + STACK % (GATEWAY % "openshift"))
    for word in ("tempo-t-gateway.obs.svc:8090", "TLS", "bearertokenauth", "X-Scope-OrgID"):
        assert word in finding.remedy


AUTH = "auth: {authenticator: bearertokenauth}"
EXTENSION = "bearertokenauth: {filename: /token}"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (f"headers: {{X-Scope-OrgID: a}}, {AUTH}", []),
        (f"headers: [{{name: x-scope-orgid, value: a}}], {AUTH}", []),
        (f"headers: {{X-Scope-OrgID: a}}, {AUTH}, tls: {{insecure: true}}", ["error N24"]),
        ("headers: {X-Scope-OrgID: a}", ["error N24"]),
        ("headers: {X-Scope-OrgID: a, Authorization: b}", []),
        (AUTH, ["error N24"]),
    ],
)
def test_a_gateway_wants_tls_a_tenant_and_a_token(codes: Codes, more: str, expected: list[str]) -> None:
    exporter = f'otlp: {{endpoint: "tempo-t-gateway:8090", {more}}}'
    assert codes(collector(exporter, extensions=EXTENSION) + STACK % (GATEWAY % "openshift")) == expected


def test_only_on_openshift_a_gateway_surely_has_a_certificate(codes: Codes) -> None:
    exporter = (
        'otlp: {endpoint: "tempo-t-gateway:8090", tls: {insecure: %s}, headers: {X-Scope-OrgID: a}, ' + AUTH + "}"
    )
    rights = "authorization: {roles: [], roleBindings: []}"
    stack = STACK % (GATEWAY % f"static, {rights}").replace("tenantId: b", "tenantId: b, oidc: {}")
    insecure = collector(exporter % "true", extensions=EXTENSION) + stack
    assert codes(insecure) == []
    assert codes(insecure, platform="openshift") == ["error N24"]
    # Where the platform is known, so is the operator's own image, which lacks the extension.
    secure = collector(exporter % "false", extensions=EXTENSION) + stack
    assert codes(secure, platform="kubernetes") == ["error N24", "warning N25"]


@pytest.mark.parametrize(("path", "expected"), [("", ["error N24"]), ("/api/traces/v1/a", [])])
def test_over_http_a_gateway_finds_the_tenant_in_the_path(codes: Codes, path: str, expected: list[str]) -> None:
    exporter = f'otlphttp: {{endpoint: "https://tempo-t-gateway:8080{path}", {AUTH}}}'
    assert codes(collector(exporter, extensions=EXTENSION) + STACK % (GATEWAY % "openshift")) == expected


def test_a_header_does_no_harm_to_a_tempo_without_tenants(codes: Codes) -> None:
    assert codes(otlp("tempo-t:4317", "tls: {insecure: true}, headers: {X-Scope-OrgID: a}") + MONOLITHIC % "") == []


@pytest.mark.parametrize(("tenants", "expected"), [("true", ["error N24"]), ("false", [])])
def test_a_plain_tempo_may_have_tenants(codes: Codes, tenants: str, expected: list[str]) -> None:
    assert codes(otlp("tempo:4317") + PLAIN % tenants) == expected


def test_a_plain_tempo_shows_its_ports_and_tls(codes: Codes) -> None:
    plain = PLAIN % "false"
    assert codes(otlp("tempo:4318") + plain) == ["error N24"]
    assert codes(otlp("tempo:3200") + plain) == ["error N24"]
    assert codes(otlp("tempo:9999") + plain) == [], "it may take OTLP there"
    assert codes(otlp("tempo:4317", "compression: none") + plain) == ["error N24"]


def test_without_its_configuration_nothing_is_known_of_tls(codes: Codes) -> None:
    workload = (PLAIN % "false").partition("---")[2]
    assert codes(otlp("tempo:4317", "compression: none") + workload) == []


def test_a_url_without_a_scheme_is_wrong_wherever_it_leads(codes: Codes) -> None:
    assert codes(otlphttp("elsewhere.example.com:4318")) == ["error N24"]
    assert codes(otlphttp("${env:STORE}")) == []

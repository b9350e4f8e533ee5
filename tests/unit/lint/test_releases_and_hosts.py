"""Releases that end or have a fault, and hosts that go away: where they are found, and what is said on which day."""

import base64
import datetime
import json
from collections.abc import Callable
from typing import Any

import pytest

import lint

CheckYaml = Callable[..., list[lint.Finding]]
Codes = Callable[..., list[str]]

TODAY = datetime.date(2026, 11, 27)
AFTER = datetime.date(2026, 12, 2)

ISTIO = "{apiVersion: sailoperator.io/v1, kind: %s, metadata: {name: default}, spec: {version: %s}}"
RELEASE = "{apiVersion: helm.sh/v3, kind: Release, spec: {chart: istiod, version: %s}}"
APPLICATION = "{apiVersion: argoproj.io/v1alpha1, kind: Application, spec: {%s}}"
PODS = "{apiVersion: %s, kind: %s, spec: {template: {spec: {containers: [{name: c, image: '%s'}]}}}}"
POD = "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: b}, spec: {containers: [{name: c, image: '%s'}]}}"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "manifest",
    [
        POD % "HOST/release/pilot:1.31.0",
        POD % "HOST:443/release/pilot@sha256:00",
        "{apiVersion: v1, kind: Pod, spec: {initContainers: [{image: HOST/release/proxyv2:1.31.0}]}}",
        PODS % ("apps/v1", "DaemonSet", "HOST/x:1"),
        PODS % ("argoproj.io/v1alpha1", "Rollout", "HOST/x:1"),
        "{apiVersion: batch/v1, kind: CronJob, spec: {jobTemplate: {spec: {containers: [{image: HOST/x:1}]}}}}",
        "{apiVersion: v1, kind: Pod, spec: {containers: [{env: [{name: HUB, value: HOST/release}]}]}}",
        "{apiVersion: v1, kind: Pod, spec: {containers: [{args: [--hub=HOST/release]}]}}",
        "{apiVersion: v1, kind: Pod, metadata: {annotations: {sidecar.istio.io/proxyImage: HOST/release/proxyv2:1}}}",
        "{apiVersion: install.istio.io/v1alpha1, kind: IstioOperator, spec: {hub: HOST/release}}",
        ISTIO % ("Istio", "v1.31.0, values: {global: {hub: HOST/release}}"),
        "{apiVersion: source.toolkit.fluxcd.io/v1, kind: HelmRepository, spec: {url: 'https://HOST/charts'}}",
        "{apiVersion: source.toolkit.fluxcd.io/v1, kind: OCIRepository, spec: {url: 'oci://HOST/release/charts/istiod'}}",
        "{apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, spec: {values: {global: {hub: HOST/release}}}}",
        APPLICATION % "source: {repoURL: 'https://HOST/charts', chart: cni}",
        APPLICATION % "source: {helm: {values: 'hub: HOST/release'}}",
        '{apiVersion: v1, kind: ConfigMap, data: {values: \'{"global": {"hub": "HOST/release"}}\'}}',
        "{apiVersion: v1, kind: Secret, stringData: {values.yaml: 'hub: HOST/release'}}",
        f"{{apiVersion: v1, kind: Secret, data: {{values.yaml: {encoded('hub: registry.istio.io/release')}}}}}",
        "{global: {hub: HOST/release}}",
        "{hub: HOST/release}",
    ],
)
def test_a_host_that_goes_away_is_found_wherever_it_stands(codes: Codes, manifest: str) -> None:
    manifest = manifest.replace("HOST", "registry.istio.io")
    assert codes(manifest, today=TODAY) == ["warning N22"]
    assert codes(manifest, today=AFTER) == ["error N22"]
    assert codes(manifest) == []


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("registry.istio.io/release/pilot:1.29.7", "docker.io/istio"),
        ("gcr.io/istio-release/pilot:1.29.7", "docker.io/istio"),
        ("https://istio-release.storage.googleapis.com/charts", "https://blob.istio.io/istio-release"),
        ("https://storage.googleapis.com/istio-release/releases/1.5.4/charts", "https://blob.istio.io/istio-release"),
    ],
)
def test_each_host_is_named_with_its_day_and_with_what_replaces_it(
    check_yaml: CheckYaml, text: str, instead: str
) -> None:
    (finding,) = check_yaml(f"{{apiVersion: v1, kind: ConfigMap, data: {{a: '{text}'}}}}", today=TODAY)
    assert "goes away on 2026-12-01" in finding.why
    assert instead in finding.remedy


@pytest.mark.parametrize(
    "text",
    [
        "docker.io/istio/pilot:1.31.4",
        "gcr.io/istio-releases/pilot:1",
        "gcr.io/istio-testing/pilot:1",
        "my-gcr.io/istio-release/pilot:1",
        "registry.istio.io.example.com/pilot:1",
        "https://blob.istio.io/istio-release/charts",
        "oci://ghcr.io/istio/release/charts",
    ],
)
def test_a_host_that_only_looks_like_one_of_them_is_left_alone(codes: Codes, text: str) -> None:
    assert codes(f"{{apiVersion: v1, kind: ConfigMap, data: {{a: '{text}'}}}}", today=AFTER) == []


def test_what_the_api_server_wrote_about_an_object_is_not_searched(codes: Codes) -> None:
    copied = json.dumps({"spec": {"containers": [{"image": "registry.istio.io/release/pilot:1"}]}})
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": copied}
    images = [{"names": ["registry.istio.io/release/pilot:1"]}]
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"annotations": annotations}, "status": {"images": images}}
    assert codes(json.dumps(node), today=AFTER) == []


def test_no_text_of_a_secret_is_quoted(check_yaml: CheckYaml) -> None:
    login = "https://me:hunter2@registry.istio.io/release"
    (finding,) = check_yaml(f"{{apiVersion: v1, kind: Secret, stringData: {{a: '{login}'}}}}", today=TODAY)
    assert "hunter2" not in str(finding)


@pytest.mark.parametrize(
    ("manifest", "facts", "expected"),
    [
        (ISTIO % ("Istio", "v1.30.5"), {"platform": "kubernetes"}, "error N22"),
        (ISTIO % ("IstioCNI", "v1.30.5"), {"platform": "kubernetes"}, "error N22"),
        (ISTIO % ("Istio", "v1.30.5"), {}, "warning N22"),
        (ISTIO % ("Istio", "v1.30.5, values: {pilot: {cni: {enabled: false}}}"), {"platform": "openshift"}, ""),
        (ISTIO % ("Istio", "v1.30.5, values: {global: {hub: docker.io/istio}}"), {"platform": "kubernetes"}, ""),
        (ISTIO % ("Istio", "v1.29.7"), {"platform": "kubernetes"}, ""),
        ("{apiVersion: install.istio.io/v1alpha1, kind: IstioOperator, spec: {tag: 1.30.5}}", {}, "error N22"),
        ("{apiVersion: install.istio.io/v1alpha1, kind: IstioOperator, spec: {tag: 1.30.5, hub: a.test}}", {}, ""),
        (RELEASE % "1.30.5", {}, "error N22"),
        (RELEASE % "1.30.5, values: {global: {hub: a}}", {}, ""),
        ("{apiVersion: helm.cattle.io/v1, kind: HelmChart, spec: {chart: istiod, version: 1.30.5}}", {}, "error N22"),
        (
            APPLICATION
            % "sources: [{chart: istiod, targetRevision: 1.30.5, helm: {parameters: [{name: global.hub, value: a}]}}]",
            {},
            "",
        ),
    ],
)  # fmt: skip
def test_a_release_whose_default_goes_away_needs_a_registry(
    codes: Codes, manifest: str, facts: dict[str, Any], expected: str
) -> None:
    day = datetime.date(2026, 12, 1)
    assert [code for code in codes(manifest, today=day, **facts) if code.endswith("N22")] == [expected] * bool(expected)


@pytest.mark.parametrize(
    ("manifest", "day", "facts", "expected"),
    [
        (ISTIO % ("Istio", "v1.29.7"), (2026, 9, 11), {"platform": "kubernetes"}, []),
        (ISTIO % ("Istio", "v1.29.7"), (2026, 9, 12), {"platform": "kubernetes"}, ["warning N18"]),
        (ISTIO % ("Istio", "v1.29.7"), (2026, 10, 11), {"platform": "kubernetes"}, ["warning N18"]),
        (ISTIO % ("Istio", "v1.29.7"), (2026, 10, 12), {"platform": "kubernetes"}, ["error N18"]),
        (ISTIO % ("Istio", "v1.29.7"), (2026, 10, 12), {}, ["warning N18"]),
        (ISTIO % ("IstioRevision", "v1.9.2"), (2026, 10, 12), {"platform": "kubernetes"}, ["error N18"]),
        (ISTIO % ("ZTunnel", "v1.29.7"), (2026, 10, 12), {"platform": "kubernetes"}, ["error N18"]),
        (ISTIO % ("Istio", "v1.31.0"), (2036, 1, 1), {"platform": "kubernetes"}, []),
        (ISTIO % ("IstioRevision", "v1.24.6"), (2026, 10, 12), {"platform": "openshift"}, []),
        (POD % "docker.io/istio/proxyv2:1.29.7-distroless", (2026, 10, 12), {"platform": "openshift"}, ["error N18"]),
        (POD % "mirror.test/a/istio/pilot:1.29.7", (2026, 10, 12), {}, ["error N18"]),
        (POD % "mirror.test/a/pilot:1.29.7", (2026, 10, 12), {}, []),
        (POD % "docker.io/istio/examples-bookinfo-details-v1:1.20.3", (2026, 10, 12), {}, []),
        (POD % "docker.io/istio/pilot@sha256:00", (2026, 10, 12), {}, []),
        (POD % "grafana/grafana:12.2.0", (2026, 6, 23), {}, ["error N18"]),
        (POD % "grafana/grafana-oss:12.2.10", (2026, 5, 24), {}, ["warning N18"]),
        (POD % "grafana/grafana:12.4.10", (2026, 11, 27), {}, []),
        (POD % "grafana/grafana:11.2.0", (2026, 11, 27), {}, ["error N18"]),
        (POD % "grafana/tempo:2.8.0", (2026, 11, 27), {}, ["error N18"]),
        (POD % "grafana/tempo-query:2.8.0", (2026, 11, 27), {}, []),
        (POD % "quay.io/prometheus/prometheus:v2.42.0", (2026, 11, 27), {}, ["error N18"]),
        (POD % "quay.io/prometheus/prometheus:v3.13.5", (2026, 11, 27), {}, []),
        (POD % "registry.k8s.io/ingress-nginx/controller:v1.14.0", (2025, 11, 11), {}, ["warning N18"]),
        (POD % "registry.k8s.io/ingress-nginx/controller:v1.14.0", (2026, 3, 31), {}, ["error N18"]),
        (POD % "docker.io/nginx/nginx-ingress:5.0.0", (2026, 3, 31), {}, []),
        (
            "{apiVersion: monitoring.coreos.com/v1, kind: Prometheus, metadata: {name: a}, spec: {version: v3.5.0}}",
            (2026, 7, 31),
            {},
            ["error N18"],
        ),
        (
            "{apiVersion: grafana.integreatly.org/v1beta1, kind: Grafana, spec: {version: 12.2.1}}",
            (2026, 7, 31),
            {},
            ["error N18"],
        ),
        (RELEASE % "1.29.7", (2026, 10, 12), {}, ["error N18"]),
        (
            "{apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease,"
            " spec: {chart: {spec: {chart: istiod, version: 1.29.7}}}}",
            (2026, 10, 12),
            {},
            ["error N18"],
        ),
        ("{apiVersion: helm.sh/v3, kind: Release, spec: {chart: base, version: 1.2.0}}", (2026, 10, 12), {}, []),
        (
            "{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: a},"
            " spec: {controller: k8s.io/ingress-nginx}}",
            (2026, 3, 31),
            {},
            ["error N18"],
        ),
    ],
)  # fmt: skip
def test_the_end_of_a_release_is_a_warning_before_it_and_an_error_from_the_day_on(
    codes: Codes, manifest: str, day: tuple[int, int, int], facts: dict[str, Any], expected: list[str]
) -> None:
    assert codes(manifest, today=datetime.date(*day), **facts) == expected


@pytest.mark.parametrize(
    "manifest",
    [
        "{apiVersion: helm.sh/v3, kind: Release, spec: {chart: /charts/istiod}}",
        "{apiVersion: helm.sh/v3, kind: Release, spec: {chart: ../charts/istiod}}",
        "{apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease,"
        " spec: {chart: {spec: {chart: charts/istiod, sourceRef: {kind: GitRepository, name: a}}}}}",
    ],
)
def test_a_chart_in_a_folder_has_the_version_that_lies_there(codes: Codes, manifest: str) -> None:
    assert codes(manifest, today=TODAY) == []


ROUTE = "{apiVersion: route.openshift.io/v1, kind: Route, metadata: {name: a, namespace: b}}"
SUBSCRIPTION = (
    "{apiVersion: operators.coreos.com/v1alpha1, kind: Subscription,"
    " spec: {name: servicemeshoperator3, source: redhat-operators, sourceNamespace: %s}}"
)


@pytest.mark.parametrize(
    ("beside", "facts", "expected"),
    [
        (ROUTE, {}, []),
        (SUBSCRIPTION % "openshift-marketplace", {}, []),
        (SUBSCRIPTION % "olm", {}, ["warning N18"]),
        (ROUTE.replace("route.openshift.io", "example.test"), {}, ["warning N18"]),
        (ROUTE, {"platform": "kubernetes"}, ["error N18"]),
    ],
)
def test_objects_that_only_openshift_has_show_that_red_hat_maintains_istio(
    codes: Codes, beside: str, facts: dict[str, str], expected: list[str]
) -> None:
    istio = ISTIO % ("Istio", "v1.25.3, values: {pilot: {cni: {enabled: false}}}")
    assert codes(f"{istio}\n---\n{beside}", today=TODAY, **facts) == expected


@pytest.mark.parametrize(
    ("version", "expected"),
    [("v1.26.4", []), ("v1.26-latest", ["warning N18"]), ("v1.26.0", ["warning N18"])],
)
def test_where_nothing_tells_the_platform_a_version_of_red_hat_s_is_theirs(
    codes: Codes, version: str, expected: list[str]
) -> None:
    # Of the alias only that it is one is said.
    assert codes(ISTIO % ("Istio", version), today=TODAY) == expected


def test_where_objects_show_openshift_the_plugin_is_missed_unless_it_is_elsewhere(check_yaml: CheckYaml) -> None:
    (finding,) = check_yaml(f"{ISTIO % ('Istio', 'v1.30.3')}\n---\n{ROUTE}")
    assert (finding.code, finding.severity) == ("N11", "warning")
    assert "unless there is one elsewhere" in finding.remedy


@pytest.mark.parametrize(
    ("facts", "version"), [({}, "v1.31.0, or on OpenShift v1.30.3"), ({"platform": "kubernetes"}, "v1.31.0")]
)
def test_the_version_to_take_is_one_that_the_catalog_has(
    check_yaml: CheckYaml, facts: dict[str, str], version: str
) -> None:
    (ended,) = check_yaml(ISTIO % ("Istio", "v1.25.3"), today=TODAY, **facts)
    (alias,) = check_yaml(ISTIO % ("Istio", "latest"), **facts)
    assert ended.remedy == f"take {version}"
    assert alias.remedy == f"name one version, such as {version}"


def test_for_a_chart_the_version_to_take_is_the_newest_patch(check_yaml: CheckYaml) -> None:
    (finding,) = check_yaml(RELEASE % "1.27.3", today=TODAY)
    assert finding.remedy == "take 1.31.4"


def test_on_openshift_the_version_to_name_is_red_hat_s(check_yaml: CheckYaml) -> None:
    istio = ISTIO % ("Istio", "v1.30-latest, values: {pilot: {cni: {enabled: false}}}")
    (finding,) = check_yaml(istio, platform="openshift", today=TODAY)
    assert finding.remedy == "name one version, such as v1.30.3"


@pytest.mark.parametrize(
    ("manifest", "fault", "instead"),
    [
        (ISTIO % ("IstioRevision", "v1.29.6"), "ISTIO-SECURITY-2026-006", "1.29.7"),
        (POD % "docker.io/istio/pilot:1.29.0", "ISTIO-SECURITY-2026-006", "1.29.7"),
        (POD % "docker.io/istio/pilot:1.30.3", "ISTIO-SECURITY-2026-006", "1.30.4"),
        (POD % "grafana/grafana:13.2.1", "loses its data sources", "13.2.2"),
        (POD % "ghcr.io/open-telemetry/opentelemetry-operator/opentelemetry-operator:0.159.0", "API server", "0.157.0"),
    ],
)
def test_a_release_with_a_published_fault_is_named_with_the_one_to_take(
    check_yaml: CheckYaml, manifest: str, fault: str, instead: str
) -> None:
    (finding,) = check_yaml(manifest, today=datetime.date(2026, 8, 29), platform="kubernetes")
    assert (finding.code, finding.severity) == ("N18", "warning")
    assert fault in finding.why
    assert instead in finding.remedy


@pytest.mark.parametrize(
    ("manifest", "facts"),
    [
        (POD % "docker.io/istio/pilot:1.29.7", {}),
        (POD % "docker.io/istio/pilot:1.29.6", {"today": datetime.date(2026, 8, 25)}),
        (ISTIO % ("IstioRevision", "v1.29.6"), {"platform": "openshift"}),
        (POD % "grafana/grafana:13.2.2", {}),
        (POD % "x.test/opentelemetry-operator:0.159.0', env: 'FEATURE_GATES=-operator.networkpolicy", {}),
        (POD % "x.test/opentelemetry-operator:0.159.0", {"platform": "openshift"}),
        (POD % "x.test/opentelemetry-operator:0.157.0", {}),
        (POD % "x.test/opentelemetry-collector:0.158.0", {}),
    ],
)
def test_a_release_without_the_fault_or_where_it_does_not_show_is_left_alone(
    codes: Codes, manifest: str, facts: dict[str, Any]
) -> None:
    assert codes(manifest, **{"today": datetime.date(2026, 8, 29), "platform": "kubernetes", **facts}) == []


def test_an_installed_operator_is_known_by_its_version(codes: Codes) -> None:
    collector = "{apiVersion: opentelemetry.io/v1beta1, kind: OpenTelemetryCollector, metadata: {name: a}, spec: {}}"
    facts = {"today": TODAY, "opentelemetry_operator_version": "0.158.0"}
    assert codes(collector, **facts) == ["warning N18"]
    assert codes(collector, **facts, platform="openshift") == []


@pytest.mark.parametrize(
    ("manifests", "expected"),
    [
        ("{apiVersion: networking.k8s.io/v1, kind: Ingress, spec: {ingressClassName: nginx}}", ["warning N18"]),
        (
            "{apiVersion: networking.k8s.io/v1, kind: Ingress,"
            " metadata: {annotations: {kubernetes.io/ingress.class: nginx}}}",
            ["warning N18"],
        ),
        (
            "{apiVersion: networking.k8s.io/v1, kind: Ingress, spec: {ingressClassName: nginx}}\n---\n"
            "{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: nginx},"
            " spec: {controller: nginx.org/ingress-controller}}",
            [],
        ),
    ],
)
def test_the_class_nginx_alone_is_a_warning_and_its_ingressclass_decides(
    codes: Codes, manifests: str, expected: list[str]
) -> None:
    assert codes(manifests, today=TODAY) == expected


@pytest.mark.parametrize(
    ("image", "flag", "expected"),
    [
        ("prom/prometheus:v3.8.1", "native-histograms", []),
        ("prom/prometheus:v3.9.0", "exemplar-storage,native-histograms", ["warning N16"]),
        ("prom/prometheus:main", "native-histograms", []),
    ],
)
def test_the_flag_for_native_histograms_is_without_effect_since_3_9(
    codes: Codes, image: str, flag: str, expected: list[str]
) -> None:
    spec = f"{{template: {{spec: {{containers: [{{image: '{image}', args: ['--enable-feature={flag}']}}]}}}}}}"
    assert codes(f"{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: p}}, spec: {spec}}}") == expected


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        ("ingress: {enabled: true, ingressClassName: nginx}", ["warning N18"]),
        ("ingress: {enabled: true, className: nginx}", ["warning N18"]),
        ("ingress: {enabled: true, annotations: {kubernetes.io/ingress.class: nginx}}", ["warning N18"]),
        ("grafana: {ingress: {enabled: true, ingressClassName: nginx}}", ["warning N18"]),
        ("ingress: {enabled: false, ingressClassName: nginx}", []),
        ("ingress: {ingressClassName: nginx}", []),
        ("ingress: {enabled: true, ingressClassName: traefik}", []),
        ("ingress: {enabled: true, hosts: [nginx]}", []),
        ("upstream: {enabled: true, className: nginx}", []),
        ("className: nginx", []),
        (
            "{apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, spec: {values: {ingress:"
            " {enabled: true, ingressClassName: nginx}}}}",
            ["warning N18"],
        ),
        (
            "{apiVersion: grafana.integreatly.org/v1beta1, kind: Grafana, spec: {ingress: {spec:"
            " {ingressClassName: nginx}}}}",
            ["warning N18"],
        ),
    ],
)
def test_the_class_of_ingress_nginx_is_found_in_what_makes_an_ingress(
    codes: Codes, manifest: str, expected: list[str]
) -> None:
    assert codes(manifest, today=datetime.date(2026, 11, 27)) == expected


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("'>=1.20.0'", ["warning N18"]),
        ("'*'", ["warning N18"]),
        ("''", ["warning N18"]),
        ("~1.31.0", []),
        ("1.31.0", []),
    ],
)
def test_a_chart_of_istio_is_pinned_to_a_release(codes: Codes, version: str, expected: list[str]) -> None:
    assert codes(RELEASE % version) == expected


def test_a_version_that_red_hat_s_newest_operator_does_not_install_is_nobody_s(codes: Codes) -> None:
    assert codes(ISTIO % ("Istio", "v1.24.3"), today=TODAY) == ["warning N18"]
    assert codes(ISTIO % ("Istio", "v1.24.3"), today=TODAY, platform="openshift") == ["warning N11"]


@pytest.mark.parametrize(
    "manifest",
    [
        "{apiVersion: maistra.io/v2, kind: ServiceMeshControlPlane, metadata: {name: a}, spec: {version: v2.6}}",
        "{apiVersion: maistra.io/v1, kind: ServiceMeshControlPlane, metadata: {name: a}, spec: {istio: {}}}",
        "{apiVersion: operators.coreos.com/v1alpha1, kind: Subscription, spec: {name: servicemeshoperator}}",
    ],
)
def test_the_second_openshift_service_mesh_has_ended_as_a_whole(codes: Codes, manifest: str) -> None:
    assert codes(manifest, today=datetime.date(2026, 6, 30)) == ["error N18"]
    assert codes(manifest, today=datetime.date(2026, 6, 29)) == ["warning N18"]
    assert codes(manifest.replace("meshoperator", "meshoperator3").replace("maistra", "other"), today=TODAY) == []


@pytest.mark.parametrize(
    ("tag", "hub", "expected"),
    [
        ("1.20.0", "docker.io/istio", ["error N18"]),
        ("1.20.0-distroless", "", ["error N18"]),
        ("1.31.4", "docker.io/istio", []),
        ("1.20.0", "registry.example.com/mesh", []),
        ("1.20.0-tetrate1", "docker.io/istio", []),
    ],
)
def test_values_name_a_release_of_istio_by_its_tag(codes: Codes, tag: str, hub: str, expected: list[str]) -> None:
    values = f"{{global: {{tag: {tag}, hub: '{hub}'}}, pilot: {{}}}}"
    operator = f"{{apiVersion: install.istio.io/v1alpha1, kind: IstioOperator, spec: {{values: {values}}}}}"
    assert codes(values, today=TODAY) == codes(operator, today=TODAY) == expected


@pytest.mark.parametrize("chart", ["base", "cni", "gateway", "ambient"])
def test_each_chart_of_istio_names_its_release(codes: Codes, chart: str) -> None:
    source = f"source: {{repoURL: 'https://example.test/HOST/charts', chart: {chart}, targetRevision: 1.5.4}}"
    assert codes(APPLICATION % source.replace("HOST", "istio"), today=TODAY) == ["error N18"]
    assert codes(APPLICATION % source.replace("HOST", "other"), today=TODAY) == []


@pytest.mark.parametrize(
    ("name", "more", "expected"),
    [
        ("istiod", "", ["error N11"]),
        ("istio-base", "", []),
        ("istiod", "helm: {releaseName: istio-base}", []),
    ],
)
def test_a_release_called_istiod_has_the_chart_of_the_control_plane(
    codes: Codes, name: str, more: str, expected: list[str]
) -> None:
    source = f"{{repoURL: 'https://example.test/istio', chart: base, targetRevision: 1.31.4, {more}}}"
    base = APPLICATION.replace("spec:", f"metadata: {{name: {name}}}, spec:") % f"source: {source}"
    assert codes(base) == expected
    assert codes(f"{base}\n---\n{RELEASE % '1.31.4'}") == []


@pytest.mark.parametrize(
    ("repository", "expected"),
    [
        ("https://blob.istio.io/istio-release/charts", ["error N18"]),
        ("ghcr.io/istio/release/charts", ["error N18"]),
        ("https://git.example.test/my-istio-release", []),
        ("https://charts.example.test/istio-extras", []),
    ],
)
def test_all_charts_of_istios_repository_have_its_release(codes: Codes, repository: str, expected: list[str]) -> None:
    source = f"{{repoURL: '{repository}', chart: '{{{{path.basename}}}}', targetRevision: 1.5.4}}"
    made = (
        "{apiVersion: argoproj.io/v1alpha1, kind: ApplicationSet, spec: {generators: [{git: {directories: []}}],"
        f" template: {{spec: {{source: {source}}}}}}}}}"
    )
    assert codes(made, today=TODAY) == expected


def test_charts_of_the_same_release_are_reported_once(codes: Codes) -> None:
    entry = "{name: %s, version: 1.20.0, repository: 'https://example.test/istio'}"
    charts = f"{{dependencies: [{entry % 'base'}, {entry % 'istiod'}]}}"
    assert codes(charts, today=TODAY) == ["error N18"]


def test_red_hat_s_jaeger_has_ended_as_a_whole(codes: Codes) -> None:
    subscription = "{apiVersion: operators.coreos.com/v1alpha1, kind: Subscription, spec: {name: jaeger-product}}"
    assert codes(subscription, today=datetime.date(2025, 11, 3)) == ["error N18"]
    assert codes(subscription.replace("-product", ""), today=TODAY) == []


SET = (
    "{apiVersion: argoproj.io/v1alpha1, kind: ApplicationSet, spec: {generators: [%s], template: {spec: {source: %s}}}}"
)
SOURCE = "{chart: istiod, targetRevision: '%s'}"


@pytest.mark.parametrize(
    "manifest",
    [
        SET % ("{list: {elements: [{a: {v: VERSION}}]}}", SOURCE % "{{ .a.v }}"),
        SET % ("{list: {elements: [{v: VERSION}]}}", SOURCE % "{{v}}"),
        SET % ("{matrix: {generators: [{git: {}}, {list: {elements: [{v: VERSION}]}}]}}", SOURCE % "{{v}}"),
        SET % ("{list: {elements: [{c: istiod, v: VERSION}]}}", "{chart: '{{c}}', targetRevision: '{{v}}'}"),
        SET % ("{list: {elements: [{c: istiod}]}}", "{chart: '{{c}}', targetRevision: VERSION}"),
        SET % ("{git: {}}", SOURCE % "VERSION"),
        "{apiVersion: kustomize.config.k8s.io/v1, kind: Kustomization, helmCharts: [{name: istiod, version: VERSION}]}",
        "{helmCharts: [{name: istiod, version: VERSION}]}",
        "{apiVersion: v2, name: mesh, version: 1.0.0, dependencies: [{name: istiod, version: VERSION}]}",
        "{releases: [{name: mesh, chart: istio/istiod, version: VERSION}]}",
        "{defaultNamespace: istio-system, helm: {chart: istiod, version: VERSION}}",
    ],
)
def test_a_chart_is_found_in_whatever_installs_it(codes: Codes, manifest: str) -> None:
    assert codes(manifest.replace("VERSION", "1.27.0"), today=TODAY) == ["error N18"]
    assert codes(manifest.replace("VERSION", "1.31.4"), today=TODAY) == []


def test_a_parameter_that_no_list_has_is_no_version(codes: Codes) -> None:
    assert codes(SET % ("{clusters: {}}", SOURCE % "{{ .values.version }}"), today=TODAY) == []


CHART = """
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: tempo, namespace: argocd}
spec:
  source:
    repoURL: https://grafana-community.github.io/helm-charts
    chart: tempo
    targetRevision: VERSION
    helm: {valuesObject: {tempo: {TAG}}}
"""


@pytest.mark.parametrize(
    ("version", "tag", "said"),
    [
        # They bring Tempo 2.8.1, 2.9.0 and 2.10.8.
        ("1.23.2", "retention: 24h", ["error N18"]),
        ("1.24.4", "retention: 24h", []),
        ("2.2.4", "retention: 24h", []),
        ("1.23.2", "tag: 2.10.8", []),
        ("1.x", "retention: 24h", []),
    ],
)
def test_a_chart_tells_which_release_of_tempo_runs_unless_its_values_do(
    codes: Codes, version: str, tag: str, said: list[str]
) -> None:
    manifest = CHART.replace("VERSION", version).replace("TAG", tag)
    assert codes(manifest, today=TODAY) == said


@pytest.mark.parametrize(("version", "said"), [("2.8.1", ["error N18"]), ("2.10.8", []), ("3.0.3", [])])
def test_an_image_of_tempo_tells_its_release(codes: Codes, version: str, said: list[str]) -> None:
    assert codes(POD % f"grafana/tempo:{version}", today=TODAY) == said


def test_a_release_is_advice_before_the_last_days_of_its_support(check_yaml: CheckYaml) -> None:
    manifest = POD % "grafana/tempo:2.9.5"
    days = [
        datetime.date(2026, 10, 1),
        datetime.date(2026, 10, 2),
        datetime.date(2026, 12, 1),
        datetime.date(2026, 12, 31),
    ]
    said = [[one.severity for one in check_yaml(manifest, today=day)] for day in days]
    assert said == [[], [lint.Severity.ADVICE], [lint.Severity.WARNING], [lint.Severity.ERROR]]


@pytest.mark.parametrize(
    "manifest",
    [
        "{apiVersion: jaegertracing.io/v1, kind: Jaeger, metadata: {name: simplest}}",
        "{apiVersion: maistra.io/v2, kind: ServiceMeshControlPlane, spec: {version: v2.6, tracing: {type: Jaeger}}}",
    ],
)
def test_what_installs_jaeger_1_is_found_without_an_image(check_yaml: CheckYaml, manifest: str) -> None:
    assert any("Jaeger" in finding.why for finding in check_yaml(manifest, today=TODAY))

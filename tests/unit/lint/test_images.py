"""Images and charts that are not where they were: in which spellings they are found, and since when."""

import datetime
from collections.abc import Callable

import pytest
import yaml

from lint.objects import Manifests, Object
from lint.views.images import images

Codes = Callable[..., list[str]]

TODAY = datetime.date(2026, 11, 27)
POD = "{apiVersion: v1, kind: Pod, spec: {containers: [{name: c, image: '%s'}]}}"


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("gcr.io/kubebuilder/kube-rbac-proxy:v0.13.1", ["error N34"]),
        ("gcr.io/kubebuilder/kube-rbac-proxy@sha256:00", ["error N34"]),
        ("quay.io/brancz/kube-rbac-proxy:v0.16.0", []),
        ("bitnami/kubectl:1.31", ["error N34"]),
        ("docker.io/bitnami/kubectl:1.31.1-debian-12-r3", ["error N34"]),
        ("index.docker.io/bitnami/kubectl:1.31", ["error N34"]),
        ("registry-1.docker.io/bitnami/kubectl:1.31@sha256:00", ["error N34"]),
        ("bitnami/kubectl:latest", []),
        ("bitnami/kubectl", []),
        ("bitnami/sealed-secrets-controller:0.30.0", []),
        ("bitnamilegacy/kubectl:1.31", []),
        ("mirror.test/bitnami/kubectl:1.31", []),
        ("public.ecr.aws/bitnami/kubectl:1.31", []),
        ("bitnami/kubectl:${VERSION}", []),
        ("not an image", []),
    ],
)
def test_an_image_is_gone_in_each_of_its_spellings(codes: Codes, image: str, expected: list[str]) -> None:
    assert codes(POD % image, today=TODAY) == expected


@pytest.mark.parametrize(
    "manifest",
    [
        "{apiVersion: apps/v1, kind: Deployment, spec: {template: {spec: {initContainers: [{image: IMAGE}]}}}}",
        "{apiVersion: example.test/v1, kind: Proxy, spec: {sidecar: {image: IMAGE}}}",
        "{proxy: {image: {repository: gcr.io/kubebuilder/kube-rbac-proxy, tag: v1}}}",
        "{proxy: {image: {registry: gcr.io, repository: kubebuilder/kube-rbac-proxy}}}",
        "{apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, spec: {values: {a: {image: IMAGE}}}}",
        "{apiVersion: helm.cattle.io/v1, kind: HelmChart, spec: {valuesContent: 'a: {image: IMAGE}'}}",
        "{apiVersion: argoproj.io/v1alpha1, kind: Application, spec: {source: {helm: {values: 'image: IMAGE'}}}}",
        "{apiVersion: v1, kind: ConfigMap, data: {values.yaml: 'image: IMAGE'}}",
    ],
)
def test_an_image_is_found_wherever_it_is_named(codes: Codes, manifest: str) -> None:
    assert codes(manifest.replace("IMAGE", "gcr.io/kubebuilder/kube-rbac-proxy:v1"), today=TODAY) == ["error N34"]


@pytest.mark.parametrize(
    ("text", "name", "tag"),
    [
        ("busybox", "docker.io/library/busybox", ""),
        ("registry-1.docker.io/library/busybox:1", "docker.io/library/busybox", "1"),
        ("grafana/tempo:2.9.0@sha256:00", "docker.io/grafana/tempo", "2.9.0"),
        ("localhost:5000/a/b:c", "localhost:5000/a/b", "c"),
    ],
)
def test_the_name_of_an_image_is_read_in_full(text: str, name: str, tag: str) -> None:
    (image,) = images(Manifests((Object(yaml.safe_load(POD % text)),)))
    assert (image.name, image.tag) == (name, tag)


def test_what_a_node_has_pulled_before_is_not_judged(codes: Codes) -> None:
    assert codes("{apiVersion: v1, kind: Pod, status: {a: [{image: bitnami/kubectl:1.31}]}}", today=TODAY) == []


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (datetime.date(2025, 7, 15), []),
        (datetime.date(2025, 7, 16), ["warning N34"]),
        (datetime.date(2025, 9, 29), ["error N34"]),
        (None, ["error N34"]),
    ],
)
def test_it_is_a_warning_from_the_announcement_on(codes: Codes, day: datetime.date | None, expected: list[str]) -> None:
    assert codes(POD % "bitnami/kubectl:1.31", today=day) == expected


OLD = "https://kubernetes-charts.storage.googleapis.com"


@pytest.mark.parametrize(
    "manifest",
    [
        f"{{apiVersion: source.toolkit.fluxcd.io/v1, kind: HelmRepository, spec: {{url: '{OLD}/'}}}}",
        f"{{apiVersion: argoproj.io/v1alpha1, kind: Application, spec: {{source: {{repoURL: '{OLD}', chart: a}}}}}}",
        f"{{apiVersion: v2, name: a, dependencies: [{{name: b, repository: '{OLD}'}}]}}",
        f"{{apiVersion: helm.cattle.io/v1, kind: HelmChart, spec: {{repo: '{OLD}', chart: b}}}}",
    ],
)
def test_a_repository_that_is_gone_is_found_where_charts_are_taken_from(codes: Codes, manifest: str) -> None:
    assert codes(manifest, today=TODAY) == ["error N34"]
    assert codes(manifest.replace(OLD, "https://charts.example.com"), today=TODAY) == []


MOVED = "https://grafana.github.io/helm-charts"


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        (f"{{apiVersion: v2, name: a, dependencies: [{{name: grafana, repository: '{MOVED}/'}}]}}", ["warning N34"]),
        (f"{{apiVersion: v2, name: a, dependencies: [{{name: mimir, repository: '{MOVED}'}}]}}", []),
        (
            "{apiVersion: argoproj.io/v1alpha1, kind: Application,"
            f" spec: {{sources: [{{repoURL: '{MOVED}', chart: tempo-distributed}}]}}}}",
            ["warning N34"],
        ),
        (
            "{apiVersion: kustomize.config.k8s.io/v1beta1, kind: Kustomization,"
            f" helmCharts: [{{name: tempo, repo: '{MOVED}'}}]}}",
            ["warning N34"],
        ),
        (f"{{apiVersion: source.toolkit.fluxcd.io/v1, kind: HelmRepository, spec: {{url: '{MOVED}'}}}}", []),
    ],
)
def test_a_chart_that_moved_is_named_where_it_is_taken_from(codes: Codes, manifest: str, expected: list[str]) -> None:
    assert codes(manifest, today=TODAY) == expected


IN_GIT = (
    "{apiVersion: argoproj.io/v1alpha1, kind: Application, spec: {source: {repoURL: 'https://github.com/%s',"
    " path: charts/tempo, targetRevision: %s, helm: {valuesObject: {%s: {retention: 24h}}}}}}"
)


@pytest.mark.parametrize(
    ("repository", "revision", "values", "expected"),
    [
        ("grafana/helm-charts.git", "tempo-1.10.1", "tempo", ["error N18", "warning N34"]),
        ("grafana/helm-charts", "tempo-1.8.2", "tempo", ["error N34", "warning N34"]),
        ("grafana/helm-charts", "main", "tempo", ["warning N34"]),
        ("grafana-community/helm-charts", "tempo-2.2.4", "tempo", []),
        ("grafana-community/helm-charts", "tempo-2.2.4", "compactor", ["warning N35"]),
        ("mine/helm-charts", "tempo-1.10.1", "compactor", []),
    ],
)
def test_a_chart_in_a_folder_of_its_repository_has_the_release_of_the_tag(
    codes: Codes, repository: str, revision: str, values: str, expected: list[str]
) -> None:
    assert sorted(codes(IN_GIT % (repository, revision, values), today=TODAY)) == expected


def test_jaeger_1_is_not_maintained_and_jaeger_2_is(codes: Codes) -> None:
    assert codes(POD % "docker.io/jaegertracing/all-in-one:1.58", today=TODAY) == ["error N18"]
    assert codes(POD % "jaegertracing/jaeger:2.10.0", today=TODAY) == []


def test_the_release_of_a_product_is_read_in_the_values_of_its_chart(codes: Codes) -> None:
    values = "{grafana.ini: {}, image: {registry: docker.io, repository: grafana/grafana, tag: %s}}"
    assert codes(values % "11.2.0", today=TODAY) == ["error N18"]
    assert codes(values % "12.4.10", today=TODAY) == []
    # YAML makes a fraction of it.
    assert codes(values % "11.2", today=TODAY) == []

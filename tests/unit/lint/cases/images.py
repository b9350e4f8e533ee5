"""Examples for lint/rules/images.py."""

import datetime

from cases.base import STORE_POD, Example, replaced

TODAY = {"today": datetime.date(2026, 11, 27)}
REPOSITORY = """
apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata: {name: charts, namespace: flux-system}
spec: {url: "https://grafana-community.github.io/helm-charts"}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: tempo, namespace: flux-system}
spec: {chart: {spec: {chart: tempo, version: 1.24.4, sourceRef: {kind: HelmRepository, name: charts}}}}
---
"""

EXAMPLES = {
    "chart_version_that_was_never_published": Example(
        "error N34 HelmRelease flux-system/tempo: spec.chart.spec.version",
        wrong=replaced(REPOSITORY, "1.24.4", "1.8.2"),
        right=REPOSITORY,
    ),
    "image_that_is_gone": Example(
        "error N34 Deployment tracing-system/store: spec.template.spec.containers[0].image",
        wrong=replaced(STORE_POD, "docker.io/chrislusf/seaweedfs:4.48", "bitnami/seaweedfs:4.48"),
        right=STORE_POD,
        facts=TODAY,
    ),
    "chart_repository_that_is_gone": Example(
        "error N34 HelmRepository flux-system/charts: spec.url",
        wrong=replaced(
            REPOSITORY, "grafana-community.github.io/helm-charts", "kubernetes-charts.storage.googleapis.com"
        ),
        right=REPOSITORY,
        facts=TODAY,
    ),
    "chart_that_moved": Example(
        "warning N34 HelmRelease flux-system/tempo: spec.chart.spec.sourceRef",
        wrong=replaced(REPOSITORY, "grafana-community", "grafana"),
        right=REPOSITORY,
        facts=TODAY,
    ),
}

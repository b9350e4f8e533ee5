"""Examples for lint/rules/control_plane.py."""

from cases.base import CNI, Example, mesh, replaced

_APPLICATION = """
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: istiod, namespace: argocd}
spec:
  source: {repoURL: "https://blob.istio.io/istio-release/charts", chart: istiod, targetRevision: 1.31.4}
"""

EXAMPLES = {
    "openshift_without_cni": Example(
        "warning N11 Istio default: spec",
        wrong=mesh(),
        right=mesh() + CNI,
        facts={"platform": "openshift"},
    ),
    "cni_with_another_name": Example(
        "error N11 IstioCNI istio-cni: metadata.name",
        wrong=replaced(CNI, "{name: default}", "{name: istio-cni}"),
        right=CNI,
    ),
    "cni_of_another_version": Example(
        "warning N11 IstioCNI default: spec.version",
        wrong=mesh() + replaced(CNI, "v1.31.0", "v1.32.0"),
        right=mesh() + replaced(CNI, "v1.31.0", "v1.30.8"),
    ),
    "control_plane_of_another_chart": Example(
        "error N11 Application argocd/istiod: spec.source.targetRevision",
        wrong=replaced(_APPLICATION, "chart: istiod", "chart: base"),
        right=_APPLICATION,
    ),
    "unpinned_version": Example(
        "warning N18 Istio default: spec.version",
        wrong=replaced(mesh(), "v1.31.0", "v1.31-latest"),
        right=mesh(),
    ),
}

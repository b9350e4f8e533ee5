"""Examples for lint/rules/control_plane.py."""

from cases.base import CNI, Example, mesh, replaced

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
    "unpinned_version": Example(
        "warning N18 Istio default: spec.version",
        wrong=replaced(mesh(), "v1.31.0", "v1.31-latest"),
        right=mesh(),
    ),
}

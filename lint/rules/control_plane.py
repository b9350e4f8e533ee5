"""What installs Istio: the Sail operator's resources Istio and IstioCNI, and the chart of the control plane."""

from collections.abc import Iterator

from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.lifecycle import lifecycle
from lint.objects import Manifests, Object, text
from lint.rule import rule
from lint.rules.releases import recommended_istio
from lint.views.charts import charts, release_name
from lint.views.mesh import SAIL
from lint.views.platform import with_platform
from lint.views.products import ISTIO_CHARTS_BESIDE
from lint.views.versions import minor

_CNI_NAME = "default"
_CONTROL_PLANE = "istiod"


@rule(
    code="N11",
    title="On OpenShift, Istio is installed without its CNI plugin",
    levels=(Severity.WARNING,),
    why=(
        "OpenShift refuses the privileged init container that would otherwise set up the network of a pod with a "
        "sidecar, so the pods that get a sidecar are refused. It is a warning, since the IstioCNI may be elsewhere."
    ),
    remedy="Add an IstioCNI called `default` with the version of Istio.",
    example="""
        apiVersion: sailoperator.io/v1
        kind: Istio
        metadata: {name: default}
        spec: {version: v1.30.4}
    """,
    source="sail-operator: pkg/revision/dependency.go; istio: cni/README.md",
    facts=Facts(platform="openshift"),
)
def openshift_without_cni(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    if with_platform(manifests, facts).platform != "openshift" or any(manifests.of(SAIL, "IstioCNI")):
        return
    for obj in manifests.of(SAIL, "Istio"):
        if obj.at("spec", "values", "pilot", "cni", "enabled") is not False:
            yield warning(
                obj.where("spec"),
                "without an IstioCNI, and none is here, OpenShift refuses the pods that get a sidecar",
                f"add an IstioCNI called {_CNI_NAME} with the same version, unless there is one elsewhere",
            )


@rule(
    code="N11",
    title="An IstioCNI is not called `default`",
    levels=(Severity.ERROR,),
    why="The operator's CRD accepts no other name.",
    remedy="Call it `default`.",
    example="""
        apiVersion: sailoperator.io/v1
        kind: IstioCNI
        metadata: {name: istio-cni}
        spec: {version: v1.30.4}
    """,
    source="sail-operator: api/v1/istiocni_types.go",
)
def cni_with_another_name(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for obj in manifests.of(SAIL, "IstioCNI"):
        if obj.name and obj.name != _CNI_NAME:
            yield error(
                obj.where("metadata", "name"),
                f"the operator accepts an IstioCNI only with the name {_CNI_NAME!r}",
                f"call it {_CNI_NAME}",
            )


@rule(
    code="N11",
    title="The CNI plugin does not fit the release of Istio",
    levels=(Severity.WARNING,),
    why=(
        "The plugin works with a control plane of its own minor version or of the next one. That they differ is meant "
        "for the time of an upgrade; it is reported where they do not fit."
    ),
    remedy="Give both the same version.",
    example="""
        apiVersion: sailoperator.io/v1
        kind: Istio
        metadata: {name: default}
        spec: {version: v1.30.4}
        ---
        apiVersion: sailoperator.io/v1
        kind: IstioCNI
        metadata: {name: default}
        spec: {version: v1.28.9}
    """,
    source="https://docs.redhat.com/en/documentation/red_hat_openshift_service_mesh/3.2/html/updating/ossm-updating-istio-cni",
)
def cni_of_another_version(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    meshes = {text(obj.at("spec", "version")) for obj in manifests.of(SAIL, "Istio")} - {""}
    for obj in manifests.of(SAIL, "IstioCNI"):
        version = text(obj.at("spec", "version"))
        if version and meshes and not any(_fits(version, mesh) for mesh in meshes):
            yield warning(
                obj.where("spec", "version"),
                f"the CNI plugin is {version!r} and Istio is {', '.join(repr(mesh) for mesh in sorted(meshes))}",
                "give both the same version",
            )


@rule(
    code="N18",
    title="The version of Istio is not pinned",
    levels=(Severity.WARNING,),
    why=(
        "A chart istiod without a version, or with a range such as `>=1.20.0`, is of another release with the next "
        "installation. Of an Istio without a version, or with an alias such as `v1.30-latest`, an upgrade of the Sail "
        "operator also upgrades the mesh. In some releases of the community's operator the version that it chooses is "
        "a beta."
    ),
    remedy=f"Name one version, such as {recommended_istio(None)}.",
    example="""
        apiVersion: sailoperator.io/v1
        kind: Istio
        metadata: {name: default}
        spec: {version: v1.30-latest}
    """,
    source="sail-operator: api/v1/istio_types.go; sail-operator: pkg/istioversion/versions.yaml",
)
def unpinned_version(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    facts = with_platform(manifests, facts)
    beta = "" if facts.platform == "openshift" else ", in some releases a beta"
    for obj in _versioned(manifests):
        version = obj.at("spec", "version")
        if version is None:
            why = f"without a version the operator chooses one{beta}, and each upgrade of it another"
        elif _is_alias(text(version)):
            why = f"{text(version)!r} is an alias: an upgrade of the operator changes the version"
        else:
            continue
        yield warning(
            obj.where("spec", "version"), why, f"name one version, such as {recommended_istio(facts.platform)}"
        )
    for chart in charts(manifests):
        if chart.name == "istiod" and _is_open(chart.version) and not chart.is_in_a_folder:
            yield warning(
                chart.owner.where(*chart.path),
                "the chart is of another release of Istio with the next installation",
                f"name one version, such as {lifecycle().current_version('istio')}",
            )


@rule(
    code="N11",
    title="The release of the control plane installs another chart",
    levels=(Severity.ERROR,),
    why=(
        "Of Istio's charts, `istiod` has the control plane; `base` has the definitions of its resources, and `cni` "
        "and `gateway` have what works beside it. A release that is called istiod and installs one of these "
        "leaves the cluster without a control plane. It is not reported beside another release with the chart istiod."
    ),
    remedy="Name the chart `istiod`.",
    example="""
        apiVersion: argoproj.io/v1alpha1
        kind: Application
        metadata: {name: istiod, namespace: argocd}
        spec:
          source: {repoURL: "https://blob.istio.io/istio-release/charts", chart: base, targetRevision: 1.31.4}
    """,
    source="istio: manifests/charts, the templates of base and of istio-control/istio-discovery",
)
def control_plane_of_another_chart(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    found = [*charts(manifests)]
    if any(chart.name == _CONTROL_PLANE for chart in found):
        return
    for chart in found:
        is_of_istio = chart.name in ISTIO_CHARTS_BESIDE and "istio" in chart.origin
        if is_of_istio and release_name(chart.owner) == _CONTROL_PLANE:
            yield error(
                chart.owner.where(*chart.path),
                f"the release {_CONTROL_PLANE} installs the chart {chart.name}, so there is no control plane",
                f"name the chart {_CONTROL_PLANE}",
            )


def _versioned(manifests: Manifests) -> Iterator[Object]:
    yield from manifests.of(SAIL, "Istio", "IstioCNI")


def _is_open(version: str) -> bool:
    """Whether newer releases satisfy it too, and not only newer patches."""
    return version in {"", "*", "x", "latest"} or version.startswith((">", "^"))


def _is_alias(version: str) -> bool:
    return version in {"latest", "master"} or version.endswith("-latest")


def _fits(plugin: str, mesh: str) -> bool:
    """Whether a plugin works with a mesh; for a version that names no release it is not known that it does not."""
    of_plugin, of_mesh = minor(plugin), minor(mesh)
    if of_plugin is None or of_mesh is None:
        return True
    return of_mesh in {of_plugin, (of_plugin[0], of_plugin[1] + 1)}

"""The Sail operator's resources Istio and IstioCNI."""

import datetime
from collections.abc import Iterator

from lint._mesh import SAIL
from lint._objects import Manifests, Object, text
from lint._versions import Minor, minor
from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.rule import rule

_CNI_NAME = "default"

# When the Istio project stops patching a minor version: six weeks after the second one after it, by
# https://istio.io/latest/docs/releases/supported-releases/. Up to 1.26 as recorded on
# https://endoflife.date/istio; the later ones computed from the releases of 1.29.0, 1.30.0 and 1.31.0.
END_OF_LIFE: dict[Minor, datetime.date] = {
    (1, 20): datetime.date(2024, 6, 25),
    (1, 21): datetime.date(2024, 9, 27),
    (1, 22): datetime.date(2025, 1, 22),
    (1, 23): datetime.date(2025, 4, 16),
    (1, 24): datetime.date(2025, 6, 24),
    (1, 25): datetime.date(2025, 9, 30),
    (1, 26): datetime.date(2025, 12, 22),
    (1, 27): datetime.date(2026, 3, 30),
    (1, 28): datetime.date(2026, 6, 29),
    (1, 29): datetime.date(2026, 10, 12),
}


@rule(
    title="On OpenShift, Istio is installed without its CNI plugin",
    levels=(Severity.ERROR,),
    why=(
        "OpenShift refuses the privileged init container that would otherwise set up the network of a pod with a "
        "sidecar, so the pods that get a sidecar are refused."
    ),
    remedy="Add an IstioCNI called `default` with the version of Istio.",
    example="""
        apiVersion: sailoperator.io/v1
        kind: Istio
        metadata: {name: default}
        spec: {version: v1.30.4}
    """,
    facts=Facts(platform="openshift"),
)
def openshift_without_cni(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    if facts.platform != "openshift" or any(manifests.of(SAIL, "IstioCNI")):
        return
    for obj in manifests.of(SAIL, "Istio"):
        if obj.at("spec", "values", "pilot", "cni", "enabled") is not False:
            yield error(
                obj.where("spec"),
                "OpenShift needs the CNI plugin, and there is no IstioCNI: the pods that get a sidecar are refused",
                f"add an IstioCNI called {_CNI_NAME} with the same version",
            )


@rule(
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
    title="The CNI plugin has another version than Istio",
    levels=(Severity.WARNING,),
    why="The Istio project tests the plugin together with the control plane of the same version only.",
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
        spec: {version: v1.29.7}
    """,
)
def cni_of_another_version(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    meshes = {text(obj.at("spec", "version")) for obj in manifests.of(SAIL, "Istio")} - {""}
    for obj in manifests.of(SAIL, "IstioCNI"):
        version = text(obj.at("spec", "version"))
        if version and meshes and not any(_same(version, mesh) for mesh in meshes):
            yield warning(
                obj.where("spec", "version"),
                f"the CNI plugin is {version!r} and Istio is {', '.join(repr(mesh) for mesh in sorted(meshes))}",
                "give both the same version",
            )


@rule(
    title="The version of Istio is not pinned",
    levels=(Severity.WARNING,),
    why=(
        "Without a version, or with an alias such as `v1.30-latest`, an upgrade of the operator also upgrades the "
        "mesh. In some releases of the operator the version that it chooses is a beta."
    ),
    remedy="Name one version, such as `v1.30.4`.",
    example="""
        apiVersion: sailoperator.io/v1
        kind: Istio
        metadata: {name: default}
        spec: {version: v1.30-latest}
    """,
)
def unpinned_version(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for obj in _versioned(manifests):
        version = obj.at("spec", "version")
        if version is None:
            why = "without a version the operator chooses one, in some releases a beta"
        elif _is_alias(text(version)):
            why = f"{text(version)!r} is an alias: an upgrade of the operator changes the version"
        else:
            continue
        yield warning(obj.where("spec", "version"), why, "name one version, such as v1.30.4")


@rule(
    title="The version of Istio is no longer maintained",
    levels=(Severity.WARNING,),
    why=(
        "The Istio project patches a minor version until six weeks after the second one after it, and newer operators"
        " refuse older ones. On OpenShift nothing is reported, since Red Hat maintains its builds for longer."
    ),
    remedy="Choose a version that is maintained.",
    example="""
        apiVersion: sailoperator.io/v1
        kind: Istio
        metadata: {name: default}
        spec: {version: v1.27.3}
    """,
    facts=Facts(today=datetime.date(2026, 3, 31)),
)
def end_of_life_version(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    if facts.today is None or facts.platform == "openshift":
        return
    for obj in _versioned(manifests):
        version = minor(text(obj.at("spec", "version")))
        ended = _ended(version) if version else None
        if version and ended and ended < facts.today:
            yield warning(
                obj.where("spec", "version"),
                f"patches of Istio {version[0]}.{version[1]} ended on {ended.isoformat()} at the latest, and newer "
                "operators refuse it",
                "choose a version that is maintained",
            )


def _versioned(manifests: Manifests) -> Iterator[Object]:
    yield from manifests.of(SAIL, "Istio", "IstioCNI")


def _is_alias(version: str) -> bool:
    return version in {"latest", "master"} or version.endswith("-latest")


def _same(one: str, other: str) -> bool:
    if _is_alias(one) or _is_alias(other):
        return minor(one) == minor(other)
    return one.removeprefix("v") == other.removeprefix("v")


def _ended(version: Minor) -> datetime.date | None:
    """Return the last day of support; for versions older than the table, its first day."""
    return END_OF_LIFE.get(max(version, min(END_OF_LIFE)))

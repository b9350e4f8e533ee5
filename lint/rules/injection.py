"""Sidecars: which namespaces get them, and the pods that must not."""

from collections.abc import Iterator

from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.objects import Manifests, sequence, text
from lint.rule import rule
from lint.views.mesh import SAIL
from lint.views.namespaces import INJECT, INJECTION, REVISION, injected, namespaces
from lint.views.services import OPENTELEMETRY
from lint.views.values import values

DEFAULT = "default"


@rule(
    code="N10",
    title="A namespace's label injects nothing for lack of a default revision",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "Only a control plane revision, or a revision tag, called `default` injects sidecars into namespaces with the"
        " label `istio-injection: enabled`. If there are only others, no pod of the namespace gets a sidecar. It is a"
        " warning if the cluster, which may have a default revision already, is not known."
    ),
    remedy="Label the namespace `istio.io/rev: <revision>`, or add an IstioRevisionTag called `default`.",
    example="""
        apiVersion: sailoperator.io/v1
        kind: Istio
        metadata: {name: mesh}
        spec: {version: v1.30.4}
        ---
        apiVersion: v1
        kind: Namespace
        metadata: {name: bookinfo, labels: {istio-injection: enabled}}
    """,
    source=(
        "sail-operator: pkg/istiovalues/overrides.go; "
        "istio: manifests/charts/istio-control/istio-discovery/templates/mutatingwebhook.yaml"
    ),
)
def label_without_default_revision(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    revisions = _revisions(manifests) | (facts.istio_revisions or frozenset())
    if not revisions or DEFAULT in revisions:
        return
    for obj in namespaces(manifests):
        if obj.labels.get(INJECTION) == "enabled":
            known = facts.istio_revisions is not None
            yield (error if known else warning)(
                obj.where("metadata", "labels", INJECTION),
                f"no revision or tag is called {DEFAULT!r}, only {', '.join(sorted(revisions))}, so no pod of "
                "this namespace gets a sidecar" + ("" if known else " unless the cluster has one already"),
                f"label it {REVISION}=<revision>, or add an IstioRevisionTag called {DEFAULT}",
            )


@rule(
    code="N10",
    title="A namespace has two labels that contradict each other",
    levels=(Severity.WARNING,),
    why=(
        "If a namespace has both `istio-injection` and `istio.io/rev`, the first one decides and the second one is "
        "ignored."
    ),
    remedy="Keep one of the two labels.",
    example="""
        apiVersion: v1
        kind: Namespace
        metadata: {name: bookinfo, labels: {istio-injection: enabled, istio.io/rev: canary}}
    """,
    source=(
        "sail-operator: pkg/revision/references.go; "
        "istio: manifests/charts/istio-control/istio-discovery/templates/mutatingwebhook.yaml"
    ),
)
def contradicting_labels(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for obj in namespaces(manifests):
        simple, revision = text(obj.labels.get(INJECTION)), text(obj.labels.get(REVISION))
        if not simple or not revision or (simple == "enabled" and revision == DEFAULT):
            continue
        outcome = f"the revision {DEFAULT!r} injects the sidecars" if simple == "enabled" else "no pod gets a sidecar"
        yield warning(
            obj.where("metadata", "labels", REVISION),
            f"{INJECTION}={simple} wins over it: {outcome}, and {revision!r} is ignored",
            "keep one of the two labels",
        )


@rule(
    code="N19",
    title="The collector gets a sidecar",
    levels=(Severity.WARNING,),
    why=(
        "The collector is in a namespace with injection. With a sidecar it traces its own traffic again, and takes "
        "spans only as the mesh's mTLS settings allow."
    ),
    remedy=(
        'Set the label `sidecar.istio.io/inject: "false"` on the OpenTelemetryCollector; its operator copies it to '
        "the pods."
    ),
    example="""
        apiVersion: v1
        kind: Namespace
        metadata: {name: tracing, labels: {istio-injection: enabled}}
        ---
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: tracing}
    """,
    source=(
        "istio: manifests/charts/istio-control/istio-discovery/templates/mutatingwebhook.yaml; "
        "opentelemetry-operator: internal/manifests/manifestutils/labels.go"
    ),
)
def sidecar_in_collector(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    in_mesh = injected(manifests)
    for obj in manifests.of(OPENTELEMETRY, "OpenTelemetryCollector"):
        opted_out = "false" in (obj.labels.get(INJECT), obj.at("spec", "podAnnotations", INJECT))
        if obj.namespace in in_mesh and not opted_out and obj.at("spec", "mode") != "sidecar":
            yield warning(
                obj.where("metadata", "labels", INJECT),
                f"namespace {obj.namespace} is injected, so the collector gets a sidecar, traces itself and takes "
                "spans only as the mesh's mTLS allows",
                f'set the label {INJECT}: "false" on the OpenTelemetryCollector; its operator copies it to the pods',
            )


def _revisions(manifests: Manifests) -> frozenset[str]:
    """Return the revisions and tags that the objects define."""
    names = {obj.name for obj in manifests.of(SAIL, "IstioRevision", "IstioRevisionTag")}
    for obj in manifests.of(SAIL, "Istio"):
        if obj.at("spec", "updateStrategy", "type") == "RevisionBased":
            # The operator's name for it (sail: controllers/istio/istio_controller.go).
            version = text(obj.at("spec", "version")).replace(".", "-")
            names.add(f"{obj.name}-{version}")
        else:
            names.add(obj.name)
    for obj in manifests.of("install.istio.io", "IstioOperator"):
        names.add(text(obj.at("spec", "revision")) or DEFAULT)
    for found in values(manifests, "istiod"):
        names.add(text(found.at("revision")) or DEFAULT)
        names.update(text(tag) for tag in sequence(found.at("revisionTags")))
    for obj in manifests.of("", "ConfigMap"):
        if obj.at("data", "mesh") is not None and (obj.name == "istio" or obj.name.startswith("istio-")):
            names.add(obj.name.removeprefix("istio").removeprefix("-") or DEFAULT)
    for obj in manifests.of("admissionregistration.k8s.io", "MutatingWebhookConfiguration"):
        names.add(text(obj.labels.get("istio.io/tag")))
    return frozenset(names - {""})

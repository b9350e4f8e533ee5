"""An ambient mesh: only a waypoint understands HTTP, and traces it."""

from collections.abc import Iterator

from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.objects import Manifests, at, mapping, sequence
from lint.rule import rule
from lint.views.destinations import destinations
from lint.views.mesh import root_namespaces, tracers
from lint.views.namespaces import ambient, is_ambient, namespaces
from lint.views.telemetry import telemetries, tracing, tracing_entries
from lint.views.waypoints import (
    NONE,
    USE_WAYPOINT,
    WAYPOINT_CLASS,
    admits,
    attachments,
    waypoints,
    waypoints_by_name,
)


@rule(
    code="N29",
    title="An ambient namespace has no waypoint",
    levels=(Severity.WARNING,),
    why=(
        "ztunnel forwards connections and knows nothing of requests. Only a waypoint makes spans of them, so the "
        "requests in an ambient namespace without one are in no trace, and not in the service graph. It is reported "
        "only if there is something for tracing among the objects, or a waypoint in that namespace, which nothing uses."
    ),
    remedy=(
        "Add a Gateway of the class `istio-waypoint`, and label the namespace `istio.io/use-waypoint: <its name>`; or "
        "`none` if it needs no traces."
    ),
    example="""
        apiVersion: telemetry.istio.io/v1
        kind: Telemetry
        metadata: {name: mesh-default, namespace: istio-system}
        spec:
          tracing: [{providers: [{name: otel}], randomSamplingPercentage: 100}]
        ---
        apiVersion: v1
        kind: Namespace
        metadata: {name: bookinfo, labels: {istio.io/dataplane-mode: ambient}}
    """,
    source="istio: architecture/ambient/ztunnel.md; istio: pilot/pkg/serviceregistry/ambient/waypoints.go",
)
def ambient_namespace_without_waypoint(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    is_traced = any(tracers(manifests)) or any(tracing(manifests))
    # The collector's own requests, and those of the mesh itself, are nothing to trace.
    untraced = root_namespaces(manifests, facts) | {to.namespace for to in destinations(manifests, facts)}
    attached = {attachment.source for attachment in attachments(manifests)}
    present = {waypoint.namespace for waypoint in waypoints(manifests)}
    for obj in namespaces(manifests):
        if is_ambient(obj) and obj.name not in attached | untraced and (is_traced or obj.name in present):
            yield warning(
                obj.where("metadata", "labels", USE_WAYPOINT),
                "its waypoint gets no traffic without this label, so there are no spans of its requests"
                if obj.name in present
                else "without a waypoint there are no spans of its requests",
                "name the waypoint here"
                if obj.name in present
                else f"add a Gateway of the class istio-waypoint, and name it here; or {NONE!r} if it needs no traces",
            )


@rule(
    code="N29",
    title="A Telemetry with a selector is in an ambient namespace",
    levels=(Severity.WARNING,),
    why=(
        "A waypoint takes no notice of a Telemetry with a selector, which is for sidecars and gateways. In a namespace "
        "without sidecars it has no effect."
    ),
    remedy="Name the waypoint, or a Service behind it, in `targetRefs` instead.",
    example="""
        apiVersion: v1
        kind: Namespace
        metadata: {name: bookinfo, labels: {istio.io/dataplane-mode: ambient, istio.io/use-waypoint: waypoint}}
        ---
        apiVersion: telemetry.istio.io/v1
        kind: Telemetry
        metadata: {name: reviews, namespace: bookinfo}
        spec:
          selector: {matchLabels: {app: reviews}}
          tracing: [{providers: [{name: otel}], randomSamplingPercentage: 100}]
    """,
    source="istio: pilot/pkg/model/policyattachment.go",
)
def selector_in_ambient_namespace(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    without_sidecars = ambient(manifests)
    for obj in telemetries(manifests):
        labels = mapping(obj.at("spec", "selector", "matchLabels"))
        for_gateways = any("gateway" in f"{key}={value}" for key, value in labels.items())
        if obj.namespace in without_sidecars and labels and not for_gateways and any(tracing_entries(obj)):
            yield warning(
                obj.where("spec", "selector"),
                "a waypoint takes no notice of a selector, and there are no sidecars here",
                "name the waypoint, or a Service behind it, in targetRefs instead",
            )


@rule(
    code="N29",
    title="A Telemetry is for the class of all waypoints",
    levels=(Severity.WARNING,),
    why=(
        "Of the Telemetries with `targetRefs`, istiod looks at those in a waypoint's own namespace and in that of a "
        "Service behind it. One in the root namespace for the GatewayClass `istio-waypoint`, as policies of other "
        "kinds may have it, reaches the waypoints of the root namespace only."
    ),
    remedy="Leave `targetRefs` out for the whole mesh, or name each waypoint in a Telemetry in its namespace.",
    example="""
        apiVersion: telemetry.istio.io/v1
        kind: Telemetry
        metadata: {name: waypoints, namespace: istio-system}
        spec:
          targetRefs: [{group: gateway.networking.k8s.io, kind: GatewayClass, name: istio-waypoint}]
          tracing: [{providers: [{name: otel}], randomSamplingPercentage: 100}]
    """,
    source="istio: pilot/pkg/model/telemetry.go, applicableTelemetries, 1.26 to 1.31",
)
def telemetry_for_the_class_of_waypoints(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    beside = {waypoint.namespace for waypoint in waypoints(manifests)}
    for obj in telemetries(manifests):
        if obj.namespace not in root_namespaces(manifests, facts) - beside or not any(tracing_entries(obj)):
            continue
        for index, target in enumerate(sequence(obj.at("spec", "targetRefs"))):
            if (at(target, "kind"), at(target, "name")) == ("GatewayClass", WAYPOINT_CLASS):
                yield warning(
                    obj.where("spec", "targetRefs", index),
                    "no waypoint outside this namespace gets a Telemetry for the class",
                    "leave targetRefs out for the whole mesh, or name each waypoint in a Telemetry in its namespace",
                )


@rule(
    code="N29",
    title="A waypoint does not take the traffic of a namespace that uses it",
    levels=(Severity.ERROR,),
    why=(
        "A waypoint takes only the traffic of its own namespace, unless `allowedRoutes` of its HBONE listener says "
        "otherwise. What names it from elsewhere goes without a waypoint, and without spans."
    ),
    remedy="Set `allowedRoutes: {namespaces: {from: All}}`, or a `Selector`, on the listener for port 15008.",
    example="""
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {name: waypoint, namespace: shared}
        spec:
          gatewayClassName: istio-waypoint
          listeners: [{name: mesh, port: 15008, protocol: HBONE}]
        ---
        apiVersion: v1
        kind: Namespace
        metadata:
          name: bookinfo
          labels:
            istio.io/dataplane-mode: ambient
            istio.io/use-waypoint: waypoint
            istio.io/use-waypoint-namespace: shared
    """,
    source="istio: pilot/pkg/serviceregistry/ambient/waypoints.go",
)
def waypoint_that_does_not_admit_a_namespace(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for attachment in attachments(manifests):
        for waypoint in waypoints_by_name(manifests).get((attachment.namespace, attachment.name), ()):
            if admits(manifests, waypoint, attachment.source) is False:
                yield error(
                    attachment.owner.where("metadata", "labels", USE_WAYPOINT),
                    f"waypoint {waypoint.namespace}/{waypoint.name} takes no traffic of namespace {attachment.source}, "
                    "so there are no spans of it",
                    "set allowedRoutes: {namespaces: {from: All}} on the waypoint's listener for port 15008",
                )

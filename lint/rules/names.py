"""Names that lead nowhere: a waypoint, the target of a Telemetry, an API that does not exist."""

from collections.abc import Iterator

from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.lifecycle import lifecycle
from lint.objects import Manifests, Object, Path, mapping, sequence, text
from lint.rule import rule
from lint.views.mesh import NETWORKING, SAIL, is_plain, root_namespaces
from lint.views.products import uses
from lint.views.telemetry import telemetries
from lint.views.versions import minor
from lint.views.waypoints import (
    GATEWAY_API,
    NONE,
    USE_WAYPOINT,
    USE_WAYPOINT_NAMESPACE,
    WAYPOINT_CLASS,
    attachments,
    waypoints,
)

_MONITORING = "monitoring.coreos.com"
# By kind: its API group, and the versions that some release serves, or served; those of previews do not count.
_APIS: dict[str, tuple[str, frozenset[str]]] = {
    "Telemetry": ("telemetry.istio.io", frozenset({"v1", "v1alpha1"})),
    "PeerAuthentication": ("security.istio.io", frozenset({"v1", "v1beta1"})),
    "DestinationRule": (NETWORKING, frozenset({"v1", "v1beta1", "v1alpha3"})),
    "Sidecar": (NETWORKING, frozenset({"v1", "v1beta1", "v1alpha3"})),
    "ServiceEntry": (NETWORKING, frozenset({"v1", "v1beta1", "v1alpha3"})),
    "EnvoyFilter": (NETWORKING, frozenset({"v1alpha3"})),
    "ProxyConfig": (NETWORKING, frozenset({"v1beta1"})),
    "OpenTelemetryCollector": ("opentelemetry.io", frozenset({"v1beta1", "v1alpha1"})),
    "Istio": ("sailoperator.io", frozenset({"v1"})),
    "IstioRevision": ("sailoperator.io", frozenset({"v1"})),
    "IstioCNI": ("sailoperator.io", frozenset({"v1"})),
    "TempoStack": ("tempo.grafana.com", frozenset({"v1alpha1"})),
    "TempoMonolithic": ("tempo.grafana.com", frozenset({"v1alpha1"})),
    "ServiceMonitor": (_MONITORING, frozenset({"v1"})),
    "PodMonitor": (_MONITORING, frozenset({"v1"})),
}
_WITHOUT_MIXER = lifecycle().first_release("a mesh configuration without Mixer")
# By the API group that Istio has no more: what came instead.
_GONE = {
    "config.istio.io": "write a Telemetry, or leave it out",
    "authentication.istio.io": "write a PeerAuthentication or a RequestAuthentication",
    "rbac.istio.io": "write an AuthorizationPolicy",
}
# By the API version that Kubernetes does not serve any more, and by kind: since when, and what there is instead
# (https://kubernetes.io/docs/reference/using-api/deprecation-guide/).
_WORKLOADS_OF_1_16 = dict.fromkeys(("DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"), ("1.16", "apps/v1"))
_REMOVED: dict[str, dict[str, tuple[str, str]]] = {
    "apps/v1beta1": _WORKLOADS_OF_1_16,
    "apps/v1beta2": _WORKLOADS_OF_1_16,
    "extensions/v1beta1": {
        **_WORKLOADS_OF_1_16,
        "NetworkPolicy": ("1.16", "networking.k8s.io/v1"),
        "Ingress": ("1.22", "networking.k8s.io/v1"),
    },
    "networking.k8s.io/v1beta1": {
        "Ingress": ("1.22", "networking.k8s.io/v1"),
        "IngressClass": ("1.22", "networking.k8s.io/v1"),
    },
    "rbac.authorization.k8s.io/v1beta1": dict.fromkeys(
        ("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"), ("1.22", "rbac.authorization.k8s.io/v1")
    ),
    "admissionregistration.k8s.io/v1beta1": dict.fromkeys(
        ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"), ("1.22", "admissionregistration.k8s.io/v1")
    ),
    "apiextensions.k8s.io/v1beta1": {"CustomResourceDefinition": ("1.22", "apiextensions.k8s.io/v1")},
    "batch/v1beta1": {"CronJob": ("1.25", "batch/v1")},
    "policy/v1beta1": {"PodDisruptionBudget": ("1.25", "policy/v1")},
    "autoscaling/v2beta1": {"HorizontalPodAutoscaler": ("1.25", "autoscaling/v2")},
    "autoscaling/v2beta2": {"HorizontalPodAutoscaler": ("1.26", "autoscaling/v2")},
}
# Kinds that nobody else has: whatever the group, it is meant to be this one.
_UNIQUE = frozenset({"OpenTelemetryCollector", "TempoStack", "TempoMonolithic"})
# By the kind that a Telemetry may be for: its group.
_TARGETS = {"Gateway": GATEWAY_API, "Service": "", "ServiceEntry": NETWORKING}


@rule(
    code="N30",
    title="An object has an API version that nobody serves",
    levels=(Severity.ERROR,),
    why="The kind is known, but not in this API group or version: it cannot be created, and no operator reads it.",
    remedy="Write the kind's own group and version.",
    example="""
        apiVersion: networking.istio.io/v1
        kind: Telemetry
        metadata: {name: mesh-default, namespace: istio-system}
        spec:
          tracing: [{providers: [{name: otel}], randomSamplingPercentage: 100}]
    """,
    source=(
        "istio: manifests/charts/base/files/crd-all.gen.yaml; opentelemetry-operator: config/crd/bases; "
        "tempo-operator: config/crd/bases"
    ),
)
def api_version_that_nobody_serves(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for obj in manifests.objects:
        written = text(obj.at("apiVersion"))
        if obj.kind not in _APIS or not is_plain(written):
            continue
        group, versions = _APIS[obj.kind]
        if _may_be_of(group, obj) and (obj.group != group or written.rpartition("/")[2] not in versions):
            newest = min(versions, key=_age)
            yield error(
                obj.where("apiVersion"),
                f"nobody serves {written} of kind {obj.kind}",
                f"write {group}/{newest}",
            )


def _may_be_of(group: str, obj: Object) -> bool:
    """Whether the kind is meant to be that of ``group``; others have kinds of the same name in groups of their own."""
    written = text(obj.group)
    if group.endswith("istio.io"):
        return written.endswith("istio.io")
    if group == SAIL:
        return written == group
    # Kubernetes' own groups have a name of one word, or end with k8s.io.
    is_of_kubernetes = "." not in written or written.endswith(".k8s.io")
    return obj.kind in _UNIQUE or written == group or is_of_kubernetes


def _is_outside(namespace: str, roots: frozenset[str]) -> bool:
    return namespace not in roots and all(map(is_plain, roots))


def _age(version: str) -> tuple[bool, bool, str]:
    """Order versions of an API from the newest to the oldest."""
    return "alpha" in version, "beta" in version, version


@rule(
    code="N30",
    title="A resource is of a part of Istio that was taken out",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "Istio 1.5 took Mixer's place in the proxies, and Istio 1.8 came without its resources, those of "
        "`config.istio.io`, and without the older policies of `authentication.istio.io` and `rbac.istio.io`. The API "
        "server has no such kinds any more, and nothing reads them. It is a warning if an older Istio is among the "
        "objects."
    ),
    remedy="Write a Telemetry for what Mixer did, a PeerAuthentication, or an AuthorizationPolicy.",
    example="""
        apiVersion: config.istio.io/v1alpha2
        kind: rule
        metadata: {name: tracing, namespace: istio-system}
        spec: {actions: [{handler: zipkin, instances: [default.tracespan]}]}
    """,
    source="https://istio.io/latest/news/releases/1.8.x/announcing-1.8/upgrade-notes/; istio/api: mixer/v1",
)
def resource_of_a_part_that_was_taken_out(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    releases = [minor(use.release) for use in uses(manifests, facts) if use.product == "istio"]
    is_older = any(release is not None and release < _WITHOUT_MIXER for release in releases)
    for obj in manifests.objects:
        if obj.group in _GONE and obj.kind:
            manifests.recognise(obj)
            yield (warning if is_older else error)(
                obj.where("apiVersion"),
                f"there are no kinds of {obj.group} since Istio {'.'.join(map(str, _WITHOUT_MIXER))}",
                _GONE[obj.group],
            )


@rule(
    code="N30",
    title="A label names a waypoint that does not exist",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "`istio.io/use-waypoint` names a Gateway in the same namespace, or in the one that "
        "`istio.io/use-waypoint-namespace` names. If it is not there, the traffic goes without a waypoint, and there "
        "are no spans of it. It is reported only if that namespace has a waypoint of another name, or, as a warning, "
        "another namespace has one of this name: any other may be made by a command."
    ),
    remedy="Write the waypoint's name, and its namespace if that is another one.",
    example="""
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {name: bookinfo-waypoint, namespace: bookinfo}
        spec:
          gatewayClassName: istio-waypoint
          listeners: [{name: mesh, port: 15008, protocol: HBONE}]
        ---
        apiVersion: v1
        kind: Namespace
        metadata: {name: bookinfo, labels: {istio.io/dataplane-mode: ambient, istio.io/use-waypoint: waypoint}}
    """,
    source="istio: pilot/pkg/serviceregistry/ambient/waypoints.go",
)
def waypoint_that_is_not_there(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    gateways = {(one.namespace, one.name) for one in manifests.of(GATEWAY_API, "Gateway")}
    present = {(one.namespace, one.name) for one in waypoints(manifests)}
    for attachment in attachments(manifests):
        wanted = (attachment.namespace, attachment.name)
        if attachment.name == NONE or wanted in gateways or not all(map(is_plain, wanted)):
            continue
        beside = sorted(name for namespace, name in present if namespace == attachment.namespace)
        elsewhere = sorted(namespace for namespace, name in present if name == attachment.name)
        place = attachment.owner.where("metadata", "labels", USE_WAYPOINT)
        why = f"there is no waypoint {attachment.name} in namespace {attachment.namespace}, so there are no spans"
        if beside:
            yield error(place, why, f"write {' or '.join(beside)}")
        elif elsewhere:
            yield warning(place, why, f"add {USE_WAYPOINT_NAMESPACE}: {elsewhere[0]} if that one is meant")


@rule(
    code="N30",
    title="A Telemetry is for something that does not exist",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "`targetRefs` names a Gateway, a Service or a ServiceEntry in the Telemetry's own namespace, or in the root "
        "namespace the GatewayClass `istio-waypoint`. If it is not there, the Telemetry has no effect. It is reported "
        "only if that namespace has others of the kind among the objects; it is a warning for a Service, which an "
        "operator may make."
    ),
    remedy="Write the name of what is meant, and put the Telemetry into its namespace.",
    example="""
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {name: waypoint, namespace: bookinfo}
        spec:
          gatewayClassName: istio-waypoint
          listeners: [{name: mesh, port: 15008, protocol: HBONE}]
        ---
        apiVersion: telemetry.istio.io/v1
        kind: Telemetry
        metadata: {name: bookinfo, namespace: bookinfo}
        spec:
          targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: bookinfo-gateway}]
          tracing: [{providers: [{name: otel}], randomSamplingPercentage: 100}]
    """,
    source="istio: pilot/pkg/model/policyattachment.go",
)
def telemetry_target_that_is_not_there(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    roots = root_namespaces(manifests, facts)
    for telemetry in telemetries(manifests):
        targets: list[Path] = [("spec", "targetRef")] if mapping(telemetry.at("spec", "targetRef")) else []
        targets += [
            ("spec", "targetRefs", index) for index, _ in enumerate(sequence(telemetry.at("spec", "targetRefs")))
        ]
        for path in targets:
            kind, name = text(telemetry.at(*path, "kind")), text(telemetry.at(*path, "name"))
            if not is_plain(name) or not is_plain(telemetry.namespace):
                continue
            if kind == "GatewayClass" and (name != WAYPOINT_CLASS or _is_outside(telemetry.namespace, roots)):
                yield error(
                    telemetry.where(*path),
                    f"only the class {WAYPOINT_CLASS} in the root namespace ({', '.join(sorted(roots))}) is looked at, "
                    "so the Telemetry has no effect",
                    "name the waypoint, or a Service behind it, in its namespace instead",
                )
            if kind not in _TARGETS:
                continue
            group = _TARGETS[kind]
            present = sorted({one.name for one in manifests.of(group, kind) if one.namespace == telemetry.namespace})
            if present and name not in present:
                yield (warning if kind == "Service" else error)(
                    telemetry.where(*path, "name"),
                    f"namespace {telemetry.namespace} has no {kind} {name}, so the Telemetry has no effect",
                    f"write the name of one: {', '.join(present)}",
                )


@rule(
    code="N30",
    title="An object has an API version that Kubernetes does not serve any more",
    levels=(Severity.ERROR,),
    why=(
        "Kubernetes takes an older version of an API away some releases after its successor came. The API server "
        "refuses the object, and with it what depends on it: a collector's autoscaler, or the route to Grafana."
    ),
    remedy="Write the version that the finding names; some fields have another place there.",
    example="""
        apiVersion: autoscaling/v2beta2
        kind: HorizontalPodAutoscaler
        metadata: {name: otel-collector, namespace: tracing-system}
        spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: otel-collector}, maxReplicas: 3}
    """,
    source="https://kubernetes.io/docs/reference/using-api/deprecation-guide/",
)
def api_version_that_kubernetes_took_away(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for obj in manifests.objects:
        removed = _REMOVED.get(text(obj.at("apiVersion")), {})
        if obj.kind in removed:
            release, instead = removed[obj.kind]
            manifests.recognise(obj)
            yield error(
                obj.where("apiVersion"),
                f"Kubernetes does not serve {obj.at('apiVersion')} of kind {obj.kind} since {release}",
                f"write {instead}",
            )

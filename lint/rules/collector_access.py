"""What keeps the proxies' spans from a collector that they know: mutual TLS and NetworkPolicies."""

from collections.abc import Iterator, Mapping
from typing import Any

from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.objects import Manifests, Object, Path, at, mapping, number, sequence, text
from lint.rule import rule
from lint.views.destinations import Destination, destinations, has_sidecar, pods_behind
from lint.views.hosts import service_of
from lint.views.mesh import NETWORKING, root_namespaces
from lint.views.namespaces import injected, known, selects, selects_namespace

_MUTUAL = "ISTIO_MUTUAL"


@rule(
    code="N28",
    title="Proxies speak Istio's mutual TLS to a collector without a sidecar",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "A DestinationRule with `ISTIO_MUTUAL` applies to the collector's host, also by a wildcard such as `*.local`. "
        "A collector without a sidecar does not understand that TLS, and every export of spans fails. It is a warning "
        "if its pods, which may have a sidecar, are not among the objects."
    ),
    remedy="Add a DestinationRule with `tls: {mode: DISABLE}` for the collector's host, or leave the mode out.",
    example="""
        apiVersion: sailoperator.io/v1
        kind: Istio
        metadata: {name: default}
        spec:
          version: v1.30.4
          values:
            meshConfig:
              extensionProviders:
                - name: otel
                  opentelemetry: {service: otel-collector.tracing.svc.cluster.local, port: 4317}
              defaultProviders: {tracing: [otel]}
        ---
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: tracing}
        ---
        apiVersion: networking.istio.io/v1
        kind: DestinationRule
        metadata: {name: default, namespace: istio-system}
        spec:
          host: "*.local"
          trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}
    """,
    source="istio: pilot/pkg/model/push_context.go, destinationRule; istio: pilot/pkg/networking/core/cluster_tls.go",
)
def mutual_tls_without_sidecar(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for to in destinations(manifests, facts):
        in_mesh = has_sidecar(manifests, to)
        if in_mesh:
            continue
        for destination_rule in _rules_for(manifests, to, facts):
            path = _tls_mode(destination_rule, to.provider.port)
            if destination_rule.at(*path) == _MUTUAL:
                yield (error if in_mesh is False and to.sure else warning)(
                    destination_rule.where(*path),
                    f"it applies to {to.host}, whose pods have no sidecar that understands Istio's mutual TLS"
                    if in_mesh is False
                    else f"it applies to {to.host}, which takes no spans by Istio's mutual TLS unless it has a sidecar",
                    "add a DestinationRule with tls: {mode: DISABLE} for that host",
                )


def _rules_for(manifests: Manifests, to: Destination, facts: Facts) -> list[Object]:
    """Return the DestinationRules that some proxies obey for the collector's host.

    A proxy takes the most specific one in its own namespace, or else in the Service's, or else in the root namespace
    (istio: pilot/pkg/model/push_context.go, destinationRule).
    """
    chosen: dict[str, tuple[int, Object]] = {}
    for obj in manifests.of(NETWORKING, "DestinationRule"):
        length = _match(obj, to, facts)
        if length and length > chosen.get(obj.namespace, (0, obj))[0]:
            chosen[obj.namespace] = (length, obj)
    roots = root_namespaces(manifests, facts) - {to.namespace} if to.namespace in chosen else frozenset[str]()
    return [obj for namespace, (_, obj) in chosen.items() if namespace not in roots]


def _match(destination_rule: Object, to: Destination, facts: Facts) -> int:
    """Return how specific the rule's host is for that of the collector; 0 if it is another one."""
    host = text(destination_rule.at("spec", "host"))
    if host.startswith("*"):
        return len(host) if to.host.endswith(host[1:]) else 0
    meant = service_of(host, cluster_domain=facts.cluster_domain, own_namespace=destination_rule.namespace)
    named = to.provider.target(facts)
    # A name in full is more specific than any wildcard.
    return len(f"*{to.host}") if host == to.host or (meant is not None and meant == named) else 0


def _tls_mode(destination_rule: Object, port: int | None) -> Path:
    """Return the path to the mode for a port: what is set for the port replaces all that is set for the host."""
    path: Path = ("spec", "trafficPolicy", "portLevelSettings")
    for index, settings in enumerate(sequence(destination_rule.at(*path))):
        if number(at(settings, "port", "number")) == port:
            return (*path, index, "tls", "mode")
    return ("spec", "trafficPolicy", "tls", "mode")


@rule(
    code="N28",
    title="A NetworkPolicy lets no spans in",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "The policy selects the pods of the collector, and no policy that may select them allows ingress on the port "
        "of the spans from a namespace of the mesh. The proxies' connections time out. It is a warning if nothing "
        "among the objects uses the provider."
    ),
    remedy="Allow ingress on the provider's port from the namespaces of the mesh.",
    example="""
        apiVersion: sailoperator.io/v1
        kind: Istio
        metadata: {name: default}
        spec:
          version: v1.30.4
          values:
            meshConfig:
              extensionProviders:
                - name: otel
                  opentelemetry: {service: otel-collector.tracing.svc.cluster.local, port: 4317}
              defaultProviders: {tracing: [otel]}
        ---
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: tracing}
        ---
        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        metadata: {name: default-deny, namespace: tracing}
        spec: {podSelector: {}, policyTypes: [Ingress]}
    """,
    source=(
        "https://kubernetes.io/docs/concepts/services-networking/network-policies/; "
        "opentelemetry-operator: internal/manifests/collector/networkpolicy.go"
    ),
)
def policy_that_lets_no_spans_in(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for to in destinations(manifests, facts):
        if to.owner is None or to.owner.kind == "ServiceEntry" or _has_own_policy(to.owner, facts):
            continue
        policies = [
            (obj, _selects_pods(manifests, obj, to))
            for obj in manifests.of("networking.k8s.io", "NetworkPolicy")
            if obj.namespace == to.namespace and _is_for_ingress(obj)
        ]
        possible = [obj for obj, selected in policies if selected is not False]
        if any(_may_let_in(manifests, rule, to) for obj in possible for rule in sequence(obj.at("spec", "ingress"))):
            continue
        for obj, selected in policies:
            if selected:
                yield (error if to.sure else warning)(
                    obj.where("spec", "ingress"),
                    f"it selects the pods of {to.host}, and nothing lets the mesh in on port {to.provider.port}",
                    f"allow ingress on port {to.provider.port} from the namespaces of the mesh",
                )


def _has_own_policy(collector: Object, facts: Facts) -> bool:
    """Whether the collector's operator may make a policy that lets everybody in; on OpenShift also unasked."""
    wanted = collector.at("spec", "networkPolicy", "enabled")
    return wanted is True or (wanted is None and facts.platform == "openshift")


def _is_for_ingress(policy: Object) -> bool:
    types = sequence(policy.at("spec", "policyTypes"))
    return not types or "Ingress" in types


def _selects_pods(manifests: Manifests, policy: Object, to: Destination) -> bool | None:
    """Whether a policy selects the pods; None if that depends on labels that are not known."""
    answers = {
        selects(policy.at("spec", "podSelector"), labels, all_known=False) for labels in pods_behind(manifests, to)
    }
    return answers.pop() if len(answers) == 1 else None


def _may_let_in(manifests: Manifests, ingress: object, to: Destination) -> bool:
    ports, peers = sequence(at(ingress, "ports")), sequence(at(ingress, "from"))
    return (not ports or any(_may_be_port(port, to) for port in ports)) and (
        not peers or any(_may_be_in_mesh(manifests, mapping(peer), to) for peer in peers)
    )


def _may_be_port(entry: object, to: Destination) -> bool:
    """Whether it may be the pods' port; a name may be any, and a Service may lead to another number."""
    if at(entry, "protocol") not in (None, "TCP"):
        return False
    first, last = number(at(entry, "port")), number(at(entry, "endPort"))
    target = _target_port(to)
    return first is None or target is None or first <= target <= (first if last is None else last)


def _target_port(to: Destination) -> int | None:
    port = to.service.port(to.provider.port) if to.service and to.provider.port is not None else None
    if port is None or to.service is None or not port.path:
        return to.provider.port
    target = to.service.owner.at(*port.path, "targetPort")
    return to.provider.port if target is None else number(target)


def _may_be_in_mesh(manifests: Manifests, peer: Mapping[Any, Any], to: Destination) -> bool:
    """Whether pods of the mesh may be among the peers; an address may be anybody's."""
    if "ipBlock" in peer:
        return True
    mesh = injected(manifests)
    if "namespaceSelector" in peer:
        selector = peer["namespaceSelector"]
        return not mesh or any(selects_namespace(manifests, selector, one) is not False for one in mesh)
    return to.namespace in mesh or to.namespace not in known(manifests)

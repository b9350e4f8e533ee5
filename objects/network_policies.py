"""NetworkPolicies for the pods of the data path: who connects to them, and if that is known, to whom they do.

A policy lets in what its pods are there for, by labels that no update changes: who was let in before an update still is
during it. Pods that are not the program's own are in none. Nor are:

- Bookinfo, which is an application, and whoever comes through its gateway;
- istiod, which every proxy and the API server connect to. Istio's own chart makes a policy for it
  (``mesh.values.global.networkPolicy.enabled``);
- the operators, whose releases bring what they need.

Only the object store and Prometheus are limited in where they connect to. The others reach what a policy cannot name:
the collector any exporter, Tempo a store or Prometheus outside the cluster, Kiali and the check the API server, Grafana
whatever its users log in by. A policy for the parts of a TempoStack only adds to those of Tempo's operator, which let
every namespace reach distributor and query frontend (tempo-operator: internal/manifests/networkpolicies/components.go).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from model import Collector, Mesh, NetworkPolicies, ObjectStoreName, Tempo
from model.scalars import Flag, Name
from objects.addresses import (
    CERT_MANAGER,
    COLLECTOR_GRAPH_PORT,
    COLLECTOR_PEER_PORT,
    COLLECTOR_TELEMETRY_PORT,
    GRAFANA,
    GRAFANA_PORT,
    KIALI,
    KIALI_PORT,
    OTLP_GRPC_PORT,
    OTLP_HTTP_PORT,
    PROMETHEUS,
    PROMETHEUS_PORT,
    TEMPO,
    TEMPO_HTTP_PORT,
    TEMPO_INTERNAL_PORT,
    tempo_pods,
)
from objects.collector import POD_LABELS as COLLECTOR_PODS
from objects.context import PART_OF, Args, Object
from objects.object_store import JOB_PODS
from objects.stores import STORES
from objects.verification import NAME as VERIFY

_NAME, _NAMESPACE = "app.kubernetes.io/name", "kubernetes.io/metadata.name"
# Istio writes it into every pod that gets a proxy, and into those of gateways and waypoints.
_HAS_PROXY = "service.istio.io/canonical-name"
# Of the Jaeger UI: its pages, and the login in front of it on OpenShift.
_JAEGER_PORTS = (16686, 8443)
_KIALI_METRICS_PORT = 9090
# What pods see of DNS; the second is OpenShift's, whose Service leads to it.
_DNS = [{"protocol": protocol, "port": port} for port in (53, 5353) for protocol in ("UDP", "TCP")]

Labels = Mapping[str, str]
Peer = Mapping[str, Any]


class NetworkPoliciesArgs(Args):
    """Arguments of ``NetworkPolicies``: what is deployed, and who is let in."""

    network_policies: NetworkPolicies = Field(default=NetworkPolicies(), description="Who is let in beside our own.")
    namespace: Name = Field(default=Mesh().namespace, description="That of collector, Prometheus and Kiali.")
    tempo_namespace: Name = Field(default=Tempo().namespace, description="That of Tempo and its object stores.")
    grafana_namespace: Name | None = Field(default=None, description="That of the Grafana that is deployed, if one is.")
    existing_namespaces: list[Name] = Field(
        default=[], description="Namespaces that somebody else made, in which there are to be no policies."
    )
    mesh_namespaces: list[Name] = Field(default=[], description="Namespaces whose pods send spans.")
    tempos: list[Name] = Field(default=[TEMPO], description="The names of Tempo's resources.")
    stores: list[ObjectStoreName] = Field(default=[], description="The object stores that are deployed.")
    collector: Collector = Field(default=Collector(), description="The collector, which may have further listeners.")
    collector_makes_graph: Flag = Field(default=False, description="Whether the collector makes the service graph.")
    collector_has_peers: Flag = Field(
        default=False, description="Whether the collector's pods hand traces to each other."
    )
    has_prometheus: Flag = Field(default=True, description="Whether a Prometheus is deployed.")
    scrapes_cert_manager: Flag = Field(default=False, description="Whether that Prometheus asks a cert-manager too.")
    has_kiali: Flag = Field(default=False, description="Whether Kiali is deployed.")
    has_check: Flag = Field(default=False, description="Whether the check runs in the cluster.")
    has_strangers: Flag = Field(
        default=True, description="Whether others may query and scrape, wherever they are, if no clients are named."
    )
    exposes_prometheus: Flag = Field(default=False, description="Whether Prometheus is reached from outside.")
    exposes_jaeger: Flag = Field(default=False, description="Whether Tempo has a Jaeger UI, reached from outside.")


@dataclass(frozen=True)
class _Policy:
    """For the pods that ``pods`` select; without ``egress`` they connect to whom they like."""

    namespace: str
    pods: Labels
    ingress: Sequence[Object]
    egress: Sequence[Object] | None = None


def build_network_policies(args: NetworkPoliciesArgs) -> dict[str, Object]:
    """The policies by role; none in namespaces of others, and none at all if they are switched off."""
    if not args.network_policies.enabled:
        return {}
    return {
        role: _build(role, policy, args)
        for role, policy in _policies(args).items()
        if policy.namespace not in args.existing_namespaces
    }


def _policies(args: NetworkPoliciesArgs) -> dict[str, _Policy]:
    policies = {"collector": _collector(args)}
    if args.has_prometheus:
        policies[PROMETHEUS] = _prometheus(args)
    if args.has_kiali:
        policies[KIALI] = _Policy(args.namespace, {_NAME: KIALI}, [_rule((KIALI_PORT, _KIALI_METRICS_PORT))])
    if args.has_check:
        policies["verify"] = _Policy(args.namespace, {_NAME: VERIFY}, [])
    if args.grafana_namespace is not None:
        policies[GRAFANA] = _Policy(args.grafana_namespace, {_NAME: GRAFANA}, [_rule((GRAFANA_PORT,))])
    policies |= {resource: _tempo(resource, args) for resource in args.tempos}
    policies |= {store: _store(store, args) for store in args.stores}
    if args.stores:
        policies |= {job: _Policy(args.tempo_namespace, {_NAME: job}, []) for job in JOB_PODS}
    return policies


def _collector(args: NetworkPoliciesArgs) -> _Policy:
    settings = args.network_policies
    senders: list[Peer] | None = None
    if settings.otlp_from == "mesh":
        with_proxy = {"matchExpressions": [{"key": _HAS_PROXY, "operator": "Exists"}]}
        senders = [
            *_namespaces(args.mesh_namespaces),
            {"namespaceSelector": {}, "podSelector": with_proxy},
            *_namespaces(settings.clients),
        ]
    # What else listens by the user's own configuration cannot be told from it in general.
    further = {"receivers", "extensions", "exporters", "connectors"} & args.collector.extra_config.keys()
    ports = () if further else (OTLP_GRPC_PORT, OTLP_HTTP_PORT)
    scraped = (COLLECTOR_TELEMETRY_PORT, *((COLLECTOR_GRAPH_PORT,) if args.collector_makes_graph else ()))
    scrapes = _rules(scraped, _own_prometheus(args), args)
    itself = [_pods(args.namespace, COLLECTOR_PODS)]
    peers = [_rule((COLLECTOR_PEER_PORT,), itself)] if args.collector_has_peers else []
    return _Policy(args.namespace, COLLECTOR_PODS, [_rule(ports, senders), *peers, *scrapes])


def _prometheus(args: NetworkPoliciesArgs) -> _Policy:
    askers = [*_tempos(args), *_consoles(args)]
    if "exporters" in args.collector.extra_config:  # one of them may write metrics that it makes of spans
        askers.append(_pods(args.namespace, COLLECTOR_PODS))
    rules = [_rule((PROMETHEUS_PORT,))] if args.exposes_prometheus else _rules((PROMETHEUS_PORT,), askers, args)
    certificates = [CERT_MANAGER] if args.scrapes_cert_manager else []
    homes = dict.fromkeys([args.namespace, args.tempo_namespace, *certificates])
    return _Policy(args.namespace, {_NAME: PROMETHEUS}, rules, [{"ports": _DNS}, {"to": _namespaces([*homes])}])


def _tempo(resource: str, args: NetworkPoliciesArgs) -> _Policy:
    own, clients = tempo_pods(resource), _namespaces(args.network_policies.clients)
    rules = [
        # The parts of a TempoStack, with each other.
        _rule((), [_pods(args.tempo_namespace, own)]),
        _rule((OTLP_GRPC_PORT,), [_pods(args.namespace, COLLECTOR_PODS)]),
        *([_rule((OTLP_GRPC_PORT, OTLP_HTTP_PORT), clients)] if clients else []),
        *_rules((TEMPO_HTTP_PORT, TEMPO_INTERNAL_PORT), [*_own_prometheus(args), *_consoles(args)], args),
    ]
    if resource == TEMPO and args.exposes_jaeger:
        rules.append(_rule(_JAEGER_PORTS))
    return _Policy(args.tempo_namespace, own, rules)


def _store(store: ObjectStoreName, args: NetworkPoliciesArgs) -> _Policy:
    jobs = [_pods(args.tempo_namespace, {_NAME: job}) for job in JOB_PODS]
    users = [_pods(args.tempo_namespace, tempo_pods(TEMPO)), *jobs]
    return _Policy(args.tempo_namespace, {_NAME: store}, [_rule((STORES[store].port,), users)], egress=[])


def _rules(ports: Sequence[int], ours: Sequence[Peer], args: NetworkPoliciesArgs) -> list[Object]:
    """Ingress to ``ports``, to query or to scrape, from our own pods and from whoever else does that."""
    clients = _namespaces(args.network_policies.clients)
    if args.has_strangers and not clients:
        return [_rule(ports)]
    peers = [*ours, *clients]
    # A rule from nobody would be one from everybody.
    return [_rule(ports, peers)] if peers else []


def _rule(ports: Sequence[int], peers: Sequence[Peer] | None = None) -> Object:
    """Ingress to ``ports``, or to any if there are none, from ``peers``, or from everybody."""
    rule: Object = {"ports": [{"protocol": "TCP", "port": port} for port in ports]} if ports else {}
    return rule if peers is None else {**rule, "from": list(peers)}


def _own_prometheus(args: NetworkPoliciesArgs) -> list[Peer]:
    return [_pods(args.namespace, {_NAME: PROMETHEUS})] if args.has_prometheus else []


def _consoles(args: NetworkPoliciesArgs) -> list[Peer]:
    grafana = [] if args.grafana_namespace is None else [_pods(args.grafana_namespace, {_NAME: GRAFANA})]
    return [*grafana, *([_pods(args.namespace, {_NAME: KIALI})] if args.has_kiali else [])]


def _tempos(args: NetworkPoliciesArgs) -> list[Peer]:
    return [_pods(args.tempo_namespace, tempo_pods(resource)) for resource in args.tempos]


def _pods(namespace: str, labels: Labels) -> Peer:
    return {"namespaceSelector": {"matchLabels": {_NAMESPACE: namespace}}, "podSelector": {"matchLabels": dict(labels)}}


def _namespaces(names: Sequence[str]) -> list[Peer]:
    return [{"namespaceSelector": {"matchLabels": {_NAMESPACE: name}}} for name in names]


def _build(role: str, policy: _Policy, args: NetworkPoliciesArgs) -> Object:
    limited = {} if policy.egress is None else {"egress": list(policy.egress)}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": args.context.metadata(f"{PART_OF}-{role}", policy.namespace),
        "spec": {
            "podSelector": {"matchLabels": dict(policy.pods)},
            "policyTypes": ["Ingress", *(["Egress"] if limited else [])],
            "ingress": list(policy.ingress),
            **limited,
        },
    }

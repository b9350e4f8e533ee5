"""What a cluster has, and what a Pulumi stack says of it, by the clients of both."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from lint.objects import Object, Source, at, mapping, printable, sequence, text
from lint.reading.content import UnreadableError

CLUSTER = "cluster"
_SECONDS = 60
# Every kind that a rule looks at; of Secrets only those that a person names, which are in files.
_KINDS = (
    "configmaps",
    "deployments.apps",
    "daemonsets.apps",
    "destinationrules.networking.istio.io",
    "gateways.gateway.networking.k8s.io",
    "grafanadatasources.grafana.integreatly.org",
    "grafanas.grafana.integreatly.org",
    "istiocnis.sailoperator.io",
    "istiorevisions.sailoperator.io",
    "istiorevisiontags.sailoperator.io",
    "istios.sailoperator.io",
    "kialis.kiali.io",
    "namespaces",
    "networkpolicies.networking.k8s.io",
    "opentelemetrycollectors.opentelemetry.io",
    "peerauthentications.security.istio.io",
    "podmonitors.monitoring.coreos.com",
    "prometheuses.monitoring.coreos.com",
    "servicemonitors.monitoring.coreos.com",
    "serviceentries.networking.istio.io",
    "services",
    "sidecars.networking.istio.io",
    "statefulsets.apps",
    "telemetries.telemetry.istio.io",
    "tempomonolithics.tempo.grafana.com",
    "tempostacks.tempo.grafana.com",
)


def objects_of_cluster() -> list[Object]:
    """Everything that rules look at, in the cluster of the current context; raises ``UnreadableError``."""
    served = set(_run(["kubectl", "api-resources", "--verbs=list", "-o", "name"]).split())
    kinds = [kind for kind in _KINDS if kind in served]
    found = json.loads(_run(["kubectl", "get", ",".join(kinds), "--all-namespaces", "-o", "json"]))
    source = Source(CLUSTER, is_rendered=True)
    return [Object(item, source) for item in sequence(mapping(found).get("items"))]


def facts_of_stack(name: str) -> Mapping[str, Any]:
    """What the output ``deployment`` of a stack says of its cluster; raises ``UnreadableError``."""
    command = ["pulumi", "stack", "output", "deployment", "--json", "--stack", name]
    deployment = json.loads(_run(command))
    if not isinstance(deployment, Mapping):
        raise UnreadableError(f"stack {printable(name)}: its output `deployment` is secret or of another program")
    host = text(at(deployment, "tracing", "collector_host"))
    known = {
        "platform": deployment.get("platform"),
        "root_namespace": at(deployment, "mesh", "namespace"),
        "istio_revisions": frozenset(
            {
                text(at(deployment, "mesh", "revision")) or "default",
                # Where it is a tag by which sidecars are injected.
                text(at(deployment, "mesh", "injection_labels", "istio.io/rev")) or "default",
            }
        ),
        "cluster_domain": host.partition(".svc.")[2] or None,
        "prometheus_uid": at(deployment, "grafana", "prometheus_uid"),
    }
    return {fact: value for fact, value in known.items() if value is not None}


def without_replaced(live: Sequence[Object], files: Sequence[Object]) -> list[Object]:
    """The objects of the cluster that no file has: a file says what they will be."""
    named = {_identity(obj) for obj in files}
    return [obj for obj in live if _identity(obj) not in named]


def _identity(obj: Object) -> tuple[str | None, str, str, str]:
    return obj.group, obj.kind, obj.namespace, obj.name


def _run(command: list[str]) -> str:
    tool = command[0]
    try:
        done = subprocess.run(  # noqa: S603  our own words, and a stack's name
            command, capture_output=True, text=True, errors="replace", timeout=_SECONDS, check=False
        )
    except FileNotFoundError:
        raise UnreadableError(f"{tool} is not installed") from None
    except subprocess.TimeoutExpired:
        raise UnreadableError(f"{tool} did not answer in {_SECONDS} seconds") from None
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["it failed"])[-1]
        raise UnreadableError(f"{tool}: {printable(reason)}")
    return done.stdout

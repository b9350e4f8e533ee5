"""The kinds that a stack needs and does not bring: its cluster has to have their definitions."""

from collections.abc import Iterable, Iterator, Mapping

from model import OperatorName
from objects.context import Object
from program.plan import Plan

# The groups whose kinds an operator brings.
_OF_OPERATORS: Mapping[OperatorName, set[str]] = {
    "mesh": {"sailoperator.io", "telemetry.istio.io", "networking.istio.io"},
    "tempo": {"tempo.grafana.com"},
    "opentelemetry": {"opentelemetry.io"},
    "kiali": {"kiali.io"},
    "grafana": {"grafana.integreatly.org"},
}
_OF_CHARTS = {"telemetry.istio.io", "networking.istio.io"}
# Who brings the other groups, for the message.
_BRINGS: Mapping[str, str] = {
    "gateway.networking.k8s.io": "the Gateway API",
    "route.openshift.io": "OpenShift",
    "operators.coreos.com": "the Operator Lifecycle Manager",
}


def missing(plan: Plan, objects: Iterable[Object]) -> Iterator[str]:
    """One line for each kind of ``objects`` that the cluster does not have, with what to install."""
    there = plan.seen.kinds
    if there is None:
        return
    brought = set(_OF_CHARTS) if plan.settings.mesh.installer == "helm" else set()
    for operator in plan.operators().installed:
        brought |= _OF_OPERATORS[operator]
    for api_version, kind in sorted({(obj["apiVersion"], obj["kind"]) for obj in objects}):
        group, _, _ = api_version.rpartition("/")
        if _is_added(group) and group not in brought and f"{api_version}/{kind}" not in there:
            yield f"the cluster has no kind {kind} of {api_version}: install {_who(group)}"


def _is_added(group: str) -> bool:
    """Whether a group is not one of Kubernetes' own, which have no dot or end in ``k8s.io``."""
    return "." in group and (group in _BRINGS or not group.endswith(".k8s.io"))


def _who(group: str) -> str:
    for operator, groups in _OF_OPERATORS.items():
        if group in groups:
            return f"the operator that brings it, or set operators.sources.{operator} to olm or manifests"
    return _BRINGS.get(group, "what defines it")

"""What a stack needs of its cluster's definitions: the kinds that it does not bring, and every field that it writes."""

from collections.abc import Iterable, Iterator, Mapping

from cluster.definitions import openapi_path, unknown_fields
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


def definitions_to_look_at(objects: Iterable[Object]) -> Iterator[str]:
    """The API paths of the definitions of the custom resources among ``objects``."""
    defined = set().union(*_OF_OPERATORS.values())
    for api_version in sorted({obj["apiVersion"] for obj in objects}):
        if _group(api_version) in defined:
            yield openapi_path(api_version)


def missing(plan: Plan, objects: Iterable[Object]) -> Iterator[str]:
    """One line for each kind of ``objects`` that the cluster does not have, with what to install."""
    there = plan.seen.kinds
    if there is None:
        return
    brought = _brought(plan, replaced_only=False)
    for api_version, kind in sorted({(obj["apiVersion"], obj["kind"]) for obj in objects}):
        group = _group(api_version)
        if _is_added(group) and group not in brought and f"{api_version}/{kind}" not in there:
            yield f"the cluster has no kind {kind} of {api_version}: install {_who(group)}"


def not_offered(plan: Plan) -> Iterator[str]:
    """One line if the cluster's Sail operator does not have the Istio that the settings ask for."""
    offered, wanted = plan.releases.offered_istio, plan.settings.mesh.version
    if plan.settings.mesh.installer == "sail" and offered and plan.releases.istio not in offered:
        yield (
            f"mesh.version {wanted}: the cluster's Sail operator has {', '.join(offered)}: set one of these, or none, "
            "or upgrade the operator"
        )


def unfit(plan: Plan, objects: Iterable[Object]) -> Iterator[str]:
    """One line for each field of ``objects`` that the cluster's definition of the kind does not have."""
    replaced = _brought(plan, replaced_only=True)
    for obj in objects:
        group = _group(obj["apiVersion"])
        if group in replaced or "spec" not in obj:
            continue
        for field in unknown_fields(plan.seen.definition(obj["apiVersion"], obj["kind"]), obj["spec"]):
            yield plan.without_secrets(
                f"{obj['kind']} {obj['metadata']['name']}: the cluster's definition does not have {field}: upgrade "
                f"{_who_has(group)}, or leave out the setting that leads to it"
            )


def _brought(plan: Plan, *, replaced_only: bool) -> set[str]:
    """The groups whose definitions the update itself brings.

    ``replaced_only``: without those that OLM brings, which are as they are once they are there.
    """
    brought = set(_OF_CHARTS) if plan.settings.mesh.installer == "helm" else set()
    operators = plan.operators()
    for operator in operators.by("manifests") if replaced_only else operators.installed:
        brought |= _OF_OPERATORS[operator]
    return brought


def _group(api_version: str) -> str:
    return api_version.rpartition("/")[0]


def _is_added(group: str) -> bool:
    """Whether a group is not one of Kubernetes' own, which have no dot or end in ``k8s.io``."""
    return "." in group and (group in _BRINGS or not group.endswith(".k8s.io"))


def _who(group: str) -> str:
    operator = _operator_of(group)
    if operator is not None:
        return f"the operator that brings it, or set operators.sources.{operator} to olm or manifests"
    return _BRINGS.get(group, "what defines it")


def _who_has(group: str) -> str:
    operator = _operator_of(group)
    return "what brings it" if operator is None else f"the {operator} operator"


def _operator_of(group: str) -> OperatorName | None:
    return next((operator for operator, groups in _OF_OPERATORS.items() if group in groups), None)

"""Namespaces: which are in the mesh, and which labels they have."""

from collections.abc import Iterator, Mapping
from typing import Any

from lint.objects import Manifests, Object, at, mapping, sequence, text, view
from lint.templates import is_unknown

INJECTION = "istio-injection"
REVISION = "istio.io/rev"
INJECT = "sidecar.istio.io/inject"
_DATAPLANE_MODE = "istio.io/dataplane-mode"
_NAME = "kubernetes.io/metadata.name"


def namespaces(manifests: Manifests) -> Iterator[Object]:
    return manifests.of("", "Namespace")


def is_injected(namespace: Object) -> bool:
    simple = namespace.labels.get(INJECTION)
    return simple == "enabled" or (simple is None and bool(text(namespace.labels.get(REVISION))))


@view
def injected(manifests: Manifests) -> frozenset[str]:
    return frozenset(one.name for one in namespaces(manifests) if is_injected(one))


def is_ambient(namespace: Object) -> bool:
    """Whether its pods are in the mesh without sidecars."""
    return namespace.labels.get(_DATAPLANE_MODE) == "ambient" and not is_injected(namespace)


@view
def ambient(manifests: Manifests) -> frozenset[str]:
    return frozenset(one.name for one in namespaces(manifests) if is_ambient(one))


@view
def known(manifests: Manifests) -> frozenset[str]:
    return frozenset(one.name for one in namespaces(manifests))


def labels_of(manifests: Manifests, name: str) -> Mapping[Any, Any] | None:
    """Return the labels of a namespace, None if it is not among the objects; the cluster adds its name."""
    return _labels(manifests).get(name)


@view
def _labels(manifests: Manifests) -> Mapping[str, Mapping[Any, Any]]:
    found: dict[str, dict[Any, Any]] = {}
    for one in namespaces(manifests):
        found.setdefault(one.name, {}).update({**one.labels, _NAME: one.name})
    return found


def selects_namespace(manifests: Manifests, selector: object, name: str) -> bool | None:
    """Whether a label selector selects a namespace; None if that depends on labels that are not known."""
    labels = labels_of(manifests, name)
    return selects(selector, {_NAME: name} if labels is None else labels, all_known=labels is not None)


def selects(selector: object, labels: Mapping[Any, Any], *, all_known: bool) -> bool | None:
    """Whether a label selector selects what has these labels; ``all_known`` says that it has no others."""
    matches = mapping(at(selector, "matchLabels"))
    answers = [_compare("In", [value], key, labels, all_known) for key, value in matches.items()]
    for expression in sequence(at(selector, "matchExpressions")):
        operator, wanted = text(at(expression, "operator")), [*sequence(at(expression, "values"))]
        answers.append(_compare(operator, wanted, text(at(expression, "key")), labels, all_known))
    if False in answers:
        return False
    return None if None in answers else True


def _compare(operator: str, wanted: list[Any], key: object, labels: Mapping[Any, Any], all_known: bool) -> bool | None:
    if key not in labels and not all_known:
        return None
    value = labels.get(key)
    if any(is_unknown(text(one)) for one in (value, *wanted)):
        return None
    is_one = key in labels and value in wanted
    answers = {"In": is_one, "NotIn": not is_one, "Exists": key in labels, "DoesNotExist": key not in labels}
    return answers.get(operator)

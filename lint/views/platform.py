"""Whether the cluster is an OpenShift, as far as the objects show it."""

from dataclasses import replace

from lint.facts import Facts
from lint.objects import Manifests, Object, text, view

_GROUPS = ".openshift.io"
_CATALOGS = "openshift-marketplace"


def with_platform(manifests: Manifests, facts: Facts) -> Facts:
    """Return ``facts`` with OpenShift as the platform, if it is not known and only OpenShift has such objects."""
    return replace(facts, platform="openshift") if facts.platform is None and _is_openshift(manifests) else facts


@view
def _is_openshift(manifests: Manifests) -> bool:
    return any(_is_for_openshift(obj) for obj in manifests.objects)


def _is_for_openshift(obj: Object) -> bool:
    """A resource such as a Route, or a Subscription to one of OpenShift's own catalogs."""
    if obj.group == "operators.coreos.com" and obj.kind == "Subscription":
        return text(obj.at("spec", "sourceNamespace")) == _CATALOGS
    return (obj.group or "").endswith(_GROUPS)

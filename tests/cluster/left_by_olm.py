"""What the Operator Lifecycle Manager (OLM) keeps of operators when nobody subscribes to them any more."""

from collections.abc import Collection

# Kind, namespace (none for what is outside of them), and name, as `embedded.inventory` has them.
Listed = tuple[str, str, str]

_OUTSIDE_OF_NAMESPACES = {
    "APIService", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "Operator",
    "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration",
}  # fmt: skip
# OLM shows an operator for all namespaces in each of them, by a copy of its version.
_VERSION = "ClusterServiceVersion"


def not_left_by_olm(listed: Collection[Listed], namespaces: Collection[str]) -> set[Listed]:
    """Those of ``listed`` that OLM does not keep: ``namespaces`` are its own and those that operators share."""
    kept = _OUTSIDE_OF_NAMESPACES | {_VERSION}
    return {
        (kind, namespace, name)
        for kind, namespace, name in listed
        if kind == "Subscription"
        or (kind not in kept if not namespace else namespace not in namespaces and kind != _VERSION)
    }

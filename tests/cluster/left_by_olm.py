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
# One that has webhooks may read there by whom the API server is known.
_READER = ("RoleBinding", "kube-system")


def not_left_by_olm(listed: Collection[Listed], namespaces: Collection[str]) -> set[Listed]:
    """Those of ``listed`` that OLM does not keep: ``namespaces`` are its own and those that operators share."""
    return {one for one in listed if not _is_kept(*one, namespaces)}


def _is_kept(kind: str, namespace: str, name: str, namespaces: Collection[str]) -> bool:
    if kind == "Subscription":
        return False
    if not namespace:
        return kind in _OUTSIDE_OF_NAMESPACES
    is_reader = (kind, namespace) == _READER and name.endswith("-service-auth-reader")
    return namespace in namespaces or kind == _VERSION or is_reader

"""The values of a resource as lint may read them: what is secret, or not known in a preview, is a variable there."""

from collections.abc import Iterable, Mapping
from typing import Any

import pulumi_policy.policy
from pulumi_policy import deserialize, proxy

# Lint takes such a text for one that still has to be put in.
UNKNOWN = "${unknown}"
_UNKNOWN_IN_A_PREVIEW = frozenset(
    {
        proxy.UNKNOWN_BOOLEAN_VALUE,
        proxy.UNKNOWN_NUMBER_VALUE,
        proxy.UNKNOWN_STRING_VALUE,
        proxy.UNKNOWN_ARRAY_VALUE,
        proxy.UNKNOWN_ASSET_VALUE,
        proxy.UNKNOWN_ARCHIVE_VALUE,
        proxy.UNKNOWN_OBJECT_VALUE,
    }
)


def keep_secrets() -> None:
    """Let the SDK tell which values are secret.

    It does so only for remediations: a policy that validates gets the bare texts, and could not help printing them.
    """
    pulumi_policy.policy.deserialize_properties = _with_secrets  # type: ignore[attr-defined, assignment]


def _with_secrets(properties: dict[str, Any], _proxy_secrets: bool = True) -> dict[str, Any]:
    return deserialize.deserialize_properties(properties, proxy_secrets=True)


def readable(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties that the SDK hands over, as plain values."""
    # Without its wrapper: that one raises where something is not known.
    found: dict[str, Any] = _readable(deserialize.serialize_properties(properties))
    return found


def identity(properties: Mapping[str, Any], names: Iterable[str]) -> str:
    """What the properties with these names are, to compare them; empty if one is not known. It may hold secrets."""
    plain = deserialize.serialize_properties(properties)
    found = repr([plain.get(name) for name in names])
    return "" if any(unknown in found for unknown in _UNKNOWN_IN_A_PREVIEW) else found


def _readable(value: Any) -> Any:
    if isinstance(value, Mapping):
        if deserialize.SPECIAL_SIG_KEY in value:
            return UNKNOWN
        return {key: _readable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_readable(inner) for inner in value]
    return UNKNOWN if isinstance(value, str) and value in _UNKNOWN_IN_A_PREVIEW else value

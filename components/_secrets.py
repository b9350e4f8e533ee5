"""Texts from secret configuration stay secret in the state, wherever in an object they are."""

from typing import Any

import pulumi

from model.scalars import SecretText


def kept_secret(value: Any) -> Any:
    """``value`` with every text from secret configuration as a secret Output."""
    if isinstance(value, SecretText):
        return pulumi.Output.secret(str(value))
    if isinstance(value, dict):
        return {key: kept_secret(inner) for key, inner in value.items()}
    return [kept_secret(inner) for inner in value] if isinstance(value, list) else value

"""Quantities of memory, as Kubernetes writes them."""

import re

from lint.objects import number, text

_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)(Ki|Mi|Gi|Ti|k|M|G|T)?")
_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


def bytes_of(quantity: object) -> int | None:
    """Return how many bytes ``quantity`` is, or None if it is none, or one of an unusual form."""
    whole = number(quantity)
    if whole is not None:
        return whole
    match = _QUANTITY.fullmatch(text(quantity))
    return round(float(match[1]) * _UNITS[match[2] or ""]) if match else None

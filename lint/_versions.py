"""Versions, of which the checks compare major and minor."""

import re

Minor = tuple[int, int]

_VERSION = re.compile(r"v?(\d{1,5})\.(\d{1,5})(?![0-9])")


def minor(version: str | None) -> Minor | None:
    """Return (1, 28) for ``v1.28.3``; None for a text that does not begin with a version."""
    match = _VERSION.match(version or "")
    return (int(match[1]), int(match[2])) if match else None


def image_tag(image: str) -> str:
    """Return the tag of an image, or an empty string."""
    last = image.partition("@")[0].rpartition("/")[2]
    return last.partition(":")[2]

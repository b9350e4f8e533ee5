"""Versions: a release is a major and a minor number, a full version has the patch too."""

import re
from functools import lru_cache

Minor = tuple[int, int]
Version = tuple[int, int, int]

_MINOR = re.compile(r"v?(\d{1,5})\.(\d{1,5})(?![0-9])")
_VERSION = re.compile(r"v?(\d{1,5})\.(\d{1,5})\.(\d{1,5})(?![0-9])")


@lru_cache(maxsize=1024)
def minor(text: str | None) -> Minor | None:
    """Return (1, 28) for ``v1.28.3``; None for a text that does not begin with a version."""
    match = _MINOR.match(text or "")
    return (int(match[1]), int(match[2])) if match else None


@lru_cache(maxsize=1024)
def version(text: str | None) -> Version | None:
    """Return (1, 28, 3) for ``v1.28.3-distroless``; None for a text that does not begin with a full version."""
    match = _VERSION.match(text or "")
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def exact(text: str) -> Version | None:
    """Return (1, 28, 3) for ``1.28.3``; None for a range, and for anything else that is not just a full version."""
    return version(text) if _VERSION.fullmatch(text) else None


def image_tag(image: str) -> str:
    """Return the tag of an image, or an empty string."""
    last = image.partition("@")[0].rpartition("/")[2]
    return last.partition(":")[2]

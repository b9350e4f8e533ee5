"""Hashes for pod annotations: a pod restarts when the content that it reads has changed."""

import hashlib
import json


def digest(value: object) -> str:
    """A short hash of ``value`` that does not depend on the order of its keys."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]

"""Hashes for pod annotations: a pod restarts when the content that it reads has changed."""

import hashlib
import hmac
import json


def digest(value: object) -> str:
    """A short hash of ``value`` that does not depend on the order of its keys."""
    return hashlib.sha256(_canonical(value)).hexdigest()[:16]


def keyed_digest(key: str, value: object) -> str:
    """The same for a ``value`` with secrets: without ``key``, nobody can find out which value it was."""
    return hmac.new(key.encode(), _canonical(value), hashlib.sha256).hexdigest()[:16]


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()

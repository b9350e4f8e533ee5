"""Why a store, Grafana or Kiali gave no answer that can be used."""

from dataclasses import dataclass

import httpx

from verify.access.cluster import UNREADABLE, CannotLookError
from verify.world import LoginNeededError

# What is raised while one of them is asked, and its answer is read.
ERRORS = (httpx.HTTPError, CannotLookError, *UNREADABLE)
_LOGIN = {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}


@dataclass(frozen=True)
class NoAnswer:
    """``said`` is one line; ``wants_login``: it answers, but not to those who ask with these credentials."""

    said: str
    wants_login: bool = False

    @classmethod
    def of(cls, error: Exception) -> "NoAnswer":
        """What one of ``ERRORS`` means."""
        if isinstance(error, httpx.HTTPStatusError):
            status = error.response.status_code
            return cls(f"{error.request.url.path} answered {status}", status in _LOGIN)
        return cls(" ".join(str(error).split()) or type(error).__name__, isinstance(error, LoginNeededError))

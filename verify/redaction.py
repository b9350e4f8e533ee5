"""Makes text from elsewhere, such as log lines and addresses, safe to show: one line, without secrets."""

import re

_HIDDEN = "***"
_NAMES = (
    r"pass(?:word|wd|phrase)|pwd|token|credentials?|signature"
    r"|(?:api|private)[_-]?key|secret(?:[_-]?(?:access[_-]?)?key)?|(?<![A-Za-z])access[_-]?key(?:[_-]?id)?"
)
# Applied in this order; what a pattern's first group matches is kept.
_SECRETS = (
    # http://user:password@host
    re.compile(r"(://)[^\s/\"'<>]+(?=@)"),
    # The same without a scheme; an image may have a tag before its digest.
    re.compile(r"(\b[\w.-]+:)[^\s/:@\"'<>]+(?=@(?!sha256:)[\w.-])"),
    # Authorization: Bearer xyz
    re.compile(r"(authorization[\\\"']*\s*[:=]\s*[\\\"']*(?:[a-z]+\s+)?)[^\s,;\\\"'}\])]+", re.IGNORECASE),
    re.compile(r"(\b(?:bearer|basic)\s+)[\w.~+/=-]{16,}", re.IGNORECASE),
    # password=xyz, "password": "x y z"
    re.compile(
        rf"((?:{_NAMES})[\\\"']*\s*[:=]\s*)(?:\\?\"[^\"]*\"|'[^']*'|[^\s,;&\\\"'}}\])]+)",
        re.IGNORECASE,
    ),
    # A JSON web token.
    re.compile(r"(\b)eyJ[\w-]+\.[\w-]+\.[\w-]*"),
)


def redacted(text: str) -> str:
    """``text`` on one line, with ``***`` for each secret in it."""
    line = " ".join(text.split("\n")).replace("\r", "").strip()
    for secret in _SECRETS:
        line = secret.sub(rf"\g<1>{_HIDDEN}", line)
    return line

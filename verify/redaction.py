"""Makes text from elsewhere, such as log lines and addresses, safe to show: one line, without secrets.

What a terminal would obey instead of showing it is written as an escape. Nothing else in ``verify`` does either.
"""

import dataclasses
import re
import shlex
from collections.abc import Mapping
from enum import Enum
from typing import Any

_HIDDEN = "***"
# Colours of a log. They carry no meaning, and would stand between a name and its secret.
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
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
    """``text`` on one line, with ``***`` for each secret in it, and printable."""
    line = " ".join(_COLOUR.sub("", text).replace("\t", " ").split("\n")).replace("\r", "").strip()
    for secret in _SECRETS:
        line = secret.sub(rf"\g<1>{_HIDDEN}", line)
    return printable(line)


def printable(text: str) -> str:
    r"""``text`` with an escape such as ``\x1b`` for each character that moves, colours, reorders or hides others.

    These are the control characters, those that set the direction of writing, and separators of lines.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def quoted(text: str) -> str:
    """``text`` as one word of a shell, printable in any case."""
    if text.isprintable():
        return shlex.quote(text)
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"$'{printable(escaped)}'"


def all_printable(value: Any) -> Any:
    """``value`` with every text in it printable, in dataclasses and containers at any depth."""
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return printable(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = {field.name: all_printable(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return dataclasses.replace(value, **parts)
    if isinstance(value, Mapping):
        return {all_printable(key): all_printable(one) for key, one in value.items()}
    if isinstance(value, (tuple, list, frozenset, set)):
        return type(value)(map(all_printable, value))
    return value

"""Texts that are not known yet: what Helm, Flux, Kustomize, a shell or a person still has to put in.

What is around them can be checked; lines and columns stay what they are.
"""

import re

# What stands in the place of a template's action: a character that no manifest has.
_HOLE = "\ue000"
_HOLES = re.compile(f"{_HOLE}+")
_ACTION = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
# On a line of its own an action chooses, repeats or includes whole lines.
_WHOLE_LINES = re.compile(rf"(?m)^[ \t]*(?:{_HOLE}+[ \t]*)+$")
# {{ x }} and {% x %}, ${X}, $(X), <your-x>
_UNKNOWN = re.compile(rf"{_HOLE}|\{{\{{|\{{%|\$\{{[^}}]*\}}|\$\([A-Za-z_][\w.-]*\)|<[A-Za-z][\w .-]*>")


def has_actions(text: str) -> bool:
    return _ACTION.search(text) is not None


def with_holes(text: str) -> str:
    """``text`` with holes for the actions, and blank lines for those that are nothing else."""
    holes = _ACTION.sub(lambda match: re.sub(r"[^\n]", _HOLE, match[0]), text)
    return _WHOLE_LINES.sub(lambda match: " " * len(match[0]), holes)


def shown(text: str) -> str:
    """``text`` as a person may read it."""
    return _HOLES.sub("{{…}}", text) if _HOLE in text else text


def is_unknown(text: str) -> bool:
    """Whether a part of ``text`` still has to be put in."""
    return _UNKNOWN.search(text) is not None

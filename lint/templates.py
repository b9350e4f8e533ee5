"""Texts that are not known yet: what Helm, Flux, Kustomize, a shell or a person still has to put in.

What is around them can be checked; lines and columns stay what they are.
"""

import re
from collections.abc import Callable

# What stands in the place of a template's action: a character that no manifest has.
_HOLE = "\ue000"
_HOLES = re.compile(f"{_HOLE}+")
_ACTION = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
# What begins, parts and ends a block of a template.
_BLOCK = re.compile(r"\{\{-?\s*(?P<word>if|with|range|define|block|else|end)\b\s*(?P<condition>[^}]*?)\s*-?\}\}")
_OPENS = frozenset({"if", "with", "range", "define", "block"})
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


def without_blocks(template: str, is_left_out: Callable[[str], bool]) -> str:
    """Take out each block whose condition ``is_left_out``, up to its ``else`` or ``end``; those in it go with it."""
    kept, begin, depth = [], 0, 0
    for found in _BLOCK.finditer(template):
        word = found["word"]
        if depth:
            depth += (word in _OPENS) - (word == "end")
            if depth == 0 or (depth == 1 and word == "else"):
                begin, depth = found.end(), 0
        elif word == "if" and is_left_out(found["condition"]):
            kept.append(template[begin : found.start()])
            depth = 1
    return "".join([*kept, template[begin:] if not depth else ""])

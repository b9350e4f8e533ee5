"""When something runs again: a schedule of cron, as Kubernetes reads it."""

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field

from model.scalars import expected

_WORDS = {"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"}
_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, 1)}
_DAYS = {name: number for number, name in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))}
# The lowest and the highest number of each field, and the names that it takes. Kubernetes' parser (robfig/cron v3:
# spec.go) has no 7 for Sunday.
_FIELDS: tuple[tuple[int, int, Mapping[str, int]], ...] = (
    (0, 59, {}),
    (0, 23, {}),
    (1, 31, {}),
    (1, 12, _MONTHS),
    (0, 6, _DAYS),
)
# A star, a number or a range, and how large its steps are.
_PART = re.compile(r"(?:[*?]|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>\d+))?")


def _schedule(text: str) -> str:
    fields = text.split()
    written = len(fields) == len(_FIELDS) and all(map(_is_field, fields, _FIELDS))
    # A time zone in the text is what Kubernetes refuses, and the parser would not.
    if not written and text not in _WORDS:
        raise expected(
            "a schedule of cron: minute, hour, day of the month, month and day of the week (0 to 6), or a word such as "
            "@hourly"
        )
    return text


def _is_field(field: str, bounds: tuple[int, int, Mapping[str, int]]) -> bool:
    return all(_is_part(part, *bounds) for part in field.split(","))


def _is_part(part: str, lowest: int, highest: int, names: Mapping[str, int]) -> bool:
    match = _PART.fullmatch(part)
    if match is None or (match["step"] is not None and int(match["step"]) == 0):
        return False
    if match["first"] is None:
        return True
    first, last = (_number(text, names) for text in (match["first"], match["last"] or match["first"]))
    return first is not None and last is not None and lowest <= first <= last <= highest


def _number(text: str, names: Mapping[str, int]) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() else names.get(text.lower())


Schedule = Annotated[str, AfterValidator(_schedule), Field(examples=["*/10 * * * *"])]

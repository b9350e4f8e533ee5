"""What was found, in the forms that people and other programs read."""

from collections.abc import Callable, Mapping

from lint.output import github, json, junit, sarif, text
from lint.output.result import Result

FORMATS: Mapping[str, Callable[[Result], str]] = {
    "text": text.written,
    "json": json.written,
    "sarif": sarif.written,
    "junit": junit.written,
    "github": github.written,
}

__all__ = ["FORMATS", "Result", "text"]

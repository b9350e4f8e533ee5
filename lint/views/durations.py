"""Durations as Go writes them: ``1m30s``."""

import re

_PARTS = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}


def seconds(value: object) -> float | None:
    """Return the seconds of ``1m30s``; a number is one of nanoseconds. None for what is not a duration."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value * _SECONDS["ns"]
    parts = _PARTS.findall(value) if isinstance(value, str) else []
    if not parts or "".join(number + unit for number, unit in parts) != value:
        return 0 if value == "0" else None
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)

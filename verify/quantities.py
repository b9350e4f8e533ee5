"""Rates, durations and shares as short texts, with two significant digits."""

_MINUTE = 60.0
_MIN_PER_SECOND = 0.1
"""Lower rates are given per minute."""
_MAX_IN_MILLISECONDS = 0.9995
_MIN_SHARE = 0.001
_MAX_SHARE = 0.99
_MAX_TWO_DIGITS = 99.0
_MIN_SHOWN = 0.01


def rate(per_second: float) -> str:
    """Return a rate per second, or per minute if it is low."""
    if 0 < per_second < _MIN_PER_SECOND:
        return f"{_digits(per_second * _MINUTE)}/min"
    return f"{_digits(per_second)}/s"


def duration(seconds: float) -> str:
    """Return a duration in milliseconds or seconds."""
    return f"{_digits(seconds * 1000)} ms" if seconds < _MAX_IN_MILLISECONDS else f"{_digits(seconds)} s"


def share(part: float) -> str:
    """Return a share from 0 to 1 as percent; only exactly 0 is given as 0 %, only exactly 1 as 100 %."""
    if 0 < part < _MIN_SHARE:
        return "< 0.1 %"
    if _MAX_SHARE < part < 1:
        return "> 99 %"
    return f"{_digits(part * 100)} %"


def _digits(value: float) -> str:
    """Return two significant digits, and every digit before the point: 0.25, 2.3, 23, 234."""
    if 0 < value < _MIN_SHOWN:
        return f"< {_MIN_SHOWN}"
    return f"{value:.2g}" if value < _MAX_TWO_DIGITS else f"{value:.0f}"

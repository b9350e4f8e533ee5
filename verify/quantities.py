"""Rates, times and shares in words: short, and with the digits that matter."""

_MINUTE = 60.0
_SELDOM = 0.1
"""Fewer calls in a second than this are counted in a minute."""
_BELOW_A_SECOND = 0.9995
_HARDLY_ANY = 0.001
_ALMOST_ALL = 0.99
_TWO_DIGITS = 99.0
_LEAST = 0.01


def rate(per_second: float) -> str:
    """Return calls per second, or per minute when they are few."""
    if 0 < per_second < _SELDOM:
        return f"{_digits(per_second * _MINUTE)}/min"
    return f"{_digits(per_second)}/s"


def duration(seconds: float) -> str:
    """Return a time in milliseconds or seconds."""
    return f"{_digits(seconds * 1000)} ms" if seconds < _BELOW_A_SECOND else f"{_digits(seconds)} s"


def share(part: float) -> str:
    """Return a part of 1 as percent; almost nothing is not called nothing, nor almost all all."""
    if 0 < part < _HARDLY_ANY:
        return "< 0.1 %"
    if _ALMOST_ALL < part < 1:
        return "> 99 %"
    return f"{_digits(part * 100)} %"


def _digits(value: float) -> str:
    """Return the two digits that matter, and all before the point: 0.25, 2.3, 23, 234."""
    if 0 < value < _LEAST:
        return f"< {_LEAST}"
    return f"{value:.2g}" if value < _TWO_DIGITS else f"{value:.0f}"

"""What all pictures share: fonts, colours for light and dark pages, and the width of text."""

import copy
import unicodedata

from verify.pictures.markup import Element, element

FONTS = 'system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif'
MARGIN = 24.0
TITLE = 34.0
"""The height of the title, above which is the margin."""
SMALLEST_TEXT = 12.0

# The colours of services: distinguishable on white and on black, also for most people who are colour-blind. As WCAG 2
# wants of graphics and of text, these and the others have a contrast of 3 and of 4.5 to what is behind them.
HUES = ("#4c8ed9", "#2fa08c", "#b07cc6", "#c07a24", "#6f8f3c", "#cc6f9b", "#7b83d6", "#9a7b4f", "#2e8fa8", "#8b8f98")

_LIGHT = {
    "page": "#f3f5f7",
    "panel": "#ffffff",
    "frame": "#d1d9e0",
    "text": "#1f2328",
    "quiet": "#59636e",
    "box": "#f6f8fa",
    "rim": "#818b98",
    "line": "#1f7a6f",
    "grid": "#e4e8ec",
    "bad": "#cf222e",
    "odd": "#486a9e",
    "warn": "#8a5a00",
}
_DARK = {
    "page": "#010409",
    "panel": "#0d1117",
    "frame": "#30363d",
    "text": "#e6edf3",
    "quiet": "#9198a1",
    "box": "#161b22",
    "rim": "#656e7a",
    "line": "#3fb5a3",
    "grid": "#21262d",
    "bad": "#ff7b72",
    "odd": "#84a4d4",
    "warn": "#d9a441",
}
_RULES = """
.picture{font-family:%s;font-size:%dpx}
.picture text,.picture tspan{fill:var(--text)}.picture .quiet{fill:var(--quiet)}.picture .bad{fill:var(--bad)}
.picture .odd{fill:var(--odd)}.picture .name{font-weight:600}.picture .title{font-size:16px;font-weight:600}
.picture .panel{fill:var(--panel);stroke:var(--frame)}.picture .behind{fill:var(--panel)}
.picture .around{fill:none;stroke:var(--rim);stroke-width:1.5}
.picture .box{fill:var(--box);stroke:var(--rim)}.picture .grid{stroke:var(--grid)}
.picture .box.outside{fill:var(--panel)}.picture .box.missing{stroke:var(--bad);stroke-dasharray:5 4}
.picture .line{fill:none;stroke:var(--line);stroke-linecap:round}.picture .tip{fill:var(--line)}
.picture .line.missing{stroke:var(--bad);stroke-dasharray:5 6}.picture .tip.missing{fill:var(--bad)}
.picture .line.further{stroke:var(--odd);stroke-dasharray:12 5}.picture .tip.further{fill:var(--odd)}
.picture .line.idle{stroke:var(--quiet);stroke-dasharray:0.1 5}.picture .tip.idle{fill:var(--quiet)}
.picture .line.expected{stroke:var(--quiet)}.picture .tip.expected{fill:var(--quiet)}
.picture .bar.failed{fill:var(--bad)}
"""
RULES = _RULES % (FONTS, SMALLEST_TEXT)


def palette(selector: str) -> str:
    """Return the colours as CSS variables of ``selector``, for light and for dark."""
    light, dark = (";".join(f"--{key}:{value}" for key, value in mode.items()) for mode in (_LIGHT, _DARK))
    return f"{selector}{{{light}}}\n@media(prefers-color-scheme:dark){{{selector}{{{dark}}}}}\n"


def picture(width: float, height: float, title: str, said: str, *parts: Element) -> Element:
    """Return an SVG with its own background, so that it can be read on any page; ``said`` describes it in words.

    The page has ``RULES`` and a ``palette``; without a page it needs them from ``standalone``.
    """
    return element(
        "svg",
        element("title", title),
        element("desc", said),
        element("rect", class_="panel", x=0.5, y=0.5, width=width - 1, height=height - 1, rx=10.0),
        element("text", title, class_="title", x=MARGIN, y=MARGIN + 14),
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        class_="picture",
        width=width,
        height=height,
        viewBox=f"0 0 {width:.0f} {height:.0f}",
        role="img",
    )


def standalone(drawn: Element) -> Element:
    """Return a picture with all that it needs where there is no page around it."""
    alone = copy.copy(drawn)
    alone.append(element("style", palette(".picture") + RULES))
    return alone


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Return the width of ``text`` in pixels in the widest of the usual fonts, at the font size ``size``."""
    return sum(map(_em, text)) * size * (1.15 if bold else 1.0)


def shortened(text: str, width: float, size: float, *, bold: bool = False) -> str:
    """Return ``text`` with its middle left out, if it is wider than ``width``."""
    kept = len(text)
    short = text
    while kept > 1 and text_width(short, size, bold=bold) > width:
        kept -= 1
        short = f"{text[: (kept + 1) // 2]}…{text[len(text) - kept // 2 :]}"
    return short


def _em(character: str) -> float:
    if unicodedata.east_asian_width(character) in "WF":
        return 1.0
    if character in "fijlrtI.,:;|'!()[]/ -":
        return 0.36
    return 0.9 if character in "mwMW@%…" else 0.7 if character.isupper() else 0.6

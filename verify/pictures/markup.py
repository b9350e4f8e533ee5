"""Elements of SVG and HTML, with all text escaped."""

import re
from xml.etree import ElementTree as ET

Element = ET.Element

# What XML cannot hold, not even escaped.
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def element(tag: str, *children: "Element | str", **attributes: str | float) -> Element:
    """Return an element; ``class_`` is the attribute class, ``stroke_width`` is stroke-width, numbers are rounded."""
    made = Element(
        tag,
        {
            key.rstrip("_").replace("_", "-"): _clean(value) if isinstance(value, str) else number(value)
            for key, value in attributes.items()
        },
    )
    for child in children:
        if not isinstance(child, str):
            made.append(child)
        elif len(made):
            made[-1].tail = (made[-1].tail or "") + _clean(child)
        else:
            made.text = (made.text or "") + _clean(child)
    return made


def number(value: float) -> str:
    """Return a length with one decimal at most."""
    text = f"{value:.1f}"
    return text.removesuffix(".0").replace("-0", "0") if float(text) == 0 else text.removesuffix(".0")


def xml(root: Element) -> str:
    return ET.tostring(root, encoding="unicode") + "\n"


def html(root: Element) -> str:
    return "<!doctype html>\n" + ET.tostring(root, encoding="unicode", method="html") + "\n"


def _clean(text: str) -> str:
    return _ILLEGAL.sub("\ufffd", text)

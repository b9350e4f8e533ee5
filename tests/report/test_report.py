"""The report in a real browser: everybody can read it, reach all of it, and nothing in it runs."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.report.chromium import Chromium, Page
from tests.report.samples import HOSTILE, NAMESPACES

Files = Mapping[str, Path]
Show = Callable[..., Page]

SMALLEST_TEXT = 11  # pixels
# So many namespaces have one of everything that a namespace has.
MANY = 3
MODES = {"light": {}, "dark": {"dark": True}, "narrow": {"width": 400}}
in_every_mode = pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
of_every_size = pytest.mark.parametrize("sample", ["small", "large"])


@of_every_size
@in_every_mode
def test_every_text_stands_out_from_what_is_behind_it(
    sample: str, mode: dict[str, object], files: Files, show: Show
) -> None:
    texts = show(files[sample], **mode, opened=MANY).evaluate("audit.texts()")
    assert len(texts) > 100
    assert not [text for text in texts if text["ratio"] < text["needed"]]


@of_every_size
@in_every_mode
def test_every_text_is_large_enough(sample: str, mode: dict[str, object], files: Files, show: Show) -> None:
    texts = show(files[sample], **mode).evaluate("audit.sizes()")
    assert not [text for text in texts if text["size"] < SMALLEST_TEXT]


@of_every_size
@in_every_mode
def test_every_line_box_and_bar_stands_out_from_the_ground(
    sample: str, mode: dict[str, object], files: Files, show: Show
) -> None:
    graphics = show(files[sample], **mode).evaluate("audit.graphics()")
    assert {"box", "line found", "line missing", "bar"} <= {graphic["kind"] for graphic in graphics}
    assert not [graphic for graphic in graphics if graphic["ratio"] < 3]


@pytest.mark.parametrize("mode", [{}, {"dark": True}], ids=["light", "dark"])
def test_the_picture_alone_is_as_readable(mode: dict[str, object], files: Files, show: Show) -> None:
    page = show(files["small"].with_name("graph.svg"), **mode)
    assert not [text for text in page.evaluate("audit.texts()") if text["ratio"] < text["needed"]]
    assert not [graphic for graphic in page.evaluate("audit.graphics()") if graphic["ratio"] < 3]


def test_lines_of_every_kind_differ_without_their_colours(files: Files, show: Show) -> None:
    kinds = show(files["small"]).evaluate(
        """Object.fromEntries([...document.querySelector("svg").querySelectorAll("path.line")].map(
            (line) => [line.getAttribute("class"), getComputedStyle(line).strokeDasharray]))"""
    )
    assert kinds.keys() == {"line found", "line missing", "line further", "line idle"}
    assert len(set(kinds.values())) == len(kinds)


@of_every_size
@in_every_mode
def test_nothing_sticks_out_of_the_page(sample: str, mode: dict[str, object], files: Files, show: Show) -> None:
    page = show(files[sample], **mode)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert page.evaluate("audit.outside()") == []


@of_every_size
def test_no_picture_has_to_be_scrolled_in_a_usual_window(sample: str, files: Files, show: Show) -> None:
    assert show(files[sample]).evaluate("audit.wide().length") == 0


@of_every_size
def test_no_box_and_no_text_covers_another_one(sample: str, files: Files, show: Show) -> None:
    assert show(files[sample]).evaluate("audit.covering()") == []


@of_every_size
def test_every_name_fits_in_its_box(sample: str, files: Files, show: Show) -> None:
    assert show(files[sample]).evaluate("audit.spilling()") == []


def test_every_wide_part_is_scrolled_by_the_arrow_keys_once_tab_has_reached_it(files: Files, show: Show) -> None:
    page = show(files["small"], width=400)
    wide = page.evaluate("audit.wide().length")
    assert wide == 4  # two graphs, the table of calls, the trace
    for _ in range(wide):
        page.press("Tab")
        for _ in range(3):
            page.press("ArrowRight")
    assert page.evaluate("audit.wide().filter((part) => part.scrollLeft > 0).length") == wide


def test_what_has_the_focus_is_seen_to_have_it(files: Files, show: Show) -> None:
    page = show(files["small"], width=400)
    page.press("Tab")
    ring = page.evaluate(
        """(({outlineStyle, outlineWidth, outlineColor}) => ({
            style: outlineStyle,
            width: parseFloat(outlineWidth),
            ratio: audit.contrast(outlineColor, getComputedStyle(document.body).backgroundColor),
        }))(getComputedStyle(document.activeElement))"""
    )
    assert ring["style"] == "solid"
    assert ring["width"] >= 2
    assert ring["ratio"] >= 3


def test_a_namespace_is_opened_by_the_keyboard(files: Files, show: Show) -> None:
    page = show(files["large"], opened=0)
    page.press("Tab")
    page.press("Tab")
    assert page.evaluate("document.activeElement.localName") == "summary"
    page.press("Enter")
    assert page.evaluate("document.querySelectorAll('details[open]').length") == 1


def test_every_namespace_has_a_part_of_its_own_that_is_closed_at_first(files: Files, show: Show) -> None:
    page = show(files["large"], opened=0)
    assert page.evaluate("document.querySelectorAll('details').length") == NAMESPACES
    assert page.evaluate("document.querySelectorAll('details[open]').length") == 0


@of_every_size
def test_every_picture_has_a_caption_below_it(sample: str, files: Files, show: Show) -> None:
    captions = show(files[sample]).evaluate(
        """[...document.querySelectorAll("svg")].map((svg) => {
            const caption = svg.closest("figure").querySelector("figcaption");
            const isBelow = caption.getBoundingClientRect().top >= svg.getBoundingClientRect().bottom;
            return isBelow ? caption.innerText : "";
        })"""
    )
    assert len(captions) >= 3
    assert all(caption.endswith(".") for caption in captions)


@of_every_size
def test_a_screen_reader_has_a_name_for_every_picture_and_every_part_that_scrolls(
    sample: str, files: Files, show: Show
) -> None:
    page = show(files[sample], opened=MANY)
    said = page.names()
    for role, selector in (("image", "svg"), ("region", "[role=region]")):
        shown = f"[...document.querySelectorAll({selector!r})].filter((one) => one.checkVisibility()).length"
        names = said[role]
        assert len(names) == page.evaluate(shown)
        assert all(names)
        assert len(set(names)) == len(names)


@pytest.mark.parametrize("sample", ["small", "large", "hostile"])
@in_every_mode
def test_the_browser_complains_of_nothing(sample: str, mode: dict[str, object], files: Files, show: Show) -> None:
    assert show(files[sample], **mode).complaints == []


def test_what_a_name_contains_is_shown(files: Files, show: Show) -> None:
    assert show(files["hostile"]).evaluate("document.body.textContent").count(HOSTILE) > 10


def test_what_a_name_contains_makes_no_elements_and_does_not_run(files: Files, show: Show) -> None:
    page = show(files["hostile"])
    assert page.evaluate("document.querySelectorAll('script,img').length") == 0
    assert page.evaluate("typeof window.ran") == "undefined"


def test_a_script_that_came_into_the_page_would_not_run(files: Files, browser: Chromium, tmp_path: Path) -> None:
    text = files["small"].read_text(encoding="utf-8").replace("</body>", "<script>window.ran = true</script></body>")
    ran = {}
    for name, content in (("with", text), ("without", text.replace("Content-Security-Policy", "x"))):
        file = tmp_path / f"{name}.html"
        file.write_text(content, encoding="utf-8")
        page = browser.page().open(file)
        ran[name] = page.evaluate("typeof window.ran")
        page.close()
    assert ran == {"with": "undefined", "without": "boolean"}

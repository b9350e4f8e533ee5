"""The page has everything in the report, in one self-contained file."""

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.unit.verify.sample_report import REMEDY, REPORT
from verify import findings, pictures
from verify.causes import Code
from verify.findings import Finding
from verify.pictures.page import page
from verify.traffic.service_graph import Calls, Edge

VOID = {"meta"}


class Reader(HTMLParser):
    """All elements with their text and attributes; an end tag without its start tag is an error."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.elements: list[tuple[str, dict[str, str | None], str]] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append((tag, dict(attrs), []))

    def handle_endtag(self, tag: str) -> None:
        begun, attributes, text = self.open.pop()
        assert begun == tag
        self.elements.append((tag, attributes, "".join(text)))

    def handle_data(self, data: str) -> None:
        for _, _, text in self.open:
            text.append(data)

    def texts(self, tag: str, class_: str | None = None) -> list[str]:
        return [
            text
            for name, attributes, text in self.elements
            if name == tag and (class_ is None or class_ in (attributes.get("class") or "").split())
        ]


PAGE = Reader(page(REPORT))


def test_the_headline_is_the_verdict() -> None:
    assert PAGE.texts("h1") == ["✗ Tracing is broken"]


def test_it_says_when_and_of_which_stack_and_cluster() -> None:
    assert "Stack dev, context crc-admin, 2026-01-01 12:00:00 UTC" in PAGE.texts("p", "quiet")


def test_it_says_what_to_look_at_first() -> None:
    assert any("Look first at: The collector." in text for text in PAGE.texts("p"))


def test_every_hop_has_its_status_as_a_sign_and_as_a_word() -> None:
    hops = [text for text in PAGE.texts("span", "word") if "found" not in text and "missing" not in text]
    assert hops[:5] == ["✓ ok", "✗ broken", "✗ broken", "? cannot tell", "○ absent"]


def test_every_hop_has_its_title_and_all_its_evidence() -> None:
    assert PAGE.texts("th")[3:8] == ["Sidecars", "The collector", "The trace store", "The dashboards", "The console"]
    said = [line for finding in REPORT.findings for line in finding.evidence]
    assert [text for text in PAGE.texts("li") if text in said] == said


def test_a_remedy_stands_alone_as_it_is() -> None:
    assert PAGE.texts("pre", "remedy")[0] == REMEDY


def test_a_cause_is_given() -> None:
    assert "Cause: Tempo does not listen" in PAGE.texts("p", "cause")


def test_a_consequence_names_what_it_follows_from() -> None:
    assert PAGE.texts("p", "follows") == ["follows from: The collector"]


def test_the_request_has_its_times_and_the_steps_that_did_not_happen() -> None:
    stages = [text for text in PAGE.texts("li") if text.startswith(("sent", "stored", "searchable", "in the graph"))]
    assert stages == ["sentat 12:00:00", "storedafter 1.8 s", "searchableafter 6.2 s", "in the graphnot seen"]


def test_the_request_has_its_trace_its_address_and_its_note() -> None:
    assert "trace 4bf92f35 of http://web.shop:9080/" in PAGE.texts("code")
    assert "Prometheus keeps no exemplars" in PAGE.texts("p", "quiet")


def test_the_found_and_the_expected_graph_and_the_trace_are_drawn() -> None:
    assert PAGE.texts("text", "title") == ["Found", "Expected", "The trace of the request"]


def test_every_picture_has_its_description_as_its_caption() -> None:
    assert PAGE.texts("figcaption") == PAGE.texts("desc")
    assert len(PAGE.texts("figcaption")) == len(PAGE.texts("svg"))


def test_everything_that_scrolls_has_a_name_and_can_have_the_focus() -> None:
    scrolling = [
        attributes for _, attributes, _ in PAGE.elements if "scroll" in (attributes.get("class") or "").split()
    ]
    assert [one["aria-label"] for one in scrolling] == [
        "Found, can be scrolled",
        "Expected, can be scrolled",
        "Calls, can be scrolled",
        "The trace of the request, can be scrolled",
    ]
    assert {(one["tabindex"], one["role"]) for one in scrolling} == {("0", "region")}


def test_its_policy_allows_its_own_style_and_nothing_else() -> None:
    made = page(REPORT)
    style = Reader(made).texts("style")
    assert len(style) == 1
    digest = base64.b64encode(hashlib.sha256(style[0].encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert f'<meta http-equiv="Content-Security-Policy" content="{policy}">' in made


def test_a_large_graph_has_a_part_for_each_namespace_with_its_calls() -> None:
    graph = {Edge("s0.n0", f"s{n}.n{n % 3}"): Calls(1, 0, 0, per_second=1) for n in range(1, 40)}
    made = Reader(page(replace(REPORT, graph=graph, expected=frozenset({*graph, Edge("s1.n1", "s2.n2")}))))
    assert made.texts("text", "title")[:4] == ["Namespaces", "n0", "n1", "n2"]
    assert made.texts("summary") == [
        "n014 services, 39 calls",
        "n113 services, 14 calls, ✗ 1 missing",
        "n213 services, 14 calls, ✗ 1 missing",
    ]
    rows = [text for text in made.texts("tr") if "s1.n1s2.n2" in text]
    assert rows == ["✗ missings1.n1s2.n2"] * 2


def test_every_edge_is_in_the_table_with_what_is_known_of_it() -> None:
    rows = [re.sub(r"\s+", " ", text) for text in PAGE.texts("tr")][-3:]
    assert rows == [
        "✗ missingcart.shopstore.shop",
        "✓ foundweb.shopcart.shop2.2/s12 %900 ms400",
        "? not expectedweb.shopmail.shop0.6/min0 %unknown3",
    ]


@pytest.mark.parametrize(
    ("change", "heading"),
    [
        ({"request": None}, "The request that was followed"),
        ({"trace": None}, "The trace"),
        ({"graph": {}, "expected": frozenset()}, "Calls"),
    ],
)
def test_what_is_not_there_has_no_section(change: dict[str, object], heading: str) -> None:
    assert heading in PAGE.texts("h2")
    assert heading not in Reader(page(replace(REPORT, **change))).texts("h2")


def test_where_nothing_is_expected_no_expected_graph_is_drawn() -> None:
    assert "Expected" not in Reader(page(replace(REPORT, expected=frozenset()))).texts("text", "title")


@pytest.mark.parametrize(
    ("found", "headline"),
    [
        ((findings.ok("sidecars"),), "✓ Tracing works"),
        ((findings.unknown("sidecars", code=Code.NO_COLLECTOR, cause="x"),), "? Cannot tell whether tracing works"),
        ((), "✓ Tracing works"),
    ],
)
def test_every_verdict_has_a_headline(found: tuple[Finding, ...], headline: str) -> None:
    assert Reader(page(replace(REPORT, findings=found))).texts("h1") == [headline]


def test_text_is_escaped() -> None:
    evil = "</style></pre><script>alert(1)</script>\x00"
    made = page(
        replace(
            REPORT,
            stack=evil,
            findings=(findings.fault(evil, evil, code=Code.NO_COLLECTOR, cause=evil, remedy=evil),),
            titles={},
        ),
    )
    reader = Reader(made)
    assert not reader.texts("script")
    assert reader.texts("pre") == [evil.replace("\x00", "\\x00")]


def test_it_loads_nothing_external() -> None:
    made = page(replace(REPORT, request=None))
    assert set(re.findall(r"\w+://[^\s\"'<)]+", made)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"@import|url\(|<img|<link|<script|<iframe|src=|href=", made)


def test_the_report_is_written_to_a_folder_that_was_not_there(tmp_path: Path) -> None:
    pictures.write(REPORT, tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b" / "report.html").read_text(encoding="utf-8") == page(REPORT)
    assert ET.parse(tmp_path / "a" / "b" / "graph.svg").getroot().tag.endswith("svg")  # noqa: S314  it is our own

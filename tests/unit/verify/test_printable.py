"""Nothing that comes from a cluster reaches a terminal as a control sequence, by whatever way it is printed."""

import datetime
import io
import json
from pathlib import Path

import pytest

from verify import pictures
from verify.causes import Code
from verify.findings import fault, warning
from verify.output import terminal
from verify.output.report import Report, Request
from verify.redaction import printable, redacted
from verify.traffic.service_graph import Calls, Edge
from verify.traffic.trace import Span, Trace

NOON = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)
# A title for the window, a C1 control sequence, an override of the direction, a line separator, a bell, a null.
EVIL = "a\x1b]0;owned\x07b\x9b31mc\u202ed\u2028e\x00f\x7fg\u2066h\ufeffi"
SHOWN = r"a\x1b]0;owned\x07b\x9b31mc\u202ed\u2028e\x00f\x7fg\u2066h\ufeffi"
FINDINGS = (
    warning("collector", EVIL, code=Code.NO_COLLECTOR, cause=EVIL, remedy=f"kubectl get pod {EVIL}"),
    fault("tempo", EVIL, code=Code.NO_COLLECTOR, cause=EVIL, remedy=f"kubectl get pod {EVIL}"),
)
REPORT = Report(
    stack=EVIL,
    context=EVIL,
    at=NOON,
    findings=FINDINGS,
    titles={"collector": "Collector", "tempo": EVIL},
    request=Request(EVIL, EVIL, NOON, 0.5, None, None, EVIL),
    graph={Edge(EVIL, "b"): Calls(3, 1, 0.1), Edge("b", EVIL): Calls(3, 1, 0.1)},
    expected=frozenset({Edge(EVIL, "c")}),
    trace=Trace(EVIL, (Span("1", "", EVIL, EVIL, "server", 0, 1, failed=False),)),
)


def obeyed(text: str) -> set[str]:
    """The characters that a terminal obeys; line breaks are ours."""
    return {char for char in text if not char.isprintable()} - {"\n"}


def test_what_a_terminal_would_obey_is_shown_as_an_escape() -> None:
    assert printable(EVIL) == SHOWN


@pytest.mark.parametrize("text", ["", "naïve → ✓ 日本語", "C:\\x1b", "a b"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert printable(text) == text


def test_a_log_line_has_no_control_sequences() -> None:
    assert redacted(EVIL) == SHOWN


def test_colours_are_taken_out_of_a_log_line_and_hide_no_secret_behind_them() -> None:
    assert redacted("\x1b[31mpassword\x1b[0m=hunt" + "er2\tnext") == "password=*** next"


def test_the_text_for_a_terminal_has_none() -> None:
    out = io.StringIO()
    terminal.show(REPORT, terminal.console(out), verbose=True)
    assert obeyed(out.getvalue()) == set()
    assert f"kubectl get pod {SHOWN}" in out.getvalue()


def test_the_json_has_none_even_when_its_texts_are_printed() -> None:
    def texts(value: object) -> list[str]:
        if isinstance(value, dict):
            return [text for pair in value.items() for one in pair for text in texts(one)]
        if isinstance(value, list):
            return [text for one in value for text in texts(one)]
        return [value] if isinstance(value, str) else []

    found = texts(json.loads(json.dumps(REPORT.to_json())))
    assert SHOWN in found
    assert obeyed("".join(found)) == set()


def test_the_files_have_none(tmp_path: Path) -> None:
    pictures.write(REPORT, tmp_path)
    for file in tmp_path.iterdir():
        assert obeyed(file.read_text()) == set()

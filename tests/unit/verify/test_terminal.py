"""The report can be read in a terminal of 80 columns, without colour, and its remedies can be copied."""

import io
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from tests.unit.verify.sample_report import REMEDY, REPORT
from verify import findings
from verify.causes import Code
from verify.output.report import Report
from verify.output.terminal import console, show
from verify.traffic.service_graph import Edge


@pytest.fixture(autouse=True)
def _eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


def printed(report: Report = REPORT, *, verbose: bool = False) -> list[str]:
    out = io.StringIO()
    show(report, console(out), verbose=verbose)
    return out.getvalue().splitlines()


def after(line: str, lines: list[str]) -> list[str]:
    """The lines below the one that has ``line`` in it."""
    return lines[next(number for number, text in enumerate(lines) if line in text) + 1 :]


def test_every_hop_has_its_status_as_a_sign_and_as_a_word() -> None:
    lines = printed()
    for start, title in {
        "✓ ok ": "Sidecars",
        "✗ broken ": "The collector",
        "? cannot tell ": "The dashboards",
        "○ absent ": "The console",
    }.items():
        assert any(line.startswith(start) and title in line for line in lines), title


def test_a_hop_that_works_takes_one_line_with_one_piece_of_evidence() -> None:
    lines = printed()
    assert "all 6 pods have one" in next(line for line in lines if "Sidecars" in line)
    assert not any("istio-proxy 1.30.2" in line for line in lines)


def test_evidence_of_a_hop_that_works_is_left_out_where_it_does_not_fit() -> None:
    lines = printed(replace(REPORT, findings=(findings.ok("sidecars", "x" * 70),)))
    assert "✓ ok          Sidecars" in lines


def test_verbose_gives_all_the_evidence_of_a_hop_that_works() -> None:
    lines = after("Sidecars", printed(verbose=True))
    assert [line.strip() for line in lines[:2]] == ["all 6 pods have one", "istio-proxy 1.30.2"]


def test_evidence_is_indented_and_wrapped() -> None:
    lines = after("The collector", printed())
    evidence = lines[: next(number for number, line in enumerate(lines) if "cause:" in line)]
    assert len(evidence) > 2
    assert all(line.startswith("    ") and len(line) <= 80 for line in evidence)
    assert " ".join(line.strip() for line in evidence[1:]) == REPORT.findings[1].evidence[1].strip()


def test_a_remedy_is_one_line_as_it_is() -> None:
    assert len(REMEDY) > 80
    assert REMEDY in printed()


def test_a_consequence_says_what_it_follows_from() -> None:
    assert "follows from: The collector" in [line.strip() for line in after("The trace store", printed())]


def test_the_request_has_its_times_and_the_steps_that_did_not_happen() -> None:
    assert "Request: sent → stored 1.8 s → searchable 6.2 s → not in the graph" in printed()


def test_what_was_seen_of_an_edge_stands_behind_its_server() -> None:
    line = next(line for line in printed() if "cart.shop " in line and "2.2/s" in line)
    assert line.split()[2:] == ["2.2/s", "p95", "900", "ms", "12", "%", "errors"]


def test_a_missing_edge_is_marked_in_the_tree_and_named_below_it() -> None:
    lines = printed()
    assert any("store.shop" in line and "└─" in line and "✗ missing" in line for line in lines)
    assert "✗ missing: cart.shop → store.shop" in lines


def test_an_edge_that_was_not_expected_is_marked() -> None:
    marked = [line for line in printed() if "? not expected" in line]
    assert len(marked) == 1
    assert "mail.shop" in marked[0]


def test_it_says_how_many_of_the_expected_edges_were_found() -> None:
    assert "1 of 2 expected calls found" in printed()


def test_numbers_of_edges_stand_below_each_other() -> None:
    lines = [line for line in printed() if "/s" in line or "/min" in line]
    assert len({line.index("/") for line in lines if "─" in line and "/s" in line}) == 1


def test_an_empty_graph_has_no_calls() -> None:
    assert "Service graph: no calls" in printed(replace(REPORT, graph={}, expected=frozenset()))


def test_a_service_that_only_calls_itself_is_drawn() -> None:
    graph = {Edge("a", "a"): next(iter(REPORT.graph.values()))}
    assert any(line.startswith("└─ a") for line in printed(replace(REPORT, graph=graph, expected=frozenset())))


def test_the_last_line_is_the_verdict() -> None:
    lines = printed(replace(REPORT, findings=REPORT.findings[:1]))
    assert lines[-1] == "✓ Tracing works. Hops: 1 ok."


def test_what_can_be_wrapped_fits_into_80_columns() -> None:
    long = [line for line in printed(verbose=True) if cell_len(line) > 80]
    assert long == [REMEDY]


def test_no_line_ends_in_blanks() -> None:
    assert not [line for line in printed(verbose=True) if line != line.rstrip()]


def test_what_is_no_terminal_gets_no_escape_codes() -> None:
    assert "\x1b" not in "\n".join(printed(verbose=True))


@pytest.mark.parametrize(("variable", "escapes"), [({"NO_COLOR": "1"}, False), ({}, True)])
def test_a_terminal_gets_escape_codes_unless_it_wants_no_colour(
    variable: dict[str, str], escapes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    for key, value in variable.items():
        monkeypatch.setenv(key, value)
    out = Tty()
    show(REPORT, console(out))
    assert ("\x1b" in out.getvalue()) == escapes


def test_brackets_in_evidence_are_no_markup() -> None:
    out = io.StringIO()
    show(
        replace(
            REPORT,
            findings=(findings.fault("x", "[red]a[/nothing]", code=Code.NO_COLLECTOR, cause="[b]", remedy="[c]"),),
        ),
        Console(file=out),
    )
    assert "[red]a[/nothing]" in out.getvalue()

"""A suite counts all that its parts said, and goes on after an interruption with what has not passed."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.suites.__main__ import CHECKOUT, Part, prepare, run
from tests.suites.record import VARIABLE, Record, tree

ONE_OF_EACH = """
import pytest
def test_that_passes(): pass
def test_that_fails(): assert False
def test_that_is_skipped(): pytest.skip("no definitions here")
@pytest.fixture
def broken(): yield; raise RuntimeError
def test_whose_end_fails(broken): pass
"""


def pytest_part(name: str, file: Path) -> Part:
    return Part(name, (sys.executable, "-m", "pytest", "-q", "-p", "tests.suites.plugin", "--rootdir", str(file.parent),
                       "-c", "/dev/null", str(file)))  # fmt: skip


def script(name: str, code: str) -> Part:
    return Part(name, (sys.executable, "-c", code), counts=False)


def last_line(capfd: pytest.CaptureFixture[str]) -> str:
    return capfd.readouterr().out.splitlines()[-1]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "tests" / "test_some.py"
    file.parent.mkdir()
    file.write_text(ONE_OF_EACH)
    return file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    prepare(tmp_path / "records", "one tree", fresh=False)
    return tmp_path / "records"


def test_the_last_line_sums_up_what_all_parts_said(file: Path, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run("some", (pytest_part("a", file), script("b", "")), folder) == 1
    assert last_line(capfd) == "some: 2 passed, 2 failed, 1 skipped"


def test_it_says_why_a_test_was_skipped(file: Path, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run("some", (pytest_part("a", file),), folder)
    assert "1 skipped: no definitions here" in capfd.readouterr().out


def test_what_has_passed_is_not_run_again_on_the_same_tree(
    file: Path, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    part = pytest_part("a", file)
    run("some", (part,), folder)
    file.write_text(
        ONE_OF_EACH.replace("passes(): pass", "passes(): assert False")
        .replace("fails(): assert False", "fails(): pass")
        .replace("raise RuntimeError", "")
    )
    prepare(folder, "one tree", fresh=False)
    assert run("some", (part,), folder) == 0
    assert last_line(capfd) == "some: 3 passed, 0 failed, 1 skipped"


@pytest.mark.parametrize(("identity", "fresh"), [("another tree", False), ("one tree", True)])
def test_on_another_tree_or_when_asked_to_everything_runs_again(folder: Path, identity: str, fresh: bool) -> None:
    Record(folder / "a.jsonl").add("a test", "passed")
    prepare(folder, identity, fresh=fresh)
    assert Record(folder / "a.jsonl").passed() == set()


def test_after_a_run_in_which_all_passed_everything_runs_again(folder: Path) -> None:
    assert run("some", (script("a", ""),), folder) == 0
    assert not folder.exists()


def test_a_part_that_ends_before_its_tests_do_has_failed(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    died = Part("a", (sys.executable, "-c", "import os; os._exit(3)"))
    assert run("some", (died,), folder) == 1
    assert last_line(capfd) == "some: 0 passed, 1 failed, 0 skipped"


def test_a_part_that_has_ended_is_not_run_again(folder: Path, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    first = script("a", f"open({str(marks)!r}, 'a').write('x')")
    for _ in range(2):
        run("some", (first, script("b", "raise SystemExit(1)")), folder)
    assert marks.read_text() == "x"


def test_half_a_line_of_a_killed_run_is_not_read(folder: Path) -> None:
    record = Record(folder / "a.jsonl")
    record.add("one", "passed")
    with record.path.open("a") as file:
        file.write('{"test": "tw')
    assert record.passed() == {"one"}


def test_after_half_a_line_of_a_killed_run_the_record_goes_on(folder: Path) -> None:
    record = Record(folder / "a.jsonl")
    record.add("one", "passed")
    with record.path.open("a") as file:
        file.write('{"test": "tw')
    record.add("three", "passed")
    assert record.passed() == {"one", "three"}


def test_the_tree_is_another_one_after_any_change_of_a_file_that_git_does_not_ignore(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        subprocess.run(["git", "-C", str(tmp_path), *arguments], check=True, capture_output=True)

    git("init")
    (tmp_path / ".gitignore").write_text("ignored\n")
    seen = [tree(tmp_path)]
    for name, content, is_new in (("new", "a", True), ("new", "b", True), ("ignored", "c", False)):
        (tmp_path / name).write_text(content)
        seen.append(tree(tmp_path))
        assert (seen[-1] != seen[-2]) == is_new


@pytest.mark.parametrize("options", [(), ("--numprocesses", "2")])
def test_what_a_test_starts_writes_nothing_into_the_record(
    file: Path, folder: Path, capfd: pytest.CaptureFixture[str], options: tuple[str, ...]
) -> None:
    file.write_text(f"import os\ndef test_it(): assert {VARIABLE!r} not in os.environ\n")
    part = pytest_part("a", file)
    assert run("some", (Part("a", (*part.command, *options)),), folder) == 0
    assert last_line(capfd) == "some: 1 passed, 0 failed, 0 skipped"


def test_workers_report_to_one_record(file: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = Record(folder / "a.jsonl")
    monkeypatch.setenv(VARIABLE, str(record.path))
    command = [*pytest_part("a", file).command, "--numprocesses", "2"]
    subprocess.run(command, cwd=CHECKOUT, check=False, capture_output=True)
    assert len(record.path.read_text().splitlines()) == 4


def test_a_suite_that_is_told_to_stop_tells_its_part_and_keeps_what_has_passed(tmp_path: Path, folder: Path) -> None:
    slow = tmp_path / "test_slow.py"
    slow.write_text(
        "import pathlib, pytest, time\n"
        "@pytest.fixture(scope='session')\n"
        f"def ended(): yield; pathlib.Path({str(tmp_path / 'ended')!r}).touch()\n"
        "def test_that_passes(ended): pass\n"
        f"def test_that_waits(ended): pathlib.Path({str(tmp_path / 'waits')!r}).touch(); time.sleep(60)\n"
    )
    code = (
        "import sys; from pathlib import Path; from tests.suites.__main__ import Part, run\n"
        f"run('some', (Part('a', {tuple(pytest_part('a', slow).command)!r}),), Path({str(folder)!r}))"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=CHECKOUT) as suite:
        while not (tmp_path / "waits").exists():
            assert suite.poll() is None
            time.sleep(0.05)
        suite.terminate()
    assert suite.returncode != 0
    assert (tmp_path / "ended").exists()
    assert {test.rpartition("::")[2] for test in Record(folder / "a.jsonl").passed()} == {"test_that_passes"}

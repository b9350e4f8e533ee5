"""What the mutation check takes out, shown on a small program."""

import textwrap
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import pytest

from tests.mutation import __main__ as command
from tests.mutation import mutants, runner
from tests.mutation.mutants import Mutant
from tests.mutation.runner import Outcome, Result

# Source, what the mutants of it are called, and what the program then is.
EXAMPLES = [
    ("x = R(opts=O(depends_on=[a, *b]))", "depends_on without a", "x = R(opts=O(depends_on=[*b]))"),
    ("x = R(opts=O(depends_on=[a, *b]))", "depends_on without *b", "x = R(opts=O(depends_on=[a]))"),
    ("x = R(opts=O(depends_on=many))", "depends_on without many", "x = R(opts=O(depends_on=[]))"),
    ("x = C('c', after(a, b))", "x not after b", "x = C('c', after(a))"),
    ("once_ready(url, a)", "url without waiting for a", "once_ready(url)"),
    ("d = {**wait_for('condition=Ready')}", "without wait_for('condition=Ready')", "d = {**{}}"),
    ("ResourceOptions(protect=yes, parent=p)", "ResourceOptions without protect=yes", "ResourceOptions(parent=p)"),
    ("Release('r', timeout=5)", "Release without timeout=5", "Release('r')"),
    ("key = config.get_secret('k')", "config.get_secret('k') not secret", "key = config.get('k')"),
    ("key = Output.secret(text)", "Output.secret(text) not secret", "key = text"),
    ("d = {'sidecar.istio.io/inject': 'false', 'a': 1}", "without the key sidecar.istio.io/inject", "d = {'a': 1}"),
    ("d = {ANNOTATION: value}", "without the key ANNOTATION", "d = {}"),
    ("n(extra_labels=args.labels)", "without args.labels", "n(extra_labels={})"),
]

UNTOUCHED = [
    "x = R(opts=O(parent=self, depends_on=[]))",
    "limits = within(5)",
    "other.append(a)",
    "d = {'app': 'tempo'}",
]


def made_of(tmp_path: Path, text: str) -> list[Mutant]:
    (tmp_path / "program.py").write_text(text)
    return mutants.find(tmp_path, "program.py")


@pytest.mark.parametrize(("text", "what", "changed"), EXAMPLES, ids=[example[1] for example in EXAMPLES])
def test_a_mutant_lacks_one_thing(tmp_path: Path, text: str, what: str, changed: str) -> None:
    (mutant,) = (found for found in made_of(tmp_path, text) if found.name == f"program.py: top: {what}")
    assert mutants.source(tmp_path, mutant) == changed


@pytest.mark.parametrize("text", UNTOUCHED)
def test_what_decides_nothing_is_left_alone(tmp_path: Path, text: str) -> None:
    assert made_of(tmp_path, text) == []


def test_a_mutant_is_named_after_the_place_that_it_is_in(tmp_path: Path) -> None:
    text = "class Store:\n    def __init__(self):\n        make(depends_on=[volume])\n"
    assert [mutant.name for mutant in made_of(tmp_path, text)] == [
        "program.py: Store.__init__: depends_on without volume"
    ]


def test_two_mutants_of_one_place_have_two_names(tmp_path: Path) -> None:
    names = [mutant.name for mutant in made_of(tmp_path, "f(depends_on=[a])\nf(depends_on=[a])\n")]
    assert names == ["program.py: top: depends_on without a", "program.py: top: depends_on without a (2)"]


def test_what_is_collected_before_a_pod_is_an_edge_too(tmp_path: Path) -> None:
    text = textwrap.dedent("""\
        def build():
            before = []
            before.append(make())
            pod(depends_on=before)
        """)
    (mutant,) = (found for found in made_of(tmp_path, text) if "append" in found.name)
    assert "\n    make()\n" in mutants.source(tmp_path, mutant)


def test_each_part_of_the_restart_hash_is_a_mutant(tmp_path: Path) -> None:
    text = textwrap.dedent("""\
        class Config:
            revision: str
            image: str
            def restart_hash(self):
                return digest(asdict(self))
        """)
    found = made_of(tmp_path, text)
    assert [mutant.name.rpartition(" ")[2] for mutant in found] == ["revision", "image"]
    assert "if key != 'image'" in mutants.source(tmp_path, found[1])


MUTANT = Mutant("a.py", 0, "a.py: top: without b")


@pytest.mark.parametrize(
    ("outcome", "allowed", "said"),
    [
        (Outcome.NOTICED, False, None),
        (Outcome.SURVIVED, True, None),
        (Outcome.SURVIVED, False, "nobody notices"),
        (Outcome.NOTICED, True, "take it out of tests/mutation/allowed.py"),
        (Outcome.BROKEN, False, "cannot tell"),
        (Outcome.BROKEN, True, "cannot tell"),
    ],
)
def test_a_result_is_judged(monkeypatch: pytest.MonkeyPatch, outcome: Outcome, allowed: bool, said: str | None) -> None:
    monkeypatch.setattr(command.allowed, "ALLOWED", {MUTANT.name: "reason"} if allowed else {})
    problem = command.judge(Result(MUTANT, outcome, "detail", 1.0))
    assert (problem is None) if said is None else (problem is not None and said in problem)


def test_every_source_that_has_mutants_has_tests() -> None:
    root = command.ROOT
    for file in runner.files(root):
        assert all(runner.tests_of(root, mutant) for mutant in mutants.find(root, file)), file


def test_what_only_an_output_tells_is_asked_of_the_tests_of_outputs() -> None:
    tests = runner.tests_of(command.ROOT, Mutant("components/kiali.py", 0, "components/kiali.py: Kiali.__init__: url"))
    assert "tests/unit/program/test_outputs.py" in tests


def test_every_mutant_that_may_live_says_why() -> None:
    assert all(len(reason) > 20 for reason in command.allowed.ALLOWED.values())


EFFECTS = {"Deployment a, stack dev": "1", "outputs, stack dev": "2"}


@pytest.mark.parametrize(
    ("changed", "status", "said"),
    [
        (EFFECTS, pytest.ExitCode.OK, ""),
        ({**EFFECTS, "outputs, stack dev": "3"}, pytest.ExitCode.TESTS_FAILED, "FAILED outputs, stack dev"),
        ({"outputs, stack dev": "2"}, pytest.ExitCode.TESTS_FAILED, "FAILED Deployment a, stack dev"),
        ({**EFFECTS, "Secret b, stack dev": "4"}, pytest.ExitCode.TESTS_FAILED, "FAILED Secret b, stack dev"),
    ],
    ids=["the same", "changed", "gone", "new"],
)
def test_a_mutant_may_live_only_with_the_same_effects(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    changed: dict[str, str],
    status: pytest.ExitCode,
    said: str,
) -> None:
    monkeypatch.setattr(runner, "_effects", lambda: changed)
    assert runner._compare(EFFECTS) == status
    assert capsys.readouterr().out.strip() == said


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, list[str]]]:
    """The status and the lines of a run in which the mutants had these results."""

    def run(results: list[Result], *, allowed: dict[str, str]) -> tuple[int, list[str]]:
        monkeypatch.setattr(command.runner, "files", Mock(return_value=[]))
        monkeypatch.setattr(command.runner, "run", Mock(return_value=iter(results)))
        monkeypatch.setattr(command.allowed, "ALLOWED", allowed)
        monkeypatch.setattr("sys.argv", ["mutation"])
        return command.main(), capsys.readouterr().out.splitlines()

    return run


@pytest.mark.parametrize(
    ("outcomes", "last_line", "status"),
    [
        ([Outcome.NOTICED, Outcome.NOTICED], "2 passed, 0 failed", 0),
        ([Outcome.NOTICED, Outcome.SURVIVED], "1 passed, 1 failed", 1),
        ([Outcome.BROKEN], "0 passed, 1 failed", 1),
    ],
)
def test_a_run_ends_with_how_many_passed(
    ended: Callable[..., tuple[int, list[str]]], outcomes: list[Outcome], last_line: str, status: int
) -> None:
    ended_with, printed = ended([Result(MUTANT, outcome, "detail", 1.0) for outcome in outcomes], allowed={})
    assert (ended_with, printed[-1]) == (status, last_line)


def test_a_mutant_that_is_no_more_fails_where_it_may_live(ended: Callable[..., tuple[int, list[str]]]) -> None:
    status, printed = ended([], allowed={MUTANT.name: "reason"})
    assert status == 1
    assert printed == [
        f"no such mutant: {MUTANT.name}: take it out of tests/mutation/allowed.py",
        "0 passed, 1 failed",
    ]

"""The state folder keeps its record and keeps two commands apart."""

import multiprocessing
from pathlib import Path

import pytest

from local.errors import LocalError
from local.state import State


def test_the_identity_is_made_once(tmp_path: Path) -> None:
    state = State(tmp_path)
    assert state.identity() == state.identity()


def test_two_state_folders_have_two_identities(tmp_path: Path) -> None:
    assert State(tmp_path / "a").identity() != State(tmp_path / "b").identity()


def test_a_record_keeps_what_is_not_changed(tmp_path: Path) -> None:
    state = State(tmp_path)
    state.write_record(ports={"tempo": 1})
    state.write_record(images=["a"])
    assert state.record() == {"ports": {"tempo": 1}, "images": ["a"]}


def _try_lock(folder: Path, answers: "multiprocessing.Queue[str]") -> None:
    try:
        with State(folder).lock():
            answers.put("locked")
    except LocalError as error:
        answers.put(str(error))


def _from_another_process(folder: Path) -> str:
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    other = context.Process(target=_try_lock, args=(folder, answers))
    other.start()
    answer: str = answers.get(timeout=60)
    other.join()
    return answer


def test_a_locked_folder_is_refused_to_another_process(tmp_path: Path) -> None:
    with State(tmp_path).lock():
        assert "is at work on" in _from_another_process(tmp_path)


def test_a_lock_ends_with_its_command(tmp_path: Path) -> None:
    with State(tmp_path).lock():
        pass
    assert _from_another_process(tmp_path) == "locked"


def test_the_environment_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MESH_TRACING_STATE", str(tmp_path / "elsewhere"))
    assert State.default().root == tmp_path / "elsewhere"

"""Interrupted and simultaneous work on one cache."""

import threading
from pathlib import Path

import pytest

from local.build import scratch
from local.progress import Progress


def test_what_an_interrupted_process_left_is_gone(tmp_path: Path) -> None:
    left = tmp_path / ".scratch" / "half"
    left.parent.mkdir()
    left.write_text("half done")

    with scratch.own_folder(tmp_path, Progress()) as folder:
        assert list(folder.iterdir()) == []


def test_the_folder_is_gone_afterwards_also_after_a_failure(tmp_path: Path) -> None:
    def fail() -> None:
        with scratch.own_folder(tmp_path, Progress()) as folder:
            (folder / "file").touch()
            raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        fail()

    assert not (tmp_path / ".scratch").exists()


def test_a_second_process_waits_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    order: list[str] = []

    def second() -> None:
        with scratch.own_folder(tmp_path, Progress()):
            order.append("second")

    waiting = threading.Thread(target=second)
    with scratch.own_folder(tmp_path, Progress()):
        waiting.start()
        waiting.join(0.2)
        order.append("first")
    waiting.join()

    assert order == ["first", "second"]
    assert "waiting for another process" in capsys.readouterr().out

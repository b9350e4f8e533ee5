"""A machine that cannot carry the cluster is told so in one line, before anything is changed."""

import subprocess
from pathlib import Path

import pytest

from local import preflight
from local.errors import LocalError
from local.state import State


@pytest.fixture
def fitting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which nothing is missing."""
    monkeypatch.setattr(preflight.sys, "platform", "linux")
    monkeypatch.setattr(preflight.os, "geteuid", lambda: 0)
    monkeypatch.setattr(preflight, "available_memory", lambda: 64 * preflight.GIB)
    monkeypatch.setattr(preflight, "DISK_GIB", 0)


def refusal(state: State) -> str:
    with pytest.raises(LocalError) as caught:
        preflight.check(state)
    text = str(caught.value)
    assert len(text.splitlines()) == 1
    return text


@pytest.mark.usefixtures("fitting")
def test_a_fitting_machine_passes(tmp_path: Path) -> None:
    preflight.check(State(tmp_path))


@pytest.mark.usefixtures("fitting")
def test_another_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight.sys, "platform", "darwin")
    assert "needs Linux" in refusal(State(tmp_path))


@pytest.mark.usefixtures("fitting")
def test_a_person_who_is_not_root_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight.os, "geteuid", lambda: 1000)
    assert "needs root" in refusal(State(tmp_path))


@pytest.mark.usefixtures("fitting")
def test_too_little_memory_is_refused_with_both_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "available_memory", lambda: preflight.GIB)
    assert "1.0 GiB of memory are free and 5 are needed" in refusal(State(tmp_path))


@pytest.mark.usefixtures("fitting")
def test_too_little_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "DISK_GIB", 10**9)
    assert "of disk are free" in refusal(State(tmp_path))


@pytest.mark.usefixtures("fitting")
def test_a_folder_that_the_cluster_would_cover_is_refused() -> None:
    assert "lies below /var/lib" in refusal(State(Path("/var/lib/somewhere/.local")))


@pytest.mark.parametrize(
    ("status", "said", "refused"),
    [
        (0, "", None),
        (
            4,
            "Extension NFQUEUE revision 0 not supported, missing kernel module?",
            "not supported, missing kernel module",
        ),
    ],
)
def test_a_kernel_without_the_queue_is_named_as_why_policies_are_not_enforced(
    monkeypatch: pytest.MonkeyPatch, status: int, said: str, refused: str | None
) -> None:
    done = subprocess.CompletedProcess[str]([], status, stdout="", stderr=said)
    monkeypatch.setattr(preflight.subprocess, "run", lambda *_, **__: done)
    found = preflight.queue_refusal()
    assert found is None if refused is None else found is not None and refused in found

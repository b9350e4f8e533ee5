"""What the tests and targets run on the embedded cluster never reaches the cluster that a person works on."""

import subprocess
import sys
from pathlib import Path

import pytest
from embedded import CHECKOUT, Host


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """A Python whose ``-m local env`` fails, as one does whose packages are gone; any other command succeeds."""
    script = tmp_path / "python"
    script.write_text(f'#!/bin/sh\n[ "$3" != env ] || exit 1\ntouch {tmp_path}/reached\n')
    script.chmod(0o755)
    return script


def test_without_the_exports_a_test_runs_no_command(
    tmp_path: Path, python: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(python))
    done = Host(tmp_path).with_exports("touch", str(tmp_path / "reached"), check=False)
    assert (done.returncode, (tmp_path / "reached").exists()) == (1, False)


def test_without_the_exports_a_target_runs_no_command(tmp_path: Path, python: Path) -> None:
    command = ["make", "verify", f"PYTHON={python}", "--old-file", ".venv/installed"]
    done = subprocess.run(command, cwd=CHECKOUT, check=False, capture_output=True)
    assert (done.returncode, (tmp_path / "reached").exists()) == (2, False)


def test_a_second_suite_does_not_end_the_cluster_of_the_first(tmp_path: Path) -> None:
    host = Host(tmp_path / "state")
    with host.alone(), pytest.raises(pytest.exit.Exception, match="another suite"), host.alone():
        pass


def test_a_suite_may_run_after_another_one(tmp_path: Path) -> None:
    host = Host(tmp_path / "state")
    for _ in range(2):
        with host.alone():
            assert host.state.is_dir()

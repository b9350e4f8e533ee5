"""Control groups are found on every layout that Linux machines have."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.run import cgroups
from local.run.cgroups import ControlGroup, hierarchies


def test_every_hierarchy_of_a_hybrid_machine_is_found(tmp_path: Path) -> None:
    for name in ("memory", "pids", "unified"):
        (tmp_path / name).mkdir()
    mounts = f"""\
tmpfs {tmp_path} tmpfs rw 0 0
cgroup {tmp_path}/memory cgroup rw,memory 0 0
cgroup {tmp_path}/pids cgroup rw,pids 0 0
cgroup2 {tmp_path}/unified cgroup2 rw 0 0
proc /proc proc rw 0 0
"""
    assert hierarchies(mounts) == [tmp_path / "memory", tmp_path / "pids", tmp_path / "unified"]


def test_a_hierarchy_that_this_process_cannot_see_is_left_out(tmp_path: Path) -> None:
    assert hierarchies(f"cgroup {tmp_path}/gone cgroup rw,memory 0 0\n") == []


def test_a_group_in_a_group_that_does_not_exist_yet_may_have_processes_at_every_level(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As the kernel does on version 1: each new group has an empty set of processors.
    monkeypatch.setattr(cgroups, "hierarchies", lambda _: [tmp_path])
    monkeypatch.setattr(Path, "mkdir", _make_cpuset)
    (tmp_path / "cpuset.cpus").write_text("0-1\n")

    ControlGroup("cluster/node2").create()

    groups = [tmp_path / "cluster", tmp_path / "cluster" / "node2", tmp_path / "cluster" / "node2" / cgroups.LEAF]
    assert [(group / "cpuset.cpus").read_text() for group in groups] == ["0-1\n"] * 3


def test_a_container_s_group_that_goes_away_meanwhile_hides_no_process_of_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cgroups, "hierarchies", lambda _: [tmp_path])
    for name, process in (("gone", 11), ("kept", 12)):
        (tmp_path / "cluster" / name / "container").mkdir(parents=True)
        (tmp_path / "cluster" / name / "container" / "cgroup.procs").write_text(f"{process}\n")
    scandir = os.scandir

    def after_the_end(path: os.PathLike[str] | str) -> Iterator[os.DirEntry[str]]:
        if Path(path).name == "gone":
            raise FileNotFoundError(path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", after_the_end)

    assert ControlGroup("cluster").processes() == {12}


def _make_cpuset(folder: Path, exist_ok: bool) -> None:
    os.mkdir(folder)  # noqa: PTH102  Path's is what this takes the place of
    (folder / "cpuset.cpus").touch()

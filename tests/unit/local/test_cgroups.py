"""Control groups are found on every layout that Linux machines have."""

from pathlib import Path

from local.run.cgroups import hierarchies


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

"""The image of the check that runs in the cluster: what is in it, and that it needs nothing else."""

import io
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from local.build import verify
from local.errors import LocalError
from local.progress import Progress

CHECKOUT = Path(__file__).parents[3]
PIN = re.compile(r"^(\S+)==(\S+) \\\n((?:    --hash=\S+(?: \\)?\n)+)", re.MULTILINE)


def pins(file: str) -> dict[str, tuple[str, str]]:
    """Version and hashes by the name of the package."""
    return {name: (version, hashes) for name, version, hashes in PIN.findall((CHECKOUT / file).read_text())}


def root(folder: Path, *names: str) -> Path:
    place = folder / "root.tar"
    with tarfile.open(place, "w") as archive:
        for name in names:
            archive.addfile(tarfile.TarInfo(name), io.BytesIO())
    return place


def test_what_it_imports_is_pinned_as_for_everything_else() -> None:
    of_the_image, all_pins = pins("verify/requirements.txt"), pins("requirements.txt")
    assert of_the_image
    assert of_the_image == {name: all_pins.get(name) for name in of_the_image}


def test_all_that_it_asks_for_is_pinned() -> None:
    wanted = re.findall(r"^(\S+)==(\S+)$", (CHECKOUT / "verify" / "requirements.in").read_text(), re.MULTILINE)
    found = pins("verify/requirements.txt")
    assert {name: found[name][0] for name, _ in wanted} == dict(wanted)


ALONE = """
import importlib.metadata, pkgutil, sys

class OnlyThese:
    def find_spec(self, name, path=None, target=None):
        of = {one.lower().replace("_", "-") for one in packages.get(name.partition(".")[0], [])}
        if of and not of & allowed:
            raise ModuleNotFoundError(f"not in the image: {name}")

packages, allowed = importlib.metadata.packages_distributions(), set(sys.argv[1:])
sys.meta_path.insert(0, OnlyThese())
import verify
for module in pkgutil.walk_packages(verify.__path__, "verify."):
    __import__(module.name)
"""


def test_verify_needs_nothing_but_what_is_in_the_image() -> None:
    """Every module is imported where no other package can be."""
    command = [sys.executable, "-c", ALONE, *pins("verify/requirements.txt")]
    done = subprocess.run(command, cwd=CHECKOUT, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_test_above_would_notice_a_package_that_is_missing() -> None:
    without = [name for name in pins("verify/requirements.txt") if name != "httpx"]
    done = subprocess.run([sys.executable, "-c", ALONE, *without], cwd=CHECKOUT, check=False, capture_output=True)
    assert b"not in the image: httpx" in done.stderr


def test_the_published_image_is_based_on_one_that_cannot_change() -> None:
    lines = (CHECKOUT / "verify" / "Containerfile").read_text().splitlines()
    bases = [line.split()[1] for line in lines if line.startswith("FROM ")]
    assert set(bases) == {"${PYTHON}"}
    assert any(re.fullmatch(r"ARG PYTHON=\S+:\S+@sha256:[0-9a-f]{64}", line) for line in lines)


def test_the_python_of_a_root_filesystem_is_found(tmp_path: Path) -> None:
    names = ("./usr/bin/python3", "./usr/bin/python3.11-config", "./usr/lib/python3.11", "./usr/bin/python3.11")
    assert verify.python_version(root(tmp_path, *names)) == "3.11"


def test_a_root_filesystem_without_python_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="has no Python"):
        verify.python_version(root(tmp_path, "./usr/bin/perl"))


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small package in the place of the whole one, and a cache of its own."""
    folder = tmp_path / "verify"
    (folder / "hops").mkdir(parents=True)
    (folder / "requirements.txt").write_text("")
    (folder / "__init__.py").write_text("")
    (folder / "hops" / "one.py").write_text("content = 1\n")
    (folder / "schema.json").write_text("{}")
    monkeypatch.setattr(verify, "PACKAGE", folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


def made(folder: Path) -> Path:
    return verify.ensure(root(folder, "./usr/bin/python3.11"), Progress(), folder / "logs")


def test_the_folder_has_the_package_with_its_data(package: Path, tmp_path: Path) -> None:
    folder = made(tmp_path)
    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == {
        "verify/__init__.py",
        "verify/hops/one.py",
        "verify/schema.json",
    }


def test_it_is_made_once_and_again_for_every_change(package: Path, tmp_path: Path) -> None:
    first = made(tmp_path)
    assert made(tmp_path) == first
    (package / "hops" / "one.py").write_text("content = 2\n")
    assert made(tmp_path) != first


def test_a_package_that_the_index_does_not_have_is_said_in_one_line(package: Path, tmp_path: Path) -> None:
    (package / "requirements.txt").write_text(f"./nothing-1.0-py3-none-any.whl --hash=sha256:{'0' * 64}\n")
    with pytest.raises(LocalError) as caught:
        made(tmp_path)
    assert "pip did not get what verify imports" in str(caught.value)
    assert "\n" not in str(caught.value)

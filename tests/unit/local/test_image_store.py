"""A node gets the images of a store, and what it does with them never reaches the store."""

from pathlib import Path

import pytest

from local.build import image_store
from local.build.images import Image
from local.errors import LocalError
from local.progress import Progress

DATABASE = Path("io.containerd.metadata.v1.bolt") / "meta.db"
LAYER = Path("snapshots") / "1" / "program"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    folder = tmp_path / "store"
    for file in (DATABASE, LAYER):
        (folder / file).parent.mkdir(parents=True)
        (folder / file).write_text("as stored")
    return folder


def test_layers_are_linked_and_databases_are_copied(store: Path, tmp_path: Path) -> None:
    node = tmp_path / "node"
    image_store.give(store, node)

    assert (node / LAYER).samefile(store / LAYER)
    (node / DATABASE).write_text("changed")
    assert (store / DATABASE).read_text() == "as stored"


def test_a_copy_that_was_interrupted_is_made_again(store: Path, tmp_path: Path) -> None:
    (tmp_path / "node-unfinished" / "half").mkdir(parents=True)
    image_store.give(store, tmp_path / "node")

    assert {path.name for path in (tmp_path / "node").iterdir()} == {path.name for path in store.iterdir()}
    assert not (tmp_path / "node-unfinished").exists()


def test_a_store_is_filled_once_for_each_set_of_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    filled: list[list[str]] = []

    def fill(root: Path, _programs: object, images: list[Image], _logs: Path) -> None:
        root.mkdir()
        filled.append([image.name for image in images])

    monkeypatch.setattr(image_store, "_fill", fill)
    programs = {"containerd": Path("containerd_1.6") / "containerd"}
    one, other = Image("one", Path("1.tar"), None), Image("other", Path("2.tar"), None)

    def ensure(*images: Image) -> Path:
        return image_store.ensure(programs, images, Progress(), tmp_path / "logs")

    first = ensure(one)
    assert ensure(one) == first
    assert ensure(one, other) != first
    assert filled == [["one"], ["one", "other"]]


def test_a_refused_image_is_named(tmp_path: Path) -> None:
    ctr = tmp_path / "ctr"
    ctr.write_text("#!/bin/sh\necho 'no space left' >&2\nexit 1\n")
    ctr.chmod(0o755)

    with pytest.raises(LocalError, match=r"image one cannot be imported \(no space left\): see .*containerd\.log"):
        image_store.import_all(
            ctr, tmp_path / "socket", [Image("one", Path("1.tar"), None)], tmp_path / "containerd.log"
        )

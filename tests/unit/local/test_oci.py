"""Images whose digest follows from their content."""

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from local.build import oci


@pytest.fixture
def program(tmp_path: Path) -> Path:
    file = tmp_path / "program"
    file.write_bytes(b"#!/bin/sh\n")
    file.chmod(0o700)
    return file


def content(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as tar:
        return {entry.name: tar.extractfile(entry).read() for entry in tar if entry.isfile()}  # type: ignore[union-attr]


def blob(found: dict[str, bytes], described: dict[str, Any]) -> bytes:
    """What a descriptor names, if its digest and size are right."""
    algorithm, _, digest = described["digest"].partition(":")
    read = found[f"blobs/{algorithm}/{digest}"]
    assert (hashlib.sha256(read).hexdigest(), len(read)) == (digest, described["size"])
    return read


def test_an_image_is_named_by_the_digest_of_its_manifest(tmp_path: Path) -> None:
    name = oci.write(tmp_path / "image.tar", "localhost/some/image", {"/a": b"x"}, {})
    found = content(tmp_path / "image.tar")
    (described,) = json.loads(found["index.json"])["manifests"]
    assert name == f"localhost/some/image@{described['digest']}"
    assert described["annotations"]["io.containerd.image.name"] == name
    assert blob(found, described)


def test_the_layer_has_the_files_and_a_program_can_be_run(tmp_path: Path, program: Path) -> None:
    oci.write(tmp_path / "image.tar", "r", {"/bin/program": program, "/etc/text": b"x"}, {"User": "1:1"})
    found = content(tmp_path / "image.tar")
    manifest = json.loads(blob(found, json.loads(found["index.json"])["manifests"][0]))
    (layer,) = manifest["layers"]
    with tarfile.open(fileobj=io.BytesIO(blob(found, layer)), mode="r:gz") as tar:
        modes = {entry.name: entry.mode for entry in tar}
    assert modes == {"bin": 0o755, "bin/program": 0o755, "etc": 0o755, "etc/text": 0o644, "tmp": 0o1777}
    configuration = json.loads(blob(found, manifest["config"]))
    assert configuration["config"] == {"User": "1:1"}


def test_the_same_content_has_the_same_name(tmp_path: Path, program: Path) -> None:
    files = {"/bin/program": program, "/etc/text": b"x"}
    names = {oci.write(tmp_path / f"{number}.tar", "r", files, {"User": "1:1"}) for number in range(2)}
    assert len(names) == 1


@pytest.mark.parametrize(("files", "config"), [({"/a": b"y"}, {}), ({"/b": b"x"}, {}), ({"/a": b"x"}, {"User": "1"})])
def test_other_content_has_another_name(tmp_path: Path, files: dict[str, Path | bytes], config: dict[str, str]) -> None:
    before = oci.write(tmp_path / "before.tar", "r", {"/a": b"x"}, {})
    assert oci.write(tmp_path / "after.tar", "r", files, config) != before

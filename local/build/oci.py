"""Images of a few files whose digest is a function of their content, as OCI archives that containerd imports.

A catalog names its bundles by digest, and what is named otherwise the Operator Lifecycle Manager (OLM) always pulls.
Format: https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
# containerd calls the image so, whatever else the archive says (containerd: core/images/archive/importer.go).
_NAME = "io.containerd.image.name"
_OLDEST = "1970-01-01T00:00:00Z"
_FILE, _PROGRAM, _FOR_ALL = 0o644, 0o755, 0o1777


def write(archive: Path, repository: str, files: Mapping[str, Path | bytes], config: Mapping[str, Any]) -> str:
    """Write an image with ``files``, by their paths in it, to ``archive``; return its name, which is its digest's.

    ``config`` is what a container of it runs with (``Entrypoint``, ``Env``, ``User``). A program of the host stays one.
    Every user may write to ``/tmp``.
    """
    layer, difference = _layer(files)
    configuration = _json(
        {
            "created": _OLDEST,
            "architecture": "amd64",
            "os": "linux",
            "config": dict(config),
            "rootfs": {"type": "layers", "diff_ids": [difference]},
        }
    )
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": _described(_CONFIG, configuration),
            "layers": [_described(_LAYER, layer)],
        }
    )
    name = f"{repository}@{_digest(manifest)}"
    index = {"schemaVersion": 2, "manifests": [{**_described(_MANIFEST, manifest), "annotations": {_NAME: name}}]}
    with tarfile.open(archive, "w") as tar:
        _add(tar, "oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
        _add(tar, "index.json", _json(index))
        for blob in (manifest, configuration, layer):
            _add(tar, f"blobs/{_digest(blob).replace(':', '/')}", blob)
    return name


def _layer(files: Mapping[str, Path | bytes]) -> tuple[bytes, str]:
    """Return the layer and, of what is compressed in it, the digest."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        parents = {str(parent) for name in files for parent in Path(name).parents} - {"/", "."}
        for folder, mode in sorted({**dict.fromkeys(parents, _PROGRAM), "/tmp": _FOR_ALL}.items()):  # noqa: S108
            entry = tarfile.TarInfo(folder.lstrip("/"))
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            tar.addfile(entry)
        for name, content in sorted(files.items()):
            is_program = isinstance(content, Path) and bool(content.stat().st_mode & 0o100)
            read = content.read_bytes() if isinstance(content, Path) else content
            _add(tar, name.lstrip("/"), read, _PROGRAM if is_program else _FILE)
    return gzip.compress(plain.getvalue(), compresslevel=1, mtime=0), _digest(plain.getvalue())


def _add(tar: tarfile.TarFile, name: str, content: bytes, mode: int = _FILE) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    reader: IO[bytes] = io.BytesIO(content)
    tar.addfile(entry, reader)


def _described(media_type: str, blob: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": _digest(blob), "size": len(blob)}


def _digest(blob: bytes) -> str:
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()

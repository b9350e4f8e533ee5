"""Kustomizations and charts, rendered by their own tools where these are installed.

Nothing is fetched: a Kustomization that names something in the network is left as it is.
"""

import os.path
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lint.documents import NOT_YAML, load
from lint.objects import mapping, printable, sequence, text

_KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_CHART = "Chart.yaml"
_SECONDS = 60
# Lists of files or folders, and lists of maps whose `path` or `files` are such.
_NAMED = ("resources", "bases", "components", "crds", "patchesStrategicMerge", "transformers", "generators")
_HELD = ("patches", "patchesJson6902", "replacements", "configMapGenerator", "secretGenerator", "helmCharts")


@dataclass
class Rendered:
    """``texts`` by what they were rendered from; ``covered`` are the files that went into them.

    ``left_out`` says in one line each what was not rendered, and why.
    """

    texts: dict[str, str] = field(default_factory=dict)
    covered: set[Path] = field(default_factory=set)
    left_out: list[str] = field(default_factory=list)


class _NotRenderedError(Exception):
    """Why something was not rendered, as the end of a sentence."""


def render(files: Sequence[str]) -> Rendered:
    """Render what is complete among ``files``: Kustomizations that no other one contains, and charts."""
    found = Rendered()
    folders = sorted({Path(name).parent for name in files})
    trees = _Kustomizations(folders)
    for root in trees.roots():
        try:
            found.texts[f"{root} (kustomize)"] = trees.build(root)
            found.covered.update(trees.files(root))
        except _NotRenderedError as why:
            found.left_out.append(f"{printable(str(root))}: not rendered, since {why}")
    for folder in folders:
        if (folder / _CHART).is_file():
            try:
                found.texts[f"{folder} (helm)"] = _output(["helm", "template", "release", str(folder)])
                found.covered.update(path for path in folder.rglob("*") if path.is_file())
            except _NotRenderedError as why:
                found.left_out.append(f"{printable(str(folder))}: not rendered, since {why}")
    return found


class _Kustomizations:
    """The Kustomizations in some folders, and what they name."""

    def __init__(self, folders: Sequence[Path]) -> None:
        files = {folder: folder / name for folder in folders for name in _KUSTOMIZATIONS if (folder / name).is_file()}
        self._files: Mapping[Path, Path] = files
        self._names = {folder: list(_references(file)) for folder, file in files.items()}

    def roots(self) -> list[Path]:
        """Those that no other one contains."""
        contained = {part for folder in self._files for part in self._parts(folder)}
        return [folder for folder in self._files if folder not in contained]

    def build(self, root: Path) -> str:
        if any(_is_remote(name) for part in self._closure(root) for name in self._names[part]):
            raise _NotRenderedError("it names something in the network")
        if shutil.which("kustomize") is None and shutil.which("kubectl"):
            return _output(["kubectl", "kustomize", str(root)])
        return _output(["kustomize", "build", str(root)])

    def files(self, root: Path) -> Iterator[Path]:
        """Yield every file that goes into ``root``."""
        for part in self._closure(root):
            yield self._files[part]
            yield from (_joined(part, name) for name in self._names[part])

    def _parts(self, folder: Path) -> Iterator[Path]:
        for name in self._names[folder]:
            part = _joined(folder, name)
            if part in self._files and part != folder:
                yield part

    def _closure(self, root: Path) -> set[Path]:
        found, waiting = {root}, [root]
        while waiting:
            for part in self._parts(waiting.pop()):
                if part not in found:
                    found.add(part)
                    waiting.append(part)
        return found


def _references(kustomization: Path) -> Iterator[str]:
    """Yield the files and folders that a Kustomization names."""
    try:
        content: Any = load(kustomization.read_text(encoding="utf-8"))
    except (OSError, *NOT_YAML):
        return
    for key in _NAMED:
        yield from filter(None, map(text, sequence(mapping(content).get(key))))
    for key in _HELD:
        for entry in sequence(mapping(content).get(key)):
            held = mapping(entry)
            names = [held.get("path"), held.get("valuesFile"), held.get("repo"), *sequence(held.get("files"))]
            # `key=file` names the key in the ConfigMap too.
            yield from (name.rpartition("=")[2] for name in map(text, names) if name)


def _is_remote(name: str) -> bool:
    return "://" in name or name.startswith(("git@", "github.com/"))


def _joined(folder: Path, name: str) -> Path:
    return Path(os.path.normpath(folder / name))


def _output(command: list[str]) -> str:
    tool = command[0]
    if shutil.which(tool) is None:
        raise _NotRenderedError(f"{tool} is not installed")
    try:
        done = subprocess.run(  # noqa: S603  our own words, and a folder's name
            command, capture_output=True, text=True, errors="replace", timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        raise _NotRenderedError(f"{tool} did not answer in {_SECONDS} seconds") from None
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        raise _NotRenderedError(f"{tool} says: {printable(reason)}")
    return done.stdout

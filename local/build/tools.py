"""The programs that the embedded cluster runs: found on PATH, or built from the modules that ``toolchain/`` pins.

Builds are cached outside the checkout, one folder per pin: a folder that exists is complete, because it is renamed into
place as the last act of its build. Go's own build cache makes an interrupted build go on where it stopped.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local import preflight
from local.build import scratch
from local.errors import LocalError
from local.progress import Progress

TOOLCHAIN = Path(__file__).parents[1] / "toolchain"

# What SeaweedFS asks for.
_OLDEST_GO = "1.26.6"

# How many builds run at a time. While one links, which takes one core, the other compiles.
_BUILDS = 2

# What a Go command prints when the module proxy cannot be reached, or does not have what was asked for.
_PROXY_SILENT = re.compile(
    r"dial tcp|no such host|i/o timeout|TLS handshake|connection refused|\b(403|404|410|5\d\d) [A-Z]"
)


def cache_folder() -> Path:
    """Return the folder that outlives checkouts and clusters (``$XDG_CACHE_HOME/mesh-tracing``)."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "mesh-tracing"


@dataclass(frozen=True)
class Tool:
    """One entry of ``toolchain.toml``: the programs that one Go module builds; an ``extra`` only if asked for.

    It is asked for by its own name, or by the one that ``extra`` is.
    """

    name: str
    folder: Path
    seconds: int
    build: Mapping[str, Mapping[str, Any]]
    extra: bool | str = False
    links: Mapping[str, list[str]] = field(default_factory=dict)
    scripts: Sequence[str] = ()
    module_files: Mapping[str, Any] | None = None

    @property
    def asked_as(self) -> str:
        """Return by which name of ``--with`` an extra is asked for; nothing for what is always built."""
        if isinstance(self.extra, str):
            return self.extra
        return self.name if self.extra else ""

    def programs(self) -> list[str]:
        """Return the names under which this tool's programs are called."""
        return [*(name for binary in self.build for name in self.links.get(binary, [binary])), *self.scripts]

    def key(self, go_version: str) -> str:
        """Return the identity of the result of a build: pins, own sources, flags and compiler."""
        flags = [_flags(recipe) for recipe in self.build.values()]
        digest = hashlib.sha256(f"{go_version}\n{self.build}\n{flags}\n{self.module_files}".encode())
        for path in sorted(path for path in self.folder.rglob("*") if path.is_file()):
            digest.update(str(path.relative_to(self.folder)).encode() + b"\0" + path.read_bytes())
        return digest.hexdigest()[:16]


def load() -> list[Tool]:
    """Read ``toolchain.toml``; the tool that takes longest comes first."""
    table = tomllib.loads((TOOLCHAIN / "toolchain.toml").read_text())["go"]
    tools = [Tool(name=name, folder=TOOLCHAIN / entry.pop("folder", name), **entry) for name, entry in table.items()]
    return sorted(tools, key=lambda tool: -tool.seconds)


def extras() -> list[str]:
    """Return the names by which tools are asked for that are not built otherwise."""
    return sorted({tool.asked_as for tool in load() if tool.asked_as})


class Toolbox:
    """Finds or builds every tool and answers where each program is.

    ``logs`` is the folder for the builds' full output, ``extras`` are the names of those that are wanted. Raises
    ``LocalError`` when Go is missing or too old, when the module proxy does not answer, or when a build fails.
    """

    def __init__(self, logs: Path, progress: Progress, extras: Collection[str] = ()) -> None:
        self._logs = logs
        self._progress = progress
        self._go_version = _go_version()
        self._tools = load()
        self._wanted = [tool for tool in self._tools if not tool.asked_as or tool.asked_as in extras]
        self._places: dict[str, Path] = {}

    def ensure(self) -> Mapping[str, Path]:
        """Return the path of every program by name; build what is neither cached nor on PATH."""
        found = on_path()
        missing: list[Tool] = []
        for tool in self._wanted:
            place = self._cached(tool)
            if place is not None:
                self._remember(tool, place)
            elif not found.keys() >= set(tool.programs()):
                missing.append(tool)
        if missing:
            self._build_all(missing)
        return {**self._places, **found}

    def module_folder(self, tool: str, module: str) -> Path:
        """Return the unpacked source of ``module`` at the version that ``tool`` pins (CRDs, charts, RBAC)."""
        folder = next(entry.folder for entry in self._tools if entry.name == tool)
        listing = self._go(["list", "-m", "-json", module], folder, None)
        place = json.loads(listing).get("Dir")
        if not place:
            self._go(["mod", "download", module], folder, None)
            place = json.loads(self._go(["list", "-m", "-json", module], folder, None))["Dir"]
        return Path(place)

    def _place(self, tool: Tool) -> Path:
        return cache_folder() / "tools" / f"{tool.name}-{tool.key(self._go_version)}"

    def _cached(self, tool: Tool) -> Path | None:
        place = self._place(tool)
        return place if place.is_dir() else None

    def _remember(self, tool: Tool, place: Path) -> None:
        for program in tool.programs():
            self._places[program] = place / program

    def _build_all(self, missing: list[Tool]) -> None:
        self._logs.mkdir(parents=True, exist_ok=True)
        with (
            scratch.own_folder(cache_folder() / "tools", self._progress) as folder,
            ThreadPoolExecutor(_BUILDS) as pool,
        ):
            builds = [pool.submit(self._build, tool, folder / tool.name) for tool in missing]
            try:
                for tool, build in zip(missing, builds, strict=True):
                    self._remember(tool, build.result())
            except BaseException:
                # After the first failure nothing else is started.
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _build(self, tool: Tool, folder: Path) -> Path:
        # Another process may have built it while this one waited for the folder.
        if (ready := self._cached(tool)) is not None:
            return ready
        log = self._logs / f"build-{tool.name}.log"
        source, out = folder / "source", folder / "out"
        with self._progress.step(f"build {tool.name}"):
            shutil.copytree(tool.folder, source)
            self._add_module_files(tool, source, log)
            out.mkdir()
            for binary, recipe in tool.build.items():
                self._go(["build", *_flags(recipe), "-o", str(out / binary), recipe["package"]], source, log)
                for link in tool.links.get(binary, []):
                    (out / link).symlink_to(binary)
            for script in tool.scripts:
                shutil.copy2(source / script, out)
            return out.rename(self._place(tool))

    def _add_module_files(self, tool: Tool, source: Path, log: Path) -> None:
        if tool.module_files is None:
            return
        described = json.loads(self._go(["mod", "download", "-json", tool.module_files["module"]], source, log))
        for name in tool.module_files["files"]:
            shutil.copyfile(Path(described["Dir"]) / name, source / Path(name).name)

    def _go(self, arguments: list[str], folder: Path, log: Path | None) -> str:
        """Run the Go command with everything fixed that could change the result of a build."""
        environment = os.environ | {
            "CGO_ENABLED": "0",  # static: the binaries run in images made from scratch
            "GOFLAGS": "-trimpath -buildvcs=false -mod=readonly",
            "GOTOOLCHAIN": "local",
            "GOWORK": "off",
            # A compiler collects its garbage, a seventh of its time, only when it has used its part of what is free.
            "GOGC": "off",
            "GOMEMLIMIT": str(preflight.available_memory() // (_BUILDS * (os.cpu_count() or 1))),
        }
        done = subprocess.run(
            [*scratch.ENDS_WITH_US, "go", *arguments],
            check=False,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
        )
        if log is not None:
            with log.open("a") as file:
                file.write(f"$ go {' '.join(arguments)}\n{done.stderr}")
        if done.returncode == 0:
            return done.stdout
        last = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "no output"
        if _PROXY_SILENT.search(done.stderr):
            raise LocalError(
                f"the Go module proxy did not give what {folder.name} needs ({last}): check GOPROXY and the network"
            )
        raise LocalError(f"building {folder.name} failed ({last}): see {log or folder}")


def _flags(recipe: Mapping[str, Any]) -> list[str]:
    """Return what the Go command is told about one program, beside the environment."""
    flags = ["-ldflags", f"-s -w {recipe.get('ldflags', '')}"]
    # Nobody debugs these programs, and the linker would leave the tables out that the compiler spends its time on.
    flags += ["-gcflags=all=-dwarf=false"]
    for packages, more in recipe.get("gcflags", {}).items():
        flags.append(f"-gcflags={packages}=-dwarf=false {more}")
    if tags := recipe.get("tags"):
        flags += ["-tags", tags]
    return flags


def _go_version() -> str:
    if shutil.which("go") is None:
        raise LocalError(f"go is not on PATH: install Go {_OLDEST_GO} or newer, from go.dev or your distribution")
    said = subprocess.run(
        ["go", "env", "GOVERSION"], check=False, capture_output=True, text=True, cwd="/"
    ).stdout.strip()
    if _numbers(said.removeprefix("go")) < _numbers(_OLDEST_GO):
        raise LocalError(
            f"go is {said or 'unreadable'}, and {_OLDEST_GO} or newer is needed: put a newer one first on PATH"
        )
    return said


def _numbers(version: str) -> list[int]:
    """Return the numbers at the beginning of ``version``, to compare; none for what is no version."""
    found = re.match(r"\d+(\.\d+)*", version)
    return [int(number) for number in found[0].split(".")] if found else []


def on_path() -> dict[str, Path]:
    """Return the programs that this machine already has in a fitting version, as ``toolchain.toml`` says it."""
    table: dict[str, dict[str, Any]] = tomllib.loads((TOOLCHAIN / "toolchain.toml").read_text())["on_path"]
    places: dict[str, Path] = {}
    for command, wanted in table.items():
        found = shutil.which(command)
        if found is None:
            continue
        folder = Path(found).resolve().parent
        beside = wanted.get("beside", [])
        if not all((folder / name).exists() for name in beside):
            continue
        said = subprocess.run([found, *wanted["arguments"]], check=False, capture_output=True, text=True)
        if said.returncode == 0 and re.search(wanted["pattern"], said.stdout):
            places |= {name: folder / name for name in beside} | {command: Path(found).resolve()}
    return places

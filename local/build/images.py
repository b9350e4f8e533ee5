"""Every image that the embedded cluster runs, as docker-archive files that containerd imports.

``toolchain/images.toml`` says what is in each. They are put together with buildah from built
programs, without a registry; the few that may be pulled are, where their registry answers. An
archive that exists in the cache is complete, because it is renamed into place as the last act of
its build.
"""

import hashlib
import http.client
import json
import os
import shutil
import subprocess
import tempfile
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from local.build import debian, envoy, scratch, verify
from local.build.tools import TOOLCHAIN, cache_folder
from local.errors import LocalError
from local.progress import Progress

RECIPES = TOOLCHAIN / "images.toml"

# Set to "never", this variable keeps the build from asking any registry; "auto" is the default.
PULL_VARIABLE = "MESH_TRACING_PULL"

# Part of every image's identity: raise it when the way in which images are put together changes.
_RECIPE_VERSION = 1

# Seconds for the one request that finds out whether a registry answers, and for one pull.
_PROBE_SECONDS = 3.0
_PULL_SECONDS = 300.0

# Copying the files is what takes the time, so more workers than this only wait for the disk.
_WORKERS = 2

ModuleFolder = Callable[[str, str], Path]


@dataclass(frozen=True)
class Image:
    """An image in the cache; ``stands_in`` says what it is where that is not what its name says."""

    name: str
    archive: Path
    stands_in: str | None


@dataclass(frozen=True)
class Recipe:
    """One entry of ``images.toml``."""

    name: str
    base: str = "scratch"
    files: Mapping[str, str] = field(default_factory=dict)
    folders: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    user: str = ""
    workdir: str = ""
    stands_in: str | None = None
    behind: str | None = None
    pull: bool = False
    extra: str = ""

    def registry(self) -> str:
        """Return the registry that serves the image of this name."""
        host = self.name.partition("/")[0]
        return "registry-1.docker.io" if host == "docker.io" else host

    def key(self, identities: Mapping[str, str]) -> str:
        """Return the identity of the archive: the recipe and the ``identities`` of its sources."""
        said = asdict(self)
        for not_content in ("stands_in", "behind", "pull", "extra"):
            del said[not_content]
        used = {source: identities[source] for source in self.sources()}
        return _digest([_RECIPE_VERSION, said, used])

    def pulled_key(self) -> str:
        """Return the identity of the archive of the pulled image."""
        return _digest([_RECIPE_VERSION, "pulled", self.name])

    def sources(self) -> list[str]:
        """Return what the image is made from, the root filesystem included."""
        base = [] if self.base == "scratch" else [self.base]
        return sorted({*base, *self.files.values()})


def load() -> list[Recipe]:
    """Read ``images.toml``."""
    entries: list[dict[str, Any]] = tomllib.loads(RECIPES.read_text())["image"]
    return [Recipe(**{name: _frozen(value) for name, value in entry.items()}) for entry in entries]


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def extras() -> list[str]:
    """Return the names of what is only made if asked for."""
    return sorted({recipe.extra for recipe in load() if recipe.extra})


def pull_mode(environment: Mapping[str, str]) -> str:
    """Return ``auto`` or ``never``, from the variable ``MESH_TRACING_PULL``."""
    mode = environment.get(PULL_VARIABLE, "auto")
    if mode not in {"auto", "never"}:
        raise LocalError(f"{PULL_VARIABLE} is {mode!r}: set it to auto or never")
    return mode


def build(
    toolbox_places: Mapping[str, Path],
    module_folder: ModuleFolder,
    progress: Progress,
    logs: Path,
    extras: Collection[str] = (),
) -> list[Image]:
    """Return every image of ``images.toml``; build or pull those that the cache does not hold.

    One that is for an extra is left out, unless it is among ``extras``. ``toolbox_places`` maps program names to built
    programs; ``module_folder(tool, module)`` gives a module's unpacked source. Raises ``LocalError`` when an input
    cannot be had or when buildah fails.
    """
    debian.ensure_commands(progress, logs)
    recipes = [recipe for recipe in load() if not recipe.extra or recipe.extra in extras]
    paths = _Sources(toolbox_places, module_folder, progress, logs).paths(recipes)
    shelf = _Shelf(
        cache_folder() / "images",
        pull_mode(os.environ),
        {source: identity(source, path) for source, path in paths.items()},
    )
    to_pull = [recipe for recipe in recipes if recipe.pull and not shelf.is_pulled(recipe)]
    answering = _answering(to_pull) if shelf.mode == "auto" else set()
    work = [
        recipe for recipe in recipes if not shelf.has(recipe) or (recipe in to_pull and recipe.registry() in answering)
    ]
    if work:
        with scratch.own_folder(shelf.folder, progress) as storage:
            buildah = _Buildah(storage, logs, progress)
            _make_all(work, shelf, answering, paths, buildah)
    return [shelf.image(recipe) for recipe in recipes]


def notes(images: Iterable[Image]) -> list[str]:
    """Return one line for each of ``images`` that is not what its name says."""
    return [f"{image.name}: {image.stands_in}" for image in images if image.stands_in]


def stand_ins() -> list[str]:
    """Return the same lines for what the cache holds, without extras, and without building or asking anything."""
    shelf = _Shelf(cache_folder() / "images", pull_mode(os.environ), {})
    return [
        f"{recipe.name}: {recipe.stands_in}"
        for recipe in load()
        if recipe.stands_in and not recipe.extra and not shelf.is_pulled(recipe)
    ]


def older() -> list[str]:
    """Return one line for each image whose release is older than what a stack elsewhere gets by default."""
    return [f"{recipe.name}: by default a stack elsewhere gets {recipe.behind}" for recipe in load() if recipe.behind]


def identity(source: str, path: Path) -> str:
    """Return the identity of the content of ``source``, without reading large files.

    Programs lie in folders whose names carry the key or version that they were built from; root
    filesystems and folders carry it in their own names.
    """
    kind = source.partition(":")[0]
    if kind == "module":
        return hashlib.sha256(path.read_bytes()).hexdigest()
    if source in {*debian.roots(), "verify"}:
        return path.name
    if source == "envoy":
        return hashlib.sha256(envoy.REQUIREMENTS.read_bytes()).hexdigest()
    return path.parent.name


def registry_answers(host: str) -> bool:
    """Ask ``host`` once whether it is a registry; no answer within 3 s is a no."""
    try:
        with urllib.request.urlopen(f"https://{host}/v2/", timeout=_PROBE_SECONDS) as answer:
            return bool(answer.status == http.client.OK)
    except urllib.error.HTTPError as error:
        # A registry that wants a token says 401; a 403 or a 5xx comes from something in between.
        return error.code == http.client.UNAUTHORIZED
    except (OSError, http.client.HTTPException):
        return False


def _answering(recipes: Iterable[Recipe]) -> set[str]:
    """Return the registries of ``recipes`` that answer."""
    hosts = sorted({recipe.registry() for recipe in recipes})
    pool = ThreadPoolExecutor(max(1, len(hosts)))
    asked = {host: pool.submit(registry_answers, host) for host in hosts}
    # The time limit of a request does not cover the look-up of the name, which may take far longer.
    done, _ = wait(asked.values(), timeout=_PROBE_SECONDS + 1)
    pool.shutdown(wait=False)
    return {host for host, answer in asked.items() if answer in done and answer.result()}


def _digest(value: object) -> str:
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class _Shelf:
    """Where in ``folder`` the archive of each recipe lies, and what is there already."""

    folder: Path
    mode: str
    identities: Mapping[str, str]

    def built(self, recipe: Recipe) -> Path:
        """Return the place of the archive that is built here."""
        return self.folder / f"{recipe.key(self.identities)}.tar"

    def pulled(self, recipe: Recipe) -> Path:
        """Return the place of the archive that is pulled."""
        return self.folder / f"{recipe.pulled_key()}.tar"

    def is_pulled(self, recipe: Recipe) -> bool:
        """Return whether the real image is there and wanted."""
        return recipe.pull and self.mode == "auto" and self.pulled(recipe).is_file()

    def has(self, recipe: Recipe) -> bool:
        """Return whether there is nothing left to do for ``recipe``."""
        return self.is_pulled(recipe) or self.built(recipe).is_file()

    def image(self, recipe: Recipe) -> Image:
        """Return the real image where it is there, else the one that is built here."""
        if self.is_pulled(recipe):
            return Image(recipe.name, self.pulled(recipe), None)
        return Image(recipe.name, self.built(recipe), recipe.stands_in)


class _Sources:
    """Finds the files that images are made from."""

    def __init__(
        self,
        tools: Mapping[str, Path],
        module_folder: ModuleFolder,
        progress: Progress,
        logs: Path,
    ) -> None:
        self._tools = tools
        self._module_folder = module_folder
        self._progress = progress
        self._logs = logs

    def paths(self, recipes: Iterable[Recipe]) -> dict[str, Path]:
        """Return the file of every source that ``recipes`` name."""
        wanted = {source for recipe in recipes for source in recipe.sources()}
        return {source: self._path(source) for source in sorted(wanted)}

    def _path(self, source: str) -> Path:
        kind, _, what = source.partition(":")
        if kind == "tool":
            if what not in self._tools:
                raise LocalError(f"{RECIPES} wants the program {what}, which nothing builds")
            return self._tools[what]
        if kind == "module":
            tool, module, path = what.split(":")
            return self._module_folder(tool, module) / path
        if source in debian.roots():
            return debian.root_filesystem(self._progress, self._logs, source)
        if source == "verify":
            return verify.ensure(self._path("python"), self._progress, self._logs)
        if source == "envoy":
            return envoy.ensure(self._progress, self._logs)
        raise LocalError(f"{RECIPES} names the source {source!r}: see the kinds at its beginning")


class _Buildah:
    """Runs buildah on a storage of its own, never on the user's."""

    def __init__(self, storage: Path, logs: Path, progress: Progress) -> None:
        self.storage = storage
        self.progress = progress
        self._logs = logs
        self._log = logs / "images.log"

    def run(self, *arguments: str, seconds: float | None = None) -> str:
        """Run one buildah command; return what it prints, raise ``LocalError`` when it fails."""
        command = [*scratch.ENDS_WITH_US, "buildah", "--root", str(self.storage / "root")]
        command += ["--runroot", str(self.storage / "runroot"), "--storage-driver", "vfs"]
        command += arguments
        environment = os.environ | {"BUILDAH_ISOLATION": "chroot", "TMPDIR": str(self.storage)}
        try:
            done = subprocess.run(
                command,
                check=False,
                env=environment,
                capture_output=True,
                text=True,
                timeout=seconds,
            )
        except subprocess.TimeoutExpired as error:
            raise LocalError(f"buildah {arguments[0]} took longer than {seconds:.0f} s") from error
        self._logs.mkdir(parents=True, exist_ok=True)
        with self._log.open("a") as file:
            file.write(f"$ {' '.join(command)}\n{done.stderr}")
        if done.returncode != 0:
            said = done.stderr.strip().splitlines() or ["no output"]
            raise LocalError(f"buildah {arguments[0]} failed ({said[-1]}): see {self._log}")
        return done.stdout.strip()

    def archive(self, name: str, place: Path) -> None:
        """Write the image ``name`` of the storage to ``place``, atomically."""
        with tempfile.TemporaryDirectory(prefix="archive-", dir=self.storage) as folder:
            archive = Path(folder) / "image.tar"
            self.run("push", "--quiet", name, f"docker-archive:{archive}:{name}")
            archive.replace(place)


def _make_all(
    work: list[Recipe],
    shelf: _Shelf,
    answering: set[str],
    paths: Mapping[str, Path],
    buildah: _Buildah,
) -> None:
    for base in sorted({recipe.base for recipe in work} - {"scratch"}):
        with buildah.progress.step(f"image base {base}"):
            _make_base(base, paths[base], buildah)

    def make(recipe: Recipe) -> None:
        with buildah.progress.step(f"image {recipe.name}"):
            wanted = recipe.pull and recipe.registry() in answering
            if wanted and _pull(recipe, shelf.pulled(recipe), buildah):
                return
            if not shelf.built(recipe).is_file():
                _make(recipe, paths, shelf.built(recipe), buildah)

    pool = ThreadPoolExecutor(_WORKERS)
    try:
        list(pool.map(make, work))
    finally:
        # After the first failure nothing else is started.
        pool.shutdown(cancel_futures=True)


def _pull(recipe: Recipe, place: Path, buildah: _Buildah) -> bool:
    """Pull the image of the recipe's name; say so and return false when that fails."""
    try:
        buildah.run("pull", "--quiet", f"docker://{recipe.name}", seconds=_PULL_SECONDS)
        buildah.archive(recipe.name, place)
    except LocalError as error:
        buildah.progress.say(f"  ! {recipe.name} is not pulled, a stand-in takes its place: {error}")
        return False
    return True


def _base_image(base: str) -> str:
    return f"localhost/mesh-tracing/base-{base}:local"


def _make_base(base: str, root: Path, buildah: _Buildah) -> None:
    container = buildah.run("from", "scratch")
    buildah.run("add", "--quiet", container, str(root), "/")
    buildah.run("config", "--env", f"PATH={_PATH}", container)
    _commit(container, _base_image(base), buildah)


_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def _make(recipe: Recipe, paths: Mapping[str, Path], place: Path, buildah: _Buildah) -> None:
    base = "scratch" if recipe.base == "scratch" else _base_image(recipe.base)
    container = buildah.run("from", "--pull-never", base)
    with tempfile.TemporaryDirectory(prefix="tree-", dir=buildah.storage) as folder:
        tree = Path(folder) / "tree"
        tree.mkdir()
        lay_out(recipe, paths, tree)
        buildah.run("copy", "--quiet", container, f"{tree}/", "/")
    buildah.run("config", *settings(recipe), container)
    _commit(container, recipe.name, buildah)
    buildah.archive(recipe.name, place)


def lay_out(recipe: Recipe, paths: Mapping[str, Path], tree: Path) -> None:
    """Fill the folder ``tree`` with the files and folders of the image, as they lie in it."""
    for name, mode in recipe.folders.items():
        folder = tree / _inside(recipe, name)
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(int(mode, 8))
    for name, source in recipe.files.items():
        file = tree / _inside(recipe, name)
        file.parent.mkdir(parents=True, exist_ok=True)
        if paths[source].is_dir():
            shutil.copytree(paths[source], file)
            continue
        shutil.copyfile(paths[source], file)
        # Files of the module cache are read-only, and built programs may be for their owner alone.
        file.chmod(0o644 if source.startswith("module:") else 0o755)


def _inside(recipe: Recipe, name: str) -> str:
    """Return the path in the image's layer of what the recipe calls ``name``."""
    path = name.lstrip("/")
    # /bin and its like are links into /usr on Debian: a folder of that name in a layer would hide
    # everything there.
    merged = recipe.base != "scratch" and path.partition("/")[0] in {"bin", "lib", "lib64", "sbin"}
    return f"usr/{path}" if merged else path


def settings(recipe: Recipe) -> list[str]:
    """Return the arguments of ``buildah config`` that the recipe asks for."""
    # The command is set even when it is empty, because setting the entrypoint does not reset it.
    arguments = ["--entrypoint", json.dumps(list(recipe.entrypoint))]
    arguments += ["--cmd", json.dumps(list(recipe.command))]
    for name, value in recipe.env.items():
        arguments += ["--env", f"{name}={value}"]
    if recipe.user:
        arguments += ["--user", recipe.user]
    if recipe.workdir:
        arguments += ["--workingdir", recipe.workdir]
    return arguments


def _commit(container: str, name: str, buildah: _Buildah) -> None:
    # The same inputs give the same image: the time is fixed, and the OCI format records no id of a
    # working container.
    arguments = ["--quiet", "--rm", "--format", "oci", "--timestamp", "0"]
    buildah.run("commit", *arguments, "--identity-label=false", container, name)

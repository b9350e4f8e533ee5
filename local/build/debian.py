"""What the embedded cluster takes from Debian: commands, unpacked daemons, a root filesystem.

``toolchain/debian.toml`` names the packages and the upstream series that were tried. Nothing here
starts a service, and the mirror and the suite are the machine's own, read from apt's configuration.
"""

import hashlib
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from local.build import scratch
from local.build.tools import TOOLCHAIN, cache_folder
from local.errors import LocalError
from local.progress import Progress

PINS = TOOLCHAIN / "debian.toml"
_APT = Path("/etc/apt")
_OS_RELEASE = Path("/etc/os-release")

# Seconds that apt waits for another apt to finish before it gives up.
_LOCK_SECONDS = 60

# What apt and debootstrap print when the mirror cannot be reached, or lacks what was asked for.
_MIRROR_SILENT = re.compile(
    r"Could not (resolve|connect)|Temporary failure resolving"
    r"|Connection (failed|refused|timed out)|Failed to fetch|Unable to fetch"
    r"|Failed getting release|Couldn't download"
)

# Part of the root filesystem's identity: raise it when what is removed from the filesystem changes.
_ROOT_RECIPE = 1

# Daemons' state, documentation, translations and what names this machine or its mirror: none of it
# runs in a container.
_LEFT_OUT = (
    "./dev/*",
    "./proc/*",
    "./sys/*",
    "./run/*",
    "./tmp/*",
    "./etc/apt/sources.list",
    "./etc/hostname",
    "./etc/machine-id",
    "./etc/resolv.conf",
    "./usr/share/doc/*",
    "./usr/share/info/*",
    "./usr/share/locale/*",
    "./usr/share/man/*",
    "./var/cache/*",
    "./var/lib/apt/lists/*",
    "./var/log/*",
)


@dataclass(frozen=True)
class Package:
    """A package that is unpacked into the cache; ``programs`` maps names to paths inside it."""

    name: str
    series: str
    programs: Mapping[str, str]
    libraries: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """One archive and suite that apt installs from; ``keyring`` is the file with its public key."""

    uri: str
    suite: str
    components: tuple[str, ...]
    keyring: str | None = None


def ensure_commands(progress: Progress, logs: Path) -> None:
    """Install the packages of the host commands that are missing.

    Raises ``LocalError`` when apt is missing, when it may not install, or when the mirror does not
    answer.
    """
    missing = [command for command in _pins()["commands"] if not _on_path(command)]
    if not missing:
        return
    packages = sorted({_pins()["commands"][command] for command in missing})
    with progress.step(f"install {', '.join(packages)}"):
        _install(packages, logs)
    still_missing = [command for command in missing if not _on_path(command)]
    if still_missing:
        raise LocalError(f"{', '.join(packages)} did not bring {', '.join(still_missing)}: correct {PINS}")


def unpack(progress: Progress, logs: Path) -> Mapping[str, Path]:
    """Return every unpacked program by name, and the folder of CNI plugins under ``cni``.

    A package that the cache holds in a fitting series is used as it is, without asking apt. Raises
    ``LocalError`` when apt offers another series than the pinned one, or when a program cannot load
    its libraries.
    """
    return {
        name: folder / path
        for package in _packages()
        for folder in [unpacked_folder(package, progress, logs)]
        for name, path in package.programs.items()
    }


def unpacked_folder(package: Package, progress: Progress, logs: Path) -> Path:
    """Return the folder of the unpacked ``package``; its name ends in the Debian version."""
    folder = cache_folder() / "debian"
    found = fitting_folder(package, folder)
    if found is None:
        with scratch.own_folder(folder, progress) as work:
            found = fitting_folder(package, folder)
            if found is None:
                with progress.step(f"unpack {package.name} {package.series}"):
                    found = _download(package, work, logs)
    _check_libraries(package, found, logs)
    return found


def fitting_folder(package: Package, cache: Path) -> Path | None:
    """Return the newest cached folder of ``package`` in its pinned series."""
    fitting = [
        folder
        for folder in cache.glob(f"{package.name}_*")
        if upstream_series(folder.name.removeprefix(f"{package.name}_")) == package.series
    ]
    return max(fitting, key=lambda folder: folder.stat().st_mtime, default=None)


def upstream_series(version: str) -> str | None:
    """Return major and minor of a Debian version (``1:1.6.20~ds1-1`` gives ``1.6``)."""
    numbers = re.match(r"(?:\d+(?::|%3a))?(\d+\.\d+)(?!\d)", version)
    return numbers[1] if numbers else None


def check_series(package: Package, version: str) -> None:
    """Raise ``LocalError`` when ``version`` is not of the series that was tried."""
    if upstream_series(version) != package.series:
        raise LocalError(
            f"apt offers {package.name} {version}, and the cluster was tried with "
            f"{package.series}: use Debian 12, or try the other series and change it in {PINS}"
        )


def roots() -> list[str]:
    """Return the names of the root filesystems."""
    return list(_pins()["roots"])


def root_identity(root: str = "debian") -> str:
    """Return the identity of a root filesystem: suite, architecture and packages."""
    machine = os.uname().machine
    packages = ",".join(_root_packages(root))
    digest = hashlib.sha256(f"{_ROOT_RECIPE}\n{packages}\n{_LEFT_OUT}".encode()).hexdigest()[:16]
    return f"{suite(_OS_RELEASE.read_text())}-{machine}-{digest}"


def root_filesystem(progress: Progress, logs: Path, root: str = "debian") -> Path:
    """Return a tar of a small Debian root filesystem with the packages that ``debian.toml`` names for ``root``.

    Raises ``LocalError`` on a machine that is not Debian or Ubuntu, without root, or when the
    mirror does not answer.
    """
    place = cache_folder() / "rootfs" / f"{root_identity(root)}.tar"
    if place.is_file():
        return place
    source = machine_source()
    with scratch.own_folder(place.parent, progress) as folder:
        if place.is_file():
            return place
        with progress.step(f"make the root filesystem {root} of the images"):
            _debootstrap(source, folder / "root", _root_packages(root), logs)
            _pack(folder / "root", folder / "root.tar")
            (folder / "root.tar").replace(place)
    return place


def suite(os_release: str) -> str:
    """Return the code name of the Debian or Ubuntu release that ``os_release`` describes."""
    fields = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', os_release, re.MULTILINE))
    family = {fields.get("ID", ""), *fields.get("ID_LIKE", "").split()}
    codename = str(fields.get("UBUNTU_CODENAME") or fields.get("VERSION_CODENAME") or "")
    if not family & {"debian", "ubuntu"} or not codename:
        raise LocalError(
            f"this machine runs {fields.get('PRETTY_NAME', 'an unknown system')}, and the embedded "
            "cluster needs Debian or Ubuntu: run it on Debian 12"
        )
    return codename


def machine_source() -> Source:
    """Return the archive that apt on this machine installs its base system from."""
    codename = suite(_OS_RELEASE.read_text())
    lists = [_APT / "sources.list", *sorted((_APT / "sources.list.d").glob("*.list"))]
    stanzas = sorted((_APT / "sources.list.d").glob("*.sources"))
    sources = [
        *(found for path in lists if path.is_file() for found in parse_list(path.read_text())),
        *(found for path in stanzas for found in parse_deb822(path.read_text())),
    ]
    return base_source(sources, codename)


def base_source(sources: Iterable[Source], codename: str) -> Source:
    """Return the first source of the suite ``codename`` itself that debootstrap can read."""
    for source in sources:
        readable = source.uri.startswith(("http://", "https://", "file:/"))
        if source.suite == codename and "main" in source.components and readable:
            return source
    raise LocalError(f"apt's configuration names no archive with {codename} main: add one to {_APT / 'sources.list'}")


def parse_list(text: str) -> list[Source]:
    """Read the one-line format of ``sources.list``; source packages and comments are left out."""
    sources = []
    for line in text.splitlines():
        found = re.match(r"\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]+)", line)
        if found is None:
            continue
        options, uri, name, components = found.groups()
        keyring = re.search(r"signed-by=(\S+)", options or "")
        sources.append(_source(uri, name, components.split(), keyring[1] if keyring else None))
    return sources


def parse_deb822(text: str) -> list[Source]:
    """Read the stanzas of a ``.sources`` file; one source for each pair of URI and suite."""
    sources: list[Source] = []
    for stanza in re.split(r"\n\s*\n", text):
        fields = _fields(stanza)
        disabled = fields.get("enabled", "yes").lower() in {"no", "false", "0", "off", "without"}
        if disabled or "deb" not in fields.get("types", "").split():
            continue
        sources += [
            _source(uri, name, fields.get("components", "").split(), fields.get("signed-by"))
            for uri in fields.get("uris", "").split()
            for name in fields.get("suites", "").split()
        ]
    return sources


def _source(uri: str, name: str, components: Iterable[str], keyring: str | None) -> Source:
    # A key may also stand in the configuration itself, or be a fingerprint; debootstrap wants a
    # file.
    file = keyring if keyring and keyring.startswith("/") and "\n" not in keyring else None
    return Source(uri=uri.rstrip("/"), suite=name, components=tuple(components), keyring=file)


def _fields(stanza: str) -> dict[str, str]:
    """Return the fields of a deb822 stanza by lower-case name; continuation lines are joined."""
    fields: dict[str, str] = {}
    name = ""
    for line in stanza.splitlines():
        if line.startswith("#"):
            continue
        if line[:1].isspace():
            if name:
                fields[name] += "\n" + line.strip()
            continue
        name, _, value = line.partition(":")
        name = name.strip().lower()
        fields[name] = value.strip()
    return fields


def _pins() -> dict[str, dict[str, Any]]:
    return tomllib.loads(PINS.read_text())


def _packages() -> Iterator[Package]:
    table = tomllib.loads(PINS.read_text())["unpacked"]
    for name, entry in table.items():
        libraries = tuple(entry.get("libraries", ()))
        yield Package(name, entry["series"], entry["programs"], libraries)


def _root_packages(root: str) -> list[str]:
    return sorted(_pins()["roots"][root])


def _on_path(command: str) -> bool:
    # An unprivileged or trimmed PATH often lacks the folders where Debian keeps administrators'
    # commands.
    return shutil.which(command, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is not None


def _download(package: Package, work: Path, logs: Path) -> Path:
    """Fetch ``package`` with apt, which checks its hash, and unpack it; run none of its scripts."""
    version = _candidate(package, logs)
    check_series(package, version)
    # apt drops to the user _apt for downloads and warns when that user cannot write here.
    arguments = ["-o", "APT::Sandbox::User=root", "download", f"{package.name}={version}"]
    try:
        _apt(arguments, logs, work)
    except LocalError:
        # The lists may be older than what the mirror still serves.
        _apt(["update"], logs)
        _apt(arguments, logs, work)
    archive = next(work.glob("*.deb"))
    out = work / "out"
    _run(["dpkg-deb", "-x", str(archive), str(out)], logs, f"unpacking {archive.name} failed")
    return out.rename(work.parent / f"{package.name}_{quote(version, safe='+~')}")


def _candidate(package: Package, logs: Path) -> str:
    """Return the version of ``package`` that apt would install."""
    version = _policy(package.name)
    if version is None:
        _apt(["update"], logs)
        version = _policy(package.name)
    if version is None:
        raise LocalError(f"apt knows no package {package.name}: add Debian's main archive to {_APT}")
    return version


def _policy(name: str) -> str | None:
    if shutil.which("apt-cache") is None:
        raise LocalError("apt is not on PATH: the embedded cluster needs Debian or Ubuntu")
    said = subprocess.run(
        ["apt-cache", "policy", name],
        env=os.environ | {"LC_ALL": "C"},
        check=False,
        capture_output=True,
        text=True,
    )
    found = re.search(r"Candidate: (\S+)", said.stdout)
    return found[1] if found and found[1] != "(none)" else None


def _check_libraries(package: Package, folder: Path, logs: Path) -> None:
    """Make sure that the programs can load; install the libraries that they lack."""
    programs = [
        program
        for path in package.programs.values()
        for program in ([folder / path] if (folder / path).is_file() else (folder / path).iterdir())
    ]
    if not _unloadable(programs):
        return
    if package.libraries:
        _install(package.libraries, logs)
    lacking = _unloadable(programs)
    if lacking:
        raise LocalError(
            f"{package.name} needs {', '.join(lacking)}, which this machine lacks: "
            f"install the package of that library and name it in {PINS}"
        )


def _unloadable(programs: Iterable[Path]) -> list[str]:
    """Return the names of the shared libraries that the loader does not find."""
    lacking: set[str] = set()
    for program in programs:
        said = subprocess.run(["ldd", str(program)], check=False, capture_output=True, text=True)
        lacking.update(re.findall(r"(\S+) => not found", said.stdout))
    return sorted(lacking)


def _install(packages: Iterable[str], logs: Path) -> None:
    if os.geteuid() != 0:
        raise LocalError(f"{', '.join(packages)} must be installed, which needs root: run as root")
    arguments = ["install", "-y", "--no-install-recommends", *packages]
    try:
        _apt(arguments, logs)
    except LocalError:
        # A fresh machine has no package lists, and old lists name files that the mirror has
        # dropped.
        _apt(["update"], logs)
        _apt(arguments, logs)


def _apt(arguments: list[str], logs: Path, folder: Path = Path("/")) -> None:
    if shutil.which("apt-get") is None:
        raise LocalError("apt-get is not on PATH: the embedded cluster needs Debian or Ubuntu")
    lock = ["-o", f"DPkg::Lock::Timeout={_LOCK_SECONDS}"]
    verb = next(word for word in arguments if word in {"download", "install", "update"})
    _run(["apt-get", "-q", *lock, *arguments], logs, f"apt-get {verb} failed", folder)


def _debootstrap(source: Source, root: Path, packages: Iterable[str], logs: Path) -> None:
    if os.geteuid() != 0:
        raise LocalError("making the images' root filesystem needs root: run as root")
    keyring = [f"--keyring={source.keyring}"] if source.keyring else []
    # In namespaces of its own, what debootstrap mounts and starts ends with it.
    command = [*scratch.ENDS_WITH_US, "unshare", "--mount", "--pid", "--fork", "--kill-child"]
    command += ["debootstrap"]
    command += ["--variant=minbase", f"--include={','.join(packages)}", *keyring]
    command += [source.suite, str(root), source.uri]
    _run(command, logs, "debootstrap failed")


def _pack(root: Path, archive: Path) -> None:
    without = [f"--exclude={pattern}" for pattern in _LEFT_OUT]
    command = ["tar", "--create", "--file", str(archive), "--directory", str(root)]
    command += ["--sort=name", "--mtime=@0", "--numeric-owner", *without, "."]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise LocalError(f"packing the root filesystem failed ({done.stderr.strip()})")


def _run(command: list[str], logs: Path, what: str, folder: Path = Path("/")) -> None:
    """Run ``command`` and log its output in ``logs``; a ``LocalError`` of it begins with ``what``."""
    logs.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment | _apt_proxy(),
        check=False,
        capture_output=True,
        text=True,
    )
    log = logs / "debian.log"
    with log.open("a") as file:
        file.write(f"$ {' '.join(command)}\n{done.stdout}{done.stderr}")
    if done.returncode != 0:
        raise LocalError(explain(what, done.stdout + done.stderr, log))


def _apt_proxy() -> dict[str, str]:
    """Return the proxy that apt is told to use, in the form that debootstrap's downloader reads."""
    if "http_proxy" in os.environ or shutil.which("apt-config") is None:
        return {}
    said = subprocess.run(
        ["apt-config", "shell", "PROXY", "Acquire::http::Proxy"],
        check=False,
        capture_output=True,
        text=True,
    )
    found = re.match(r"PROXY='([^']+)'", said.stdout)
    return {"http_proxy": found[1]} if found and found[1] != "DIRECT" else {}


def explain(what: str, output: str, log: Path) -> str:
    """Return one line that says why apt, dpkg or debootstrap failed and what to do."""
    lines = [line for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("E: ", "W: Failed", "dpkg-deb: "))]
    last = (telling or lines or ["no output"])[-1]
    if re.search(r"[Cc]ould not get lock|Unable to (lock|acquire)", output):
        return f"{what}: another program holds apt's lock; wait until it has finished and try again"
    if _MIRROR_SILENT.search(output):
        return f"{what}: the Debian mirror does not answer ({last}); check the network and {_APT}"
    return f"{what} ({last}): see {log}"

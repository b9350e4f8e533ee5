"""The images as containerd keeps them: unpacked once for each set, and given to each new cluster by hard links.

Importing them costs 15 s of two cores; links cost half a second, and no space. Nothing writes to a linked file:
containers write to layers of their own, and the databases, which containerd does write to, are copied.
"""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from local.build import scratch
from local.build.images import Image
from local.build.tools import cache_folder
from local.errors import LocalError
from local.progress import Progress

# The namespace of containerd in which the kubelet looks for images.
KUBERNETES_NAMESPACE = "k8s.io"
# Two imports keep two cores busy: hashing and unpacking is what takes the time.
_WORKERS = 2
_START_SECONDS = 30.0
_STOP_SECONDS = 30.0
# A store is as large as its images. One that nobody has used for this long belongs to an older checkout.
_KEPT_SECONDS = 7 * 24 * 3600


def ensure(programs: Mapping[str, Path], images: Sequence[Image], progress: Progress, logs: Path) -> Path:
    """Return the folder of the store that holds ``images``; fill it when the cache does not hold it.

    Raises ``LocalError`` when containerd does not start, or refuses an image.
    """
    place = cache_folder() / "stores" / _key(programs, images)
    if not place.is_dir():
        with scratch.own_folder(place.parent, progress) as folder:
            if not place.is_dir():
                with progress.step(f"unpack {len(images)} images"):
                    _fill(folder / "root", programs, images, logs)
                (folder / "root").rename(place)
    os.utime(place)
    _forget_old(place.parent)
    return place


def give(store: Path, folder: Path) -> None:
    """Create ``folder`` atomically from ``store``."""
    unfinished = folder.with_name(f"{folder.name}-unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    one_file_system = store.stat().st_dev == folder.parent.stat().st_dev
    links = ["--link"] if one_file_system else ["--reflink=auto"]
    done = subprocess.run(
        ["cp", "--archive", *links, str(store), str(unfinished)], check=False, capture_output=True, text=True
    )
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise LocalError(f"the images cannot be copied to {folder} ({reason}): free space, or remove {store}")
    for database in unfinished.glob("*/*.db"):
        own = database.with_suffix(".own")
        shutil.copy2(database, own)
        own.replace(database)
    unfinished.rename(folder)


def import_all(ctr: Path, socket: Path, images: Sequence[Image], log: Path) -> None:
    """Import the archives of ``images`` into the containerd at ``socket``; ``log`` is named when one is refused."""

    def bring(image: Image) -> None:
        command = [str(ctr), "--address", str(socket), "--namespace", KUBERNETES_NAMESPACE, "images", "import"]
        done = subprocess.run([*command, str(image.archive)], check=False, capture_output=True, text=True)
        if done.returncode != 0:
            reason = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
            raise LocalError(f"image {image.name} cannot be imported ({reason[0]}): see {log}")

    with ThreadPoolExecutor(_WORKERS) as pool:
        list(pool.map(bring, images))


def _key(programs: Mapping[str, Path], images: Sequence[Image]) -> str:
    # The folder of an unpacked program carries its version, and an archive's name says what it was built from.
    said = [str(programs["containerd"]), sorted((image.name, image.archive.name) for image in images)]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]


def _fill(root: Path, programs: Mapping[str, Path], images: Sequence[Image], logs: Path) -> None:
    log = logs / "image-store.log"
    # The path of a socket may have no more than 107 characters, and a cache folder's may be long.
    with tempfile.TemporaryDirectory(prefix="mesh-tracing-") as state:
        socket = Path(state) / "containerd.sock"
        config = Path(state) / "containerd.toml"
        config.write_text(_configuration(root, Path(state), socket))
        with _containerd(programs["containerd"], config, socket, log):
            import_all(programs["ctr"], socket, images, log)


@contextmanager
def _containerd(program: Path, config: Path, socket: Path, log: Path) -> Iterator[None]:
    """Run containerd until the end of the block, its mounts and processes in namespaces that end with it."""
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [*scratch.ENDS_WITH_US, "unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]
    with log.open("ab") as output:
        process = subprocess.Popen([*command, str(program), "--config", str(config)], stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not socket.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise LocalError(f"containerd does not start to unpack the images: see {log}")
            time.sleep(0.05)
        yield
    finally:
        # Safe at any moment: each change of its databases is one transaction. containerd itself is killed, and not
        # `unshare`, which ends only once everything in the namespaces has ended.
        for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
            os.kill(int(child), signal.SIGKILL)
        process.wait(_STOP_SECONDS)


def _configuration(root: Path, state: Path, socket: Path) -> str:
    return f"""version = 2
root = "{root}"
state = "{state}/run"
disabled_plugins = [
  "io.containerd.grpc.v1.cri",
  "io.containerd.internal.v1.opt",
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
]
[grpc]
  address = "{socket}"
[ttrpc]
  address = "{socket}.ttrpc"
"""


def _forget_old(folder: Path) -> None:
    oldest = time.time() - _KEPT_SECONDS
    for store in folder.iterdir():
        if store.is_dir() and not store.name.startswith(".") and store.stat().st_mtime < oldest:
            shutil.rmtree(store, ignore_errors=True)

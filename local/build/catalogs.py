"""The catalogs of the Operator Lifecycle Manager (OLM), and the bundles of operators that they offer, as images.

``toolchain/catalogs.toml`` says what is in them. ``opm`` renders each bundle, and serves each catalog in the cluster.
"""

import hashlib
import json
import os
import subprocess
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from local.build import oci, scratch
from local.build.images import Image, ModuleFolder
from local.build.tools import TOOLCHAIN, cache_folder
from local.errors import LocalError
from local.progress import Progress
from local.state import CHECKOUT

RECIPES = TOOLCHAIN / "catalogs.toml"
# How a command asks for them: as OLM's own release installs it, or as OpenShift has it.
OLM, OPENSHIFT = "olm", "olm-openshift"
SHAPES = (OLM, OPENSHIFT)

_REPOSITORY = "localhost/mesh-tracing"
# Where a catalog's image has what it serves, and where `opm` and OLM's probe look for their programs.
_CONFIGS = "/configs"
_PROGRAMS = "/bin"
_SERVED_BY = ("opm", "grpc_health_probe")
_PAUSE = "registry.k8s.io/pause:3.10"

Object = dict[str, Any]


@dataclass(frozen=True)
class Catalogs:
    """``images`` of the bundles and catalogs, and by its name the reference of each catalog's image."""

    images: list[Image]
    references: Mapping[str, str]


NONE = Catalogs([], {})


@dataclass(frozen=True)
class Bundle:
    """One entry ``bundle`` of ``catalogs.toml``: a version of an operator."""

    name: str
    tool: str = ""
    module: str = ""
    path: str = ""
    images: Mapping[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    stands_in: str = ""
    deployment: str = ""

    @property
    def version(self) -> str:
        """The version in the name."""
        return self.name.partition(".v")[2]


@dataclass(frozen=True)
class Catalog:
    """One entry ``catalog``: of each package its channels, and in each of these the bundles, the oldest first."""

    name: str
    extra: str
    packages: Mapping[str, Mapping[str, list[str]]]


def load() -> tuple[list[Bundle], list[Catalog]]:
    """Read ``catalogs.toml``."""
    table = tomllib.loads(RECIPES.read_text())
    bundles = [
        Bundle(name=name, **{**entry, "arguments": tuple(entry.get("arguments", ()))})
        for name, entry in table["bundle"].items()
    ]
    return bundles, [Catalog(name=name, **entry) for name, entry in table["catalog"].items()]


def build(
    shape: str, programs: Mapping[str, Path], module_folder: ModuleFolder, progress: Progress, checkout: Path = CHECKOUT
) -> Catalogs:
    """Return the catalogs of ``shape``, one of ``SHAPES``; make those that the cache does not hold.

    ``programs`` has the path of ``opm`` and of OLM's probe. Raises ``LocalError`` when ``opm`` refuses a bundle.
    """
    bundles, catalogs = load()
    wanted = [catalog for catalog in catalogs if catalog.extra == shape]
    folders = {bundle.name: _folder(bundle, module_folder, checkout) for bundle in bundles}
    place = cache_folder() / "images" / f"catalogs-{_key(shape, folders, programs)}"
    if not place.is_dir():
        with scratch.own_folder(place.parent, progress) as folder:
            if not place.is_dir():
                with progress.step(f"catalogs of {shape}"):
                    _Maker(folder / "made", {one.name: one for one in bundles}, folders, programs).make(wanted)
                (folder / "made").rename(place)
    names: dict[str, str] = json.loads((place / "names.json").read_text())
    images = [Image(name, place / f"{title}.tar", None) for title, name in sorted(names.items())]
    return Catalogs(images, {catalog.name: names[catalog.name] for catalog in wanted})


def _folder(bundle: Bundle, module_folder: ModuleFolder, checkout: Path) -> Path:
    """Where the bundle's content comes from: a folder of its module, or of definitions beside the checkout."""
    if bundle.stands_in:
        return checkout.parent / "shared" / "crds" / bundle.stands_in
    return module_folder(bundle.tool, bundle.module) / bundle.path


def _key(shape: str, folders: Mapping[str, Path], programs: Mapping[str, Path]) -> str:
    # A module's folder and a built program's carry their versions in their paths.
    said = [shape, [str(programs[name]) for name in _SERVED_BY], [str(folder) for folder in folders.values()]]
    digest = hashlib.sha256(json.dumps(said).encode())
    for file in (Path(__file__), Path(oci.__file__), RECIPES, *_definitions_in(folders)):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _definitions_in(folders: Mapping[str, Path]) -> Iterator[Path]:
    for folder in folders.values():
        yield from sorted(folder.glob("*.yaml"))


class _Maker:
    """Makes the images of catalogs, and of the bundles in them, in a folder of their own."""

    def __init__(
        self, place: Path, bundles: Mapping[str, Bundle], folders: Mapping[str, Path], programs: Mapping[str, Path]
    ) -> None:
        self._place = place
        self._bundles = bundles
        self._folders = folders
        self._programs = programs
        self._names: dict[str, str] = {}

    def make(self, catalogs: list[Catalog]) -> None:
        """Write every archive, and ``names.json`` with the name of the image in each."""
        self._place.mkdir(parents=True)
        for catalog in catalogs:
            blobs = [blob for package in catalog.packages for blob in self._package(package, catalog.packages[package])]
            served = "\n".join(json.dumps(blob) for blob in blobs).encode()
            files: dict[str, Path | bytes] = {f"{_PROGRAMS}/{name}": self._programs[name] for name in _SERVED_BY}
            self._names[catalog.name] = oci.write(
                self._place / f"{catalog.name}.tar",
                f"{_REPOSITORY}/{catalog.name}",
                {**files, f"{_CONFIGS}/catalog.json": served},
                {
                    "Entrypoint": [f"{_PROGRAMS}/opm"],
                    # Published catalogs bring a cache with them; this one is made at the start.
                    "Cmd": ["serve", _CONFIGS, "--cache-dir=/tmp/cache", "--cache-enforce-integrity=false"],
                    "Env": [f"PATH={_PROGRAMS}"],
                    "User": "1001:1001",
                },
            )
        (self._place / "names.json").write_text(json.dumps(self._names))

    def _package(self, package: str, channels: Mapping[str, list[str]]) -> Iterator[Object]:
        """What a file-based catalog says of a package; https://olm.operatorframework.io/docs/reference/file-based-catalogs."""
        yield {"schema": "olm.package", "name": package, "defaultChannel": next(iter(channels))}
        for channel, versions in channels.items():
            before = [None, *versions]
            entries = [
                {"name": name, **({"replaces": older} if older else {})}
                for name, older in zip(versions, before, strict=False)
            ]
            yield {"schema": "olm.channel", "package": package, "name": channel, "entries": entries}
        for name in sorted({name for versions in channels.values() for name in versions}):
            yield self._bundle(package, self._bundles[name])

    def _bundle(self, package: str, bundle: Bundle) -> Object:
        """Write the image of a bundle under the name of its package; return what the catalog says of it."""
        folder = self._folders[bundle.name]
        files = _stand_in(bundle, folder) if bundle.stands_in else _fitted(bundle, folder)
        files["metadata/annotations.yaml"] = _yaml({"annotations": _annotations(package)})
        title = f"{package}-{bundle.version}"
        self._names[title] = oci.write(
            self._place / f"{title}.tar",
            f"{_REPOSITORY}/{package}-bundle",
            {f"/{path}": content for path, content in files.items()},
            {"Labels": _annotations(package)},
        )
        return {**self._rendered(files), "image": self._names[title]}

    def _rendered(self, files: Mapping[str, bytes]) -> Object:
        """What ``opm`` makes of a bundle for a catalog: its properties."""
        with tempfile.TemporaryDirectory(prefix="bundle-", dir=self._place) as folder:
            for path, content in files.items():
                (Path(folder) / path).parent.mkdir(parents=True, exist_ok=True)
                (Path(folder) / path).write_bytes(content)
            # The name of the image is not known to it: what it takes in its place is not kept.
            command = [str(self._programs["opm"]), "render", folder, "--alpha-image-ref-template={{.Name}}"]
            done = subprocess.run(
                command, check=False, capture_output=True, text=True, env=os.environ | {"HOME": folder}
            )
        if done.returncode != 0:
            raise LocalError(
                f"opm refuses a bundle of {RECIPES.name}: {(done.stderr.strip().splitlines() or ['?'])[-1]}"
            )
        rendered: Object = json.loads(done.stdout)
        return rendered


def _fitted(bundle: Bundle, folder: Path) -> dict[str, bytes]:
    """The manifests of a module's bundle, with images and arguments of this cluster."""
    files = {f"manifests/{path.name}": path.read_bytes() for path in sorted((folder / "manifests").glob("*.yaml"))}
    path = next(name for name in files if name.endswith("clusterserviceversion.yaml"))
    text = files[path].decode()
    for named, here in bundle.images.items():
        text = text.replace(named, here)
    version = _parsed(text)
    for deployment in version["spec"]["install"]["spec"]["deployments"]:
        for container in deployment["spec"]["template"]["spec"]["containers"]:
            if container["name"] == "manager":
                container["args"] = [*container["args"], *bundle.arguments]
    return {**files, path: _yaml(version)}


def _stand_in(bundle: Bundle, folder: Path) -> dict[str, bytes]:
    """The manifests of an operator that does nothing, which owns the definitions in ``folder``."""
    package = bundle.name.partition(".")[0]
    definitions = [_parsed(path.read_text()) for path in sorted(folder.glob("*.yaml"))]
    owned = [
        {"name": one["metadata"]["name"], "kind": one["spec"]["names"]["kind"], "version": version["name"]}
        for one in definitions
        for version in one["spec"]["versions"]
    ]
    labels = {"app.kubernetes.io/name": package}
    restricted = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": True}
    pod = {"containers": [{"name": "manager", "image": _PAUSE, "securityContext": restricted}]}
    template = {"metadata": {"labels": labels}, "spec": pod}
    deployment = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    named = {"name": bundle.deployment or package, "spec": deployment}
    modes = {"OwnNamespace": False, "SingleNamespace": False, "MultiNamespace": False, "AllNamespaces": True}
    version = {
        "apiVersion": "operators.coreos.com/v1alpha1",
        "kind": "ClusterServiceVersion",
        "metadata": {
            "name": bundle.name,
            "annotations": {"description": "It stands in for the operator and does nothing."},
        },
        "spec": {
            "displayName": f"{package} (stand-in)",
            "description": "It stands in for the operator and does nothing.",
            "version": bundle.version,
            "provider": {"name": "mesh-tracing"},
            "installModes": [{"type": mode, "supported": supported} for mode, supported in modes.items()],
            "install": {"strategy": "deployment", "spec": {"deployments": [named]}},
            "customresourcedefinitions": {"owned": owned},
        },
    }
    files = {f"manifests/{one['metadata']['name']}.yaml": _yaml(one) for one in definitions}
    return {**files, f"manifests/{package}.clusterserviceversion.yaml": _yaml(version)}


def _annotations(package: str) -> dict[str, str]:
    prefix = "operators.operatorframework.io.bundle"
    return {
        f"{prefix}.mediatype.v1": "registry+v1",
        f"{prefix}.manifests.v1": "manifests/",
        f"{prefix}.metadata.v1": "metadata/",
        f"{prefix}.package.v1": package,
    }


def _parsed(text: str) -> Object:
    # The C parser reads the large definitions ten times faster; it is not in every build of PyYAML.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    parsed: Object = next(yaml.load_all(text, Loader=loader))
    return parsed


def _yaml(value: object) -> bytes:
    # JSON is YAML, and is written ten times faster.
    return json.dumps(value).encode()

"""What the embedded cluster carries besides its control plane: DNS, storage, the operators.

This is what an administrator installs before anyone runs the program, and what the program then
finds. The operators' permissions and Deployments are the ones that their own modules carry, changed
as little as the cluster demands. Istio's definitions are not here: they come with the program's own
Helm release.
"""

import copy
import hashlib
import itertools
import json
import os
import subprocess
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import yaml

from local.build import tools
from local.build.tools import TOOLCHAIN, cache_folder
from local.errors import LocalError
from local.run.api import Object
from local.state import CHECKOUT

MANIFESTS = Path(__file__).parent / "manifests"

# The module whose go.sum pins the definitions of kinds that no program here is built with.
_CRDS_MODULE = TOOLCHAIN / "crds"

# Modules of definitions and the folder or file in each that holds them.
_PINNED_CRDS = {
    "github.com/operator-framework/api": "crds",
    "github.com/openshift/api": "route/v1/zz_generated.crd-manifests/routes.crd.yaml",
    "github.com/grafana/grafana-operator/v5": "config/crd/bases",
}

# Definitions that are only installed where a command asks for them, by the tool whose go.sum pins their module. Those
# of the Gateway API are of the version that istiod is built with.
_EXTRA_CRDS = {"gateway-api": ("istio", "sigs.k8s.io/gateway-api", "config/crd/standard")}

# The same, of modules that no program here is built with.
_EXTRA_PINNED_CRDS = {
    "service-monitors": (
        "github.com/prometheus-operator/prometheus-operator",
        (
            "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
            "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
        ),
    )
}

# Definitions that no module carries; they are used where someone has put them beside the checkout.
_BESIDE_CHECKOUT = ("sail", "kiali")

# Pod Security `restricted`: the label that enforces it in a namespace, and what a pod and a container declare.
_ENFORCED = {"pod-security.kubernetes.io/enforce": "restricted"}
_RESTRICTED_POD = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
_RESTRICTED_CONTAINER = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}

# What the cluster itself needs, before the operators.
_CLUSTER = ("node-access.yaml", "coredns.yaml", "storage.yaml")

_CLUSTER_SCOPED = {"ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "Namespace"}

ModuleFolder = Callable[[str, str], Path]


@dataclass(frozen=True)
class Operator:
    """An operator that its own module describes, and what this cluster changes in it.

    ``environment`` is merged into the manager's variables and ``arguments`` take the place of its
    own.
    """

    name: str
    tool: str
    module: str
    image: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    health_port: int
    config_map: tuple[str, str] | None = field(default=None)

    @property
    def namespace(self) -> str:
        """Return the namespace that the release manifests use."""
        return f"{self.name}-system"


TEMPO_IMAGE = "docker.io/grafana/tempo:2.8.0-rc"
COLLECTOR_IMAGE = "ghcr.io/open-telemetry/opentelemetry-collector-releases/opentelemetry-collector:0.148.0"

OPERATORS = (
    Operator(
        name="tempo-operator",
        tool="tempo-operator",
        module="github.com/grafana/tempo-operator",
        image="ghcr.io/grafana/tempo-operator/tempo-operator:v0.20.0",
        arguments=(
            "--zap-log-level=info",
            "start",
            "--config=/etc/tempo-operator/controller_manager_config.yaml",
        ),
        environment={"RELATED_IMAGE_TEMPO": TEMPO_IMAGE},
        health_port=8081,
        config_map=("tempo-operator-manager-config", "/etc/tempo-operator"),
    ),
    Operator(
        name="opentelemetry-operator",
        tool="opentelemetry-operator",
        module="github.com/open-telemetry/opentelemetry-operator",
        image="ghcr.io/open-telemetry/opentelemetry-operator/opentelemetry-operator:0.148.0",
        arguments=(
            "--zap-log-level=info",
            "--zap-time-encoding=rfc3339nano",
            # The operator's own default names its own version, which a build from the module does
            # not know.
            f"--collector-image={COLLECTOR_IMAGE}",
        ),
        environment={"ENABLE_LEADER_ELECTION": "false"},
        health_port=8081,
    ),
)


@dataclass(frozen=True)
class Addons:
    """What is applied: ``definitions`` of kinds, the needs of the ``cluster`` itself, and the ``operators``.

    An operator looks for its kinds when it starts; the cluster's own needs none of them.
    """

    definitions: list[Object]
    cluster: list[Object]
    operators: list[Object]

    def objects(self) -> list[Object]:
        """Return all of it, in an order in which each object finds what it needs."""
        return [*self.definitions, *self.cluster, *self.operators]

    def on(self, nodes: int) -> "Addons":
        """Return what a cluster of so many nodes gets: two pods for DNS where there is a node for the second."""
        return replace(self, cluster=[_with_replicas(entry, min(nodes, 2)) for entry in self.cluster])


def _with_replicas(entry: Object, replicas: int) -> Object:
    if (entry["kind"], entry["metadata"]["name"]) != ("Deployment", "coredns"):
        return entry
    return {**entry, "spec": {**entry["spec"], "replicas": replicas}}


def extras() -> list[str]:
    """Return the names of the definitions that are only installed if asked for."""
    return sorted([*_EXTRA_CRDS, *_EXTRA_PINNED_CRDS])


def load(module_folder: ModuleFolder, checkout: Path = CHECKOUT, wanted: Collection[str] = ()) -> Addons:
    """Return what ``read`` returns; from the cache, unless its sources have changed since.

    The definitions are 3 MB of YAML, whose reading takes a second of one core.
    """
    chosen = sorted(set(extras()) & set(wanted))
    place = cache_folder() / "addons" / f"{'-'.join([_key(checkout), *chosen])}.json"
    if place.is_file():
        return Addons(**json.loads(place.read_text()))
    addons = read(module_folder, checkout, chosen)
    place.parent.mkdir(parents=True, exist_ok=True)
    unfinished = place.with_name(f".{place.name}-{os.getpid()}")
    unfinished.write_text(json.dumps(asdict(addons)))
    unfinished.rename(place)
    return addons


def _key(checkout: Path) -> str:
    """Return the identity of the result of ``read``: pins with their hashes, own manifests, this file."""
    folders = {tool.name: tool.folder for tool in tools.load()}
    by_tools = [*(operator.tool for operator in OPERATORS), *(tool for tool, _, _ in _EXTRA_CRDS.values())]
    pinned = [*(folders[tool] for tool in by_tools), _CRDS_MODULE]
    files = [
        Path(__file__),
        *(folder / name for folder in pinned for name in ("go.mod", "go.sum")),
        *sorted(MANIFESTS.iterdir()),
        *(path for name in _BESIDE_CHECKOUT for path in sorted((_crds_beside(checkout) / name).glob("*.yaml"))),
    ]
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def read(module_folder: ModuleFolder, checkout: Path, wanted: Collection[str] = ()) -> Addons:
    """Return the addons as the pinned modules and this checkout have them, with the ``wanted`` ones of ``extras``.

    ``module_folder(tool, module)`` gives the unpacked source of a module that ``tool`` pins. Raises
    ``LocalError`` when the module proxy does not give the pinned definitions.
    """
    return Addons(
        definitions=[
            *_definitions(module_folder),
            *_definitions_beside(checkout),
            *(item for name in wanted for item in _extra_definitions(name, module_folder)),
        ],
        cluster=[item for name in _CLUSTER for item in _read(MANIFESTS / name)],
        operators=[
            item
            for operator in OPERATORS
            for item in operator_objects(operator, module_folder(operator.tool, operator.module))
        ],
    )


def notes(checkout: Path = CHECKOUT) -> list[str]:
    """Return one sentence for each part that is missing because this machine does not have its definitions."""
    return [
        f"The definitions of {name} are not in {_crds_beside(checkout) / name}: "
        f"objects of {name} cannot be tried on this cluster."
        for name in _BESIDE_CHECKOUT
        if not (_crds_beside(checkout) / name).is_dir()
    ]


def operator_objects(operator: Operator, folder: Path) -> list[Object]:
    """Return the objects of ``operator``, from its module in ``folder``, named as released."""
    manager = _read(folder / "config" / "manager" / "manager.yaml")
    namespace = next(item for item in manager if item["kind"] == "Namespace")
    deployment = next(item for item in manager if item["kind"] == "Deployment")
    config = MANIFESTS / f"{operator.name}-config.yaml"
    rbac = [
        item
        for path in _listed(folder / "config" / "rbac")
        for item in _read(path)
        # The Service only leads to the operator's own metrics, which nothing here reads.
        if item["kind"] != "Service"
    ]
    return [
        _enforcing(_with_name(namespace, operator.namespace)),
        *(_read(config) if operator.config_map else []),
        *(prefixed(item, operator) for item in rbac),
        prefixed(_fitted(deployment, operator), operator),
    ]


def prefixed(item: Object, operator: Operator) -> Object:
    """Return ``item`` with the names and namespaces that kustomize would give it."""
    result = copy.deepcopy(item)
    prefix = f"{operator.name}-"
    result["metadata"]["name"] = prefix + item["metadata"]["name"]
    if item["kind"] not in _CLUSTER_SCOPED:
        result["metadata"]["namespace"] = operator.namespace
    if "roleRef" in result:
        result["roleRef"]["name"] = prefix + item["roleRef"]["name"]
    for subject in result.get("subjects", []):
        subject["name"] = prefix + subject["name"]
        subject["namespace"] = operator.namespace
    if item["kind"] == "Deployment":
        pod = result["spec"]["template"]["spec"]
        pod["serviceAccountName"] = prefix + pod["serviceAccountName"]
    return result


def _fitted(deployment: Object, operator: Operator) -> Object:
    """Return the manager's Deployment as `restricted`, with this cluster's image, arguments and variables."""
    result = copy.deepcopy(deployment)
    pod = result["spec"]["template"]["spec"]
    manager = next(item for item in pod["containers"] if item["name"] == "manager")
    # One release says half of it, the other nothing.
    pod["securityContext"] = _RESTRICTED_POD
    manager["securityContext"] = _RESTRICTED_CONTAINER
    manager["image"] = operator.image
    # No registry serves the locally built image.
    manager["imagePullPolicy"] = "IfNotPresent"
    manager["args"] = list(operator.arguments)
    # The webhooks want certificates from cert-manager; the API server checks the schemas without
    # them.
    changed = {"ENABLE_WEBHOOKS": "false", **operator.environment}
    kept = [item for item in manager.get("env", []) if item["name"] not in changed]
    manager["env"] = [*kept, *({"name": name, "value": value} for name, value in changed.items())]
    # The release probes only after 5 s, and so long nobody here could go on.
    ready = {"path": "/readyz", "port": operator.health_port}
    manager["readinessProbe"] = {"httpGet": ready, "periodSeconds": 2}
    if operator.config_map:
        name, path = operator.config_map
        pod["volumes"] = [{"name": "config", "configMap": {"name": name}}]
        manager["volumeMounts"] = [{"name": "config", "mountPath": path, "readOnly": True}]
    return result


def _definitions(module_folder: ModuleFolder) -> Iterator[Object]:
    for operator in OPERATORS:
        folder = module_folder(operator.tool, operator.module)
        for path in _listed(folder / "config" / "crd"):
            yield from _read(path)
    for module, inside in _PINNED_CRDS.items():
        yield from _read_all(_pinned_folder(module) / inside)


def _extra_definitions(name: str, module_folder: ModuleFolder) -> Iterator[Object]:
    if name in _EXTRA_CRDS:
        tool, module, inside = _EXTRA_CRDS[name]
        places = [module_folder(tool, module) / inside]
    else:
        module, files = _EXTRA_PINNED_CRDS[name]
        folder = _pinned_folder(module)
        places = [folder / file for file in files]
    for item in itertools.chain.from_iterable(map(_read_all, places)):
        # Beside them lies a policy against older definitions, which nobody brings here.
        if item["kind"] == "CustomResourceDefinition":
            yield item


def _definitions_beside(checkout: Path) -> Iterator[Object]:
    for name in _BESIDE_CHECKOUT:
        yield from _read_all(_crds_beside(checkout) / name)


def _crds_beside(checkout: Path) -> Path:
    return checkout.parent / "shared" / "crds"


def _listed(folder: Path) -> list[Path]:
    """Return the files that the kustomization of ``folder`` names: what a release installs."""
    kustomization = _read(folder / "kustomization.yaml")[0]
    return [folder / name for name in kustomization["resources"]]


def _read_all(place: Path) -> Iterator[Object]:
    """Read one file, or every YAML file of a folder by name; nothing when there is neither."""
    paths: Iterable[Path] = sorted(place.glob("*.yaml")) if place.is_dir() else [place]
    for path in paths:
        if path.is_file():
            yield from _read(path)


def _read(path: Path) -> list[Object]:
    # The C parser reads the large definitions ten times faster; it is not in every build of PyYAML.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        documents = list(yaml.load_all(path.read_text(), Loader=loader))
    except (OSError, yaml.YAMLError) as error:
        raise LocalError(f"{path} cannot be read as YAML ({error}): restore it") from error
    return [item for item in documents if item]


def _enforcing(namespace: Object) -> Object:
    metadata = namespace["metadata"]
    return {**namespace, "metadata": {**metadata, "labels": {**metadata.get("labels", {}), **_ENFORCED}}}


def _with_name(item: Object, name: str) -> Object:
    return {**item, "metadata": {**item["metadata"], "name": name}}


def _pinned_folder(module: str) -> Path:
    """Return the unpacked source of ``module`` as ``toolchain/crds`` pins it."""
    environment = os.environ | {"GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    try:
        done = subprocess.run(
            ["go", "mod", "download", "-json", module],
            cwd=_CRDS_MODULE,
            env=environment,
            check=False,
            capture_output=True,
            text=True,
        )
    except FileNotFoundError as error:
        raise LocalError("go is not on PATH: install Go 1.26 or newer") from error
    described = json.loads(done.stdout) if done.stdout.strip().startswith("{") else {}
    if done.returncode != 0 or "Dir" not in described:
        said = described.get("Error") or done.stderr.strip() or "no output"
        raise LocalError(
            f"the Go module proxy did not give {module} ({said.splitlines()[-1]}): check GOPROXY and the network"
        )
    return Path(described["Dir"])

"""The release manifests of both operators and of cert-manager, made from their modules as their projects make them."""

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import yaml
from embedded import Host, Project

from local.build.tools import Toolbox
from local.progress import Progress
from local.run.addons import COLLECTOR_IMAGE, OPERATORS, Operator

PROGRAMS = Path(__file__).parent / "programs"
# What is built into a release manifest, by operator.
KUSTOMIZATIONS = {"tempo-operator": "config/overlays/community", "opentelemetry-operator": "config/default"}
CERT_MANAGER = "github.com/cert-manager/cert-manager"

Object = dict[str, Any]
ModuleFolder = Callable[[str, str], Path]


def write(host: Host, folder: Path, scratch: Path) -> None:
    """Write the three manifests into ``folder``, for ``operators.manifestFolder``; ``scratch`` is an empty folder."""
    module_folder = Toolbox(scratch / "logs", Progress(), ["cert-manager"]).module_folder
    folder.mkdir()
    for operator in OPERATORS:
        kustomization = module_folder(operator.tool, operator.module) / KUSTOMIZATIONS[operator.name]
        objects = read(host.kubectl("kustomize", str(kustomization)))
        save(folder / f"{operator.name}.yaml", (_here(obj, operator) for obj in objects))
    save(folder / "cert-manager.yaml", _cert_manager(host, module_folder("cert-manager", CERT_MANAGER), scratch))


def read(text: str) -> list[Object]:
    return [obj for obj in yaml.safe_load_all(text) if obj]


def save(file: Path, objects: Iterable[Object]) -> None:
    file.write_text(yaml.safe_dump_all(objects, sort_keys=False))


def _here(obj: Object, operator: Operator) -> Object:
    """``obj`` as released, but that the operator's image, and those that it is told of, are those of this cluster."""
    if obj["kind"] != "Deployment":
        return obj
    (manager,) = obj["spec"]["template"]["spec"]["containers"]
    manager |= {"image": operator.image, "imagePullPolicy": "IfNotPresent"}
    for variable in manager["env"]:
        variable["value"] = operator.environment.get(variable["name"], variable.get("value"))
    if operator.name == "opentelemetry-operator":
        # A build from the module does not know its own version, which names the collector that it runs.
        manager["args"].append(f"--collector-image={COLLECTOR_IMAGE}")
    return obj


def _cert_manager(host: Host, module: Path, scratch: Path) -> list[Object]:
    """The namespace, the definitions, and the chart with the version that the release writes into it."""
    chart = scratch / "chart"
    shutil.copytree(module / "deploy" / "charts" / "cert-manager", chart)
    for path in (chart, *chart.rglob("*")):
        path.chmod(0o755)
    version = module.name.rpartition("@")[2]
    described = yaml.safe_load((chart / "Chart.template.yaml").read_text())
    # A provider that renders into a folder knows no cluster, whose version the chart would ask for.
    described |= {"version": version, "appVersion": version, "kubeVersion": "*"}
    (chart / "Chart.yaml").write_text(yaml.safe_dump(described))
    project = Project.copy(host, scratch / "project", "chart", PROGRAMS / "cert_manager_chart.py")
    rendered = scratch / "rendered"
    project.configure({"mesh-tracing:folder": str(rendered), "mesh-tracing:chart": str(chart)})
    # The provider that renders into a folder refuses a cluster beside it.
    pulumi = ("env", "--unset=KUBECONFIG", "pulumi", "--cwd", str(project.folder), "--non-interactive")
    host.with_exports(*pulumi, "up", "--yes", "--skip-preview")
    deployed = module / "deploy"
    files = [
        deployed / "manifests" / "namespace.yaml",
        *sorted((deployed / "crds").glob("*.yaml")),
        *sorted(rendered.rglob("*.yaml")),
    ]
    return [obj for file in files for obj in read(file.read_text())]

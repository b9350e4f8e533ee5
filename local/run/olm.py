"""The Operator Lifecycle Manager (OLM) in place of the operators that it installs, as its own module describes it.

It comes in two shapes: as its release installs it on any Kubernetes, and with the namespaces and catalogs of OpenShift.
The shapes differ in where the operators, the catalogs for all namespaces, and the operators that share a namespace are.
"""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from local.build.catalogs import OLM, OPENSHIFT
from local.run.addons import Addons
from local.run.api import Object

# The module whose version of OLM the tool of that name builds.
TOOL, MODULE = "olm", "github.com/operator-framework/operator-lifecycle-manager"
IMAGE = "quay.io/operator-framework/olm:v0.46.0"
OPM_IMAGE = "quay.io/operator-framework/opm:v1.73.0"
# What its operators bring, or catalogs' bundles: a cluster has these definitions when an operator is installed.
_GROUPS: Mapping[str, set[str]] = {
    OLM: {"operators.coreos.com", "tempo.grafana.com", "opentelemetry.io"},
    OPENSHIFT: {"operators.coreos.com", "tempo.grafana.com", "opentelemetry.io", "sailoperator.io", "kiali.io"},
}


@dataclass(frozen=True)
class _Namespaces:
    """Where OLM itself is, the catalogs that all namespaces see, and the operators that share a namespace."""

    own: str
    catalogs: str
    operators: str


# Those of the release manifest, and what they are on OpenShift.
_RELEASED = _Namespaces("olm", "olm", "operators")
_OF_SHAPE = {
    OLM: _RELEASED,
    OPENSHIFT: _Namespaces("openshift-operator-lifecycle-manager", "openshift-marketplace", "openshift-operators"),
}


def onto(addons: Addons, shape: str, module: Path, catalogs: Mapping[str, str]) -> Addons:
    """Return ``addons`` with OLM in place of the operators; ``module`` is its source.

    ``catalogs`` are the images of the catalogs, by name. What catalogs bring is not installed, nor are its definitions.
    """
    kept = [one for one in addons.definitions if one["spec"]["group"] not in _GROUPS[shape]]
    own = [one for path in sorted((module / "deploy" / "chart" / "crds").glob("*.yaml")) for one in _read(path)]
    namespaces = _OF_SHAPE[shape]
    return replace(
        addons,
        definitions=[*kept, *own],
        operators=[
            *_namespaces(namespaces),
            *_released(module, namespaces),
            *(_catalog(name, image, namespaces) for name, image in catalogs.items()),
        ],
    )


def _namespaces(wanted: _Namespaces) -> Iterator[Object]:
    for name in sorted({wanted.own, wanted.catalogs, wanted.operators}):
        yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _released(module: Path, namespaces: _Namespaces) -> Iterator[Object]:
    """The objects of the release manifest, with the images of this cluster and the namespaces of the shape."""
    for item in _read(module / "deploy" / "upstream" / "quickstart" / "olm.yaml"):
        # It names a catalog that only a registry has; ours takes its place.
        if item["kind"] in {"Namespace", "CatalogSource"}:
            continue
        yield _fitted(item, namespaces)


def _fitted(item: Object, namespaces: _Namespaces) -> Object:
    fitted = copy.deepcopy(item)
    moved = {_RELEASED.own: namespaces.own, _RELEASED.operators: namespaces.operators}
    for place in (fitted["metadata"], *fitted.get("subjects", [])):
        if "namespace" in place:
            place["namespace"] = moved[place["namespace"]]
    if item["kind"] == "OperatorGroup" and "spec" in fitted:
        fitted["spec"]["targetNamespaces"] = [moved[name] for name in fitted["spec"]["targetNamespaces"]]
    if item["kind"] == "Deployment":
        _fit_pods(fitted["spec"], namespaces)
    if item["kind"] == "ClusterServiceVersion":
        for deployment in fitted["spec"]["install"]["spec"]["deployments"]:
            _fit_pods(deployment["spec"], namespaces)
    return fitted


def _fit_pods(spec: dict[str, Any], namespaces: _Namespaces) -> None:
    spec["replicas"] = 1
    for container in spec["template"]["spec"]["containers"]:
        container["image"] = IMAGE
        # No registry serves the locally built image.
        container["imagePullPolicy"] = "IfNotPresent"
        if container["name"] == "catalog-operator":
            container["args"] = [
                f"--namespace={namespaces.catalogs}",
                f"--util-image={IMAGE}",
                f"--opmImage={OPM_IMAGE}",
                # As OLM's chart has it: what its Jobs run is not root.
                "--set-workload-user-id=true",
            ]
        if container["name"] == "packageserver":
            place = container["command"].index("--global-namespace") + 1
            container["command"][place] = namespaces.catalogs


def _catalog(name: str, image: str, namespaces: _Namespaces) -> Object:
    return {
        "apiVersion": "operators.coreos.com/v1alpha1",
        "kind": "CatalogSource",
        "metadata": {"name": name, "namespace": namespaces.catalogs},
        "spec": {
            "sourceType": "grpc",
            "image": image,
            "displayName": name,
            "publisher": "mesh-tracing",
            "grpcPodConfig": {"securityContextConfig": "restricted"},
        },
    }


def _read(path: Path) -> list[Object]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return [item for item in yaml.load_all(path.read_text(), Loader=loader) if item]

"""OLM takes the place of the operators, in the namespaces of its release or of OpenShift."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from local.build.catalogs import OLM, OPENSHIFT
from local.build.images import load as images
from local.run import olm
from local.run.addons import Addons
from local.run.api import is_ready

RELEASED: list[dict[str, Any]] = [
    {"kind": "Namespace", "metadata": {"name": "olm"}},
    {"kind": "ServiceAccount", "metadata": {"name": "olm-operator-serviceaccount", "namespace": "olm"}},
    {
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "olm-operator-binding-olm"},
        "subjects": [{"kind": "ServiceAccount", "name": "olm-operator-serviceaccount", "namespace": "olm"}],
    },
    {
        "kind": "Deployment",
        "metadata": {"name": "catalog-operator", "namespace": "olm"},
        "spec": {"template": {"spec": {"containers": [{"name": "catalog-operator", "image": "released"}]}}},
    },
    {"kind": "OperatorGroup", "metadata": {"name": "global-operators", "namespace": "operators"}},
    {
        "kind": "OperatorGroup",
        "metadata": {"name": "olm-operators", "namespace": "olm"},
        "spec": {"targetNamespaces": ["olm"]},
    },
    {"kind": "CatalogSource", "metadata": {"name": "operatorhubio-catalog", "namespace": "olm"}},
]
ADDONS = Addons(
    definitions=[
        {"kind": "CustomResourceDefinition", "metadata": {"name": f"things.{group}"}, "spec": {"group": group}}
        for group in ("tempo.grafana.com", "sailoperator.io", "operators.coreos.com", "route.openshift.io")
    ],
    cluster=[{"kind": "Deployment", "metadata": {"name": "coredns"}}],
    operators=[{"kind": "Deployment", "metadata": {"name": "tempo-operator-controller"}}],
)
CATALOG = {"some-catalog": "localhost/some-catalog@sha256:0"}


@pytest.fixture
def module(tmp_path: Path) -> Path:
    crds, released = tmp_path / "deploy" / "chart" / "crds", tmp_path / "deploy" / "upstream" / "quickstart"
    crds.mkdir(parents=True)
    released.mkdir(parents=True)
    own = {"metadata": {"name": "own"}, "spec": {"group": "operators.coreos.com"}}
    (crds / "own.yaml").write_text(yaml.safe_dump({"kind": "CustomResourceDefinition", **own}))
    (released / "olm.yaml").write_text(yaml.safe_dump_all(RELEASED))
    return tmp_path


def by_title(objects: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {f"{one['kind']} {one['metadata']['name']}": one for one in objects}


def test_no_operator_is_installed_beside_olm(module: Path) -> None:
    found = by_title(olm.onto(ADDONS, OLM, module, CATALOG).objects())
    assert "Deployment tempo-operator-controller" not in found
    assert {"Deployment coredns", "Deployment catalog-operator"} <= found.keys()


@pytest.mark.parametrize(
    ("shape", "kept"), [(OLM, {"sailoperator.io", "route.openshift.io"}), (OPENSHIFT, {"route.openshift.io"})]
)
def test_definitions_that_catalogs_bring_are_left_to_them(module: Path, shape: str, kept: set[str]) -> None:
    definitions = olm.onto(ADDONS, shape, module, CATALOG).definitions
    names = {one["metadata"]["name"] for one in definitions}
    assert names == {*(f"things.{group}" for group in kept), "own"}


@pytest.mark.parametrize(
    ("shape", "own", "catalogs", "operators"),
    [
        (OLM, "olm", "olm", "operators"),
        (OPENSHIFT, "openshift-operator-lifecycle-manager", "openshift-marketplace", "openshift-operators"),
    ],
)
def test_everything_is_where_the_shape_has_it(
    module: Path, shape: str, own: str, catalogs: str, operators: str
) -> None:
    found = by_title(olm.onto(ADDONS, shape, module, CATALOG).operators)
    assert {f"Namespace {name}" for name in (own, catalogs, operators)} <= found.keys()
    assert found["Deployment catalog-operator"]["metadata"]["namespace"] == own
    assert found["ClusterRoleBinding olm-operator-binding-olm"]["subjects"][0]["namespace"] == own
    assert found["OperatorGroup global-operators"]["metadata"]["namespace"] == operators
    assert found["OperatorGroup olm-operators"]["spec"]["targetNamespaces"] == [own]
    (container,) = found["Deployment catalog-operator"]["spec"]["template"]["spec"]["containers"]
    assert f"--namespace={catalogs}" in container["args"]
    assert found["CatalogSource some-catalog"]["metadata"]["namespace"] == catalogs
    assert "CatalogSource operatorhubio-catalog" not in found


def test_olm_runs_the_images_of_this_cluster(module: Path) -> None:
    found = by_title(olm.onto(ADDONS, OLM, module, CATALOG).operators)
    (container,) = found["Deployment catalog-operator"]["spec"]["template"]["spec"]["containers"]
    assert container["image"] == olm.IMAGE
    assert {olm.IMAGE, olm.OPM_IMAGE} <= {recipe.name for recipe in images()}
    assert found["CatalogSource some-catalog"]["spec"]["image"] == CATALOG["some-catalog"]


@pytest.mark.parametrize(
    ("kind", "status", "ready"),
    [
        ("CatalogSource", {"connectionState": {"lastObservedState": "READY"}}, True),
        ("CatalogSource", {"connectionState": {"lastObservedState": "CONNECTING"}}, False),
        ("CatalogSource", {}, False),
        ("ClusterServiceVersion", {"phase": "Succeeded"}, True),
        ("ClusterServiceVersion", {"phase": "Installing"}, False),
    ],
)
def test_a_catalog_and_an_operator_of_olm_say_when_they_are_ready(
    kind: str, status: dict[str, Any], ready: bool
) -> None:
    assert is_ready({"kind": kind, "metadata": {"name": "one"}, "status": status}) is ready

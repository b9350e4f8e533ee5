"""What the catalogs of OLM offer."""

import json
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from local.build import catalogs
from local.build.images import load as images
from local.errors import LocalError
from local.progress import Progress
from model import OperatorName, Operators
from objects.operators import package

BUNDLES, CATALOGS = catalogs.load()
_VERSION = {
    "kind": "ClusterServiceVersion",
    "metadata": {"name": "some-operator.v1.2.3"},
    "spec": {
        "install": {
            "spec": {
                "deployments": [
                    {
                        "spec": {
                            "template": {
                                "spec": {"containers": [{"name": "manager", "args": ["start"], "image": "operator:1"}]}
                            }
                        }
                    }
                ]
            }
        },
        "relatedImages": [{"image": "operand:1"}],
    },
}


@pytest.mark.parametrize(
    ("catalog", "operators"),
    [
        ("redhat", ("mesh", "tempo", "opentelemetry", "kiali")),
        ("community", ("tempo", "opentelemetry")),
        ("operatorhub", ("tempo", "opentelemetry")),
    ],
)
def test_a_catalog_has_what_the_stack_subscribes_to_there(catalog: str, operators: tuple[OperatorName, ...]) -> None:
    for operator in operators:
        wanted = package(operator, Operators.model_validate({"catalog": catalog}))
        (offered,) = (one for one in CATALOGS if one.name == wanted.source)
        assert wanted.channel in offered.packages[wanted.name]


@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda bundle: bundle.name)
def test_a_bundle_s_images_are_those_of_this_cluster(bundle: catalogs.Bundle) -> None:
    named = {*bundle.images.values(), *(argument.partition("=")[2] for argument in bundle.arguments)}
    assert named <= {recipe.name for recipe in images()}


def test_every_bundle_that_a_channel_has_is_described() -> None:
    offered = {
        name for one in CATALOGS for channels in one.packages.values() for names in channels.values() for name in names
    }
    assert offered == {bundle.name for bundle in BUNDLES}


@pytest.fixture
def module(tmp_path: Path) -> Path:
    manifests = tmp_path / "module" / "bundle" / "manifests"
    manifests.mkdir(parents=True)
    (manifests / "some.clusterserviceversion.yaml").write_text(yaml.safe_dump(_VERSION))
    return tmp_path / "module"


@pytest.fixture
def programs(tmp_path: Path) -> Mapping[str, Path]:
    """A stand-in for opm, which says the folder that it is to render."""
    program = tmp_path / "opm"
    program.write_text(
        '#!/bin/sh\ncp -r "$2" "$0-rendered"\necho \'{"schema": "olm.bundle", "name": "some-operator.v1.2.3"}\'\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return {"opm": program, "grpc_health_probe": program}


def test_a_bundle_is_its_module_s_with_the_images_and_arguments_of_this_cluster(
    module: Path, programs: Mapping[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = catalogs.Bundle(
        name="some-operator.v1.2.3",
        tool="tool",
        module="module",
        path="bundle",
        images={"operand:1": "operand:here"},
        arguments=("--more",),
    )
    offered = catalogs.Catalog("some", catalogs.OLM, {"some-operator": {"stable": [bundle.name]}})
    monkeypatch.setattr(catalogs, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(catalogs, "load", lambda: ([bundle], [offered]))
    made = catalogs.build(catalogs.OLM, programs, lambda _tool, _module: module, Progress())
    (rendered,) = (tmp_path / "opm-rendered" / "manifests").iterdir()
    version = yaml.safe_load(rendered.read_text())
    (container,) = version["spec"]["install"]["spec"]["deployments"][0]["spec"]["template"]["spec"]["containers"]
    assert container["args"] == ["start", "--more"]
    assert version["spec"]["relatedImages"] == [{"image": "operand:here"}]
    assert set(made.references) == {"some"}
    assert {image.name for image in made.images} >= set(made.references.values())
    assert all("@sha256:" in image.name for image in made.images)


def test_a_bundle_that_opm_refuses_is_named_with_its_reason(
    module: Path, programs: Mapping[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs["opm"].write_text("#!/bin/sh\necho no such thing >&2\nexit 1\n")
    bundle = catalogs.Bundle(name="some-operator.v1.2.3", tool="tool", module="module", path="bundle")
    offered = catalogs.Catalog("some", catalogs.OLM, {"some-operator": {"stable": [bundle.name]}})
    monkeypatch.setattr(catalogs, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(catalogs, "load", lambda: ([bundle], [offered]))
    with pytest.raises(LocalError, match="no such thing"):
        catalogs.build(catalogs.OLM, programs, lambda _tool, _module: module, Progress())


def test_a_stand_in_owns_the_definitions_that_are_beside_the_checkout(tmp_path: Path) -> None:
    definition = {
        "metadata": {"name": "things.example.com"},
        "spec": {"names": {"kind": "Thing"}, "versions": [{"name": "v1"}]},
    }
    (tmp_path / "things.yaml").write_text(yaml.safe_dump(definition))
    bundle = catalogs.Bundle(name="some.v1.0.0", stands_in="some")
    files = catalogs._stand_in(bundle, tmp_path)
    version = json.loads(files["manifests/some.clusterserviceversion.yaml"])
    assert version["spec"]["customresourcedefinitions"]["owned"] == [
        {"name": "things.example.com", "kind": "Thing", "version": "v1"}
    ]
    assert "stands in" in version["spec"]["description"]

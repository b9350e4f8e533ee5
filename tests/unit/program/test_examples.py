"""The programs in examples/ use the components as any other program would."""

import ast
import runpy
import sys

import pytest
import schemas
import yaml
from recording import ROOT, Deployed, record

EXAMPLES = sorted(path.parent for path in (ROOT / "examples").glob("*/Pulumi.yaml"))
MAX_LINES = 30


def deployed(example: str, *, preview: bool) -> Deployed:
    """What the example registers, with the defaults of its own configuration."""
    folder = ROOT / "examples" / example
    project = yaml.safe_load((folder / "Pulumi.yaml").read_text())
    # The engine calls a key by the name of its project, which the harness has set to ours.
    config = {f"mesh-tracing:{key}": value["default"] for key, value in project["config"].items()}
    path = list(sys.path)
    try:
        return record(lambda: runpy.run_path(str(folder / "__main__.py")), config, preview=preview)
    finally:
        sys.path[:] = path


@pytest.fixture(params=[folder.name for folder in EXAMPLES])
def example(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_an_example_is_short_and_knows_no_more_than_components_and_their_arguments(example: str) -> None:
    source = (ROOT / "examples" / example / "__main__.py").read_text()
    assert len(source.splitlines()) <= MAX_LINES
    imported = {node.module for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)}
    assert imported <= {"components", "model", "pathlib"}


def test_what_an_example_deploys_fits_the_schemas_and_is_known_in_a_preview(example: str) -> None:
    up, preview = deployed(example, preview=False), deployed(example, preview=True)
    assert schemas.faults(up) == []
    assert set(preview.resources) == set(up.resources)


def test_two_components_are_wired_to_each_other() -> None:
    found = deployed("two_components", preview=False)
    assert {component.kind for component in found.components} == {"TempoStack", "GrafanaTempoDatasource"}
    tempo = found.get("TempoMonolithic", "tempo")
    datasources = found.get("ConfigMap", "grafana-datasources-tracing")
    assert tempo.urn in datasources.dependencies
    assert found.get("Namespace", "traces").urn in found.before(tempo.urn)
    assert found.exports["tempo_url"] in datasources.inputs["data"]["datasources.yaml"]

"""A stack of an older version: it has MinIO, stays on it with today's program, and then moves to SeaweedFS.

The fixtures are the stages, each of which needs the one before.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import bucket
import pytest
import yaml
from embedded import CHECKOUT, OPTIONS, STACK, Host, Project, uids
from stages import Moved, Variant

from model import Bookinfo, Prometheus

# The last commit before objects had an owner's mark and the provider a kubeconfig of its own.
OLD_PROGRAM = "ba3f159"


@pytest.fixture(scope="session")
def extras() -> list[str]:
    return ["--with", "minio"]


@pytest.fixture(scope="session")
def old_stack(cluster: Host, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The stack as an older version of the program deployed it: its objects."""
    history = subprocess.run(["git", "cat-file", "-e", OLD_PROGRAM], cwd=CHECKOUT, check=False)
    if history.returncode != 0:
        pytest.skip(f"the checkout's history does not have {OLD_PROGRAM}: git fetch --unshallow")
    folder = tmp_path_factory.mktemp("old")
    archive = subprocess.run(["git", "archive", OLD_PROGRAM], cwd=CHECKOUT, check=True, capture_output=True)
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, check=True)
    for shared in (".venv", ".local"):
        (folder / shared).symlink_to(CHECKOUT / shared)
    _name_the_images_at_hand(folder / f"Pulumi.{STACK}.yaml")
    old = Project(cluster, folder, STACK)
    old.pulumi("stack", "select", "--create", STACK)
    old.pulumi("up", *OPTIONS)
    return uids(cluster)


def _name_the_images_at_hand(settings: Path) -> None:
    """The cluster has the images of today's names: two of the older version's have moved or are out of support."""
    content = yaml.safe_load(settings.read_text())
    config = content["config"]
    config["mesh-tracing:bookinfo"] = {"imageRegistry": Bookinfo().image_registry, "imageTag": Bookinfo().image_tag}
    config["mesh-tracing:prometheus"]["image"] = Prometheus().image
    settings.write_text(yaml.safe_dump(content))


@pytest.fixture(scope="session")
def variant(cluster: Host, tmp_path_factory: pytest.TempPathFactory) -> Variant:
    return Variant(Project.copy(cluster, tmp_path_factory.mktemp("variant") / "project", STACK))


@pytest.fixture(scope="session")
def refused(cluster: Host, old_stack: dict[str, str]) -> str:
    """What a plain preview says of the old stack."""
    assert old_stack
    done = cluster.with_exports("pulumi", "preview", "--stack", STACK, check=False)
    assert done.returncode != 0
    return done.stdout


@pytest.fixture(scope="session")
def plan_of_staying(variant: Variant, old_stack: dict[str, str]) -> list[dict[str, Any]]:
    """What today's program would do to that stack, which stays on MinIO."""
    assert old_stack
    variant.configure(source="minio")
    steps: list[dict[str, Any]] = json.loads(variant.project.pulumi("preview", "--stack", STACK, "--json"))["steps"]
    return steps


@pytest.fixture(scope="session")
def on_minio(variant: Variant, plan_of_staying: list[dict[str, Any]]) -> Variant:
    """The stack after a ``pulumi up`` of today's program, on MinIO."""
    assert plan_of_staying
    variant.project.pulumi("up", *OPTIONS)
    return variant


@pytest.fixture(scope="session")
def moving(on_minio: Variant) -> Moved:
    """The stack on SeaweedFS, with MinIO beside it, whose traces have been copied."""
    trace = bucket.stored_trace(on_minio.host)
    before = {name: uid for name, uid in uids(on_minio.host).items() if "minio" in name}
    on_minio.configure(moveFrom="minio")
    on_minio.project.pulumi("up", *OPTIONS)
    return Moved(on_minio, trace, before)


@pytest.fixture(scope="session")
def moved(cluster: Host, moving: Moved) -> Host:
    """The stack as a plain ``make up`` leaves it, without MinIO."""
    assert moving
    cluster.local("deploy")
    return cluster

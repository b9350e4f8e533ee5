"""The API server accepts what the stacks of other platforms would apply: it knows every field and changes none.

The embedded cluster has the definitions of OpenShift's Routes, OLM, Sail, Kiali and grafana-operator, and nobody who
acts on them.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from embedded import Host, Project, need_definitions_beside
from recording import ROOT, STACKS, Deployed, run_program, stack_config
from test_existing_mesh import istio

import stacks
from local.state import CHARTS

# That of laptops has release manifests, which are on a public host; its cluster is of the same platform as this one.
OTHER_STACKS = stacks.committed(ROOT)


def objects(deployed: Deployed) -> list[dict[str, Any]]:
    """The Kubernetes objects of a stack, without those that come from Helm releases or downloaded manifests."""
    return [
        {key: value for key, value in resource.inputs.items() if not key.startswith("__")}
        for resource in deployed.children
        if "apiVersion" in resource.inputs and not resource.read
    ]


def claims(stack: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The claims that Tempo's operator makes, of which the stack says only the size."""
    said = [obj for obj in stack if obj["kind"] == "PersistentVolumeClaim" and "accessModes" not in obj["spec"]]
    return [{**obj, "spec": {**obj["spec"], "accessModes": ["ReadWriteOnce"]}} for obj in said]


@pytest.fixture(scope="module")
def neighbours(cluster: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What the stacks expect on their clusters, or bring along: namespaces, claims, Istio's definitions, an Istio."""
    need_definitions_beside()
    deployed = [objects(run_program(stack_config(stack), preview=False)) for stack in STACKS]
    namespaces = {
        str(obj["metadata"]["namespace"]) for stack in deployed for obj in stack if "namespace" in obj["metadata"]
    }
    missing = sorted(namespaces - {item["metadata"]["name"] for item in cluster.objects("namespaces")})
    folder = tmp_path_factory.mktemp("neighbours")
    istio_file, claims_file = folder / "istio.json", folder / "claims.json"
    istio_file.write_text(json.dumps(istio()))
    claims_file.write_text("\n".join(json.dumps(claim) for stack in deployed for claim in claims(stack)))
    for file in (str(CHARTS / "base" / "files" / "crd-all.gen.yaml"), str(istio_file)):
        cluster.kubectl("apply", "--server-side", "--field-manager=owner", "-f", file)
    for name in missing:
        cluster.kubectl("create", "namespace", name)
    cluster.kubectl("apply", "--server-side", "--field-manager=owner", "-f", str(claims_file))
    yield
    cluster.kubectl("delete", "--ignore-not-found", "-f", str(claims_file))
    for file in (str(istio_file), str(CHARTS / "base" / "files" / "crd-all.gen.yaml")):
        cluster.kubectl("delete", "-f", file)
    for name in missing:
        cluster.kubectl("delete", "namespace", name)


def differences(sent: Any, kept: Any, path: str = "") -> Iterator[str]:
    """Each field that the server dropped or changed."""
    if isinstance(sent, dict):
        for key, value in sent.items():
            where = f"{path}.{key}"
            if not isinstance(kept, dict) or key not in kept:
                # Written only: it comes back as `data`. And an empty value may come back as none.
                if key != "stringData" and value not in ({}, [], None, ""):
                    yield f"{where} is dropped"
            else:
                yield from differences(value, kept[key], where)
    elif isinstance(sent, list):
        if not isinstance(kept, list) or len(sent) != len(kept):
            yield f"{path} becomes {kept}"
        else:
            for index, (one, other) in enumerate(zip(sent, kept, strict=True)):
                yield from differences(one, other, f"{path}[{index}]")
    elif sent != kept:
        yield f"{path} becomes {kept}"


def test_the_comparison_sees_a_dropped_and_a_changed_field() -> None:
    sent: Mapping[str, Any] = {"a": {"b": 1, "c": [1, {"d": "x"}]}, "stringData": {"k": "v"}}
    assert list(differences(sent, {"a": {"b": 1, "c": [1, {"d": "x", "e": 2}]}})) == []
    assert list(differences(sent, {"a": {"c": [1, {"d": "y"}]}})) == [".a.b is dropped", ".a.c[1].d becomes y"]


@pytest.mark.parametrize("stack", STACKS)
def test_the_api_server_takes_every_object_and_keeps_every_field(
    cluster: Host, neighbours: None, stack: str, tmp_path: Path
) -> None:
    sent = objects(run_program(stack_config(stack), preview=False))
    assert sent
    path = tmp_path / "objects.json"
    path.write_text("\n".join(json.dumps(obj) for obj in sent))
    printed = cluster.kubectl(
        "apply", "--server-side", "--dry-run=server", "--validate=strict", "--force-conflicts",
        "--field-manager=mesh-tracing-test", "-f", str(path), "-o", "json",
    )  # fmt: skip
    kept = json.loads(printed)["items"]
    assert len(kept) == len(sent)
    surprises = [
        f"{one['kind']} {one['metadata']['name']}: {difference}"
        for one, other in zip(sent, kept, strict=True)
        for difference in differences(one, other)
    ]
    assert surprises == []


@pytest.mark.parametrize("stack", OTHER_STACKS)
def test_pulumi_previews_the_stack_on_a_real_api_server(
    cluster: Host, neighbours: None, stack: str, tmp_path: Path
) -> None:
    project = Project.copy(cluster, tmp_path / "project", stack)
    config = stack_config(stack)
    project.configure(config)
    # What the neighbours have made is the stack's own by its mark, as after an attempt that was interrupted.
    mark = f"mesh-tracing/owner=mesh-tracing/{stack}"
    cluster.kubectl("annotate", "--overwrite", "namespaces", "--all", mark)
    cluster.kubectl("annotate", "--overwrite", "istio", "default", mark)
    printed = project.pulumi("preview", "--json")
    steps = [step["op"] for step in json.loads(printed)["steps"]]
    assert set(steps) <= {"create", "read"}
    assert steps.count("create") == len([r for r in run_program(config, preview=True) if not r.read])

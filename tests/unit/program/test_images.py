"""Where images are pulled from, and the list of all that a stack pulls."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest
from recording import (
    PROJECT,
    ROOT,
    Deployed,
    apply_config,
    leaves,
    minimal_config,
    run_program,
    s3_config,
    stack_config,
    with_setting,
    with_settings,
)
from variants import EVERY_CONFIG

import settings
from model.mesh import DEFAULT_ISTIO
from program import Plan
from program.images import copies
from program.pulled import Pulled, pulled

pytestmark = pytest.mark.timeout(300)

Deploy = Callable[..., Deployed]

MIRROR = "registry.example.com/mirror"
DIGEST = "sha256:" + 64 * "a"
# The fields of objects and of charts' values that name an image, or where images are.
IMAGE_FIELDS = {"image", "hub", "image_name"}
# What restarts the pods for a new image; the input of a stash is the moment at which a Rollout of Argo restarts.
RESTARTS = {"mesh-tracing/sidecar-config", "mesh-tracing/revision", "input"}


def listed(config: Mapping[str, Any]) -> Pulled:
    async def look() -> Pulled:
        apply_config(config)
        found = pulled(Plan(settings.load(pulumi.Config(PROJECT))))
        # Secrets are outputs, whose tasks belong to this loop.
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})
        return found

    return asyncio.run(look())


def mirrored(config: Mapping[str, Any]) -> dict[str, Any]:
    return with_setting(config, "images.mirror", MIRROR)


def inputs(deployed: Deployed) -> dict[tuple[Any, ...], Any]:
    """Every scalar that is registered, by the resource's URN and its place there."""
    return {(r.urn, *path): value for r in deployed for path, value in leaves(r.inputs)}


def named(deployed: Deployed) -> set[str]:
    """Every image, and every place of images, in what is registered; istiod replaces `auto`."""
    return {value for path, value in inputs(deployed).items() if path[-1] in IMAGE_FIELDS and value != "auto"}


@pytest.mark.parametrize("name", EVERY_CONFIG)
def test_every_image_that_is_registered_is_listed(name: str) -> None:
    images = {each.image for each in listed(EVERY_CONFIG[name]).images}
    found = named(run_program(EVERY_CONFIG[name], preview=False))
    registered = {image for image in found if ":" in image.rpartition("/")[2]}
    assert registered <= images
    # Charts get the place of the images, and append name and tag.
    for place in found - registered:
        assert any(image is not None and image.startswith(f"{place}/") for image in images)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {f"docker.io/istio/pilot:{DEFAULT_ISTIO}", f"docker.io/istio/proxyv2:{DEFAULT_ISTIO}"}),
        ({"mesh.tag": "1.31.4-distroless"}, {f"docker.io/istio/{n}:1.31.4-distroless" for n in ("pilot", "proxyv2")}),
    ],
)
def test_istio_s_images_are_listed_with_the_version_that_is_installed(
    changes: dict[str, Any], expected: set[str]
) -> None:
    images = {each.image for each in listed(with_settings(minimal_config(), changes)).images}
    assert {image for image in images if image is not None and "/istio/p" in image} == expected


@pytest.mark.parametrize("name", EVERY_CONFIG)
def test_with_a_mirror_nothing_that_is_registered_names_another_registry(name: str) -> None:
    found = named(run_program(mirrored(EVERY_CONFIG[name]), preview=False))
    assert {image for image in found if not image.startswith(f"{MIRROR}/")} == set()


@pytest.mark.parametrize("name", EVERY_CONFIG)
def test_a_mirror_changes_images_and_nothing_else(name: str) -> None:
    before, after = (
        inputs(run_program(config, preview=False)) for config in (EVERY_CONFIG[name], mirrored(EVERY_CONFIG[name]))
    )
    changed = {path[-1] for path in before | after if before.get(path) != after.get(path)}
    assert changed <= IMAGE_FIELDS | RESTARTS


@pytest.mark.parametrize("name", EVERY_CONFIG)
def test_the_list_says_where_pods_pull_from(name: str) -> None:
    config = mirrored(EVERY_CONFIG[name])
    found = named(run_program(config, preview=False))
    targets = {each.mirrored for each in listed(config).images if each.mirrored is not None}
    assert {image for image in found if ":" in image.rpartition("/")[2]} <= targets


@pytest.mark.parametrize(
    ("image", "sources", "expected"),
    [
        ("quay.io/a/b:1", {}, "quay.io/a/b:1"),
        ("quay.io/a/b:1", {"mirror": "m.example/x"}, "m.example/x/a/b:1"),
        (f"quay.io/a/b:1@{DIGEST}", {"mirror": "m.example"}, f"m.example/a/b:1@{DIGEST}"),
        (f"localhost:5000/b@{DIGEST}", {"mirror": "m.example/x"}, f"m.example/x/b@{DIGEST}"),
        ("quay.io/a/b:1", {"mirror": "m.example/x", "mirrors": {"quay.io": "h.example/quay"}}, "h.example/quay/a/b:1"),
        ("quay.io/a/b:1", {"mirrors": {"docker.io": "h.example/hub"}}, "quay.io/a/b:1"),
        # Container runtimes take what has no host from Docker Hub.
        ("grafana/grafana:1", {"mirrors": {"docker.io": "h.example/hub"}}, "h.example/hub/grafana/grafana:1"),
        ("m.example/x/a/b:1", {"mirror": "m.example/x"}, "m.example/x/a/b:1"),
        ("m.example/xy/a/b:1", {"mirror": "m.example/x"}, "m.example/x/xy/a/b:1"),
    ],
)
def test_a_mirror_replaces_the_host_and_keeps_the_rest(
    deploy: Deploy, image: str, sources: dict[str, Any], expected: str
) -> None:
    config = with_settings(minimal_config(), {"prometheus.image": image, "images": sources})
    pod = deploy(config).get("Deployment", "prometheus").inputs["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"] == expected


@pytest.mark.parametrize("digest", [f"@{DIGEST}", f":1.0@{DIGEST}"])
@pytest.mark.parametrize(
    ("setting", "kind", "name"),
    [
        ("prometheus.image", "Deployment", "prometheus"),
        ("grafana.image", "Deployment", "grafana"),
        ("tempo.storage.s3.seaweedfs.image", "Deployment", "seaweedfs"),
        ("images.curl", "Job", "seaweedfs-bucket"),
        ("images.curl", "Deployment", "sleep"),
        ("bookinfo.images.reviews-v2", "Deployment", "reviews-v2"),
    ],
)
def test_an_image_may_be_pinned_by_its_digest(deploy: Deploy, digest: str, setting: str, kind: str, name: str) -> None:
    config = with_settings(s3_config(), {"grafana.mode": "managed", setting: f"quay.io/a/b{digest}"})
    pod = deploy(config).get(kind, name).inputs["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"] == f"quay.io/a/b{digest}"


def test_the_collector_runs_the_image_of_the_settings(deploy: Deploy) -> None:
    image = f"ghcr.io/collector@{DIGEST}"
    config = with_settings(minimal_config(), {"tracing.collector.image": image, "images.mirror": MIRROR})
    assert deploy(config).get("OpenTelemetryCollector").inputs["spec"]["image"] == f"{MIRROR}/collector@{DIGEST}"
    assert image in {each.image for each in listed(config).images if each.chosen_by is None}


@pytest.mark.parametrize(
    ("changes", "hub"),
    [
        ({}, f"{MIRROR}/istio"),
        ({"mesh.hub": "docker.io/istio"}, f"{MIRROR}/istio"),
        # Only the operator knows what the images of its versions are called.
        ({"mesh.installer": "sail"}, None),
        ({"mesh.installer": "sail", "mesh.hub": "docker.io/istio"}, f"{MIRROR}/istio"),
    ],
)
def test_istio_s_images_come_from_the_mirror_where_their_registry_is_known(
    deploy: Deploy, changes: dict[str, Any], hub: str | None
) -> None:
    deployed = deploy(with_settings(minimal_config(), {**changes, "images.mirror": MIRROR, "mesh.cni": True}))
    by_sail = "mesh.installer" in changes
    if by_sail:
        found = [deployed.get(kind).inputs["spec"].get("values") or {} for kind in ("Istio", "IstioCNI")]
    else:
        releases = [r.inputs for r in deployed if r.kind == "Release" and r.inputs["chart"] in {"istiod", "cni"}]
        found = [release["values"] for release in releases]
    assert [values.get("global", {}).get("hub") for values in found] == [hub, hub]


@pytest.mark.parametrize(("installer", "restarts"), [("helm", True), ("sail", False)])
def test_pods_restart_for_a_sidecar_from_the_mirror(deploy: Deploy, installer: str, restarts: bool) -> None:
    config = with_setting(minimal_config(), "mesh.installer", installer)
    before, after = (
        deploy(each).get("Deployment", "sleep").inputs["spec"]["template"]["metadata"]["annotations"]
        for each in (config, mirrored(config))
    )
    assert (before != after) is restarts


def operator_in_release(deployed: Deployed) -> Any:
    """What becomes of the Deployment in Tempo's release manifest; None if nothing does."""
    container = {
        "name": "manager",
        "image": "ghcr.io/o/operator:v1",
        "env": [{"name": "RELATED_IMAGE_TEMPO", "value": "docker.io/t/tempo:2"}, {"name": "OTHER", "value": "a.io/b"}],
    }
    props = {"kind": "Deployment", "spec": {"replicas": 1, "template": {"spec": {"containers": [container]}}}}
    (file,) = (r for r in deployed if r.kind == "ConfigFile" and r.name == "operators-tempo")
    options = pulumi.ResourceOptions()
    args = pulumi.ResourceTransformArgs(True, "kubernetes:apps/v1:Deployment", "operator", props, options)
    results = [result for transform in file.transforms if (result := transform(args)) is not None]
    return results[0].props if results else None  # type: ignore[union-attr]


def test_an_operator_from_a_release_manifest_and_what_it_is_told_to_run_come_from_the_mirror(deploy: Deploy) -> None:
    config = with_setting(minimal_config(), "operators.source", "manifests")
    assert operator_in_release(deploy(config)) is None
    found = operator_in_release(deploy(mirrored(config)))
    assert dict(leaves(found)) == {
        ("kind",): "Deployment",
        ("spec", "replicas"): 1,
        ("spec", "template", "spec", "containers", 0, "name"): "manager",
        ("spec", "template", "spec", "containers", 0, "image"): f"{MIRROR}/o/operator:v1",
        ("spec", "template", "spec", "containers", 0, "env", 0, "name"): "RELATED_IMAGE_TEMPO",
        ("spec", "template", "spec", "containers", 0, "env", 0, "value"): f"{MIRROR}/t/tempo:2",
        ("spec", "template", "spec", "containers", 0, "env", 1, "name"): "OTHER",
        ("spec", "template", "spec", "containers", 0, "env", 1, "value"): "a.io/b",
    }


def chosen(config: Mapping[str, Any]) -> set[tuple[str | None, str | None]]:
    return {(each.chosen_by, each.image) for each in listed(config).images if each.chosen_by is not None}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ("Tempo's operator", "docker.io/grafana/tempo:2.10.8")),
        ({"operators.tempoVersion": "0.20.3"}, ("Tempo's operator", "docker.io/grafana/tempo:2.10.0")),
        ({"operators.tempoVersion": "0.99.0"}, ("Tempo's operator", None)),
        ({"platform": "openshift"}, ("Tempo's operator", None)),
        ({"mesh.installer": "sail"}, ("Sail's operator", None)),
        ({"kiali.installer": "operator"}, ("Kiali's operator", None)),
        (
            {"operators.opentelemetryVersion": "0.152.0"},
            (
                "OpenTelemetry's operator",
                "ghcr.io/open-telemetry/opentelemetry-collector-releases/opentelemetry-collector:0.152.0",
            ),
        ),
    ],
)
def test_what_an_operator_chooses_is_marked(changes: dict[str, Any], expected: tuple[str, str | None]) -> None:
    assert expected in chosen(with_settings(mirrored(minimal_config()), changes))


def test_no_mirror_is_named_for_what_others_choose() -> None:
    for config in EVERY_CONFIG.values():
        images = listed(mirrored(config)).images
        assert [each for each in images if each.chosen_by is not None and each.mirrored is not None] == []


def test_release_manifests_in_a_folder_are_read(tmp_path: Path) -> None:
    manifest = """
kind: ConfigMap
---
---
kind: Deployment
spec:
  template:
    spec:
      containers:
        - image: ghcr.io/o/operator:v1
          env: [{name: RELATED_IMAGE_TEMPO, value: "docker.io/t/tempo:2"}]
"""
    (tmp_path / "tempo-operator.yaml").write_text(manifest)
    config = with_settings(
        mirrored(minimal_config()), {"operators.source": "manifests", "operators.manifestFolder": str(tmp_path)}
    )
    found = {each.image: each.mirrored for each in listed(config).images if each.chosen_by is None}
    assert found["ghcr.io/o/operator:v1"] == f"{MIRROR}/o/operator:v1"
    assert found["docker.io/t/tempo:2"] == f"{MIRROR}/t/tempo:2"
    # The other one is not there.
    (unread,) = (each for each in listed(config).images if each.chosen_by and "manifestFolder" in each.chosen_by)
    assert unread.used_by == [f"{tmp_path}/opentelemetry-operator.yaml"]


def test_charts_manifests_and_packages_are_listed_with_where_they_come_from() -> None:
    charts = listed(with_settings(minimal_config(), {"mesh.version": "1.30.1", "kiali.installer": "helm"})).charts
    repository = "https://blob.istio.io/istio-release/charts"
    assert charts[-2:] == [
        {"chart": "istiod", "version": "1.30.1", "repository": repository, "release": "istio-system/istiod"},
        {
            "chart": "kiali-server",
            "version": "2.31.0",
            "repository": "https://kiali.org/helm-charts",
            "release": "istio-system/kiali",
        },
    ]
    manifests = listed(with_setting(minimal_config(), "operators.source", "manifests")).manifests
    assert [(each["operator"], each["file"].rpartition("/")[2]) for each in manifests] == [
        ("tempo", "tempo-operator.yaml"),
        ("opentelemetry", "opentelemetry-operator.yaml"),
    ]
    assert {
        "package": "tempo-product",
        "channel": "stable",
        "catalog": "openshift-marketplace/redhat-operators",
        "startingVersion": None,
    } in listed(stack_config("prod")).packages


@pytest.mark.parametrize("name", EVERY_CONFIG)
def test_every_release_and_every_release_manifest_is_listed(name: str) -> None:
    found, deployed = listed(EVERY_CONFIG[name]), run_program(EVERY_CONFIG[name], preview=False)
    releases = {f"{r.inputs['namespace']}/{r.inputs['name']}" for r in deployed if r.kind == "Release"}
    assert {chart["release"] for chart in found.charts} == releases
    assert {each["file"] for each in found.manifests} == {r.inputs["file"] for r in deployed if r.kind == "ConfigFile"}
    packages = {r.inputs["spec"]["name"] for r in deployed if r.kind == "Subscription"}
    assert {each["package"] for each in found.packages} == packages


def test_a_copy_is_named_by_its_digest_alone() -> None:
    """skopeo takes no name with both a tag and a digest."""
    image = f"localhost:5000/a/b:1@{DIGEST}"
    config = with_setting(mirrored(minimal_config()), "prometheus.image", image)
    lines = list(copies(listed(config).images))
    assert f"docker://localhost:5000/a/b@{DIGEST} docker://{MIRROR}/a/b@{DIGEST}" in lines
    assert f"docker://docker.io/curlimages/curl:8.11.1 docker://{MIRROR}/curlimages/curl:8.11.1" in lines


def command(tmp_path: Path, answer: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command for a stack, with a stand-in for the Pulumi CLI that does what the shell script ``answer`` says."""
    (tmp_path / "pulumi").write_text(f"#!/bin/sh\n{answer}\n")
    (tmp_path / "pulumi").chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    asked = [sys.executable, "-m", "mesh_tracing", "images", "--stack", "mine", *arguments]
    return subprocess.run(asked, check=False, cwd=ROOT, env=environment, capture_output=True, text=True)


def with_images(images: Mapping[str, Any]) -> str:
    config = {f"{PROJECT}:images": {"value": json.dumps(images), "secret": False}}
    return f"echo '{json.dumps(config)}'"


def test_the_command_prints_it_for_people_for_programs_and_for_skopeo(tmp_path: Path) -> None:
    source, target = "quay.io/prometheus/prometheus:v3.13.5", f"{MIRROR}/prometheus/prometheus:v3.13.5"
    answer = with_images({"mirror": MIRROR})
    text = command(tmp_path, answer).stdout
    assert f"  {source} -> {target}  (Deployment istio-system/prometheus)\n" in text
    assert "\nImages that others choose" in text
    found = json.loads(command(tmp_path, answer, "--output", "json").stdout)
    assert set(found) == {"images", "charts", "manifests", "packages"}
    assert {
        "image": source,
        "mirrored": target,
        "usedBy": ["Deployment istio-system/prometheus"],
        "chosenBy": None,
    } in found["images"]
    assert f"docker://{source} docker://{target}\n" in command(tmp_path, answer, "--output", "copy").stdout


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("echo \"error: no stack named 'mine' found\" >&2; exit 255", "error: no stack named 'mine' found\n"),
        ("exit 3", "pulumi config ended with 3\n"),
        (with_images({"mirror": "https://registry.example.com"}), "a registry and a path, without a scheme"),
    ],
)
def test_the_command_says_in_plain_words_why_it_cannot_list(tmp_path: Path, answer: str, words: str) -> None:
    done = command(tmp_path, answer)
    assert (done.returncode, done.stdout) == (1, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


# Images without tags, whose projects publish each release for amd64 and arm64 under one name, with where they say so.
FOR_BOTH_PROCESSORS: Mapping[str, str] = {
    "docker.io/curlimages/curl": "curl/curl-container: Makefile",
    **{
        f"docker.io/istio/examples-bookinfo-{service}": "istio/istio: samples/bookinfo/src/docker-bake.hcl, PLATFORMS"
        for service in ("details-v1", "productpage-v1", "ratings-v1", "reviews-v1", "reviews-v2", "reviews-v3")
    },
    "docker.io/istio/pilot": "istio.io: announcing 1.15",
    "docker.io/istio/proxyv2": "istio.io: announcing 1.15",
    "quay.io/prometheus/prometheus": "prometheus/prometheus: Makefile, DOCKER_ARCHS",
    "ghcr.io/open-telemetry/opentelemetry-collector-releases/opentelemetry-collector": (
        "open-telemetry/opentelemetry-collector-releases: distributions/otelcol/.goreleaser.yaml"
    ),
}


def test_every_image_of_the_stack_for_laptops_is_published_for_both_processors_that_they_have() -> None:
    images = {each.image for each in listed(stack_config("kind")).images if each.image is not None}
    assert {image.partition(":")[0] for image in images} == set(FOR_BOTH_PROCESSORS)
    # A name with a digest, or with a processor, would be that of one of them.
    assert [image for image in images if "@" in image or "64" in image.partition(":")[2]] == []

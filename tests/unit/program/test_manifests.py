"""The loader of manifests, and the manifests that are committed."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recording import ROOT

from objects.manifests import KINDS, ManifestError, load, parse

# An administrator applies this one; the program does not.
FILES = sorted({path.name for path in (ROOT / "manifests").glob("*.yaml")} - {"verify-role.yaml"})

SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: one}\n"

REFUSED = {
    "a repeated key": (SERVICE + "metadata: {name: two}\n", "'metadata' twice"),
    "a repeated nested key": (
        "apiVersion: v1\nkind: Service\nmetadata: {name: one, name: two}\n",
        "line 3: key 'name' twice",
    ),
    "an alias": (
        "apiVersion: v1\nkind: Service\nmetadata: &m {name: one}\nspec: {selector: *m}\n",
        "line 4: an alias",
    ),
    "a key that YAML reads as a truth value": (SERVICE + "spec: {on: 1}\n", "not text"),
    "a list kind": ("apiVersion: v1\nkind: List\nmetadata: {name: one}\n", "kind List"),
    "a typed list kind": ("apiVersion: v1\nkind: ServiceList\nitems: []\n", "kind ServiceList"),
    "a missing name": ("apiVersion: v1\nkind: Service\nmetadata: {}\n", "without metadata.name"),
    "missing metadata": ("apiVersion: v1\nkind: Service\n", "without metadata.name"),
    "an unknown kind": ("apiVersion: v1\nkind: Pod\nmetadata: {name: one}\n", "unknown kind"),
    "another version of a known kind": (
        "apiVersion: apps/v1beta1\nkind: Deployment\nmetadata: {name: one}\n",
        "unknown kind apps/v1beta1/Deployment",
    ),
    "a document that is no object": ("- one\n", "expected an object, found list"),
    "one object twice": (f"{SERVICE}---\n{SERVICE}", "'one' is defined twice"),
    "a tab": ("apiVersion:\tv1\n\tkind: Service\n", "not YAML"),
    "a constructor": ("!!python/object/apply:os.getcwd []\n", "not YAML"),
}


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_the_loader_refuses(text: str, message: str) -> None:
    with pytest.raises(ManifestError, match=r"^here\.yaml: ") as caught:
        parse(text, source="here.yaml")
    assert message in str(caught.value)


def test_the_loader_skips_empty_documents() -> None:
    objects = parse(f"---\n---\n# nothing\n---\n{SERVICE}---\n", source="here.yaml")
    assert [obj["metadata"]["name"] for obj in objects] == ["one"]


@given(st.text(max_size=200))
def test_any_text_is_loaded_or_refused_with_one_error(text: str) -> None:
    with suppress(ManifestError):
        parse(text, source="here.yaml")


@pytest.mark.parametrize("file", FILES)
def test_committed_manifests_name_no_namespace(file: str) -> None:
    for manifest in load(file):
        assert "namespace" not in manifest["metadata"]
        assert (manifest["apiVersion"], manifest["kind"]) in KINDS


@pytest.mark.parametrize("file", FILES)
def test_every_selector_matches_its_own_pods(file: str) -> None:
    manifests = load(file)
    deployments = [m for m in manifests if m["kind"] == "Deployment"]
    for deployment in deployments:
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        assert deployment["spec"]["selector"]["matchLabels"].items() <= labels.items()
    for service in (m for m in manifests if m["kind"] == "Service"):
        selector = service["spec"]["selector"]
        pods = [d["spec"]["template"]["metadata"]["labels"] for d in deployments]
        assert any(selector.items() <= labels.items() for labels in pods), service["metadata"]


@pytest.mark.parametrize("file", FILES)
def test_every_pod_runs_as_an_account_of_its_file_and_says_what_it_needs(file: str) -> None:
    manifests = load(file)
    accounts = {m["metadata"]["name"] for m in manifests if m["kind"] == "ServiceAccount"}
    for manifest in (m for m in manifests if m["kind"] in {"Deployment", "Job"}):
        pod = manifest["spec"]["template"]["spec"]
        assert pod.get("serviceAccountName") in {*accounts, None}
        (container,) = pod["containers"]
        assert container["imagePullPolicy"] == "IfNotPresent"
        assert container["securityContext"]["allowPrivilegeEscalation"] is False


def test_bookinfo_is_the_sample_as_it_is_known() -> None:
    names = {(m["kind"], m["metadata"]["name"]) for m in load("bookinfo.yaml")}
    apps = {"details", "ratings", "reviews", "productpage"}
    versions = {"details-v1", "ratings-v1", "reviews-v1", "reviews-v2", "reviews-v3"}
    assert names == {
        *(("Service", app) for app in apps),
        *(("ServiceAccount", f"bookinfo-{app}") for app in apps),
        *(("Deployment", version) for version in {*versions, "productpage-v1"}),
    }

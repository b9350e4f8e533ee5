"""What the embedded cluster's images are made from, and when they are made again."""

import json
import re
from pathlib import Path

import pytest
import yaml

from local.build import images, tools
from local.errors import LocalError
from local.run import addons
from model import Prometheus
from model.mesh import DEFAULT_ISTIO
from model.platform import DEFAULT_OPENTELEMETRY_OPERATOR, DEFAULT_TEMPO_OPERATOR

CHECKOUT = Path(__file__).parents[3]
PROGRAMS = {program for tool in tools.load() for program in tool.programs()}


def recipe(**fields: object) -> images.Recipe:
    defaults = {
        "name": "registry.example/some/image:1",
        "files": {"/program": "tool:program"},
        "entrypoint": ("/program",),
    }
    return images.Recipe(**(defaults | fields))


def names_in(folder: Path) -> set[str]:
    documents = [
        document for path in folder.glob("*.yaml") for document in yaml.safe_load_all(path.read_text()) if document
    ]
    return set(re.findall(r'"image": "([^"]+)"', json.dumps(documents)))


def test_every_image_of_the_clusters_own_manifests_can_be_made() -> None:
    used = names_in(CHECKOUT / "local" / "manifests")
    used |= {operator.image for operator in addons.OPERATORS}
    used |= {addons.TEMPO_IMAGE, addons.COLLECTOR_IMAGE}

    assert used <= {entry.name for entry in images.load()}


def test_every_image_of_the_programs_manifests_can_be_made() -> None:
    # Bookinfo's manifests name their images without the registry and the tag, which are settings.
    known = {entry.name for entry in images.load()}
    known |= {name.rpartition("/")[2].partition(":")[0] for name in known}

    # istiod writes the proxy's own over this one.
    assert names_in(CHECKOUT / "manifests") - {"auto"} <= known


def test_every_image_of_the_local_stacks_settings_can_be_made() -> None:
    settings = json.dumps(yaml.safe_load((CHECKOUT / "Pulumi.local.yaml").read_text()))
    used = set(re.findall(r'"[^"]*[iI]mage": "([^"]+)"', settings))

    assert used <= {entry.name for entry in images.load()}


def test_no_two_recipes_have_one_name() -> None:
    names = [entry.name for entry in images.load()]

    assert len(names) == len(set(names))


@pytest.mark.parametrize("entry", images.load(), ids=lambda entry: entry.name)
def test_a_recipe_is_made_from_things_that_exist(entry: images.Recipe) -> None:
    for source in entry.sources():
        kind, _, what = source.partition(":")
        if kind == "tool":
            assert what in PROGRAMS
        else:
            assert kind in {"debian", "python", "envoy", "module", "verify"}


@pytest.mark.parametrize("entry", images.load(), ids=lambda entry: entry.name)
def test_a_substitute_says_so(entry: images.Recipe) -> None:
    if entry.pull or entry.base != "scratch":
        assert entry.stands_in
    if entry.stands_in:
        assert entry.stands_in.endswith(".")


# What a stack gets by default, by the image that the embedded cluster runs of the same program.
DEFAULTS = {
    "ghcr.io/grafana/tempo-operator/tempo-operator": DEFAULT_TEMPO_OPERATOR,
    "ghcr.io/open-telemetry/opentelemetry-operator/opentelemetry-operator": DEFAULT_OPENTELEMETRY_OPERATOR,
    "localhost/istio/pilot": DEFAULT_ISTIO,
    "localhost/istio/proxyv2": DEFAULT_ISTIO,
    "quay.io/prometheus/prometheus": Prometheus().image.rpartition(":v")[2],
}


@pytest.mark.parametrize("repository", DEFAULTS)
def test_an_image_that_is_older_than_elsewhere_says_what_is_the_default_there(repository: str) -> None:
    found = [entry for entry in images.load() if entry.name.rpartition(":")[0] == repository]
    assert found
    for entry in found:
        tag = entry.name.rpartition(":")[2].removeprefix("v")
        assert entry.behind == (None if tag == DEFAULTS[repository] else DEFAULTS[repository])


def test_the_older_images_are_told_with_what_is_the_default_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "load", lambda: [recipe(behind="9.9.9"), recipe(name="other.test/b:1")])
    assert images.older() == [f"{recipe().name}: by default a stack elsewhere gets 9.9.9"]


def test_the_key_changes_with_the_content_of_an_input() -> None:
    assert recipe().key({"tool:program": "a"}) != recipe().key({"tool:program": "b"})


@pytest.mark.parametrize(
    "change",
    [
        {"entrypoint": ("/program", "serve")},
        {"user": "1:1"},
        {"env": {"A": "1"}},
        {"folders": {"/scratch": "1777"}},
        {"name": "registry.example/some/image:2"},
    ],
)
def test_the_key_changes_with_the_recipe(change: dict[str, object]) -> None:
    inputs = {"tool:program": "a"}

    assert recipe(**change).key(inputs) != recipe().key(inputs)


def test_the_key_ignores_what_is_only_said_about_the_image() -> None:
    inputs = {"tool:program": "a"}

    assert recipe(stands_in="Another text.", behind="9.9.9", pull=True).key(inputs) == recipe().key(inputs)


def test_the_key_ignores_what_other_images_are_made_from() -> None:
    inputs = {"tool:program": "a"}

    assert recipe().key({**inputs, "envoy": "x"}) == recipe().key(inputs)


def test_a_tools_identity_is_the_folder_that_carries_its_key() -> None:
    assert images.identity("tool:tempo", Path("/cache/tools/tempo-abc/tempo")) == "tempo-abc"


def test_a_module_files_identity_is_its_content(tmp_path: Path) -> None:
    file = tmp_path / "bootstrap.json"
    file.write_text("{}")
    before = images.identity("module:istio:istio.io/istio:bootstrap.json", file)
    file.write_text("[]")

    assert images.identity("module:istio:istio.io/istio:bootstrap.json", file) != before


def test_files_and_folders_lie_where_the_recipe_says(tmp_path: Path) -> None:
    program = tmp_path / "built"
    program.write_text("x")
    program.chmod(0o400)
    tree = tmp_path / "tree"
    tree.mkdir()

    images.lay_out(recipe(folders={"/scratch": "1777"}), {"tool:program": program}, tree)

    assert (tree / "program").stat().st_mode & 0o7777 == 0o755
    assert (tree / "scratch").stat().st_mode & 0o7777 == 0o1777


def test_a_folder_lies_in_the_image_with_all_that_is_in_it(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "package").mkdir(parents=True)
    (source / "package" / "module.py").write_text("content")
    made = recipe(base="python", files={"/opt/some": "verify"})

    images.lay_out(made, {"verify": source}, tmp_path / "tree")

    assert (tmp_path / "tree" / "opt" / "some" / "package" / "module.py").read_text() == "content"


def test_a_program_in_bin_does_not_hide_debians_bin(tmp_path: Path) -> None:
    program = tmp_path / "built"
    program.write_text("x")
    made = recipe(base="debian", files={"/bin/program": "tool:program"})

    images.lay_out(made, {"tool:program": program}, tmp_path)

    assert (tmp_path / "usr" / "bin" / "program").is_file()
    assert not (tmp_path / "bin").exists()


def test_the_image_is_configured_as_the_recipe_says() -> None:
    arguments = images.settings(recipe(user="65534:65534", env={"A": "1"}, workdir="/data"))

    assert arguments[arguments.index("--entrypoint") + 1] == '["/program"]'
    assert arguments[arguments.index("--cmd") + 1] == "[]"
    assert arguments[arguments.index("--user") + 1] == "65534:65534"
    assert arguments[arguments.index("--env") + 1] == "A=1"
    assert arguments[arguments.index("--workingdir") + 1] == "/data"


def test_docker_hub_is_asked_at_the_host_that_serves_it() -> None:
    assert recipe(name="docker.io/some/image:1").registry() == "registry-1.docker.io"
    assert recipe(name="quay.io/some/image:1").registry() == "quay.io"


def test_images_are_pulled_where_possible_unless_that_is_switched_off() -> None:
    assert images.pull_mode({}) == "auto"
    assert images.pull_mode({"MESH_TRACING_PULL": "never"}) == "never"


def test_an_unknown_way_of_pulling_is_refused() -> None:
    with pytest.raises(LocalError, match="set it to auto or never"):
        images.pull_mode({"MESH_TRACING_PULL": "always"})


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache in place of the person's own."""
    monkeypatch.setattr(images, "cache_folder", lambda: tmp_path)
    (tmp_path / "images").mkdir()
    return tmp_path / "images"


@pytest.mark.parametrize(("mode", "said"), [("auto", 0), ("never", 1)])
def test_an_image_that_was_pulled_is_no_stand_in(
    cache: Path, monkeypatch: pytest.MonkeyPatch, mode: str, said: int
) -> None:
    real = recipe(pull=True, stands_in="A substitute.")
    monkeypatch.setattr(images, "load", lambda: [real])
    monkeypatch.setenv("MESH_TRACING_PULL", mode)
    (cache / f"{real.pulled_key()}.tar").touch()

    assert len(images.stand_ins()) == said


class FakeBuildah(images._Buildah):
    """Writes empty archives; fails to pull when ``fails`` is set."""

    fails = False

    def run(self, *arguments: str, seconds: float | None = None) -> str:
        del seconds
        if self.fails and arguments[0] == "pull":
            raise LocalError("buildah pull failed")
        return "container"

    def archive(self, name: str, place: Path) -> None:
        place.write_text(name)


@pytest.fixture
def one_recipe(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> images.Recipe:
    """One image that may be pulled, and that can be built from a program, and an empty cache."""
    monkeypatch.setattr(images, "cache_folder", lambda: tmp_path)
    made = recipe(pull=True, stands_in="A substitute.")
    monkeypatch.setattr(images, "load", lambda: [made])
    monkeypatch.setattr(images, "_Buildah", FakeBuildah)
    monkeypatch.setattr(images.debian, "ensure_commands", lambda *_: None)
    monkeypatch.delenv("MESH_TRACING_PULL", raising=False)
    (tmp_path / "tool-1").mkdir()
    (tmp_path / "tool-1" / "program").touch()
    return made


def build(tmp_path: Path) -> images.Image:
    places = {"program": tmp_path / "tool-1" / "program"}
    (image,) = images.build(places, lambda *_: tmp_path, images.Progress(), tmp_path / "logs")
    return image


@pytest.mark.usefixtures("one_recipe")
def test_the_real_image_is_taken_where_its_registry_answers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(images, "registry_answers", lambda _: True)

    image = build(tmp_path)

    assert image.stands_in is None
    assert image.archive.is_file()


@pytest.mark.usefixtures("one_recipe")
def test_an_image_that_is_not_pulled_is_substituted_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(images, "registry_answers", lambda _: True)
    monkeypatch.setattr(FakeBuildah, "fails", True)

    image = build(tmp_path)

    assert image.stands_in == "A substitute."
    assert image.archive.is_file()
    assert "is not pulled, a stand-in takes its place" in capsys.readouterr().out


@pytest.mark.usefixtures("one_recipe")
def test_no_registry_is_asked_when_pulling_is_switched_off(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MESH_TRACING_PULL", "never")
    monkeypatch.setattr(images, "registry_answers", lambda _: pytest.fail("a packet was sent"))

    assert build(tmp_path).stands_in == "A substitute."


def test_only_registries_of_images_that_may_be_pulled_are_asked(
    one_recipe: images.Recipe, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = recipe(name="elsewhere.example/other:1")
    monkeypatch.setattr(images, "load", lambda: [one_recipe, other])
    asked: list[str] = []
    monkeypatch.setattr(images, "registry_answers", lambda host: bool(asked.append(host)))

    images.build(
        {"program": tmp_path / "tool-1" / "program"},
        lambda *_: tmp_path,
        images.Progress(),
        tmp_path / "logs",
    )

    assert asked == ["registry.example"]


@pytest.mark.usefixtures("one_recipe")
def test_an_image_in_the_cache_is_not_made_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(images, "registry_answers", lambda _: False)
    first = build(tmp_path)
    monkeypatch.setattr(FakeBuildah, "run", lambda *_, **__: pytest.fail("buildah was called"))

    assert build(tmp_path) == first


@pytest.mark.parametrize(("extras", "made"), [([], 1), (["large"], 2)])
def test_the_image_of_an_extra_is_made_only_where_it_is_asked_for(
    one_recipe: images.Recipe, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, extras: list[str], made: int
) -> None:
    other = recipe(name="elsewhere.example/other:1", extra="large")
    monkeypatch.setattr(images, "load", lambda: [one_recipe, other])
    monkeypatch.setattr(images, "registry_answers", lambda _: False)
    places = {"program": tmp_path / "tool-1" / "program"}

    assert len(images.build(places, lambda *_: tmp_path, images.Progress(), tmp_path / "logs", extras)) == made


def test_an_image_is_an_extra_exactly_if_its_program_is() -> None:
    extra = [(tool.asked_as, set(tool.programs())) for tool in tools.load() if tool.asked_as]
    for entry in images.load():
        made_of = {source.removeprefix("tool:") for source in entry.sources()}
        assert {name for name, programs in extra if programs & made_of} == ({entry.extra} & {name for name, _ in extra})


def test_notes_name_only_the_images_that_stand_in() -> None:
    built = [
        images.Image("real:1", Path("a.tar"), None),
        images.Image("other:1", Path("b.tar"), "Not the real one."),
    ]

    assert images.notes(built) == ["other:1: Not the real one."]

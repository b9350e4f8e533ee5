"""The toolchain is pinned, and a pin is the identity of a build."""

import re
import shutil
from pathlib import Path

import pytest

from local.build import tools
from local.build.tools import TOOLCHAIN, Tool
from local.errors import LocalError


@pytest.fixture
def tool(tmp_path: Path) -> Tool:
    folder = tmp_path / "pause"
    shutil.copytree(TOOLCHAIN / "pause", folder)
    return Tool(name="pause", folder=folder, seconds=1, build={"pause": {"package": "."}})


@pytest.mark.parametrize("entry", tools.load(), ids=lambda entry: entry.name)
def test_every_module_with_dependencies_is_locked_with_hashes(entry: Tool) -> None:
    needs = "require" in (entry.folder / "go.mod").read_text()
    assert (entry.folder / "go.sum").exists() == needs


# What the OpenTelemetry operator needs newer than the other compiles with.
_APART = {
    "tempo-operator": {
        "github.com/openshift/api",
        "github.com/openshift/library-go",
        "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring",
    },
    # It requires newer ones of these, and compiles with those of the cluster: its go.mod replaces them.
    "tempo-operator-021": {"github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring"},
    "policies": set(),
    # What its processors need newer.
    "otelcol": {"github.com/golang/groupcache", "github.com/hashicorp/golang-lru"},
}


@pytest.mark.parametrize("folder", _APART)
def test_it_finds_the_libraries_of_the_cluster_compiled(folder: str) -> None:
    own, shared = (_required(TOOLCHAIN / one / "go.mod") for one in (folder, "cluster"))
    assert {module for module in own.keys() & shared.keys() if own[module] != shared[module]} == _APART[folder]


@pytest.mark.parametrize("folder", ["istio-cni", "installers"])
def test_what_is_of_the_istio_that_runs_finds_its_libraries_compiled(folder: str) -> None:
    own, shared = (_required(TOOLCHAIN / one / "go.mod") for one in (folder, "istio"))
    assert own["istio.io/istio"] == shared["istio.io/istio"]
    assert {module for module in own.keys() & shared.keys() if own[module] != shared[module]} == set()


def test_olm_s_probe_finds_its_libraries_compiled() -> None:
    own, shared = (_required(TOOLCHAIN / folder / "go.mod") for folder in ("grpc-health-probe", "olm"))
    assert {module for module in own.keys() & shared.keys() if own[module] != shared[module]} == set()


def _required(go_mod: Path) -> dict[str, str]:
    """Return the version of every module that a go.mod requires, or that takes the required one's place, by path."""
    said = go_mod.read_text()
    required = dict(re.findall(r"^(?:require|\t)\s*(\S+) (v\S+)", said, re.MULTILINE))
    return required | dict(re.findall(r"^replace (\S+) => \S+ (v\S+)", said, re.MULTILINE))


def test_the_longest_build_comes_first() -> None:
    seconds = [entry.seconds for entry in tools.load()]
    assert seconds == sorted(seconds, reverse=True)


def test_the_same_pins_have_the_same_key(tool: Tool) -> None:
    assert tool.key("go1.26.0") == tool.key("go1.26.0")


def test_another_compiler_makes_another_key(tool: Tool) -> None:
    assert tool.key("go1.26.0") != tool.key("go1.26.1")


def test_a_changed_source_makes_another_key(tool: Tool) -> None:
    before = tool.key("go1.26.0")
    with (tool.folder / "main.go").open("a") as source:
        source.write("// changed\n")
    assert tool.key("go1.26.0") != before


def test_six_programs_are_called_through_the_one_kubernetes_binary() -> None:
    kubernetes = next(entry for entry in tools.load() if entry.name == "kubernetes")
    assert len(kubernetes.programs()) == 6


@pytest.mark.parametrize("said", ["go1.25.9", "go1.9", "go1.26", "go1.26.5", "nonsense"])
def test_a_go_that_is_too_old_is_refused_with_its_version(
    said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = tmp_path / "go"
    go.write_text(f"#!/bin/sh\necho {said}\n")
    go.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(LocalError, match=f"go is {said}"):
        tools._go_version()


def test_a_machine_without_go_is_told_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LocalError, match=r"install Go 1\.26\.6 or newer"):
        tools._go_version()


def test_a_module_proxy_that_does_not_answer_is_named_as_the_cause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = tmp_path / "go"
    go.write_text(
        '#!/bin/sh\n[ "$1" = env ] && echo go1.26.8 && exit\necho "dial tcp: lookup proxy: no such host" >&2\nexit 1\n'
    )
    go.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(tools, "cache_folder", lambda: tmp_path / "cache")
    toolbox = tools.Toolbox(tmp_path / "logs", tools.Progress())
    with pytest.raises(LocalError, match="module proxy did not give what"):
        toolbox.ensure()


def test_a_build_that_fails_names_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go = tmp_path / "go"
    go.write_text('#!/bin/sh\n[ "$1" = env ] && echo go1.26.8 && exit\necho "undefined: x" >&2\nexit 1\n')
    go.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(tools, "cache_folder", lambda: tmp_path / "cache")
    toolbox = tools.Toolbox(tmp_path / "logs", tools.Progress())
    with pytest.raises(LocalError, match=r"undefined: x.*see .*build-.*\.log"):
        toolbox.ensure()


BESIDE_PULUMI = ("pulumi-language-python", "pulumi-language-python-exec", "pulumi-analyzer-policy-python")


def a_program(folder: Path, name: str, prints: str) -> None:
    """Put a program into ``folder`` that prints one text."""
    (folder / name).write_text(f"#!/bin/sh\necho '{prints}'\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one folder on PATH, but for the shell's own."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/bin")
    return folder


def test_a_fitting_pulumi_on_path_is_used_with_its_language_host(path: Path) -> None:
    a_program(path, "pulumi", "v3.230.1")
    for name in BESIDE_PULUMI:
        a_program(path, name, "")
    assert tools.on_path() == {name: path / name for name in ("pulumi", *BESIDE_PULUMI)}


def test_a_pulumi_without_its_language_host_is_not_used(path: Path) -> None:
    a_program(path, "pulumi", "v3.230.1")
    assert tools.on_path() == {}


@pytest.mark.parametrize("version", ["v3.214.9", "v2.300.0", "v4.215.0"])
def test_a_pulumi_that_does_not_fit_is_not_used(path: Path, version: str) -> None:
    for name in ("pulumi", *BESIDE_PULUMI):
        a_program(path, name, version)
    assert tools.on_path() == {}


@pytest.mark.parametrize(
    ("version", "fits"), [("v1.34.7", True), ("v1.33.0", True), ("v1.32.9", False), ("v1.36.0", False)]
)
def test_kubectl_on_path_is_used_when_it_is_at_most_one_minor_away(path: Path, version: str, fits: bool) -> None:
    a_program(path, "kubectl", f'{{"clientVersion": {{"gitVersion": "{version}"}}}}')
    assert ("kubectl" in tools.on_path()) is fits


@pytest.mark.parametrize(("extras", "built"), [([], False), (["minio"], True)])
def test_an_extra_is_built_only_where_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, extras: list[str], built: bool
) -> None:
    missing: list[Tool] = []
    monkeypatch.setattr(tools, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(tools, "on_path", dict)
    monkeypatch.setattr(tools.Toolbox, "_build_all", lambda _, tools: missing.extend(tools))
    tools.Toolbox(tmp_path / "logs", tools.Progress(), extras).ensure()
    names = {tool.name for tool in missing}
    assert ("minio" in names) is built
    assert "seaweedfs" in names


def test_what_is_on_path_is_not_built(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_program(path, "go", "go1.26.8")
    monkeypatch.setattr(tools, "cache_folder", lambda: tmp_path / "cache")
    everything = {name: path / name for tool in tools.load() if not tool.extra for name in tool.programs()}
    monkeypatch.setattr(tools, "on_path", lambda: everything)
    assert tools.Toolbox(tmp_path / "logs", tools.Progress()).ensure() == everything

"""The guard: a kubeconfig for another cluster is refused before anything else happens."""

import os
from pathlib import Path

import pytest
from recording import write_kubeconfig

import kubeconfig
from model import Target

SERVER = "https://127.0.0.1:6443"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path / "config"


def refusal(cluster: Target) -> str:
    with pytest.raises(kubeconfig.WrongClusterError) as caught:
        kubeconfig.require(cluster)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_the_context_of_the_settings_is_accepted(path: Path) -> None:
    write_kubeconfig(path, "test")
    kubeconfig.require(Target(context="test"))


def test_a_missing_kubeconfig_is_refused(path: Path) -> None:
    assert "no kubeconfig" in refusal(Target(context="test"))


def test_a_kubeconfig_without_the_context_is_refused_with_those_it_has(path: Path) -> None:
    write_kubeconfig(path, "other")
    message = refusal(Target(context="test"))
    assert "'test'" in message
    assert "other" in message


def test_another_current_context_is_refused_with_the_command_that_changes_it(path: Path) -> None:
    write_kubeconfig(path, "test")
    path.write_text(path.read_text().replace("current-context: test", "current-context: other"))
    assert "kubectl config use-context test" in refusal(Target(context="test"))


def test_no_current_context_is_refused(path: Path) -> None:
    write_kubeconfig(path, "test")
    path.write_text(path.read_text().replace("current-context: test", "current-context: ''"))
    assert "current context is None" in refusal(Target(context="test"))


def test_a_context_of_this_name_that_leads_to_another_server_is_refused(path: Path) -> None:
    write_kubeconfig(path, "test", SERVER)
    kubeconfig.require(Target(context="test", server=SERVER))
    message = refusal(Target(context="test", server="https://127.0.0.2:6443"))
    assert SERVER in message


def test_of_several_files_the_first_that_states_something_wins(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    second = path.with_name("second")
    write_kubeconfig(path, "first", "https://127.0.0.1:1")
    write_kubeconfig(second, "second", "https://127.0.0.1:2")
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join([str(path), str(second), str(path.with_name("missing"))]))
    kubeconfig.require(Target(context="first", server="https://127.0.0.1:1"))
    assert "current context is 'first'" in refusal(Target(context="second"))


def test_without_the_variable_the_file_in_the_home_folder_is_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBECONFIG")
    (path.parent / ".kube").mkdir()
    write_kubeconfig(path.parent / ".kube" / "config", "test")
    kubeconfig.require(Target(context="test"))


@pytest.mark.parametrize("content", ["token: [sentinel", "- sentinel", "", "\x00", "contexts: 5"])
def test_what_is_no_kubeconfig_is_refused_without_its_content(path: Path, content: str) -> None:
    path.write_text(content)
    assert "sentinel" not in refusal(Target(context="test"))

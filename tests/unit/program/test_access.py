"""The guard: which kubeconfig is taken, and what of it the provider gets."""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from recording import write_kubeconfig

from cluster import access
from cluster.access import Access, WrongClusterError
from model import Target

SERVER = "https://127.0.0.1:6443"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path / "config"


def found(**target: Any) -> Access:
    access_found = access.find(Target(**target))
    assert access_found is not None
    return access_found


def refusal(**target: Any) -> str:
    with pytest.raises(WrongClusterError) as caught:
        access.find(Target(**target))
    message = str(caught.value)
    assert "\n" not in message
    return message


def write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(content))


def test_the_context_of_the_settings_is_taken_whichever_is_the_current_one(path: Path) -> None:
    write_kubeconfig(path, "test", SERVER)
    path.write_text(path.read_text().replace("current-context: test", "current-context: other"))
    assert (found(context="test").context, found(context="test").server) == ("test", SERVER)


def test_without_a_context_in_the_settings_the_current_one_is_taken(path: Path) -> None:
    write_kubeconfig(path, "mine")
    assert found().context == "mine"


def test_no_current_context_is_refused_where_the_settings_name_none(path: Path) -> None:
    write_kubeconfig(path, "test")
    path.write_text(path.read_text().replace("current-context: test", "current-context: ''"))
    assert "no current context" in refusal()


def test_where_there_is_no_kubeconfig_there_is_no_access(path: Path) -> None:
    assert not path.exists()
    assert access.find(Target(context="test")) is None


def test_a_kubeconfig_without_the_context_is_refused_with_those_it_has(path: Path) -> None:
    write_kubeconfig(path, "other")
    message = refusal(context="test")
    assert "'test'" in message
    assert "other" in message


def test_a_context_of_this_name_that_leads_to_another_server_is_refused(path: Path) -> None:
    write_kubeconfig(path, "test", SERVER)
    assert found(context="test", server=SERVER).server == SERVER
    assert SERVER in refusal(context="test", server="https://127.0.0.2:6443")


def test_of_several_files_the_first_that_states_something_wins(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    second = path.with_name("second")
    write_kubeconfig(path, "first", "https://127.0.0.1:1")
    write_kubeconfig(second, "second", "https://127.0.0.1:2")
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join([str(path), str(second), str(path.with_name("missing"))]))
    assert found().context == "first"
    # Both files call their cluster and their user the same.
    assert found(context="second").server == "https://127.0.0.1:1"


def test_without_the_variable_the_file_in_the_home_folder_is_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBECONFIG")
    (path.parent / ".kube").mkdir()
    write_kubeconfig(path.parent / ".kube" / "config", "test")
    assert found().context == "test"


def test_the_variable_may_hold_the_kubeconfig_itself(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_kubeconfig(path, "test")
    monkeypatch.setenv("KUBECONFIG", path.read_text())
    assert found().context == "test"


def test_a_kubeconfig_in_the_variable_is_never_shown(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_kubeconfig(path, "test")
    monkeypatch.setenv("KUBECONFIG", path.read_text().replace("none", "sentinel"))
    assert "sentinel" not in refusal(context="other")
    monkeypatch.setenv("KUBECONFIG", "{token: [sentinel")
    assert "sentinel" not in refusal()


@pytest.mark.parametrize("content", ["token: [sentinel", "- sentinel", "", "\x00"])
def test_what_is_no_kubeconfig_is_refused_without_its_content(path: Path, content: str) -> None:
    path.write_text(content)
    assert "sentinel" not in refusal(context="test")


def test_a_context_without_a_server_is_refused(path: Path) -> None:
    write(path, {"contexts": [{"name": "test", "context": {"cluster": "gone", "user": "user"}}]})
    assert "no server" in refusal(context="test")


def test_in_a_pod_its_own_account_is_taken_and_its_token_stays_in_its_file(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "_ACCOUNT", path.parent)
    path.with_name("token").write_text("sentinel")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    own = found()
    assert own.server == "https://[fd00::1]:443"
    assert own.kubeconfig["users"][0]["user"] == {"tokenFile": str(path.with_name("token"))}


class TestWhatTheProviderGets:
    def handed_over(self, path: Path, monkeypatch: pytest.MonkeyPatch, **target: Any) -> dict[str, Any]:
        monkeypatch.chdir(path.parent)
        handed: dict[str, Any] = yaml.safe_load(Path(access.hand_over(found(**target), "the-uid")).read_text())
        return handed

    def test_it_is_the_chosen_context_alone(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write_kubeconfig(path, "first")
        second = path.with_name("second")
        write_kubeconfig(second, "second")
        monkeypatch.setenv("KUBECONFIG", f"{path}{os.pathsep}{second}")
        handed = self.handed_over(path, monkeypatch, context="second")
        assert [context["name"] for context in handed["contexts"]] == [handed["current-context"]] == ["second"]

    def test_its_file_is_for_its_owner_only(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write_kubeconfig(path, "test")
        monkeypatch.chdir(path.parent)
        generous = os.umask(0)
        try:
            handed = Path(access.hand_over(found(), "the-uid"))
        finally:
            os.umask(generous)
        assert handed.stat().st_mode & 0o777 == 0o600

    def test_its_path_is_the_same_for_everybody(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write_kubeconfig(path, "alice/api:6443/mesh")
        monkeypatch.chdir(path.parent)
        assert access.hand_over(found(), "the-uid") == access.hand_over(None, "the-uid") == ".kubeconfig/the-uid"

    def test_paths_in_it_begin_where_the_kubeconfig_was(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        user = {"client-certificate": "tls/me.crt", "client-key": "/etc/me.key", "exec": {"command": "./login"}}
        cluster = {"server": SERVER, "certificate-authority": "tls/ca.crt"}
        write(
            path,
            {
                "current-context": "test",
                "contexts": [{"name": "test", "context": {"cluster": "c", "user": "u", "namespace": "mine"}}],
                "clusters": [{"name": "c", "cluster": cluster}],
                "users": [{"name": "u", "user": user}],
            },
        )
        handed = self.handed_over(path, monkeypatch)
        folder = path.parent
        assert handed["users"][0]["user"] == {
            "client-certificate": f"{folder}/tls/me.crt",
            "client-key": "/etc/me.key",
            "exec": {"command": f"{folder}/login"},
        }
        assert handed["clusters"][0]["cluster"]["certificate-authority"] == f"{folder}/tls/ca.crt"
        # It would become the namespace of objects that name none.
        assert "namespace" not in handed["contexts"][0]["context"]

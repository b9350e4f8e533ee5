"""New credentials reach every pod that reads them at its start, in one update, and nothing tells what they are."""

from collections.abc import Callable
from typing import Any

import pytest
from recording import PROJECT, STASHED, Deployed, full_config, s3_config, with_setting, with_settings

from objects.digest import digest, keyed_digest

Deploy = Callable[..., Deployed]

KEYS = {
    "tempo.storage.s3.source": "keys",
    "tempo.storage.s3.endpoint": "https://s3.example.com",
}


def changed_by(deploy: Deploy, config: dict[str, Any], secret: str) -> set[str]:
    """Kind and name of what another text of ``secret`` changes."""
    before, after = deploy(config), deploy({**config, f"{PROJECT}:{secret}": "another password"})
    return {f"{one.kind} {one.object_name}" for one in after.children if one.inputs != before.resources[one.urn].inputs}


@pytest.mark.parametrize("secret", ["objectStoreAccessKey", "objectStoreSecretKey"])
def test_new_keys_of_our_store_restart_the_store_and_tempo(deploy: Deploy, secret: str) -> None:
    assert changed_by(deploy, s3_config(), secret) == {
        "Secret seaweedfs-s3",
        "Secret tempo-seaweedfs",
        "Deployment seaweedfs",
        "TempoMonolithic tempo",
    }


@pytest.mark.parametrize("mode", ["monolithic", "stack"])
@pytest.mark.parametrize("secret", ["objectStoreAccessKey", "objectStoreSecretKey"])
def test_new_keys_of_another_store_restart_tempo(deploy: Deploy, secret: str, mode: str) -> None:
    config = with_settings(s3_config(), {**KEYS, "tempo.mode": mode})
    tempo = "TempoMonolithic" if mode == "monolithic" else "TempoStack"
    assert changed_by(deploy, config, secret) == {"Secret tempo-s3-keys", f"{tempo} tempo"}


def test_a_new_password_restarts_grafana(deploy: Deploy) -> None:
    assert changed_by(deploy, full_config(), "grafanaAdminPassword") == {"Secret grafana-admin", "Deployment grafana"}


def test_the_store_has_the_new_keys_before_tempo_uses_them(deploy: Deploy) -> None:
    deployed = deploy(s3_config())
    store, tempo = deployed.get("Deployment", "seaweedfs"), deployed.get("TempoMonolithic")
    assert deployed.get("Secret", "seaweedfs-s3").urn in deployed.before(store.urn)
    assert store.urn in deployed.before(tempo.urn)


def pod_annotations(deployed: Deployed, name: str) -> dict[str, str]:
    template = deployed.get("Deployment", name).inputs["spec"]["template"]
    return dict(template["metadata"]["annotations"])


def test_who_sees_a_pod_cannot_try_passwords(deploy: Deploy) -> None:
    """The key is in the encrypted state alone; without it no guess can be compared with what the pod shows."""
    config = with_setting(full_config(), "tempo.storage.backend", "s3")
    deployed = deploy(config)
    shown = pod_annotations(deployed, "grafana")["mesh-tracing/revision"]
    password = config[f"{PROJECT}:grafanaAdminPassword"]
    assert shown == keyed_digest(STASHED, [password])
    assert shown not in {digest(password), digest([password]), keyed_digest("", [password])}


def test_the_keys_of_the_revisions_are_secret_and_made_once(deploy: Deploy) -> None:
    keys = [one for one in deploy(full_config()) if one.type == "pulumi:index:Stash"]
    assert {one.name for one in keys} == {
        "tempo-revision-key",
        "tempo-seaweedfs-revision-key",
        "telemetry-revision-key",
        "datasource-grafana-revision-key",
        "kiali-revision-key",
    }
    for one in keys:
        # An unchanged input is no update, whatever the program hands in.
        assert one.further_options["ignoreChanges"] == "['input']"
        assert isinstance(one.raw_inputs["input"], dict), "secret"
        assert len(one.inputs["input"]) == 64

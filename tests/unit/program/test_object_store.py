"""MinIO: its order, its volume, its credentials."""

from collections.abc import Callable

import pytest
from recording import PROJECT, SENTINELS, Deployed, is_secret, s3_config, with_setting

Deploy = Callable[..., Deployed]

EDGES = [
    # The later one, and what has to be there before it.
    (("Deployment", "minio"), ("Namespace", "tracing-system")),
    (("Deployment", "minio"), ("PersistentVolumeClaim", "minio")),
    (("Deployment", "minio"), ("Secret", "minio-root")),
    (("Job", "tempo-bucket"), ("Deployment", "minio")),
    (("Job", "tempo-bucket"), ("Service", "minio")),
    (("Job", "tempo-bucket"), ("Secret", "tempo-object-storage")),
]


@pytest.fixture
def s3(deploy: Deploy) -> Deployed:
    return deploy(s3_config())


@pytest.mark.parametrize(("later", "earlier"), EDGES)
def test_required_edge(s3: Deployed, later: tuple[str, str], earlier: tuple[str, str]) -> None:
    assert s3.get(*earlier).urn in s3.before(s3.get(*later).urn)


def test_the_store_starts_beside_prometheus(s3: Deployed) -> None:
    assert s3.get("Deployment", "prometheus").urn not in s3.before(s3.get("Job", "tempo-bucket").urn)


def test_the_volume_and_its_key_keep_their_logical_names(s3: Deployed) -> None:
    assert s3.get("PersistentVolumeClaim", "minio").name == "tempo-object-store-persistentvolumeclaim-minio"
    assert s3.get("Secret", "minio-root").name == "tempo-object-store-root"


def test_the_volume_has_the_size_and_the_class_of_the_settings(deploy: Deploy) -> None:
    config = with_setting(s3_config(), "tempo.storage.s3.minio", {"size": "7Gi", "storageClass": "fast"})
    spec = deploy(config).get("PersistentVolumeClaim", "minio").inputs["spec"]
    assert spec["resources"] == {"requests": {"storage": "7Gi"}}
    assert spec["storageClassName"] == "fast"


def test_the_image_is_that_of_the_settings(deploy: Deploy) -> None:
    config = with_setting(s3_config(), "tempo.storage.s3.minio.image", "registry.test/minio:1")
    (container,) = deploy(config).get("Deployment", "minio").inputs["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "registry.test/minio:1"


def test_tempo_is_told_of_the_store_at_its_full_name(deploy: Deploy) -> None:
    config = with_setting(with_setting(s3_config(), "cluster.domain", "corp"), "tempo.storage.s3.bucket", "blocks")
    assert deploy(config).get("Secret", "tempo-object-storage").inputs["stringData"] == {
        "bucket": "blocks",
        "endpoint": "http://minio.tracing-system.svc.corp:9000",
        "access_key_id": SENTINELS[f"{PROJECT}:objectStoreAccessKey"],
        "access_key_secret": SENTINELS[f"{PROJECT}:objectStoreSecretKey"],
    }


def test_the_root_user_has_the_same_keys_and_both_secrets_are_secret(s3: Deployed) -> None:
    assert s3.get("Secret", "minio-root").inputs["stringData"] == {
        "user": SENTINELS[f"{PROJECT}:objectStoreAccessKey"],
        "password": SENTINELS[f"{PROJECT}:objectStoreSecretKey"],
    }
    for name in ("minio-root", "tempo-object-storage"):
        assert is_secret(s3.get("Secret", name).raw_inputs["stringData"])


def test_every_part_has_the_timeout_of_the_store(deploy: Deploy) -> None:
    deployed = deploy(with_setting(s3_config(), "timeouts.objectStore", 42))
    for kind, name in (("Deployment", "minio"), ("Job", "tempo-bucket"), ("PersistentVolumeClaim", "minio")):
        assert deployed.get(kind, name).timeouts == {"create": "42s", "update": "42s", "delete": "42s"}


@pytest.mark.parametrize("protect", [True, False])
def test_the_volume_and_its_key_are_protected_as_the_settings_say(deploy: Deploy, protect: bool) -> None:
    deployed = deploy(with_setting(s3_config(), "protectData", protect))
    assert deployed.get("PersistentVolumeClaim", "minio").protect is protect
    assert deployed.get("Secret", "minio-root").protect is protect
    for kind, name in (("Deployment", "minio"), ("Job", "tempo-bucket"), ("Secret", "tempo-object-storage")):
        assert deployed.get(kind, name).protect is False

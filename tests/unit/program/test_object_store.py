"""MinIO: its order, its volume, its credentials."""

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from recording import PROJECT, SENTINELS, Deployed, is_secret, s3_config, with_setting

from objects.manifests import load

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


TAKE_OVER = next(m for m in load("minio.yaml") if m["kind"] == "Deployment")["spec"]["template"]["spec"][
    "initContainers"
][0]
# Not root, and not who runs the tests: the user of the pod.
SOMEBODY = 65534
FILES = (".minio.sys/format.json", "tempo/blocks/1/xl.meta", "lost+found/unreadable")
ENTRIES = {".minio.sys", "tempo", "lost+found"}
ASIDE = {".written-by-root-.minio.sys", ".written-by-root-tempo"}


@pytest.fixture
def volume() -> Iterator[Path]:
    """A volume that everybody may write to; what is in it belongs to root, who lets others only read."""
    if os.geteuid() != 0:
        pytest.skip("only root can make what belongs to root")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        for file in FILES:
            (folder / file).parent.mkdir(parents=True)
            (folder / file).write_text(file)
        yield folder


def hand_over(volume: Path) -> None:
    """What the kubelet does for a pod's fsGroup."""
    for path in (volume, *volume.rglob("*")):
        os.chown(path, 0, SOMEBODY)
        path.chmod(0o2775 if path.is_dir() else 0o664)


def take_over(volume: Path) -> None:
    command = [*TAKE_OVER["command"], *TAKE_OVER["args"]]
    done = subprocess.run(command, cwd=volume, check=False, user=SOMEBODY, group=SOMEBODY, extra_groups=[])
    assert done.returncode == 0


def entries(volume: Path) -> set[str]:
    return {path.name for path in volume.iterdir()}


def owners(volume: Path, *inside: str) -> set[int]:
    return {path.stat().st_uid for name in inside for path in (volume / name, *(volume / name).rglob("*"))}


def test_what_root_wrote_becomes_the_pod_s_own(volume: Path) -> None:
    hand_over(volume)
    take_over(volume)
    assert entries(volume) == ENTRIES
    assert owners(volume, ".minio.sys", "tempo") == {SOMEBODY}
    assert [(volume / file).read_text() for file in FILES] == list(FILES)


def test_on_a_volume_that_is_not_handed_over_the_original_stays_aside(volume: Path) -> None:
    take_over(volume)
    assert entries(volume) == ENTRIES | ASIDE
    assert owners(volume, ".minio.sys", "tempo") == {SOMEBODY}
    assert (volume / ".written-by-root-tempo/blocks/1/xl.meta").read_text() == "tempo/blocks/1/xl.meta"


def test_it_is_copied_once(volume: Path) -> None:
    take_over(volume)
    (volume / "tempo").rename(volume / "renamed")
    take_over(volume)
    assert entries(volume) == ENTRIES - {"tempo"} | ASIDE | {"renamed"}


def test_an_interrupted_copy_is_made_again(volume: Path) -> None:
    (volume / ".copy-of-tempo").mkdir()
    os.chown(volume / ".copy-of-tempo", SOMEBODY, SOMEBODY)
    take_over(volume)
    assert entries(volume) == ENTRIES | ASIDE
    assert (volume / "tempo/blocks/1/xl.meta").exists()


def test_a_complete_copy_whose_original_is_aside_takes_its_place(volume: Path) -> None:
    take_over(volume)
    (volume / "tempo").rename(volume / ".copy-of-tempo")
    take_over(volume)
    assert entries(volume) == ENTRIES | ASIDE
    assert (volume / "tempo/blocks/1/xl.meta").exists()

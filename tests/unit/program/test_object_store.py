"""The stores that the program deploys: their order, volumes and credentials, and the move from one to the other."""

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from recording import PROJECT, SENTINELS, Deployed, is_secret, s3_config, with_setting, with_settings

from objects.manifests import load

Deploy = Callable[..., Deployed]


@dataclass(frozen=True)
class Names:
    """What a store's objects are called; for ever, as deployed stacks have them."""

    store: str
    component: str
    credentials: str
    client: str
    job: str
    port: int


STORES = (
    Names("seaweedfs", "tempo-seaweedfs", "seaweedfs-s3", "tempo-seaweedfs", "seaweedfs-bucket", 8333),
    Names("minio", "tempo-object-store", "minio-root", "tempo-object-storage", "tempo-bucket", 9000),
)
SEAWEEDFS, MINIO = STORES
USER, PASSWORD = (SENTINELS[f"{PROJECT}:objectStore{part}Key"] for part in ("Access", "Secret"))


@pytest.fixture(params=STORES, ids=lambda names: names.store)
def names(request: pytest.FixtureRequest) -> Names:
    return request.param  # type: ignore[no-any-return]


def config_of(names: Names, settings: dict[str, Any] | None = None) -> dict[str, Any]:
    return with_settings(s3_config(), {"tempo.storage.s3.source": names.store, **(settings or {})})


@pytest.fixture
def s3(deploy: Deploy, names: Names) -> Deployed:
    return deploy(config_of(names))


def test_seaweedfs_is_the_store_of_a_stack_that_names_none(deploy: Deploy) -> None:
    deployed = deploy(s3_config())
    assert {r.object_name for r in deployed.children if r.type.endswith(":PersistentVolumeClaim")} == {"seaweedfs"}


def test_the_parts_come_after_what_they_need(s3: Deployed, names: Names) -> None:
    pod, job = ("Deployment", names.store), ("Job", names.job)
    edges = [
        # The later one, and what has to be there before it.
        (pod, ("Namespace", "tracing-system")),
        (pod, ("PersistentVolumeClaim", names.store)),
        (pod, ("Secret", names.credentials)),
        (job, pod),
        (job, ("Service", names.store)),
        (job, ("Secret", names.client)),
    ]
    missing = [edge for edge in edges if s3.get(*edge[1]).urn not in s3.before(s3.get(*edge[0]).urn)]
    assert missing == []


def test_the_store_starts_beside_prometheus(s3: Deployed, names: Names) -> None:
    assert s3.get("Deployment", "prometheus").urn not in s3.before(s3.get("Job", names.job).urn)


def test_the_volume_and_its_key_keep_their_logical_names(s3: Deployed, names: Names) -> None:
    volume = s3.get("PersistentVolumeClaim", names.store)
    assert volume.name == f"{names.component}-persistentvolumeclaim-{names.store}"
    assert s3.get("Secret", names.credentials).name == f"{names.component}-root"


def test_the_volume_has_the_size_and_the_class_of_the_settings(deploy: Deploy, names: Names) -> None:
    config = config_of(names, {f"tempo.storage.s3.{names.store}": {"size": "7Gi", "storageClass": "fast"}})
    spec = deploy(config).get("PersistentVolumeClaim", names.store).inputs["spec"]
    assert spec["resources"] == {"requests": {"storage": "7Gi"}}
    assert spec["storageClassName"] == "fast"


def container_of(deployed: Deployed, names: Names) -> dict[str, Any]:
    (container,) = deployed.get("Deployment", names.store).inputs["spec"]["template"]["spec"]["containers"]
    return dict(container)


def test_the_image_is_that_of_the_settings(deploy: Deploy, names: Names) -> None:
    config = config_of(names, {f"tempo.storage.s3.{names.store}.image": "registry.test/store:1"})
    assert container_of(deploy(config), names)["image"] == "registry.test/store:1"


def test_tempo_is_told_of_the_store_at_its_full_name(deploy: Deploy, names: Names) -> None:
    config = config_of(names, {"cluster.domain": "corp", "tempo.storage.s3.bucket": "blocks"})
    assert deploy(config).get("Secret", names.client).inputs["stringData"] == {
        "bucket": "blocks",
        "endpoint": f"http://{names.store}.tracing-system.svc.corp:{names.port}",
        "access_key_id": USER,
        "access_key_secret": PASSWORD,
    }


def test_both_secrets_are_secret(s3: Deployed, names: Names) -> None:
    for name in (names.credentials, names.client):
        assert is_secret(s3.get("Secret", name).raw_inputs["stringData"])


def test_minio_s_root_user_has_the_keys(deploy: Deploy) -> None:
    content = deploy(config_of(MINIO)).get("Secret", "minio-root").inputs["stringData"]
    assert content == {"user": USER, "password": PASSWORD}


def identity_of(deployed: Deployed) -> dict[str, Any]:
    (identity,) = json.loads(deployed.get("Secret", "seaweedfs-s3").inputs["stringData"]["s3.json"])["identities"]
    return dict(identity)


def test_seaweedfs_knows_the_keys_by_a_name_that_outlives_them(deploy: Deploy) -> None:
    identity = identity_of(deploy(s3_config()))
    assert identity["credentials"] == [{"accessKey": USER, "secretKey": PASSWORD}]
    assert (
        identity_of(deploy({**s3_config(), f"{PROJECT}:objectStoreAccessKey": "another"}))["name"] == identity["name"]
    )


def test_only_the_gateway_of_seaweedfs_which_asks_who_calls_is_reached_from_outside(deploy: Deploy) -> None:
    arguments = container_of(deploy(s3_config()), SEAWEEDFS)["args"]
    bound = {argument for argument in arguments if ".bind=" in argument}
    assert bound == {"-ip.bind=127.0.0.1", "-s3.ip.bind=0.0.0.0"}
    assert "-s3.config=/etc/s3/s3.json" in arguments


def test_nobody_adds_an_identity_to_seaweedfs_by_grpc_without_a_token(deploy: Deploy) -> None:
    deployed = deploy(s3_config())
    (variable,) = container_of(deployed, SEAWEEDFS)["env"]
    assert variable["name"] == "WEED_JWT_FILER_SIGNING_KEY"
    signing_key = deployed.get("Secret", "seaweedfs-s3").inputs["stringData"][
        variable["valueFrom"]["secretKeyRef"]["key"]
    ]
    assert len(signing_key) >= 16
    assert PASSWORD not in signing_key


@pytest.mark.parametrize(("size", "limit"), [("1Gi", 64), ("10Gi", 160), ("100Gi", 1024), ("2Ti", 1024)])
def test_seaweedfs_divides_its_volume_into_parts_that_fit_its_size(deploy: Deploy, size: str, limit: int) -> None:
    config = config_of(SEAWEEDFS, {"tempo.storage.s3.seaweedfs.size": size})
    assert f"-master.volumeSizeLimitMB={limit}" in container_of(deploy(config), SEAWEEDFS)["args"]


def test_every_part_has_the_timeout_of_the_store(deploy: Deploy, names: Names) -> None:
    deployed = deploy(config_of(names, {"timeouts.objectStore": 42}))
    for kind, name in (("Deployment", names.store), ("Job", names.job), ("PersistentVolumeClaim", names.store)):
        assert deployed.get(kind, name).timeouts == {"create": "42s", "update": "42s", "delete": "42s"}


@pytest.mark.parametrize("protect", [True, False])
def test_the_volume_and_its_key_are_protected_as_the_settings_say(deploy: Deploy, names: Names, protect: bool) -> None:
    deployed = deploy(config_of(names, {"protectData": protect}))
    assert deployed.get("PersistentVolumeClaim", names.store).protect is protect
    assert deployed.get("Secret", names.credentials).protect is protect
    for kind, name in (("Deployment", names.store), ("Job", names.job), ("Secret", names.client)):
        assert deployed.get(kind, name).protect is False


class TestAMoveFromMinio:
    @pytest.fixture
    def moving(self, deploy: Deploy) -> Deployed:
        return deploy(with_setting(s3_config(), "tempo.storage.s3.moveFrom", "minio"))

    def test_leaves_minio_as_it_is(self, deploy: Deploy, moving: Deployed) -> None:
        # The key of the revision is random, and stays as it was made.
        before = [r for r in deploy(config_of(MINIO)) if "tempo-object-store" in r.name and "Stash" not in r.type]
        assert len(before) == 7
        assert [(r.urn, r.inputs) for r in before] == [(r.urn, moving.resources[r.urn].inputs) for r in before]

    def test_has_tempo_write_to_seaweedfs(self, moving: Deployed) -> None:
        traces = moving.get("TempoMonolithic").inputs["spec"]["storage"]["traces"]
        assert traces["s3"] == {"secret": "tempo-seaweedfs", "tls": {"enabled": False}}

    def test_copies_once_nothing_is_added_to_minio_any_more(self, moving: Deployed) -> None:
        before = moving.before(moving.get("Job", "tempo-copy").urn)
        for kind, name in (("TempoMonolithic", "tempo"), ("Job", "tempo-bucket"), ("Job", "seaweedfs-bucket")):
            assert moving.get(kind, name).urn in before

    def test_copies_from_minio_to_seaweedfs(self, moving: Deployed) -> None:
        (container,) = moving.get("Job", "tempo-copy").inputs["spec"]["template"]["spec"]["containers"]
        secrets = {one["name"]: one["valueFrom"]["secretKeyRef"]["name"] for one in container["env"]}
        assert {secrets[name] for name in secrets if name.startswith("FROM_")} == {"tempo-object-storage"}
        assert {secrets[name] for name in secrets if not name.startswith("FROM_")} == {"tempo-seaweedfs"}

    def test_may_take_as_long_as_the_settings_say(self, deploy: Deploy) -> None:
        config = with_settings(s3_config(), {"tempo.storage.s3.moveFrom": "minio", "timeouts.objectStore": 42})
        assert deploy(config).get("Job", "tempo-copy").timeouts["create"] == "42s"


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

"""Whoever asks for NetworkPolicies to be enforced gets that, or is told why not; `status` says it in every case."""

from pathlib import Path

import pytest

from local import __main__ as command
from local import preflight
from local.progress import Progress
from local.run.cluster import EmbeddedCluster
from local.state import State

LACKS = "this kernel lacks it"


@pytest.fixture
def cluster(tmp_path: Path) -> EmbeddedCluster:
    return EmbeddedCluster(State(tmp_path))


def kernel(monkeypatch: pytest.MonkeyPatch, refusal: str | None) -> None:
    monkeypatch.setattr(preflight, "queue_refusal", lambda: refusal)


def test_what_was_asked_for_once_is_built_at_every_later_start(
    cluster: EmbeddedCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel(monkeypatch, None)
    assert command._with_policies(cluster, Progress(), []) == []
    assert command._with_policies(cluster, Progress(), ["policies"]) == ["policies"]
    assert command._with_policies(cluster, Progress(), ["minio"]) == ["minio", "policies"]


def test_on_a_kernel_without_the_queue_it_is_not_built_and_the_reason_printed(
    cluster: EmbeddedCluster, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kernel(monkeypatch, LACKS)
    assert command._with_policies(cluster, Progress(), ["minio", "policies"]) == ["minio"]
    assert f"NetworkPolicies are not enforced: {LACKS}" in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("refusal", "asked", "says"),
    [
        (None, True, "enforced, "),
        (None, False, "accepted and not enforced: the cluster was started without --with policies"),
        (LACKS, False, f"accepted and not enforced: {LACKS}"),
    ],
)
def test_status_says_whether_policies_are_enforced(
    cluster: EmbeddedCluster, monkeypatch: pytest.MonkeyPatch, refusal: str | None, asked: bool, says: str
) -> None:
    kernel(monkeypatch, refusal)
    if asked:
        cluster.enforce_policies()
    assert command._policies(cluster).startswith(says)

"""The embedded cluster keeps its promises to the host and to the person in front of it."""

import json
import subprocess

from embedded import CHECKOUT, Host, eventually, host_traces


def test_the_node_is_ready_and_every_pod_of_the_cluster_runs(cluster: Host) -> None:
    pods = cluster.objects("pods", "--all-namespaces")
    assert {pod["status"]["phase"] for pod in pods} == {"Running"}
    assert {pod["metadata"]["namespace"] for pod in pods} == {
        "kube-system", "tempo-operator-system", "opentelemetry-operator-system",
    }  # fmt: skip


def test_up_run_again_starts_nothing_and_changes_no_object(cluster: Host) -> None:
    def seen() -> tuple[str, list[tuple[str, str]]]:
        starts = (cluster.state / "cluster" / "nodes" / "node1" / "starts.json").read_text()
        objects = cluster.objects("deployments,services,crds,clusterroles", "--all-namespaces")
        return starts, [(entry["metadata"]["uid"], str(entry["metadata"].get("generation"))) for entry in objects]

    before = seen()
    cluster.local("up")
    assert seen() == before


def test_the_operators_are_not_cluster_administrators(cluster: Host) -> None:
    bindings = cluster.objects("clusterrolebindings")
    admins = {
        (subject["kind"], subject["name"])
        for binding in bindings
        if binding["roleRef"]["name"] == "cluster-admin"
        for subject in binding.get("subjects", [])
    }
    assert admins == {("Group", "system:masters")}


def test_a_command_on_a_folder_that_another_command_works_on_is_refused_with_one_line(
    cluster: Host,
) -> None:
    lock = subprocess.Popen(["flock", "--no-fork", str(cluster.state / "lock"), "sleep", "60"])  # fmt: skip
    try:
        subprocess.run(["sleep", "0.5"], check=True)
        refused = subprocess.run(
            [str(CHECKOUT / ".venv/bin/python"), "-m", "local", "down"],
            check=False, cwd=CHECKOUT, env=cluster.environment(), capture_output=True, text=True,
        )  # fmt: skip
    finally:
        lock.terminate()
        lock.wait()
    assert refused.returncode == 1
    assert "is at work on" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_a_claim_of_the_default_class_gets_a_volume_and_its_end_removes_the_volume(
    cluster: Host,
) -> None:
    claim = {
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "probe", "namespace": "default"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
    }  # fmt: skip
    pod = {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "probe", "namespace": "default"},
        "spec": {
            "securityContext": {"runAsUser": 10001, "fsGroup": 10001},
            "containers": [{"name": "probe", "image": "docker.io/curlimages/curl:8.11.1",
                            "command": ["sh", "-c", "echo kept > /data/file && sleep 600"],
                            "volumeMounts": [{"name": "data", "mountPath": "/data"}]}],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "probe"}}],
            "terminationGracePeriodSeconds": 0,
        },
    }  # fmt: skip
    manifest = cluster.state / "probe.json"
    manifest.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": [claim, pod]}))
    try:
        cluster.kubectl("apply", "-f", str(manifest))
        cluster.kubectl("wait", "--for=condition=Ready", "pod/probe", "--timeout=60s")
        assert cluster.kubectl("exec", "probe", "--", "cat", "/data/file") == "kept\n"
    finally:
        cluster.kubectl("delete", "-f", str(manifest), "--timeout=60s")
    cluster.kubectl("wait", "--for=delete", "persistentvolume", "--all", "--timeout=60s")
    assert not list((cluster.state / "cluster" / "volumes").iterdir())


def test_while_the_cluster_runs_the_hosts_network_and_mounts_are_as_before(
    deployed: str, host_before: dict[str, list[str]]
) -> None:
    now = host_traces()
    for kept in (
        "mounts",
        "interfaces",
        "addresses",
        "routes",
        "network namespaces",
        "iptables rules",
        "folders outside the project",
    ):
        assert now[kept] == host_before[kept], kept


def test_status_says_what_is_a_stand_in(cluster: Host) -> None:
    assert "stand-in: docker.io/istio/examples-bookinfo-productpage-v1" in cluster.local("status").stdout


def test_no_command_changes_a_tracked_file(deployed: str, host_before: dict[str, list[str]]) -> None:
    assert host_traces()["tracked files"] == host_before["tracked files"]


def test_down_leaves_the_host_as_it_was(ended: str, host_before: dict[str, list[str]]) -> None:
    # The host's own init may take a moment to reap what was ended.
    assert eventually(host_traces, lambda now: now == host_before, 20) == host_before
    assert "nothing of the cluster is left" in ended


def test_down_after_a_crash_leaves_the_host_as_it_was(crashed: str, host_before: dict[str, list[str]]) -> None:
    assert eventually(host_traces, lambda now: now == host_before, 20) == host_before

"""``python -m verify`` proves a healthy stack, names the cause of each fault, and prints what repairs it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest
import yaml
from embedded import CHECKOUT, Host, inventory
from faults import PATIENCE, TELLING, Fault, prove, report, verify

VERIFIER = "verifier"
BOOKINFO_EDGES = {
    ("sleep.bookinfo", "productpage.bookinfo"),
    ("spiffe-test-productpage.bookinfo", "productpage.bookinfo"),
    ("productpage.bookinfo", "details.bookinfo"),
    ("productpage.bookinfo", "reviews.bookinfo"),
    ("reviews.bookinfo", "ratings.bookinfo"),
}


@pytest.fixture(scope="module")
def healthy(cluster: Host, deployed: str) -> dict[str, Any]:
    """The report on the stack as it was deployed, and what the cluster held before and after it was made."""
    before = inventory(cluster)
    found = report(cluster, *PATIENCE)
    return found | {"inventory": (before, inventory(cluster))}


def statuses(found: dict[str, Any]) -> dict[str, str]:
    return {hop["hop"]: hop["status"] for hop in found["hops"]}


def test_every_hop_of_a_healthy_stack_is_well(healthy: dict[str, Any]) -> None:
    others = {hop: status for hop, status in statuses(healthy).items() if status != "ok"}
    assert (healthy["exit"], others) == (0, {"kiali": "absent"})


def test_the_request_that_was_followed_is_a_trace_in_tempo(cluster: Host, healthy: dict[str, Any]) -> None:
    request = healthy["request"]
    answer = httpx.get(f"{cluster.address('tempo')}/api/traces/{request['trace_id']}", trust_env=False, timeout=10)
    assert answer.status_code == 200


def test_the_request_was_stored_then_searchable_then_in_the_graph(healthy: dict[str, Any]) -> None:
    request = healthy["request"]
    steps = [request[f"{step}_seconds"] for step in ("stored", "searchable", "graphed")]
    assert None not in steps
    assert steps == sorted(steps)


def test_the_graph_of_a_healthy_stack_has_every_edge_of_bookinfo(healthy: dict[str, Any]) -> None:
    assert {(edge["client"], edge["server"]) for edge in healthy["graph"]} >= BOOKINFO_EDGES
    assert healthy["missing"] == []


def test_a_check_leaves_the_cluster_as_it_was(healthy: dict[str, Any]) -> None:
    before, after = healthy["inventory"]
    assert after == before


def test_the_report_is_written_as_a_page_and_a_picture(cluster: Host, deployed: str, tmp_path: Path) -> None:
    done = verify(cluster, "--only", "graph", "--report", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "productpage" in (tmp_path / "report.html").read_text()
    assert ElementTree.parse(tmp_path / "graph.svg").getroot().tag.endswith("svg")  # noqa: S314  our own file


def test_edges_of_applications_that_are_not_known_are_learnt_from_their_traces(
    cluster: Host, healthy: dict[str, Any], tmp_path: Path
) -> None:
    printed = cluster.with_exports(
        "pulumi", "stack", "output", "--cwd", str(CHECKOUT), "--stack", "local", "--json"
    ).stdout
    outputs = json.loads(printed)
    # Bookinfo's namespace is then one like any other.
    outputs["deployment"]["bookinfo"] = None
    file = tmp_path / "outputs.json"
    file.write_text(json.dumps(outputs))
    probe = "http://productpage.bookinfo.svc:9080/productpage"
    found = report(cluster, "--outputs", str(file), "--probe", probe, "--only", "graph", *PATIENCE)
    expected = {(edge["client"], edge["server"]) for edge in found["graph"] if edge["expected"]}
    assert expected >= BOOKINFO_EDGES


@pytest.fixture
def as_verifier(cluster: Host, deployed: str, tmp_path: Path) -> Iterator[Path]:
    """A kubeconfig of somebody who may do what the role says, and nothing else."""
    cluster.kubectl("create", "serviceaccount", VERIFIER, "-n", "default")
    cluster.kubectl("apply", "-f", str(CHECKOUT / "manifests" / "verify-role.yaml"))
    role, account = "mesh-tracing-verify", f"default:{VERIFIER}"
    cluster.kubectl("create", "clusterrolebinding", VERIFIER, "--clusterrole", role, "--serviceaccount", account)
    token = cluster.kubectl("create", "token", VERIFIER, "-n", "default").strip()
    yield kubeconfig(cluster, tmp_path, {"token": token})
    cluster.kubectl("delete", "clusterrolebinding", VERIFIER, "--ignore-not-found")
    cluster.kubectl("delete", "clusterrole", role, "--ignore-not-found")
    cluster.kubectl("delete", "serviceaccount", VERIFIER, "-n", "default")


def kubeconfig(cluster: Host, folder: Path, user: dict[str, str], **server: str) -> Path:
    """The cluster's kubeconfig with another user, and with other fields of its cluster."""
    content = yaml.safe_load((cluster.state / "kubeconfig").read_text())
    content["users"][0]["user"] = user
    content["clusters"][0]["cluster"] |= server
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(content))
    return path


def verify_with(cluster: Host, path: Path, *arguments: str) -> Any:
    return cluster.with_exports(
        "env", f"KUBECONFIG={path}", str(CHECKOUT / ".venv/bin/python"),
        "-m", "verify", "--stack", "local", "--no-report", *arguments, check=False,
    )  # fmt: skip


def test_the_role_is_enough_to_check_everything(cluster: Host, as_verifier: Path) -> None:
    done = verify_with(cluster, as_verifier, "--json", *PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr


def test_without_the_role_it_cannot_be_told_and_the_role_is_the_remedy(cluster: Host, as_verifier: Path) -> None:
    cluster.kubectl("delete", "clusterrolebinding", VERIFIER)
    done = verify_with(cluster, as_verifier, "--only", "provider", "--json")
    assert done.returncode == 2
    assert "roles verify --stack local" in json.loads(done.stdout)["hops"][0]["remedy"]


def test_expired_credentials_are_said_in_one_line(cluster: Host, deployed: str, tmp_path: Path) -> None:
    done = verify_with(cluster, kubeconfig(cluster, tmp_path, {"token": "has-expired"}))
    assert (done.returncode, done.stdout) == (2, "")
    assert "log in again" in done.stderr
    assert "has-expired" not in done.stderr


def test_an_api_server_that_does_not_answer_is_said_in_one_line(cluster: Host, deployed: str, tmp_path: Path) -> None:
    done = verify_with(cluster, kubeconfig(cluster, tmp_path, {}, server="https://127.0.0.1:1"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "https://127.0.0.1:1 of context" in done.stderr


def test_a_kubeconfig_of_another_cluster_is_said_in_one_line(cluster: Host, deployed: str, tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config", "clusters": [], "contexts": [], "users": []}))
    done = verify_with(cluster, path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "no usable current context" in done.stderr.replace("\n", " ")


@pytest.mark.parametrize("fault", TELLING, ids=lambda fault: fault.name)
def test_the_cause_is_named_and_its_remedy_repairs_it_when(
    cluster: Host, healthy: dict[str, Any], fault: Fault
) -> None:
    prove(cluster, fault)


def test_after_every_remedy_the_stack_is_what_the_program_says(cluster: Host, healthy: dict[str, Any]) -> None:
    cluster.with_exports(
        "pulumi", "preview", "--cwd", str(CHECKOUT), "--stack", "local", "--refresh", "--expect-no-changes"
    )

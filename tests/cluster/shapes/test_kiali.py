"""Kiali's server, configured as the program configures its chart, shows the traces that Tempo has."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from embedded import CHECKOUT, OPTIONS, Host, eventually
from faults import MESH, PATIENCE, PYTHON, run_remedy
from other_settings import deploy_with
from requests_with_traces import requests_with_traces, traced

from verify.causes import Code
from verify.findings import Status

CHART = Path(__file__).parent / "kiali_chart"
KIALI = "mesh-tracing:kiali"
VIEWER = "viewer"
ENOUGH = 10
RECENT_SECONDS = 900
LISTS = [f"/api/namespaces/bookinfo/{kind}/productpage/traces" for kind in ("apps", "services")]


@pytest.fixture(scope="module")
def kiali(cluster: Host, deployed: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Kiali beside the stack, by a chart of ours, which hands the program's values to it as its own chart does."""
    folder = tmp_path_factory.mktemp("kiali")
    # The program looks in a folder for the chart's name.
    (folder / "kiali-server").symlink_to(CHART)
    deploy_with(cluster, folder, {KIALI: {"installer": "helm", "chartRepository": str(folder)}})
    yield "kiali"
    # As docs/operations.md has it for another installer.
    cluster.with_exports(
        "pulumi", "destroy", *OPTIONS, "--non-interactive", "--cwd", str(CHECKOUT), "--run-program",
        "--config-file", str(folder / "Pulumi.local.yaml"), "--target", "**::kiali*", "--target-dependents",
    )  # fmt: skip
    deploy_with(cluster, folder, {})


@pytest.fixture(scope="module")
def token(cluster: Host) -> Iterator[str]:
    """What somebody logs in with who may see all."""
    cluster.kubectl("create", "serviceaccount", "-n", "default", VIEWER)
    cluster.kubectl(
        "create", "clusterrolebinding", VIEWER, "--clusterrole=cluster-admin", f"--serviceaccount=default:{VIEWER}"
    )
    yield cluster.kubectl("create", "token", "-n", "default", VIEWER, "--duration=2h").strip()
    cluster.kubectl("delete", "clusterrolebinding", VIEWER)
    cluster.kubectl("delete", "serviceaccount", "-n", "default", VIEWER)


@pytest.fixture(scope="module")
def session(cluster: Host, kiali: str, token: str) -> Iterator[httpx.Client]:
    """A browser's session with Kiali."""
    with (
        cluster.forwarded(MESH, f"deployment/{kiali}", 20001) as address,
        httpx.Client(base_url=address, trust_env=False, timeout=30) as client,
    ):
        client.post("/api/authenticate", data={"token": token}).raise_for_status()
        yield client


@pytest.fixture(scope="module")
def known_to_tempo(cluster: Host, deployed: str) -> set[str]:
    """The ids of traces of the product page, of requests that were just sent, which Tempo has."""
    with requests_with_traces(cluster) as sent:
        eventually(lambda: len(sent), lambda count: count >= ENOUGH, 120)
    found = eventually(lambda: traced(cluster, sent), lambda ids: ids == set(sent), 60)
    assert len(found) >= ENOUGH
    return found


@pytest.mark.parametrize("path", LISTS)
def test_kiali_lists_the_traces_that_tempo_has(session: httpx.Client, known_to_tempo: set[str], path: str) -> None:
    recent = {"startMicros": str(int((time.time() - RECENT_SECONDS) * 1e6)), "limit": "500"}

    def listed() -> set[str]:
        # Kiali waits 5 s for Tempo, which a busy machine may exceed.
        answer = session.get(path, params=recent)
        return {trace["traceID"].zfill(32) for trace in answer.json()["data"] or []} if answer.is_success else set()

    assert known_to_tempo - eventually(listed, lambda ids: ids >= known_to_tempo, 60) == set()


def test_kiali_shows_the_spans_of_each_service_in_a_trace(session: httpx.Client, known_to_tempo: set[str]) -> None:
    trace = session.get(f"/api/traces/{min(known_to_tempo)}").raise_for_status().json()["data"]
    services = {span["process"]["serviceName"] for span in trace["spans"]}
    assert services >= {"productpage.bookinfo", "details.bookinfo", "reviews.bookinfo"}


def verified(cluster: Host, *arguments: str, token: str | None = None) -> dict[str, Any]:
    """What ``verify`` reports of Kiali, run by somebody with this token or, without one, with a certificate."""
    words = [PYTHON, "-m", "verify", "--stack", "local", "--json", "--no-report", *arguments]
    if token is not None:
        kubeconfig = yaml.safe_load((cluster.state / "kubeconfig").read_text())
        kubeconfig["users"][0]["user"] = {"token": token}
        path = cluster.state / "kubeconfig-of-viewer"
        path.write_text(yaml.safe_dump(kubeconfig))
        words = ["env", f"KUBECONFIG={path}", *words]
    done = cluster.with_exports(*words, check=False)
    (found,) = [hop for hop in json.loads(done.stdout)["hops"] if hop["hop"] == "kiali"]
    return {**found, "exit": done.returncode}


def test_verify_is_green_with_kiali_for_who_logs_in_with_a_token(cluster: Host, kiali: str, token: str) -> None:
    found = verified(cluster, *PATIENCE, token=token)
    assert (found["status"], found["exit"]) == (Status.OK, 0), found


def test_verify_cannot_tell_of_kiali_for_who_has_no_token(cluster: Host, kiali: str) -> None:
    found = verified(cluster)
    assert (found["status"], found["code"]) == (Status.UNKNOWN, Code.LOGIN_REFUSED), found


def test_verify_repairs_a_kiali_that_looks_for_tempo_elsewhere(cluster: Host, kiali: str, token: str) -> None:
    elsewhere = f"s#http://tempo-tempo[^ :]*:3200#http://tempo.{MESH}.svc.cluster.local:3200#"
    run_remedy(
        cluster,
        f"kubectl get configmap kiali -n {MESH} -o yaml | sed '{elsewhere}' | kubectl replace -f -"
        f" && kubectl rollout restart deployment/kiali -n {MESH}"
        f" && kubectl rollout status deployment/kiali -n {MESH} --timeout=120s",
    )
    found = verified(cluster, token=token)
    assert (found["status"], found["code"]) == (Status.BROKEN, Code.KIALI_DOWN), found
    run_remedy(cluster, found["remedy"])
    cluster.kubectl("rollout", "status", "-n", MESH, "deployment/kiali", "--timeout=120s")
    assert verified(cluster, *PATIENCE, token=token)["status"] == Status.OK

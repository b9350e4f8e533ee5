"""``--cluster`` and ``--stack``: what kubectl and pulumi say, by programs that answer like them."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[3]
TELEMETRY = {
    "apiVersion": "telemetry.istio.io/v1",
    "kind": "Telemetry",
    "metadata": {"name": "mesh-default", "namespace": "istio-system"},
    "spec": {"tracing": [{"providers": [{"name": "otel"}], "randomSamplingPercentage": 100}]},
}
ISTIO = {
    "apiVersion": "sailoperator.io/v1",
    "kind": "Istio",
    "metadata": {"name": "default"},
    "spec": {"version": "v1.31.4", "namespace": "istio-system", "values": {"meshConfig": {"extensionProviders": []}}},
}


def program(folder: Path, name: str, body: str) -> None:
    file = folder / name
    file.write_text(f"#!{sys.executable}\nimport sys\nwords = sys.argv[1:]\n{body}\n", encoding="utf-8")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)


def kubectl(folder: Path, *objects: dict[str, Any]) -> None:
    answer = json.dumps({"kind": "List", "items": objects})
    program(
        folder,
        "kubectl",
        f"print('telemetries.telemetry.istio.io\\nistios.sailoperator.io') if words[0] == 'api-resources' "
        f"else print({answer!r})",
    )


def run(folder: Path, *arguments: str, stdin: object = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lint", *arguments],
        cwd=PROJECT,
        input=json.dumps(stdin),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PATH": str(folder)},
    )


def test_files_are_checked_together_with_what_the_cluster_has(tmp_path: Path) -> None:
    kubectl(tmp_path, ISTIO)
    done = run(tmp_path, "-", "--cluster", stdin=TELEMETRY)
    assert "error N2 stdin:1:" in done.stdout, "the cluster's mesh has no provider"
    assert run(tmp_path, "-", stdin=TELEMETRY).returncode == 0


def test_what_is_wrong_in_the_cluster_alone_is_not_said_of_files(tmp_path: Path) -> None:
    kubectl(tmp_path, ISTIO, TELEMETRY)
    right = {**TELEMETRY, "metadata": {"name": "other", "namespace": "shop"}, "spec": {"accessLogging": []}}
    assert run(tmp_path, "-", "--cluster", stdin=right).returncode == 0


def test_a_file_takes_the_place_of_what_is_there_now(tmp_path: Path) -> None:
    kubectl(tmp_path, ISTIO, TELEMETRY)
    repaired = {
        **ISTIO,
        "spec": {**ISTIO["spec"], "values": {"meshConfig": {"extensionProviders": [{"name": "otel"}]}}},
    }
    done = run(tmp_path, "-", "--cluster", "--select", "N2", stdin=repaired)
    assert (done.returncode, "N2" in done.stdout) == (0, False)


def test_without_files_the_cluster_itself_is_checked(tmp_path: Path) -> None:
    kubectl(tmp_path, ISTIO, TELEMETRY)
    done = run(tmp_path, "--cluster")
    assert (done.returncode, "error N2 cluster: Telemetry istio-system/mesh-default" in done.stdout) == (1, True)


def test_a_cluster_that_does_not_answer_is_one_line(tmp_path: Path) -> None:
    program(tmp_path, "kubectl", "print('first\\nno route to host', file=sys.stderr); sys.exit(1)")
    done = run(tmp_path, "--cluster")
    assert (done.returncode, done.stderr) == (2, "lint: kubectl: no route to host\n")


def test_a_tool_that_is_missing_is_one_line(tmp_path: Path) -> None:
    assert run(tmp_path, "--cluster").stderr == "lint: kubectl is not installed\n"
    assert run(tmp_path, "-", "--stack", "dev").stderr == "lint: pulumi is not installed\n"


def test_facts_are_those_of_a_stack_unless_an_option_says_otherwise(tmp_path: Path) -> None:
    deployment = {"platform": "openshift", "mesh": {"namespace": "mesh", "revision": ""}}
    program(tmp_path, "pulumi", f"print({json.dumps(deployment)!r})")
    assert "N11" in run(tmp_path, "-", "--stack", "dev", stdin=ISTIO).stdout
    assert "N11" not in run(tmp_path, "-", "--stack", "dev", "--platform", "kubernetes", stdin=ISTIO).stdout


def test_a_stack_whose_output_is_secret_is_one_line(tmp_path: Path) -> None:
    program(tmp_path, "pulumi", "print('\"[secret]\"')")
    done = run(tmp_path, "-", "--stack", "dev", stdin=ISTIO)
    assert done.stderr == "lint: stack dev: its output `deployment` is secret or of another program\n"

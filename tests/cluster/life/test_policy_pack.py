"""The policy pack, with the real engine, on a program that is not ours. A preview into a folder needs no cluster."""

import json
from collections.abc import Callable
from subprocess import CompletedProcess

import pytest
import yaml
from embedded import CHECKOUT, Host

PROGRAM = """
import pulumi
import pulumi_kubernetes as k8s
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.yaml.v2 import ConfigGroup

names = {
    "right": "otel",
    "wrong": "nobody",
    "secret": pulumi.Output.secret("a-password"),
    # The ID of what does not exist yet is not known in a preview.
    "unknown": k8s.core.v1.ConfigMap("other", data={}).id,
}
CustomResource(
    "istio",
    api_version="sailoperator.io/v1",
    kind="Istio",
    metadata={"name": "default"},
    spec={
        "namespace": "istio-system",
        "version": "v1.31.0",
        "values": {"meshConfig": {"extensionProviders": [{
            "name": "otel",
            "opentelemetry": {"service": "otel-collector.istio-system.svc.cluster.local", "port": 4317},
        }]}},
    },
)
name = names[pulumi.Config().require("name")]
telemetry = {
    "apiVersion": "telemetry.istio.io/v1",
    "kind": "Telemetry",
    "metadata": {"name": "mesh-default", "namespace": "istio-system"},
    "spec": {"tracing": [{"providers": [{"name": name}], "randomSamplingPercentage": 5}]},
}
ConfigGroup("tracing", objs=[telemetry])
"""

Preview = Callable[..., CompletedProcess[str]]


@pytest.fixture(scope="module")
def preview(cluster: Host, deployed: str, tmp_path_factory: pytest.TempPathFactory) -> Preview:
    """Previews the program with a provider of this name in its Telemetry, and the pack with this configuration."""
    folder = tmp_path_factory.mktemp("policy-pack")
    project = {"name": "other", "runtime": {"name": "python", "options": {"virtualenv": str(CHECKOUT / ".venv")}}}
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump(project))
    (folder / "__main__.py").write_text(PROGRAM)
    (folder / "backend").mkdir()

    def pulumi(*arguments: str, check: bool = True) -> CompletedProcess[str]:
        backend = f"PULUMI_BACKEND_URL=file://{folder}/backend"
        command = ("env", backend, "pulumi", "--cwd", str(folder), "--non-interactive", "--color", "never")
        return cluster.with_exports(*command, *arguments, check=check)

    pulumi("stack", "init", "test")
    pulumi("config", "set", "kubernetes:renderYamlToDirectory", str(folder / "rendered"))

    def preview(name: str, config: dict[str, object] | None = None) -> CompletedProcess[str]:
        (folder / "config.json").write_text(json.dumps(config or {}))
        pulumi("config", "set", "name", name)
        pack = ("--policy-pack", str(CHECKOUT / "policy"), "--policy-pack-config", str(folder / "config.json"))
        return pulumi("preview", *pack, check=False)

    return preview


def test_what_breaks_tracing_stops_the_update_at_its_resource(preview: Preview) -> None:
    done = preview("wrong")
    assert done.returncode != 0
    assert (
        "[mandatory]  errors  (kubernetes:telemetry.istio.io/v1:Telemetry: tracing:istio-system/mesh-default)"
        in done.stdout
    )
    assert "no extension provider 'nobody'" in done.stdout


@pytest.mark.parametrize("name", ["right", "secret", "unknown"])
def test_what_works_is_secret_or_not_known_yet_is_no_fault(preview: Preview, name: str) -> None:
    done = preview(name)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[mandatory]" not in done.stdout
    assert "[advisory]" not in done.stdout


def test_a_stack_may_decide_that_nothing_stops_an_update(preview: Preview) -> None:
    done = preview("wrong", {"errors": "advisory"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[advisory]  errors" in done.stdout


def test_a_configuration_that_the_pack_does_not_know_is_refused(preview: Preview) -> None:
    done = preview("right", {"errors": {"platform": "windows"}})
    assert done.returncode != 0
    assert "platform" in done.stdout + done.stderr

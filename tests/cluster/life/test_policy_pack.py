"""The policy pack, with the real engine, on a program that is not ours. A preview into a folder needs no cluster."""

import json
from collections.abc import Callable
from subprocess import CompletedProcess

import pytest
import yaml
from embedded import CHECKOUT, Host

PROGRAM = """
import asyncio

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.yaml import ConfigGroup

ISTIO = '''
apiVersion: sailoperator.io/v1
kind: Istio
metadata: {name: default}
spec:
  namespace: istio-system
  version: v1.31.0
  values:
    meshConfig:
      extensionProviders:
        - name: otel
          opentelemetry: {service: otel-collector.istio-system.svc.cluster.local, port: 4317}
'''

def result(value):
    future = asyncio.get_event_loop().create_future()
    future.set_result(value)
    return future

ConfigGroup("mesh", yaml=[ISTIO])
# A preview does not know what an update will bring; rendered into a folder, it knows nearly everything.
names = {
    "known": pulumi.Config().require("name"),
    "secret": pulumi.Output.secret("a-password"),
    "unknown": pulumi.Output(set(), result(None), result(False)),
}
for namespace, name in names.items():
    CustomResource(
        namespace,
        api_version="telemetry.istio.io/v1",
        kind="Telemetry",
        metadata={"name": "tracing", "namespace": namespace},
        spec={"tracing": [{"providers": [{"name": name}], "randomSamplingPercentage": 5}]},
    )
"""

Preview = Callable[..., CompletedProcess[str]]


@pytest.fixture(scope="module")
def preview(cluster: Host, deployed: str, tmp_path_factory: pytest.TempPathFactory) -> Preview:
    """A preview with a provider of this name in a Telemetry, and with this configuration of the pack."""
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
    done = preview("nobody")
    assert done.returncode != 0
    assert "[mandatory]  errors  (kubernetes:telemetry.istio.io/v1:Telemetry: known)" in done.stdout
    assert "no extension provider 'nobody'" in done.stdout


def test_what_works_and_what_is_secret_or_not_known_yet_is_no_fault(preview: Preview) -> None:
    done = preview("otel")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "errors  (" not in done.stdout
    assert "a-password" not in done.stdout + done.stderr


def test_a_stack_may_decide_that_nothing_stops_an_update(preview: Preview) -> None:
    done = preview("nobody", {"errors": "advisory"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[advisory]  errors" in done.stdout

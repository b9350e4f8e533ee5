"""The pack as Pulumi's engine runs it: a process that is asked over gRPC. tests/cluster/life has the engine itself."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from google.protobuf import empty_pb2, json_format
from pulumi.runtime.proto import analyzer_pb2 as analyzer
from pulumi.runtime.proto import analyzer_pb2_grpc

ROOT = Path(__file__).parents[3]
LEVELS = {analyzer.ADVISORY: "advisory", analyzer.MANDATORY: "mandatory", analyzer.DISABLED: "disabled"}
# What the engine sends instead of a value (pulumi: sdk/go/common/resource/plugin/rpc.go, sig/sig.go).
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105  a signature, and no secret

ISTIO = "sailoperator.io/v1:Istio"
TELEMETRY = "telemetry.istio.io/v1:Telemetry"

Said = list[tuple[str, str, str]]


def secret(value: object) -> dict[str, object]:
    return {SIGNATURE: SECRET, "value": value}


def istio(**more: Any) -> dict[str, Any]:
    provider = {
        "name": "otel",
        "opentelemetry": {"service": "otel-collector.istio-system.svc.cluster.local", "port": 4317},
    }
    return {
        "apiVersion": "sailoperator.io/v1",
        "kind": "Istio",
        "metadata": {"name": "default"},
        "spec": {
            "namespace": "istio-system",
            "version": "v1.31.0",
            "values": {"meshConfig": {"extensionProviders": [provider]}},
            **more,
        },
    }


def telemetry(provider: object = "otel", **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "telemetry.istio.io/v1",
        "kind": "Telemetry",
        "metadata": {"name": "mesh-default", "namespace": "istio-system", **metadata},
        "spec": {"tracing": [{"providers": [{"name": provider}], "randomSamplingPercentage": 5}]},
    }


@pytest.fixture(scope="module")
def engine() -> Iterator[analyzer_pb2_grpc.AnalyzerStub]:
    """The engine's end of the connection."""
    command = [sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:0", "."]
    with subprocess.Popen(command, cwd=ROOT / "policy", stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        with grpc.insecure_channel(f"127.0.0.1:{process.stdout.readline().strip()}") as channel:
            yield analyzer_pb2_grpc.AnalyzerStub(channel)
        process.terminate()


@pytest.fixture
def analyzed(engine: analyzer_pb2_grpc.AnalyzerStub) -> Callable[..., Said]:
    """What the pack says of resources: level, name of the resource, message.

    Each is a token without ``kubernetes:`` and its properties. ``read`` are those that the program only reads,
    ``provider`` are the properties of their provider by the index of a resource, ``config`` is that of each policy.
    """

    def ask(
        *resources: tuple[str, dict[str, Any]],
        read: tuple[int, ...] = (),
        provider: dict[int, dict[str, Any]] | None = None,
        config: dict[str, Any] | None = None,
    ) -> Said:
        request = analyzer.AnalyzeStackRequest()
        for index, (token, properties) in enumerate(resources):
            one = request.resources.add(type=f"kubernetes:{token}", name=f"r{index}")
            one.urn = f"urn:pulumi:test::test::{one.type}::{one.name}"
            json_format.ParseDict(properties, one.properties)
            if provider:
                one.provider.urn = f"urn:pulumi:test::test::pulumi:providers:kubernetes::p{index}"
                json_format.ParseDict(provider.get(index, {}), one.provider.properties)
            if index not in read:
                deployed = analyzer.AnalyzeRequest(type=one.type, urn=one.urn, properties=one.properties)
                assert not engine.Remediate(deployed).remediations
                assert not engine.Analyze(deployed).diagnostics
        settings = analyzer.ConfigureAnalyzerRequest()
        for policy in engine.GetAnalyzerInfo(empty_pb2.Empty()).policies:
            settings.policyConfig[policy.name].enforcementLevel = policy.enforcementLevel
            settings.policyConfig[policy.name].properties.update((config or {}).get(policy.name, {}))
            engine.Configure(settings)
        diagnostics = engine.AnalyzeStack(request).diagnostics
        return [(LEVELS[one.enforcementLevel], one.urn.rpartition("::")[2], one.message) for one in diagnostics]

    return ask


def codes(said: Said) -> list[tuple[str, str, str]]:
    return [(level, name, message.splitlines()[1].partition(" ")[0]) for level, name, message in said]


def test_the_pack_has_a_policy_for_each_severity(engine: analyzer_pb2_grpc.AnalyzerStub) -> None:
    found = engine.GetAnalyzerInfo(empty_pb2.Empty()).policies
    assert {policy.name: LEVELS[policy.enforcementLevel] for policy in found} == {
        "errors": "mandatory",
        "warnings": "advisory",
        "advice": "disabled",
        "own-resources": "advisory",
    }


def test_a_right_mesh_has_no_finding(analyzed: Callable[..., Said]) -> None:
    assert analyzed((ISTIO, istio()), (TELEMETRY, telemetry())) == []


def test_an_error_is_mandatory_and_stands_at_its_resource_in_one_line(analyzed: Callable[..., Said]) -> None:
    ((level, name, message),) = analyzed((ISTIO, istio()), (TELEMETRY, telemetry("nobody")))
    assert (level, name) == ("mandatory", "r1")
    assert message.splitlines()[1:] == [message.splitlines()[1]]
    assert "Telemetry istio-system/mesh-default: spec.tracing[0].providers[0].name" in message
    assert "docs/checks/" in message


def test_what_is_secret_is_not_in_a_message(analyzed: Callable[..., Said]) -> None:
    assert analyzed((ISTIO, istio()), (TELEMETRY, telemetry("a-password"))) != []
    assert analyzed((ISTIO, istio()), (TELEMETRY, telemetry(secret("a-password")))) == []


def test_what_a_secret_holds_is_not_read(analyzed: Callable[..., Said]) -> None:
    text = yaml.safe_dump_all([istio(), telemetry("a-password")])
    of_a_secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}, "stringData": {"x.yaml": text}}
    assert analyzed(("core/v1:Secret", of_a_secret)) == []


def test_what_is_not_known_in_a_preview_is_no_fault(analyzed: Callable[..., Said]) -> None:
    assert analyzed((ISTIO, istio()), (TELEMETRY, telemetry(UNKNOWN))) == []


def test_an_object_without_a_known_spec_is_not_there(analyzed: Callable[..., Said]) -> None:
    unknown = {**istio(), "spec": UNKNOWN}
    assert analyzed((ISTIO, unknown), (TELEMETRY, telemetry())) == analyzed((TELEMETRY, telemetry()))


def test_what_the_program_only_reads_is_known_and_not_judged(analyzed: Callable[..., Said]) -> None:
    wrong = (TELEMETRY, telemetry("nobody"))
    assert codes(analyzed((ISTIO, istio()), wrong, read=(0,))) == codes(analyzed((ISTIO, istio()), wrong))
    assert analyzed(("core/v1:Namespace", {"kind": "Namespace"}), (ISTIO, istio()), wrong, read=(0, 1, 2)) == []


def test_a_patch_is_no_object(analyzed: Callable[..., Said]) -> None:
    assert analyzed((ISTIO, istio()), (f"{TELEMETRY}Patch", telemetry("nobody"))) == []


def test_the_items_of_a_list_are_objects(analyzed: Callable[..., Said]) -> None:
    item = {"metadata": telemetry()["metadata"], "spec": telemetry("nobody")["spec"]}
    listed = {"apiVersion": "telemetry.istio.io/v1", "kind": "TelemetryList", "items": [item]}
    found = codes(analyzed((ISTIO, istio()), (f"{TELEMETRY}List", listed)))
    assert found == [
        (level, "r1", code) for level, _, code in codes(analyzed((ISTIO, istio()), (TELEMETRY, telemetry("nobody"))))
    ]


def test_the_chart_of_a_release_is_judged_by_its_version(analyzed: Callable[..., Said]) -> None:
    release = {"chart": "istiod", "name": "istiod", "namespace": "istio-system", "version": "1.12.0"}
    ((_, name, message),) = analyzed(("helm.sh/v3:Release", release))
    assert (name, message.splitlines()[1].partition(": ")[0]) == ("r0", "N18 Release istio-system/istiod")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"context": "one"}, {"context": "two"}),
        ({"kubeconfig": secret("one")}, {"kubeconfig": secret("two")}),
        ({"kubeconfig": UNKNOWN}, {"kubeconfig": UNKNOWN}),
    ],
    ids=["named", "secret", "unknown"],
)
def test_the_objects_of_two_clusters_do_not_meet(
    analyzed: Callable[..., Said], one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert analyzed((ISTIO, istio()), (TELEMETRY, telemetry("nobody")), provider={0: one, 1: other}) == []


def test_two_providers_may_deploy_to_one_cluster(analyzed: Callable[..., Said]) -> None:
    providers = {0: {"kubeconfig": secret("one")}, 1: {"kubeconfig": secret("one"), "namespace": "istio-system"}}
    assert analyzed((ISTIO, istio()), (TELEMETRY, telemetry("nobody")), provider=providers) != []


def test_a_code_that_is_ignored_is_not_looked_for(analyzed: Callable[..., Said]) -> None:
    wrong = ((ISTIO, istio()), (TELEMETRY, telemetry("nobody")))
    ((_, _, code),) = codes(analyzed(*wrong))
    assert analyzed(*wrong, config={"errors": {"ignore": [code]}}) == []
    assert analyzed(*wrong, config={"errors": {"select": ["N18"]}}) == []


def test_a_finding_that_is_accepted_with_a_reason_is_not_reported(analyzed: Callable[..., Said]) -> None:
    ((_, _, code),) = codes(analyzed((ISTIO, istio()), (TELEMETRY, telemetry("nobody"))))
    annotations = {"lint.mesh-tracing/ignore": f"{code}: it is made elsewhere"}
    assert analyzed((ISTIO, istio()), (TELEMETRY, telemetry("nobody", annotations=annotations))) == []


def test_resources_of_other_providers_are_none_of_its_business(analyzed: Callable[..., Said]) -> None:
    assert analyzed(("", {"kind": "Telemetry", "apiVersion": "telemetry.istio.io/v1"})) == []


def test_the_pack_pins_what_the_project_pins() -> None:
    ours = {
        line
        for name in ("requirements.in", "verify/requirements.in")
        for line in (ROOT / name).read_text().splitlines()
    }
    pack = (ROOT / "policy" / "requirements.txt").read_text().splitlines()
    assert {line for line in pack if not line.startswith("#")} <= ours

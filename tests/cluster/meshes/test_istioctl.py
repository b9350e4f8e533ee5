"""A mesh that istioctl installed, with Istio's profile `demo`, and that is traced by a provider of its owner's."""

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from embedded import SHOP, Host, Project
from owner import (
    BANK,
    CLIENT,
    MESH,
    OPTIONS,
    PROVIDER,
    at_ours,
    at_theirs,
    bank,
    is_still_traced_by_them,
    of_owner,
    our_stack,
    printed_command,
    rollouts,
    run,
    settled,
    shop,
    their_tempo,
    values,
)

# Istio's profile `demo` has a provider of this name.
DEMO = {
    "name": "otel",
    "envoyOtelAls": {"service": "opentelemetry-collector.observability.svc.cluster.local", "port": 4317},
}


# For all of the mesh, and older than ours would be.
MESH_WIDE = {
    "apiVersion": "telemetry.istio.io/v1",
    "kind": "Telemetry",
    "metadata": {"name": "mesh-default", "namespace": MESH},
    "spec": {"tracing": [{"randomSamplingPercentage": 100, "customTags": {"of": {"literal": {"value": "theirs"}}}}]},
}


def installation() -> dict[str, Any]:
    """The owner's file."""
    of_chart = values()
    mesh = {
        **of_chart.pop("meshConfig"),
        "extensionProviders": [DEMO, PROVIDER],
        "defaultProviders": {"metrics": [], "tracing": [PROVIDER["name"]]},
    }
    images = {key: of_chart["global"].pop(key) for key in ("hub", "tag")}
    without = [{"enabled": False, "name": name} for name in ("istio-ingressgateway", "istio-egressgateway")]
    return {
        "apiVersion": "install.istio.io/v1alpha1",
        "kind": "IstioOperator",
        "spec": {
            "profile": "demo",
            **images,
            "components": {"ingressGateways": without[:1], "egressGateways": without[1:]},
            "meshConfig": mesh,
            "values": of_chart,
        },
    }


@dataclass(frozen=True)
class Owner:
    """Installs with istioctl, always with the same file."""

    host: Host
    file: Path

    def install(self, command: list[str]) -> None:
        run(self.host, *command, "--filename", str(self.file), "--skip-confirmation")


@pytest.fixture(scope="module")
def owner(cluster: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Owner]:
    """The owner's mesh, which knows nothing of us, and traces the bank."""
    folder = tmp_path_factory.mktemp("owner")
    owner = Owner(cluster, folder / "istio.yaml")
    owner.file.write_text(yaml.safe_dump(installation()))
    owner.install(["istioctl", "install"])
    telemetries = folder / "telemetry.yaml"
    telemetries.write_text(yaml.safe_dump(MESH_WIDE))
    cluster.kubectl("apply", "-f", str(telemetries))
    with ExitStack() as stack:
        stack.enter_context(their_tempo(cluster, folder))
        stack.enter_context(bank(cluster, folder, **{"istio-injection": "enabled"}))
        stack.enter_context(shop(cluster, folder))
        assert is_still_traced_by_them(cluster)
        yield owner
    run(cluster, "istioctl", "uninstall", "--purge", "--skip-confirmation")
    cluster.kubectl("delete", "namespace", MESH)


@pytest.fixture(scope="module")
def stack(owner: Owner, cluster: Host, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return our_stack(cluster, tmp_path_factory.mktemp("istioctl"), "istioctl")


@pytest.fixture(scope="module")
def refused(stack: Project) -> str:
    done = stack.attempt("preview")
    assert done.returncode != 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def agreed(owner: Owner, cluster: Host, refused: str) -> dict[str, Any]:
    """The owner has run what the refusal prints."""
    owner.install(printed_command(refused, "istioctl install"))
    return of_owner(cluster)


@pytest.fixture(scope="module")
def previewed(stack: Project, agreed: dict[str, Any]) -> str:
    assert agreed
    return " ".join(stack.pulumi("preview").split())


@pytest.fixture(scope="module")
def brought_in(stack: Project, previewed: str) -> Project:
    assert previewed
    stack.pulumi("up", *OPTIONS)
    return stack


def test_the_refusal_is_one_line_with_the_command_of_istioctl(refused: str) -> None:
    assert "what the settings ask for has one fault" in refused
    assert printed_command(refused, "istioctl install") == [
        *("istioctl", "install", "--set", "values.pilot.env.SHARED_MESH_CONFIG=mesh-tracing"),
    ]


def test_the_preview_says_what_is_traced_and_what_stays_as_it_is(previewed: str) -> None:
    assert "traced here: bookinfo, shop" in previewed
    assert f"ConfigMap {MESH}/istio has defaultProviders.tracing theirs" in previewed
    assert f"Telemetry {MESH}/mesh-default" in previewed


def test_our_provider_has_another_name_than_the_one_of_the_profile(brought_in: Project) -> None:
    assert json.loads(brought_in.pulumi("stack", "output", "--json"))["tracing_provider"] == "mesh-tracing"


def test_our_requests_are_traced_into_a_graph(brought_in: Project, cluster: Host) -> None:
    command = (sys.executable, "-m", "verify", "--stack", brought_in.stack, "--no-report", "--wait", "120s")
    done = cluster.with_exports(*command, check=False)
    assert done.returncode == 0, done.stdout


def test_the_bank_s_requests_are_still_traced_by_its_owner_and_not_by_us(brought_in: Project, cluster: Host) -> None:
    assert brought_in
    assert is_still_traced_by_them(cluster)
    assert at_ours(cluster, CLIENT) == set()


def test_our_requests_do_not_reach_the_owner_s_tempo(brought_in: Project, cluster: Host) -> None:
    assert at_ours(brought_in.host, "productpage.bookinfo")
    assert at_theirs(cluster, "productpage.bookinfo") == set()


def test_nothing_of_the_owner_s_has_changed_or_restarted(
    brought_in: Project, cluster: Host, agreed: dict[str, Any]
) -> None:
    assert brought_in
    assert of_owner(cluster) == agreed


def test_the_shop_has_restarted_once(brought_in: Project, cluster: Host) -> None:
    assert brought_in
    assert rollouts(cluster) == 2


def test_the_owner_may_install_again_and_neither_loses_anything(
    brought_in: Project, owner: Owner, cluster: Host, refused: str, agreed: dict[str, Any]
) -> None:
    owner.install(printed_command(refused, "istioctl install"))
    assert of_owner(cluster)["mesh"] == agreed["mesh"]
    brought_in.pulumi("up", *OPTIONS, "--expect-no-changes")


def test_destroy_leaves_the_owner_s_mesh_and_its_tracing_as_they_were(
    brought_in: Project, cluster: Host, agreed: dict[str, Any]
) -> None:
    now = of_owner(cluster)
    brought_in.pulumi("destroy", *OPTIONS)
    settled(cluster, SHOP)
    assert of_owner(cluster) == now
    assert now["bank"] == agreed["bank"]
    assert is_still_traced_by_them(cluster)
    assert set(json.loads(cluster.kubectl("get", "namespace", SHOP, "-o", "json"))["metadata"]["labels"]) == {
        "kubernetes.io/metadata.name"
    }
    assert BANK in {item["metadata"]["name"] for item in cluster.objects("namespaces")}

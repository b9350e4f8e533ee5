"""The webhooks of release manifests need a cert-manager: one that is there or one of ours, never both."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pytest
from recording import EMPTY_CLUSTER, Deployed, minimal_config, run_program, with_settings

from program.checks import RefusedError

WEBHOOKS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
MANIFESTS = {"operators.source": "manifests"}
INSTALL = {**MANIFESTS, "operators.certManager": "install"}
OURS = (
    "urn:pulumi:test::mesh-tracing::any::kubernetes:admissionregistration.k8s.io/v1:ValidatingWebhookConfiguration::w"
)


def configurations(*webhooks: str, uid: str = "theirs") -> dict[str, Any]:
    """The list of the configurations, with one that has these webhooks, called and placed as its owner likes."""
    items = [{"metadata": {"name": "any", "uid": uid}, "webhooks": [{"name": name} for name in webhooks]}]
    return {WEBHOOKS: {"kind": "ValidatingWebhookConfigurationList", "items": items}}


def discovery(*kinds: str) -> dict[str, Any]:
    resources = [{"responseKind": {"kind": kind}} for kind in kinds]
    of_cert_manager = {"metadata": {"name": "cert-manager.io"}, "versions": [{"version": "v1", "resources": resources}]}
    return {"/apis": {"items": [of_cert_manager]}}


CERT_MANAGER = {**configurations("webhook.cert-manager.io"), **discovery("Certificate", "Issuer")}
NO_CERT_MANAGER = {**configurations("validation.istio.io"), **discovery()}
# A destroyed stack leaves the definitions.
LEFT = {**configurations(), **discovery("Certificate", "Issuer")}


def previewed(changes: Mapping[str, Any], live: Mapping[str, Any], **state: Any) -> Deployed:
    config = with_settings(minimal_config(), changes)
    return run_program(config, preview=True, live={**EMPTY_CLUSTER, **live}, **state)


def refusal(changes: Mapping[str, Any], live: Mapping[str, Any]) -> list[str]:
    with pytest.raises(RefusedError) as caught:
        previewed(changes, live)
    return [line for line in str(caught.value).splitlines()[1:] if "certManager" in line]


@pytest.mark.parametrize("live", [NO_CERT_MANAGER, LEFT, {**EMPTY_CLUSTER, **configurations()}])
def test_a_cluster_without_a_cert_manager_is_refused_with_the_setting_that_brings_one(live: dict[str, Any]) -> None:
    (line,) = refusal(MANIFESTS, live)
    assert "operators.source manifests" in line
    assert "operators.certManager to install" in line


def test_only_the_operators_that_need_it_are_named() -> None:
    (line,) = refusal({"operators.sources": {"tempo": "manifests"}}, NO_CERT_MANAGER)
    assert "the webhooks of tempo need" in line


@pytest.mark.parametrize("live", [{}, {WEBHOOKS: None}], ids=["not told", "not there"])
def test_what_was_not_seen_is_not_judged(live: dict[str, Any]) -> None:
    assert previewed(MANIFESTS, live)


def files(deployed: Deployed) -> dict[str, str]:
    return {r.name: r.inputs["file"] for r in deployed if r.kind == "ConfigFile"}


def test_a_cert_manager_that_exists_is_neither_brought_nor_touched() -> None:
    brought = files(previewed(MANIFESTS, {WEBHOOKS: CERT_MANAGER[WEBHOOKS]}))
    assert set(brought) == {"operators-tempo", "operators-opentelemetry"}


def test_a_second_cert_manager_is_refused() -> None:
    (line,) = refusal(INSTALL, CERT_MANAGER)
    assert "set operators.certManager to existing" in line


def test_the_one_that_the_stack_has_brought_stays() -> None:
    outputs = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "any", "uid": "ours"},
    }
    state = {
        OURS: {"type": "kubernetes:admissionregistration.k8s.io/v1:ValidatingWebhookConfiguration", "outputs": outputs}
    }
    live = configurations("webhook.cert-manager.io", uid="ours")
    assert "operators-cert-manager" in files(previewed(INSTALL, live, state=state))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"operators.certManagerVersion": "1.21.0"},
            "https://github.com/cert-manager/cert-manager/releases/download/v1.21.0/cert-manager.yaml",
        ),
        ({"operators.manifestFolder": "./operators"}, "./operators/cert-manager.yaml"),
    ],
)
def test_its_release_manifest_comes_from_where_those_of_the_operators_do(
    changes: dict[str, Any], expected: str
) -> None:
    assert files(previewed({**INSTALL, **changes}, {}))["operators-cert-manager"] == expected


def test_the_operators_come_after_it() -> None:
    deployed = previewed(INSTALL, {})
    released = {r.name.removeprefix("operators-"): r for r in deployed if r.kind == "ConfigFile"}
    before = {name: released["cert-manager"].urn in deployed.before(one.urn) for name, one in released.items()}
    assert before == {"cert-manager": False, "tempo": True, "opentelemetry": True}


def test_its_definitions_stay_as_those_of_the_operators_do() -> None:
    (released,) = (r for r in previewed(INSTALL, {}) if r.name == "operators-cert-manager")
    kind = "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition"
    args = pulumi.ResourceTransformArgs(True, kind, "any", {}, pulumi.ResourceOptions())
    results = [transform(args) for transform in released.transforms]
    assert [result.opts.retain_on_delete for result in results] == [True]  # type: ignore[union-attr]

"""What OLM would never install is refused before an update waits for it."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pytest
from recording import EMPTY_CLUSTER, PROJECT, apply_config, minimal_config, run_program, with_settings

import settings
from program import Plan
from program.checks import RefusedError
from program.roles import roles

CATALOG = "/apis/operators.coreos.com/v1alpha1/namespaces/openshift-marketplace/catalogsources/community-operators"
PACKAGES = "/apis/packages.operators.coreos.com/v1/namespaces/openshift-marketplace/packagemanifests"
GROUPS = "/apis/operators.coreos.com/v1/namespaces/openshift-operators/operatorgroups"
ASKED = {"platform": "openshift", "operators.source": "olm", "operators.catalog": "community"}
VERSIONS = ["tempo-operator.v0.20.0", "tempo-operator.v0.21.0"]
# The kinds of OLM and of what it installs; the rest is the cluster's own, or brought.
KINDS = {
    "operators.coreos.com/v1alpha1": ["CatalogSource", "Subscription"],
    "operators.coreos.com/v1": ["Operator", "OperatorGroup"],
    "packages.operators.coreos.com/v1": ["PackageManifest"],
    "telemetry.istio.io/v1": ["Telemetry"],
    "networking.istio.io/v1": ["EnvoyFilter"],
}


def discovery() -> dict[str, Any]:
    items = []
    for api_version, kinds in KINDS.items():
        group, _, version = api_version.partition("/")
        resources = [{"responseKind": {"kind": kind}} for kind in kinds]
        items.append({"metadata": {"name": group}, "versions": [{"version": version, "resources": resources}]})
    return {"items": items}


def package(name: str, versions: list[str], *, catalog: str = "community-operators") -> dict[str, Any]:
    channel = {
        "name": "alpha",
        "currentCSVDesc": {"version": versions[-1].partition(".v")[2]},
        "entries": [{"name": version} for version in versions],
    }
    status = {"catalogSource": catalog, "channels": [channel]}
    return {"kind": "PackageManifest", "metadata": {"name": name}, "status": status}


def group(name: str, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": spec}


# A cluster on which OLM would install what is asked for.
FITTING: Mapping[str, Any] = {
    **EMPTY_CLUSTER,
    "/apis": discovery(),
    CATALOG: {
        "kind": "CatalogSource",
        "metadata": {"name": "community-operators"},
        "status": {"connectionState": {"lastObservedState": "READY"}},
    },
    f"{PACKAGES}/tempo-operator": package("tempo-operator", VERSIONS),
    f"{PACKAGES}/opentelemetry-operator": package("opentelemetry-operator", ["opentelemetry-operator.v0.148.0"]),
    GROUPS: {"kind": "OperatorGroupList", "items": [group("global-operators")]},
}


def refused(changes: Mapping[str, Any], **live: Any) -> str:
    with pytest.raises(RefusedError) as raised:
        run_program(with_settings(minimal_config(), {**ASKED, **changes}), preview=True, live={**FITTING, **live})
    return str(raised.value)


def only(message: str) -> str:
    """The one fault of a refusal."""
    first, fault = message.splitlines()
    assert first.endswith("has one fault:")
    return fault


def test_what_the_catalog_offers_is_subscribed_to() -> None:
    deployed = run_program(with_settings(minimal_config(), ASKED), preview=True, live=FITTING)
    assert deployed.get("Subscription", "tempo-operator")


def test_a_catalog_that_is_not_there_is_said_once() -> None:
    assert "no catalog openshift-marketplace/community-operators: set operators.catalog" in only(
        refused({}, **{CATALOG: None, f"{PACKAGES}/tempo-operator": None})
    )


def test_a_package_that_the_catalog_does_not_have_is_said_with_the_other_ways_to_get_it() -> None:
    said = only(refused({}, **{f"{PACKAGES}/tempo-operator": None}))
    assert "community-operators has no package tempo-operator: set operators.catalog to one that has it" in said
    assert "operators.sources.tempo" in said


def test_a_catalog_that_does_not_serve_yet_is_not_blamed_for_its_packages() -> None:
    starting = {"kind": "CatalogSource", "metadata": {"name": "community-operators"}}
    nothing = {f"{PACKAGES}/tempo-operator": None, f"{PACKAGES}/opentelemetry-operator": None}
    said = only(refused({}, **{CATALOG: starting, **nothing}))
    assert "does not answer OLM yet" in said
    assert "kubectl get pods -n openshift-marketplace -l olm.catalogSource=community-operators" in said


def test_a_channel_that_the_package_does_not_have_is_said_with_those_that_it_has() -> None:
    said = only(refused({"operators.channels": {"tempo": "stable"}}))
    assert "operators.channels.tempo: package tempo-operator of community-operators has no channel stable" in said
    assert "set alpha" in said


def test_a_first_version_that_the_channel_does_not_have_is_said_with_those_that_it_has() -> None:
    said = only(refused({"operators.startingVersions": {"tempo": "tempo-operator.v0.19.0"}}))
    assert "channel alpha of package tempo-operator has no tempo-operator.v0.19.0" in said
    assert "set tempo-operator.v0.20.0 or tempo-operator.v0.21.0, or none" in said


def test_a_first_version_of_the_channel_is_accepted() -> None:
    config = with_settings(minimal_config(), {**ASKED, "operators.startingVersions": {"tempo": VERSIONS[0]}})
    assert run_program(config, preview=True, live=FITTING)


def test_a_package_of_the_same_name_in_another_catalog_says_nothing() -> None:
    other = package("tempo-operator", ["tempo-operator.v9.0.0"], catalog="somebodys")
    config = with_settings(minimal_config(), {**ASKED, "operators.startingVersions": {"tempo": VERSIONS[0]}})
    assert run_program(config, preview=True, live={**FITTING, f"{PACKAGES}/tempo-operator": other})


def test_a_second_operator_group_in_the_shared_namespace_is_said_once_for_both_operators() -> None:
    groups = {"kind": "OperatorGroupList", "items": [group("global-operators"), group("mine")]}
    said = only(refused({}, **{GROUPS: groups}))
    assert "namespace openshift-operators has more than one OperatorGroup (global-operators, mine)" in said


def test_a_shared_namespace_without_an_operator_group_is_said() -> None:
    said = only(refused({}, **{GROUPS: {"kind": "OperatorGroupList", "items": []}}))
    assert "namespace openshift-operators has no OperatorGroup" in said


def test_an_operator_group_for_single_namespaces_is_said() -> None:
    groups = {"kind": "OperatorGroupList", "items": [group("global-operators", targetNamespaces=["shop"])]}
    assert "OperatorGroup openshift-operators/global-operators is for single namespaces" in only(
        refused({}, **{GROUPS: groups})
    )


def recorded(channel: str) -> dict[str, Any]:
    """The state of a stack whose operators are installed from ``channel``."""

    def resource(token: str, outputs: dict[str, Any]) -> dict[str, Any]:
        return {"type": f"kubernetes:{token}", "outputs": outputs}

    state = {}
    for name in ("tempo-operator", "opentelemetry-operator"):
        wanted = channel if name == "tempo-operator" else "alpha"
        source = {"source": "community-operators", "sourceNamespace": "openshift-marketplace"}
        subscription = {
            "apiVersion": "operators.coreos.com/v1alpha1",
            "kind": "Subscription",
            "metadata": {"name": name, "namespace": "openshift-operators"},
            "spec": {**source, "name": name, "channel": wanted},
        }
        installed = {
            "apiVersion": "operators.coreos.com/v1",
            "kind": "Operator",
            "metadata": {"name": f"{name}.openshift-operators"},
        }
        state[f"urn:{name}:subscription"] = resource("operators.coreos.com/v1alpha1:Subscription", subscription)
        state[f"urn:{name}:installed"] = resource("operators.coreos.com/v1:Operator", installed)
    return state


def test_a_catalog_that_has_gone_since_keeps_no_installed_operator_s_stack_from_its_changes() -> None:
    config = with_settings(minimal_config(), ASKED)
    assert run_program(config, preview=True, live={**FITTING, CATALOG: None}, state=recorded("alpha"))


def test_another_channel_of_an_installed_operator_is_looked_for() -> None:
    config = with_settings(minimal_config(), {**ASKED, "operators.channels": {"tempo": "stable"}})
    with pytest.raises(RefusedError, match="has no channel stable"):
        run_program(config, preview=True, live=FITTING, state=recorded("alpha"))


def test_a_group_of_somebody_else_beside_ours_is_said() -> None:
    catalog = CATALOG.replace("community", "redhat")
    groups = GROUPS.replace("openshift-operators", "openshift-tempo-operator")
    live = {catalog: FITTING[CATALOG], groups: {"kind": "OperatorGroupList", "items": [group("mine")]}}
    offers = {
        f"{PACKAGES}/{name}": {**package(name, ["some.v1.0.0"], catalog="redhat-operators")}
        for name in ("tempo-product", "opentelemetry-product")
    }
    channels = {"operators.channels": {"tempo": "alpha", "opentelemetry": "alpha"}}
    said = only(refused({"operators.catalog": "redhat", **channels}, **live, **offers))
    assert "namespace openshift-tempo-operator has more than one OperatorGroup (beside ours, mine,)" in said


@pytest.mark.parametrize("command", ["preview", "up", "destroy"])
def test_whoever_runs_a_command_may_look_at_catalogs_and_groups(command: str) -> None:
    apply_config(with_settings(minimal_config(), ASKED))
    plan = Plan(settings.load(pulumi.Config(PROJECT)))
    role = next(one for one in roles(plan, "dev") if one["metadata"]["name"].endswith(command))
    allowed = {
        (resource, verb, name)
        for rule in role["rules"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
        for name in rule.get("resourceNames", ["*"])
    }
    assert {
        ("catalogsources", "get", "community-operators"),
        ("packagemanifests", "get", "tempo-operator"),
        ("operatorgroups", "list", "*"),
    } <= allowed
    assert (("installplans", "get", "*") in allowed) == (command != "preview")

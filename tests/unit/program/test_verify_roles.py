"""The roles for verify are those of one stack, and with those of one namespace it still has a verdict."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pytest
import yaml
from recording import apply_config, minimal_config, record, with_settings
from verify_world import DEPLOYMENT, StubCluster, deployment, healthy, part, world

import settings
from cluster.seen import Seen
from program import roles as command
from program import verify_roles
from program.plan import Plan
from verify.check import Wanted, check
from verify.deployment import Deployment
from verify.findings import Finding, Status

Role = Mapping[str, Any]


def plan(changes: Mapping[str, Any] | None = None) -> Plan:
    made = []

    def program() -> None:
        made.append(Plan(settings.load(pulumi.Config("mesh-tracing")), Seen({})))

    config = with_settings(minimal_config(), changes or {})
    apply_config(config)
    record(program, config, preview=True)
    return made[0]


def granted(rules: Any) -> dict[tuple[str, str], set[str] | None]:
    """The names of each group and kind that are granted, None for all."""
    return {
        (group, kind): set(rule["resourceNames"]) if "resourceNames" in rule else None
        for rule in rules
        for group in rule["apiGroups"]
        for kind in rule["resources"]
    }


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({}, {"istio", "grafana-datasources-tracing"}),
        ({"mesh.revision": "blue"}, {"istio-blue", "grafana-datasources-tracing"}),
        ({"grafana.mode": "operator"}, {"istio"}),
        (
            {"mesh.installer": "existing", "namespaces.existing": ["istio-system"]},
            {"istio", "mesh-tracing", "grafana-datasources-tracing"},
        ),
    ],
    ids=["default", "another revision", "Grafana's operator", "an existing mesh"],
)
def test_the_role_names_the_config_maps_of_this_stack_and_no_others(changes: dict[str, Any], names: set[str]) -> None:
    found = granted(verify_roles.rules(plan(changes)))[("", "configmaps")]
    assert found is not None
    assert {name for name in found if not name.startswith("tempo")} == names


@pytest.mark.parametrize(
    ("changes", "there", "absent"),
    [
        ({"tempo.mode": "monolithic"}, "tempomonolithics", "tempostacks"),
        ({"grafana.mode": "operator"}, "grafanadatasources", "nothing"),
        ({"grafana.mode": "config-map"}, "pods", "grafanadatasources"),
        ({"mesh.installer": "sail"}, "istios", "nothing"),
        ({"mesh.installer": "helm"}, "pods", "istios"),
    ],
)
def test_the_role_has_the_kinds_of_this_stack_and_no_others(changes: dict[str, Any], there: str, absent: str) -> None:
    kinds = {kind for _, kind in granted(verify_roles.rules(plan(changes)))}
    assert there in kinds
    assert absent not in kinds


def namespaced(**changes: Any) -> list[Role]:
    return list(verify_roles.roles_of_namespaces(plan(changes), "prod", "shop", "ines"))


def test_roles_of_a_namespace_are_for_it_and_for_the_way_of_its_spans() -> None:
    places = {one["metadata"]["namespace"] for one in namespaced() if one["kind"] == "Role"}
    assert places == {"shop", "istio-system", "tracing-system"}


def test_an_existing_prometheus_of_the_cluster_is_on_the_way() -> None:
    existing = {"queryUrl": "http://prometheus.monitoring.svc:9090"}
    roles = namespaced(**{"prometheus.existing": existing})
    assert "monitoring" in {one["metadata"]["namespace"] for one in roles}


def test_each_role_is_bound_to_the_user() -> None:
    roles = namespaced()
    for role, binding in zip(roles[::2], roles[1::2], strict=True):
        assert (role["kind"], binding["kind"]) == ("Role", "RoleBinding")
        assert role["metadata"] == binding["metadata"]
        assert binding["roleRef"]["name"] == role["metadata"]["name"] == "mesh-tracing-prod-verify"
        assert [one["name"] for one in binding["subjects"]] == ["ines"]


def test_a_role_grants_nothing_that_is_in_no_namespace() -> None:
    kinds = {kind for role in namespaced() if role["kind"] == "Role" for _, kind in granted(role["rules"])}
    assert kinds & {"mutatingwebhookconfigurations", "istios"} == set()


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (
            [],
            ["mesh-tracing-dev-preview", "mesh-tracing-dev-up", "mesh-tracing-dev-destroy", "mesh-tracing-dev-verify"],
        ),
        (["verify"], ["mesh-tracing-dev-verify"]),
        (["verify", "--namespaced", "shop", "--user", "ines"], ["mesh-tracing-dev-verify"] * 6),
    ],
)
def test_the_command_prints_what_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], names: list[str]
) -> None:
    made = plan()
    monkeypatch.setattr(command, "plan_of", lambda _: made)
    monkeypatch.setattr("sys.argv", ["roles", *arguments, "--stack", "dev"])
    command.main()
    printed = yaml.safe_load_all(capsys.readouterr().out)
    assert [one["metadata"]["name"] for one in printed] == names


def test_roles_of_a_namespace_are_for_verify_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["roles", "up", "--namespaced", "shop", "--stack", "dev"])
    with pytest.raises(SystemExit):
        command.main()
    assert "--namespaced is for verify" in capsys.readouterr().err


# With no more than these roles.


class Limited:
    """Answers 403 to what no Role of its namespace grants, as the API server does."""

    def __init__(self, cluster: StubCluster, roles: list[Role]) -> None:
        self._answer = cluster.api.answer
        self._roles = {one["metadata"]["namespace"]: one["rules"] for one in roles if one["kind"] == "Role"}

    def __call__(self, path: str, query: Mapping[str, str]) -> tuple[int, bytes]:
        words = path.strip("/").split("/")
        if path == "/version":
            return self._answer(path, query)
        group, rest = ("", words[2:]) if words[0] == "api" else (words[1], words[3:])
        namespace = rest[1] if rest[0] == "namespaces" and len(rest) > 1 else ""
        rest = rest[2:] if len(rest) > 2 else rest
        kind = f"{rest[0]}/{rest[2]}" if len(rest) == 3 else rest[0]
        verb, name = ("get", rest[1]) if len(rest) > 1 else ("list", "")
        allowed = any(
            group in rule["apiGroups"]
            and kind in rule["resources"]
            and verb in rule["verbs"]
            and name in rule.get("resourceNames", [name])
            for rule in self._roles.get(namespace, [])
        )
        return self._answer(path, query) if allowed else (403, b"{}")


def checked(monkeypatch: pytest.MonkeyPatch, meant: Deployment, roles: list[Role], **wanted: Any) -> list[Finding]:
    monkeypatch.setattr("verify.traffic.request.time.sleep", lambda _: None)
    cluster = healthy()
    monkeypatch.setattr(cluster.api, "answer", Limited(cluster, roles))
    return list(check(world(meant, cluster), Wanted(**wanted), lambda _: None).findings)


@pytest.fixture
def bookinfo_roles() -> list[Role]:
    return list(verify_roles.roles_of_namespaces(plan(), "local", "bookinfo", "ines"))


def test_what_a_user_of_one_namespace_may_not_look_at_is_said_and_the_rest_has_its_verdict(
    monkeypatch: pytest.MonkeyPatch, bookinfo_roles: list[Role]
) -> None:
    meant = deployment(mesh=part(DEPLOYMENT.mesh, namespaces=["bookinfo", "secret-project"]))
    findings = {one.hop: one for one in checked(monkeypatch, meant, bookinfo_roles)}
    warned = {name for name, one in findings.items() if one.code == "not-allowed"}
    assert warned == {"operators", "dns", "control-plane", "sidecars"}
    assert all(findings[name].status is Status.WARNING for name in warned)
    assert "secret-project" in " ".join(findings["sidecars"].evidence)
    assert "roles verify --stack local" in findings["sidecars"].remedy
    assert "not looked at: the injector's webhook (not allowed)" in findings["control-plane"].evidence
    for hop in ("provider", "prometheus", "grafana"):
        assert findings[hop].status is Status.OK, findings[hop]


def test_who_may_look_at_no_namespace_of_the_mesh_gets_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    findings = {one.hop: one for one in checked(monkeypatch, DEPLOYMENT, [])}
    assert {one.status for one in findings.values()} <= {Status.UNKNOWN, Status.WARNING, Status.ABSENT, Status.BROKEN}
    assert (findings["sidecars"].status, findings["sidecars"].code) == (Status.UNKNOWN, "not-allowed")

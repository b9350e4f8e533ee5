"""The proxies' access logs: who switches them on, what a line has, and what an existing istiod has to know."""

from collections.abc import Callable
from typing import Any

import pytest
from recording import Deployed, Registration, minimal_config, with_setting, with_settings
from test_mesh_of_others import CONFIG, ISTIOD, istiod, mesh_config, otel, refusal
from test_mesh_of_others import deployed as beside
from test_settings import problems_of
from test_tracing import mesh_config as mesh_configuration

Deploy = Callable[..., Deployed]

ON = {"mesh.accessLogs.enabled": True}
LOGS = "otel-access-logs"


def provider(deployed: Deployed) -> dict[str, Any]:
    (found,) = (one for one in mesh_configuration(deployed)["extensionProviders"] if "envoyFileAccessLog" in one)
    return dict(found)


def fields(deployed: Deployed) -> dict[str, str]:
    found: dict[str, str] = provider(deployed)["envoyFileAccessLog"]["logFormat"]["labels"]
    return found


def telemetries(deployed: Deployed) -> dict[str, Registration]:
    found = [one for one in deployed.children if one.kind == "Telemetry"]
    return {f"{one.inputs['metadata']['namespace']}/{one.object_name}": one for one in found}


def logging(deployed: Deployed) -> dict[str, Any]:
    """What each Telemetry says of access logs."""
    return {name: one.inputs["spec"].get("accessLogging") for name, one in telemetries(deployed).items()}


def test_they_are_off_by_default(minimal: Deployed) -> None:
    assert [set(one) for one in mesh_configuration(minimal)["extensionProviders"]] == [{"name", "opentelemetry"}]
    assert set(logging(minimal).values()) == {None}


@pytest.mark.parametrize("installer", [{}, {"mesh.installer": "sail"}], ids=["helm", "sail"])
def test_the_telemetry_names_the_provider_that_the_mesh_configuration_has(
    deploy: Deploy, installer: dict[str, Any]
) -> None:
    deployed = deploy(with_settings(minimal_config(), {**ON, **installer}))
    assert list(logging(deployed).values()) == [[{"providers": [{"name": provider(deployed)["name"]}]}]]


def test_a_line_has_the_ids_of_trace_and_span(deploy: Deploy) -> None:
    found = fields(deploy(with_settings(minimal_config(), ON)))
    assert found["trace_id"] == "%TRACE_ID%"
    assert found["traceparent"] == "%REQ(TRACEPARENT)%"


def test_a_line_has_no_query_and_no_header_with_a_secret(deploy: Deploy) -> None:
    found = fields(deploy(with_settings(minimal_config(), ON)))
    assert found["path"] == "%REQ_WITHOUT_QUERY(X-ENVOY-ORIGINAL-PATH?:PATH)%"
    assert [name for name, operator in found.items() if "PATH" in operator] == ["path"]
    secret = ("AUTHORIZATION", "COOKIE", "REFERER", "KEY")
    assert not [name for name, operator in found.items() if any(word in operator.upper() for word in secret)]


def test_a_query_is_logged_where_it_is_asked_for(deploy: Deploy) -> None:
    found = fields(deploy(with_settings(minimal_config(), {**ON, "mesh.accessLogs.keepQueryStrings": True})))
    assert found["path"] == "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%"


def test_the_settings_choose_which_requests_are_logged(deploy: Deploy) -> None:
    deployed = deploy(with_settings(minimal_config(), {**ON, "mesh.accessLogs.filter": "response.code >= 400"}))
    (((entry,)),) = logging(deployed).values()
    assert entry["filter"] == {"expression": "response.code >= 400"}


def test_a_narrower_telemetry_leaves_the_logs_to_the_mesh_s(deploy: Deploy) -> None:
    sampling = {"exceptions": [{"namespace": "bookinfo", "percentage": 1}]}
    found = logging(deploy(with_settings(minimal_config(), {**ON, "tracing.sampling": sampling})))
    assert {name: entry is not None for name, entry in found.items()} == {
        "istio-system/mesh-tracing": True,
        "bookinfo/mesh-tracing": False,
    }


def test_where_only_namespaces_are_traced_only_they_log(deploy: Deploy) -> None:
    sampling = {"exceptions": [{"namespace": "bookinfo", "app": "reviews", "percentage": 1}]}
    changes = {**ON, "tracing.scope": "namespaces", "tracing.sampling": sampling}
    found = logging(deploy(with_settings(minimal_config(), changes)))
    assert {name: entry is not None for name, entry in found.items()} == {
        "bookinfo/mesh-tracing": True,
        "bookinfo/mesh-tracing-reviews": False,
    }


def test_switching_them_on_restarts_no_workload(deploy: Deploy) -> None:
    def pods(changes: dict[str, Any]) -> dict[str, Any]:
        deployed = deploy(with_settings(minimal_config(), changes))
        return {one.name: one.inputs["spec"]["template"] for one in deployed.children if one.kind == "Deployment"}

    assert pods(ON) == pods({})


def test_another_provider_of_that_name_is_refused() -> None:
    theirs = {"meshConfig": {"extensionProviders": [{"name": LOGS, "envoyFileAccessLog": {"path": "/dev/stdout"}}]}}
    (problem,) = problems_of(with_settings(minimal_config(), {**ON, "mesh.values": theirs}))
    assert f"no other extension provider called '{LOGS}'" in problem


def test_a_filter_of_nothing_is_refused() -> None:
    (problem,) = problems_of(with_setting(minimal_config(), "mesh.accessLogs.filter", "response.code >= 400"))
    assert "enabled true for filter" in problem


class TestWhereIstioIsSomebodyElses:
    def test_our_configuration_beside_the_owner_s_has_the_provider(self) -> None:
        assert provider(beside(ON, **{ISTIOD: istiod(), CONFIG: mesh_config()}))["name"] == LOGS

    def test_an_istiod_that_does_not_read_it_is_told_to_and_to_nothing_else(self) -> None:
        (fault,) = refusal(ON, **{ISTIOD: istiod(shared=None)})
        assert "does not read our provider" in fault

    @pytest.mark.parametrize("shared", [None, "theirs"])
    def test_an_owner_who_has_added_our_provider_by_hand_adds_this_one_too(self, shared: str | None) -> None:
        (fault,) = refusal(ON, **{ISTIOD: istiod(shared=shared), CONFIG: mesh_config(extensionProviders=[otel()])})
        assert "does not know the provider of mesh.accessLogs" in fault
        assert f'"name": "{LOGS}"' in fault
        assert "%TRACE_ID%" in fault

    def test_with_both_of_them_nothing_is_missing(self) -> None:
        logs = {"name": LOGS, "envoyFileAccessLog": {"path": "/dev/stdout"}}
        found = mesh_config(extensionProviders=[otel(), logs])
        assert logging(beside(ON, **{ISTIOD: istiod(shared=None), CONFIG: found}))

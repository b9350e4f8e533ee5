"""The check that runs in the cluster: what its pod is, may do and is told; and that nothing else changes for it."""

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest
import typer
from recording import (
    PROJECT,
    SENTINELS,
    STACKS,
    Deployed,
    Registration,
    apply_config,
    full_config,
    leaves,
    minimal_config,
    run_program,
    stack_config,
    with_setting,
    with_settings,
)

import settings
from program import Plan
from program.roles import roles
from verify import outputs
from verify.__main__ import app
from verify.deployment import Deployment

pytestmark = pytest.mark.timeout(300)

Deploy = Callable[..., Deployed]

NAME = "mesh-tracing-verify"
IMAGE = "registry.example.com/mesh-tracing-verify:1.0.0"
# The seconds after which verify ends by itself: it begins no new check after `--wait`, but for one pause, and one check
# takes no longer than the default of `--timeout`, and a grace.
OWN_LIMIT = 60 + 5 + 300 + 10
WITH_LOGIN = {
    "prometheus.existing": {
        "queryUrl": "https://prometheus.example.com",
        "auth": {"type": "bearer"},
        "datasourceUid": "theirs",
    },
}


def checked(config: Mapping[str, Any], **further: Any) -> dict[str, Any]:
    return with_setting(config, "verify", {"enabled": True, "image": IMAGE, **further})


def deployed_with(**further: Any) -> Deployed:
    return run_program(checked(minimal_config(), **further), preview=False)


def pod(deployed: Deployed) -> dict[str, Any]:
    found: dict[str, Any] = deployed.get("CronJob").inputs["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    return found


def container(deployed: Deployed) -> dict[str, Any]:
    (found,) = pod(deployed)["containers"]
    return dict(found)


def refusal(config: Mapping[str, Any], secret_sections: tuple[str, ...] = ()) -> str:
    apply_config(config, secret_sections)
    with pytest.raises(settings.ConfigError) as caught:
        settings.load(pulumi.Config(PROJECT))
    (problem,) = caught.value.problems
    assert "\n" not in problem
    return problem


# What else changes.


def compared(resource: Registration) -> tuple[Any, ...]:
    return resource.inputs, resource.dependencies, resource.timeouts, resource.further_options, resource.protect


@pytest.mark.parametrize("config", [*map(stack_config, STACKS), full_config()], ids=[*STACKS, "full"])
def test_nothing_else_changes_for_it(config: dict[str, Any]) -> None:
    without = run_program(config, preview=False)
    added = {r.urn: r for r in run_program(checked(config), preview=False)}
    assert {r.urn: compared(added[r.urn]) for r in without} == {r.urn: compared(r) for r in without}


def test_it_is_not_there_unless_it_is_asked_for(minimal: Deployed) -> None:
    assert not [resource for resource in minimal if "Verification" in resource.urn]


@pytest.mark.parametrize(
    ("part", "settings_of_it"),
    [
        (("OpenTelemetryCollector", "otel"), {}),
        (("Telemetry", "mesh-tracing"), {}),
        (("TempoMonolithic", "tempo"), {}),
        (("ConfigMap", "grafana-datasources-tracing"), {}),
        (("Kiali", "kiali"), {"kiali.installer": "operator"}),
        (("Deployment", "productpage-v1"), {"bookinfo.enabled": True}),
        (("DeploymentPatch", "cart"), {"namespaces.applications": [{"name": "shop", "deployments": ["cart"]}]}),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_it_comes_after_what_it_looks_at(part: tuple[str, str], settings_of_it: dict[str, Any]) -> None:
    config = with_settings(checked(with_setting(minimal_config(), "bookinfo.enabled", False)), settings_of_it)
    deployed = run_program(config, preview=False)
    (found,) = (r for r in deployed.children if (r.type.rpartition(":")[2], r.object_name) == part)
    assert found.urn in deployed.before(deployed.get("CronJob").urn)


def test_its_config_map_is_known_once_it_is_there() -> None:
    deployed = deployed_with()
    assert deployed.exports["verify_config_map"] == NAME
    assert deployed.get("CronJob").urn in deployed.before_output("verification.config_map")


def test_its_pods_start_once_they_may_do_what_they_do() -> None:
    deployed = deployed_with()
    own = {r.urn for r in deployed.children if "Verification" in r.urn and r.kind != "CronJob"}
    assert own
    assert own <= deployed.before(deployed.get("CronJob").urn)


# The pod.


def test_its_file_system_is_read_only() -> None:
    assert container(deployed_with())["securityContext"]["readOnlyRootFilesystem"] is True


def test_its_volumes_hold_what_it_is_told_and_nothing_else() -> None:
    assert [set(volume) for volume in pod(deployed_with())["volumes"]] == [{"name", "configMap"}]


def test_it_gets_no_sidecar() -> None:
    template = deployed_with().get("CronJob").inputs["spec"]["jobTemplate"]["spec"]["template"]
    assert template["metadata"]["labels"]["sidecar.istio.io/inject"] == "false"


def test_it_runs_as_its_own_account_whose_token_nobody_else_gets() -> None:
    deployed = deployed_with()
    account = deployed.get("ServiceAccount", NAME).inputs
    assert (pod(deployed)["serviceAccountName"], account["automountServiceAccountToken"]) == (NAME, False)


def test_two_of_them_never_run_at_once_and_each_ends() -> None:
    spec = deployed_with().get("CronJob").inputs["spec"]
    job = spec["jobTemplate"]["spec"]
    assert spec["concurrencyPolicy"] == "Forbid"
    assert (job["backoffLimit"], job["template"]["spec"]["restartPolicy"]) == (0, "Never")
    assert job["activeDeadlineSeconds"] > OWN_LIMIT


def test_old_ones_go() -> None:
    spec = deployed_with().get("CronJob").inputs["spec"]
    assert spec["successfulJobsHistoryLimit"] + spec["failedJobsHistoryLimit"] <= 5
    assert spec["jobTemplate"]["spec"]["ttlSecondsAfterFinished"] <= 24 * 3600


def test_it_has_the_schedule_the_image_and_the_size_of_the_settings() -> None:
    deployed = deployed_with(schedule="@hourly", resources={"limits": {"memory": "1Gi"}})
    assert deployed.get("CronJob").inputs["spec"]["schedule"] == "@hourly"
    assert container(deployed)["image"] == IMAGE
    assert container(deployed)["resources"] == {"limits": {"memory": "1Gi"}}


def test_its_image_comes_from_the_mirror_and_its_pods_run_where_all_do(deploy: Deploy) -> None:
    config = with_settings(
        checked(minimal_config()),
        {
            "images.mirror": "mirror.example.com/copies",
            "images.pullSecrets": ["registry"],
            "scheduling.nodeSelector": {"disk": "ssd"},
        },
    )
    deployed = deploy(config)
    assert container(deployed)["image"] == "mirror.example.com/copies/mesh-tracing-verify:1.0.0"
    assert pod(deployed)["nodeSelector"] == {"disk": "ssd"}
    assert pod(deployed)["imagePullSecrets"] == [{"name": "registry"}]


# What it is told.


def test_verify_understands_its_arguments() -> None:
    arguments = container(deployed_with(probe="http://web.shop.svc:8080/"))["args"]
    parsed = typer.main.get_command(app).make_context("verify", list(arguments)).params
    assert parsed["stack"] == "test"
    assert parsed["publish_to"] == f"istio-system/{NAME}"
    assert parsed["probe"] == "http://web.shop.svc:8080/"
    assert parsed["no_report"]


def test_the_outputs_that_it_mounts_are_those_of_the_stack(tmp_path: Path) -> None:
    deployed = deployed_with()
    arguments = container(deployed)["args"]
    (mount,) = container(deployed)["volumeMounts"]
    (volume,) = pod(deployed)["volumes"]
    folder, _, file = arguments[arguments.index("--outputs") + 1].rpartition("/")
    assert (folder, volume["name"]) == (mount["mountPath"], mount["name"])
    (tmp_path / file).write_text(deployed.get("ConfigMap", volume["configMap"]["name"]).inputs["data"][file])
    assert outputs.of_file(str(tmp_path / file), "test") == (
        "test",
        Deployment.model_validate(deployed.exports["deployment"]),
    )


def test_the_login_of_an_existing_prometheus_comes_from_a_secret() -> None:
    config = checked(with_settings({**minimal_config(), **SENTINELS}, WITH_LOGIN))
    deployed = run_program(config, preview=False)
    (variable,) = container(deployed)["env"]
    source = variable["valueFrom"]["secretKeyRef"]
    assert variable["name"] == "PROMETHEUS_CREDENTIALS"
    assert source["key"] in deployed.get("Secret", source["name"]).inputs["stringData"]


def test_no_secret_stands_in_what_it_is_told() -> None:
    config = checked(with_settings({**minimal_config(), **SENTINELS}, WITH_LOGIN))
    own = [r for r in run_program(config, preview=False).children if "Verification" in r.urn and r.kind != "Secret"]
    texts = json.dumps([str(value) for r in own for _, value in leaves(r.inputs)])
    assert [secret for secret in SENTINELS.values() if secret in texts] == []


# What it may do.


def rules(deployed: Deployed, kind: str) -> Any:
    (found,) = (r for r in deployed.children if r.kind == kind and "Verification" in r.urn)
    return found.inputs["rules"]


def printed_roles(config: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    async def look() -> dict[str, list[dict[str, Any]]]:
        apply_config(config)
        found = roles(Plan(settings.load(pulumi.Config(PROJECT))), "test")
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})
        return {role["metadata"]["name"].rpartition("-")[2]: role["rules"] for role in found}

    return asyncio.run(look())


@pytest.mark.parametrize("stack", STACKS)
def test_it_may_read_what_verify_reads_of_this_stack(stack: str) -> None:
    config = checked(stack_config(stack))
    assert rules(run_program(config, preview=False), "ClusterRole") == printed_roles(config)["verify"]


def test_it_may_write_its_result_and_events_in_its_own_namespace() -> None:
    deployed = deployed_with()
    writing = {"create", "update", "patch", "delete", "deletecollection", "*"}
    found = rules(deployed, "Role")
    assert [(rule["resources"], rule.get("resourceNames"), set(rule["verbs"]) & writing) for rule in found] == [
        (["configmaps"], [NAME], {"patch"}),
        (["events"], None, {"create"}),
    ]
    assert deployed.get("ConfigMap", NAME).inputs["metadata"]["namespace"] == "istio-system"
    # A port-forward is created, and nothing with it.
    created = [rule for rule in rules(deployed, "ClusterRole") if set(rule["verbs"]) & writing]
    assert [rule["resources"] for rule in created] == [["pods/portforward"]]


def test_both_roles_are_those_of_its_account_alone() -> None:
    deployed = deployed_with()
    for kind in ("RoleBinding", "ClusterRoleBinding"):
        (binding,) = (r for r in deployed.children if r.kind == kind and "Verification" in r.urn)
        assert binding.inputs["subjects"] == [{"kind": "ServiceAccount", "name": NAME, "namespace": "istio-system"}]


def test_the_role_of_the_cluster_has_the_name_of_the_meshs_namespace(deploy: Deploy) -> None:
    deployed = deploy(with_setting(checked(minimal_config()), "mesh.namespace", "mesh"))
    (role,) = (r for r in deployed.children if r.kind == "ClusterRole" and "Verification" in r.urn)
    assert role.object_name == f"{NAME}-mesh"


def test_an_update_may_grant_what_it_grants() -> None:
    """Without `escalate` and `bind` the API server lets nobody grant more than he has."""
    config = checked(with_setting(minimal_config(), "mesh.installer", "sail"))
    found = [rule for rule in printed_roles(config)["up"] if "rbac.authorization.k8s.io" in rule["apiGroups"]]
    granting = {name for rule in found if {"escalate", "bind"} <= set(rule["verbs"]) for name in rule["resourceNames"]}
    assert granting == {NAME, f"{NAME}-istio-system"}


# What is refused.

GOOD = [
    "* * * * *", "*/10 * * * *", "0 3 * * 1-5", "5,35 8-18/2 1 jan,Jul MON", "0 0 ? * 0", "30/5 * * * *", "@daily",
]  # fmt: skip
# The last ones are those that Kubernetes' parser, or Kubernetes itself, refuses, and other readers of cron do not.
BAD = [
    "", "*", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 13 *",
    "*/0 * * * *", "5-1 * * * *", "1- * * * *", "a * * * *", "* * * * mon-sun", "@every", "@sometimes", "*/10",
    "1,,2 * * * *", "-1 * * * *", "* * * * 7", "TZ=Europe/Berlin 0 3 * * *", "@reboot", "0 3 L * *",
]  # fmt: skip


@pytest.mark.parametrize("schedule", GOOD)
def test_a_schedule_is_accepted(schedule: str) -> None:
    apply_config(checked(minimal_config(), schedule=schedule))
    assert settings.load(pulumi.Config(PROJECT)).verify.schedule == schedule


@pytest.mark.parametrize("schedule", BAD)
def test_a_schedule_that_kubernetes_would_not_keep_is_refused(schedule: str) -> None:
    problem = refusal(checked(minimal_config(), schedule=schedule))
    assert problem.startswith(f"{PROJECT}:verify.schedule: expected a schedule of cron")


def test_no_image_is_refused_with_what_makes_one() -> None:
    problem = refusal(with_setting(minimal_config(), "verify", {"enabled": True}))
    assert problem.startswith(f"{PROJECT}:verify: expected an image for enabled")
    assert "verify/Containerfile" in problem


def test_a_secret_address_of_prometheus_is_refused_and_not_repeated() -> None:
    config = with_setting(
        checked(minimal_config()), "prometheus.existing", {"queryUrl": "https://prometheus.example.com/secret-token"}
    )
    problem = refusal(config, ("prometheus",))
    assert "prometheus.existing.queryUrl" in problem
    assert "secret-token" not in problem


def test_a_secret_address_is_no_matter_where_it_is_off() -> None:
    config = with_setting(
        minimal_config(), "prometheus.existing", {"queryUrl": "https://prometheus.example.com/secret-token"}
    )
    apply_config(config, ["prometheus"])
    assert not settings.load(pulumi.Config(PROJECT)).verify.enabled

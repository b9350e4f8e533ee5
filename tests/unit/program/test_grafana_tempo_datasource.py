"""Data sources and dashboard reach Grafana in each of three ways; the managed Grafana allows no anonymous access."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from recording import PROJECT, SENTINELS, Deployed, is_secret, minimal_config, with_setting

from model import Grafana
from objects.dashboard import build_dashboard
from objects.datasources import build_datasources, datasource_spec, provisioning_file
from objects.grafana import GrafanaTempoDatasourceArgs, content_hash
from objects.manifests import load

Deploy = Callable[..., Deployed]

PASSWORD = SENTINELS[f"{PROJECT}:grafanaAdminPassword"]
TEMPO = "http://tempo:3200"
PROMETHEUS = "http://prometheus:9090"
THEIRS = {"queryUrl": "http://prometheus.monitoring.svc.cluster.local:9090", "datasourceUid": "theirs"}


def config(mode: str, **more: Any) -> dict[str, Any]:
    changed = with_setting({**minimal_config(), **SENTINELS}, "grafana.mode", mode)
    for path, value in more.items():
        changed = with_setting(changed, path.replace("__", "."), value)
    return changed


def datasources(tempo_url: str = TEMPO) -> dict[str, Any]:
    return build_datasources(Grafana(), existing_uid=None, tempo_url=tempo_url, prometheus_url=PROMETHEUS)


def in_config_map(deployed: Deployed) -> list[dict[str, Any]]:
    data = deployed.get("ConfigMap", "grafana-datasources-tracing").inputs["data"]
    found: list[dict[str, Any]] = yaml.safe_load(data["datasources.yaml"])["datasources"]
    return found


def in_resources(deployed: Deployed) -> list[dict[str, Any]]:
    specs = [r.inputs["spec"] for r in deployed.children if r.kind == "GrafanaDatasource"]
    found = [{"uid": spec["uid"], **spec["datasource"]} for spec in specs]
    # In the order of the file, which resources do not have.
    return sorted(found, key=lambda one: str(one["type"]), reverse=True)


def dashboard_uids(deployed: Deployed) -> dict[str, set[str]]:
    """The uids of the data sources that the dashboard asks, by their type."""
    (found,) = (r.inputs for r in deployed.children if r.name == "datasource-dashboard")
    text = found["spec"]["json"] if found["kind"] == "GrafanaDashboard" else found["data"]["mesh-tracing.json"]
    dashboard = json.loads(text)
    sources = [panel["datasource"] for panel in dashboard["panels"] if panel["type"] != "row"]
    sources += [target["datasource"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    sources += [variable["datasource"] for variable in dashboard["templating"]["list"]]
    return {kind: {one["uid"] for one in sources if one["type"] == kind} for kind in ("tempo", "prometheus")}


def objects_of(deployed: Deployed) -> set[tuple[str, str]]:
    return {(r.kind, r.object_name) for r in deployed.children if r.name.startswith("datasource-")}


def variables(deployed: Deployed) -> dict[str, Any]:
    (container,) = deployed.get("Deployment", "grafana").inputs["spec"]["template"]["spec"]["containers"]
    return {variable["name"]: variable.get("value", variable.get("valueFrom")) for variable in container["env"]}


def content_annotation(deployed: Deployed) -> str:
    template = deployed.get("Deployment", "grafana").inputs["spec"]["template"]
    return str(template["metadata"]["annotations"]["checksum/content"])


MODES = {
    "config-map": {("ConfigMap", "grafana-datasources-tracing"), ("ConfigMap", "grafana-dashboard-tracing")},
    "operator": {
        ("GrafanaDatasource", "mesh-tracing-tempo"),
        ("GrafanaDatasource", "mesh-tracing-prometheus"),
        ("GrafanaDashboard", "mesh-tracing-dashboard"),
    },
    "managed": {
        ("ConfigMap", "grafana-datasources-tracing"),
        ("ConfigMap", "grafana-dashboard-tracing"),
        ("ConfigMap", "grafana-dashboard-folders"),
        ("Secret", "grafana-admin"),
        ("ServiceAccount", "grafana"),
        ("Service", "grafana"),
        ("Deployment", "grafana"),
    },
}


@pytest.mark.parametrize("preview", [False, True], ids=["up", "preview"])
@pytest.mark.parametrize("mode", MODES)
def test_each_mode_makes_its_objects_in_grafana_s_namespace(deploy: Deploy, mode: str, preview: bool) -> None:
    deployed = deploy(config(mode, grafana__namespace="observe"), preview=preview)
    assert objects_of(deployed) == MODES[mode]
    for resource in deployed.children:
        if resource.name.startswith("datasource-"):
            assert resource.inputs["metadata"]["namespace"] == "observe", resource.urn


def test_only_a_grafana_of_the_program_s_own_has_its_namespace_made(deploy: Deploy) -> None:
    def namespaces(mode: str) -> set[str]:
        return {r.object_name for r in deploy(config(mode, grafana__namespace="observe")) if r.kind == "Namespace"}

    assert "observe" in namespaces("managed")
    assert "observe" not in namespaces("operator") | namespaces("config-map")


def test_without_a_namespace_of_its_own_everything_is_in_the_mesh_s(minimal: Deployed) -> None:
    config_map = minimal.get("ConfigMap", "grafana-dashboard-tracing")
    assert config_map.inputs["metadata"]["namespace"] == "istio-system"


def test_a_sidecar_finds_the_config_maps_by_their_labels_unless_a_grafana_of_ours_mounts_them(deploy: Deploy) -> None:
    expected = {"grafana-datasources-tracing": "grafana_datasource", "grafana-dashboard-tracing": "grafana_dashboard"}
    for name, label in expected.items():
        for mode, value in (("config-map", "1"), ("managed", None)):
            labels = deploy(config(mode)).get("ConfigMap", name).inputs["metadata"]["labels"]
            assert labels.get(label) == value


@pytest.mark.parametrize("mode", ["config-map", "managed"])
def test_the_dashboard_is_provisioned_as_it_is_built(deploy: Deploy, mode: str) -> None:
    data = deploy(config(mode)).get("ConfigMap", "grafana-dashboard-tracing").inputs["data"]
    assert {key: json.loads(text) for key, text in data.items()} == {
        "mesh-tracing.json": build_dashboard(tempo_uid="mesh-tracing-tempo", prometheus_uid="mesh-tracing-prometheus")
    }


def test_grafana_reads_back_from_the_provisioning_file_what_the_operator_is_given(deploy: Deploy) -> None:
    # Grafana turns $$ into $ and, with the variable unset, $name into nothing.
    expanded = json.loads(json.dumps(in_config_map(deploy(config("config-map")))).replace("$$", "$"))
    assert in_resources(deploy(config("operator"))) == expanded


@pytest.mark.parametrize("mode", ["config-map", "operator"])
def test_no_data_source_has_a_name_or_a_uid_that_other_stacks_use(deploy: Deploy, mode: str) -> None:
    # Those of kube-prometheus-stack, and those that Grafana's own examples give.
    taken = {"prometheus", "alertmanager", "tempo", "loki", "jaeger"}
    deployed = deploy(config(mode))
    found = in_config_map(deployed) if mode == "config-map" else in_resources(deployed)
    assert {one["type"] for one in found} == {"tempo", "prometheus"}
    for one in found:
        assert one["name"].lower() not in taken
        assert one["uid"].lower() not in taken


@pytest.mark.parametrize("mode", ["config-map", "operator"])
def test_names_and_uids_are_those_of_the_settings_everywhere(deploy: Deploy, mode: str) -> None:
    names = {"grafana__tempo": {"name": "Traces", "uid": "a"}, "grafana__prometheus": {"name": "Graph", "uid": "b"}}
    deployed = deploy(config(mode, **names))
    tempo, prometheus = in_config_map(deployed) if mode == "config-map" else in_resources(deployed)
    assert [(one["name"], one["uid"]) for one in (tempo, prometheus)] == [("Traces", "a"), ("Graph", "b")]
    assert tempo["jsonData"]["serviceMap"] == {"datasourceUid": "b"}
    assert tempo["jsonData"]["tracesToMetrics"]["datasourceUid"] == "b"
    assert prometheus["jsonData"]["exemplarTraceIdDestinations"][0]["datasourceUid"] == "a"
    assert dashboard_uids(deployed) == {"tempo": {"a"}, "prometheus": {"b"}}


@pytest.mark.parametrize("mode", ["config-map", "operator"])
def test_a_prometheus_that_grafana_has_already_is_referred_to_and_not_made(deploy: Deploy, mode: str) -> None:
    deployed = deploy(config(mode, prometheus__existing=THEIRS))
    (tempo,) = in_config_map(deployed) if mode == "config-map" else in_resources(deployed)
    assert tempo["type"] == "tempo"
    assert tempo["jsonData"]["serviceMap"] == {"datasourceUid": "theirs"}
    assert tempo["jsonData"]["tracesToMetrics"]["datasourceUid"] == "theirs"
    assert dashboard_uids(deployed) == {"tempo": {"mesh-tracing-tempo"}, "prometheus": {"theirs"}}


def test_grafana_takes_away_what_the_provisioning_file_does_not_have_any_more(minimal: Deployed) -> None:
    data = minimal.get("ConfigMap", "grafana-datasources-tracing").inputs["data"]
    assert yaml.safe_load(data["datasources.yaml"])["prune"] is True


def test_another_uid_replaces_the_operator_s_resource_which_cannot_change_it(deploy: Deploy) -> None:
    resource = deploy(config("operator")).get("GrafanaDatasource", "mesh-tracing-prometheus")
    assert "spec.uid" in resource.further_options["replaceOnChanges"]
    assert resource.delete_before_replace


def test_a_provisioning_file_doubles_every_dollar_and_a_resource_none() -> None:
    built = datasources(tempo_url="http://tempo/$a")
    in_file = provisioning_file(built)
    assert "/$$a" in in_file
    assert in_file.count("$") == 2 * json.dumps(built).count("$")
    resource = json.dumps(datasource_spec(built["tempo"], instance_labels={"dashboards": "grafana"}))
    assert "$$" not in resource
    assert "{$__tags}" in resource


def test_both_data_sources_are_linked_to_each_other() -> None:
    tempo, prometheus = datasources().values()
    assert (tempo["type"], tempo["url"], prometheus["type"], prometheus["url"]) == (
        "tempo",
        TEMPO,
        "prometheus",
        PROMETHEUS,
    )
    assert tempo["jsonData"]["serviceMap"] == {"datasourceUid": prometheus["uid"]}
    assert tempo["jsonData"]["tracesToMetrics"]["datasourceUid"] == prometheus["uid"]
    assert tempo["jsonData"]["nodeGraph"] == {"enabled": True}
    assert tempo["jsonData"]["streamingEnabled"] == {"search": False, "metrics": False}
    (exemplar,) = prometheus["jsonData"]["exemplarTraceIdDestinations"]
    assert exemplar == {"name": "traceID", "datasourceUid": tempo["uid"]}


@pytest.mark.parametrize(
    ("kind", "name", "condition"),
    [
        ("GrafanaDatasource", "mesh-tracing-tempo", "DatasourceSynchronized"),
        ("GrafanaDatasource", "mesh-tracing-prometheus", "DatasourceSynchronized"),
        ("GrafanaDashboard", "mesh-tracing-dashboard", "DashboardSynchronized"),
    ],
)
def test_the_operator_s_resources_select_their_grafana_and_are_awaited(
    deploy: Deploy, kind: str, name: str, condition: str
) -> None:
    resource = deploy(config("operator", grafana__instanceLabels={"team": "mesh"}, timeouts__consoles=77)).get(
        kind, name
    )
    spec = resource.inputs["spec"]
    assert resource.inputs["apiVersion"] == "grafana.integreatly.org/v1beta1"
    assert spec["instanceSelector"] == {"matchLabels": {"team": "mesh"}}
    assert spec["allowCrossNamespaceImport"] is True
    assert resource.inputs["metadata"]["annotations"]["pulumi.com/waitFor"] == f"condition={condition}"
    assert set(resource.timeouts.values()) == {"77s"}
    # A Deployment's selector cannot be changed in place, and two Deployments cannot share a name.
    assert resource.delete_before_replace
    assert "spec.instanceSelector" in resource.further_options["replaceOnChanges"]


def test_the_operator_is_given_the_uids_that_refer_to_each_other(deploy: Deploy) -> None:
    deployed = deploy(config("operator"))
    for uid in ("mesh-tracing-tempo", "mesh-tracing-prometheus"):
        spec = deployed.get("GrafanaDatasource", uid).inputs["spec"]
        assert spec["uid"] == uid
        assert "uid" not in spec["datasource"]
    dashboard = deployed.get("GrafanaDashboard").inputs["spec"]
    assert dashboard["uid"] == json.loads(dashboard["json"])["uid"] == "mesh-tracing"


WAITS = {
    "config-map": ("ConfigMap", "grafana-datasources-tracing"),
    "operator": ("GrafanaDatasource", "mesh-tracing-tempo"),
    "managed": ("Deployment", "grafana"),
}


@pytest.mark.parametrize("mode", WAITS)
def test_data_sources_wait_for_what_they_ask(deploy: Deploy, mode: str) -> None:
    deployed = deploy(config(mode))
    before = deployed.before(deployed.get(*WAITS[mode]).urn)
    assert deployed.get("TempoMonolithic").urn in before
    assert deployed.get("Deployment", "prometheus").urn in before


@pytest.mark.parametrize("earlier", sorted(MODES["managed"] - {("Deployment", "grafana"), ("Service", "grafana")}))
def test_the_pod_waits_for_what_it_mounts_and_reads(deploy: Deploy, earlier: tuple[str, str]) -> None:
    deployed = deploy(config("managed"))
    grafana = deployed.get("Deployment", "grafana")
    assert deployed.get(*earlier).urn in deployed.before(grafana.urn)


def test_the_admin_s_password_stands_in_its_secret_only(deploy: Deploy) -> None:
    deployed = deploy(config("managed"))
    holders = {(r.kind, r.object_name) for r in deployed if PASSWORD in json.dumps(dict(r.inputs))}
    assert holders == {("Secret", "grafana-admin")}
    assert is_secret(deployed.get("Secret", "grafana-admin").raw_inputs["stringData"])
    assert PASSWORD not in json.dumps(dict(deployed.exports))
    reference = {"secretKeyRef": {"name": "grafana-admin", "key": "password"}}
    assert variables(deployed)["GF_SECURITY_ADMIN_PASSWORD"] == reference


def test_the_settings_reach_the_pod(deploy: Deploy) -> None:
    deployed = deploy(
        config(
            "managed",
            grafana__image="registry.example/grafana:1.2.3",
            grafana__resources={"requests": {"memory": "96Mi"}, "limits": {"memory": "1Gi"}},
            timeouts__consoles=88,
        )
    )
    deployment = deployed.get("Deployment", "grafana")
    (container,) = deployment.inputs["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "registry.example/grafana:1.2.3"
    assert container["resources"] == {"requests": {"memory": "96Mi"}, "limits": {"memory": "1Gi"}}
    assert set(deployment.timeouts.values()) == {"88s"}


def test_grafana_knows_the_url_of_browsers_only_where_there_is_one(deploy: Deploy) -> None:
    assert "GF_SERVER_ROOT_URL" not in variables(deploy(config("managed")))
    exposed = deploy(config("managed", exposure__kind="ingress", exposure__domain="example.com"))
    assert variables(exposed)["GF_SERVER_ROOT_URL"] == "https://grafana.example.com/"


def test_the_pod_restarts_for_what_it_reads_at_its_start_and_for_nothing_else(deploy: Deploy) -> None:
    before = content_annotation(deploy(config("managed")))
    assert content_annotation(deploy(config("managed", tempo__namespace="traces"))) != before
    assert content_annotation(deploy(config("managed", tracing__samplingPercentage=7))) == before
    another_password = {**config("managed"), f"{PROJECT}:grafanaAdminPassword": "another-password"}
    assert content_annotation(deploy(another_password)) == before
    assert content_annotation(deploy(config("managed"), preview=True)) == before


@pytest.mark.parametrize("changed", ["tempo_url", "prometheus_url"])
def test_the_hash_follows_both_addresses(changed: str) -> None:
    urls = {"tempo_url": TEMPO, "prometheus_url": PROMETHEUS}

    def hash_of(urls: dict[str, str]) -> str:
        return content_hash(GrafanaTempoDatasourceArgs.model_validate(urls))

    assert hash_of(urls) == hash_of(urls)
    assert hash_of(urls) != hash_of({**urls, changed: "http://elsewhere"})


def test_the_hash_is_of_the_addresses_that_the_data_sources_have(deploy: Deploy) -> None:
    existing = {"queryUrl": "http://prometheus.monitoring.svc.cluster.local:9090"}
    own = content_annotation(deploy(config("managed")))
    foreign = deploy(config("managed", prometheus__existing=existing))
    assert content_annotation(foreign) != own
    text = foreign.get("ConfigMap", "grafana-datasources-tracing").inputs["data"]["datasources.yaml"]
    assert existing["queryUrl"] in text


def manifest(kind: str, name: str) -> dict[str, Any]:
    (found,) = (m for m in load("grafana.yaml") if (m["kind"], m["metadata"]["name"]) == (kind, name))
    return found


def test_every_config_map_is_mounted_where_grafana_looks_for_it() -> None:
    pod = manifest("Deployment", "grafana")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    config_maps = {v["name"]: v["configMap"]["name"] for v in pod["volumes"] if "configMap" in v}
    mounted = {config_maps.get(m["name"]): m["mountPath"] for m in container["volumeMounts"]}
    provisioning_path = next(e["value"] for e in container["env"] if e["name"] == "GF_PATHS_PROVISIONING")
    assert mounted["grafana-datasources-tracing"] == f"{provisioning_path}/datasources"
    assert mounted["grafana-dashboard-folders"] == f"{provisioning_path}/dashboards"
    (provider,) = yaml.safe_load(manifest("ConfigMap", "grafana-dashboard-folders")["data"]["folders.yaml"])[
        "providers"
    ]
    assert mounted["grafana-dashboard-tracing"] == provider["options"]["path"]


def test_everything_that_grafana_writes_is_on_a_volume_that_any_user_can_write_to() -> None:
    pod = manifest("Deployment", "grafana")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    empty = {volume["name"] for volume in pod["volumes"] if "emptyDir" in volume}
    writable = [m["mountPath"] for m in container["volumeMounts"] if m["name"] in empty]
    paths = {e["name"]: e["value"] for e in container["env"] if e["name"].startswith("GF_PATHS_")}
    for written in (paths["GF_PATHS_DATA"], paths["GF_PATHS_LOGS"], paths["GF_PATHS_PLUGINS"], "/tmp"):  # noqa: S108
        assert any(written == path or written.startswith(f"{path}/") for path in writable), written
    assert container["securityContext"]["readOnlyRootFilesystem"] is True


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("GF_AUTH_ANONYMOUS_ENABLED", "false"),
        ("GF_USERS_ALLOW_SIGN_UP", "false"),
        ("GF_ANALYTICS_REPORTING_ENABLED", "false"),
        ("GF_ANALYTICS_CHECK_FOR_UPDATES", "false"),
        ("GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES", "false"),
        ("GF_NEWS_NEWS_FEED_ENABLED", "false"),
        ("GF_SECURITY_DISABLE_GRAVATAR", "true"),
        ("GF_PLUGINS_PREINSTALL_DISABLED", "true"),
        ("GF_PLUGINS_PLUGIN_ADMIN_ENABLED", "false"),
    ],
)
def test_grafana_lets_nobody_in_unasked_and_calls_nobody(deploy: Deploy, variable: str, value: str) -> None:
    assert variables(deploy(config("managed")))[variable] == value


@pytest.mark.parametrize("probe", ["startupProbe", "readinessProbe", "livenessProbe"])
def test_every_probe_asks_for_grafana_s_health(probe: str) -> None:
    (container,) = manifest("Deployment", "grafana")["spec"]["template"]["spec"]["containers"]
    assert container[probe]["httpGet"] == {"path": "/api/health", "port": "http"}


def test_the_address_that_others_get_is_that_of_the_service() -> None:
    (port,) = manifest("Service", "grafana")["spec"]["ports"]
    assert (port["name"], port["port"]) == ("http", 3000)


@pytest.mark.parametrize(
    ("mode", "exported"),
    [("config-map", "istio-system/grafana-datasources-tracing"), ("operator", None)],
)
def test_the_export_names_the_config_map_where_there_is_one(deploy: Deploy, mode: str, exported: str | None) -> None:
    assert deploy(config(mode)).exports.get("grafana_datasources_config_map") == exported

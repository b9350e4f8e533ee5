"""The sample, its traffic, and its way into the mesh."""

from collections.abc import Callable, Iterator
from typing import Any

import pulumi
import pytest
from recording import PROJECT, Deployed, Registration, apply_config, minimal_config, with_setting

import settings
from objects.addresses import GATEWAY_PORT, gateway_service
from objects.bookinfo import gateway_args
from objects.bookinfo_gateway import proxy_chart
from objects.manifests import load
from objects.restart import ANNOTATION
from program import Plan

Deploy = Callable[..., Deployed]

APPLICATION = {"details-v1", "ratings-v1", "reviews-v1", "reviews-v2", "reviews-v3", "productpage-v1"}
CLIENTS = {"sleep", "spiffe-test-productpage"}
GATEWAY = "bookinfo-gateway"
SERVICE_TYPE = "networking.istio.io/service-type"
EXISTING_MESH = [("mesh.installer", "existing"), ("namespaces.existing", ["istio-system"])]
PAGES = {"/productpage", "/login", "/logout"}
FOLDERS = {"/static", "/api/v1/products"}


def config_with(*changes: tuple[str, Any]) -> dict[str, Any]:
    config = minimal_config()
    for path, value in changes:
        config = with_setting(config, path, value)
    return config


def deployments(deployed: Deployed) -> dict[str, Registration]:
    return {
        r.object_name: r for r in deployed if r.kind == "Deployment" and r.inputs["metadata"]["namespace"] == "bookinfo"
    }


def in_gateway(deployed: Deployed) -> list[Registration]:
    """The objects of the gateway, of whatever kind it is."""
    (component,) = (c for c in deployed.components if c.kind == "BookinfoGateway")
    return [r for r in deployed if r.parent == component.urn]


def keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner)


def has_chart(*changes: tuple[str, Any]) -> bool:
    """Whether the gateway's proxy comes from a chart."""
    apply_config(config_with(*changes))
    gateway = gateway_args(Plan(settings.load(pulumi.Config(PROJECT))).bookinfo())
    return gateway is not None and proxy_chart(gateway) is not None


# The application.


@pytest.mark.parametrize("name", sorted(APPLICATION))
def test_every_pod_of_the_application_is_probed_and_says_what_it_needs(minimal: Deployed, name: str) -> None:
    (container,) = deployments(minimal)[name].inputs["spec"]["template"]["spec"]["containers"]
    assert container["readinessProbe"]["httpGet"] == {"path": "/health", "port": "http"}
    assert [port["containerPort"] for port in container["ports"]] == [9080]
    assert set(container["resources"]["requests"]) == {"cpu", "memory"}


@pytest.mark.parametrize("gateway", ["none", "istio"])
def test_every_pod_in_the_mesh_carries_the_annotation_that_restarts_it(deploy: Deploy, gateway: str) -> None:
    deployed = deploy(config_with(("bookinfo.gateway", gateway), *(EXISTING_MESH if gateway == "istio" else [])))
    found = {
        name: r.inputs["spec"]["template"]["metadata"]["annotations"][ANNOTATION]
        for name, r in deployments(deployed).items()
    }
    assert set(found) == APPLICATION | CLIENTS | ({GATEWAY} if gateway == "istio" else set())
    assert len(set(found.values())) == 1


def test_a_namespace_that_exists_gets_the_label_of_the_sidecars_and_no_other(deploy: Deploy) -> None:
    deployed = deploy(config_with(("namespaces.existing", ["bookinfo"])))
    (patch,) = (r for r in deployed.children if r.type.endswith("NamespacePatch"))
    assert patch.inputs["metadata"] == {"name": "bookinfo", "labels": {"istio-injection": "enabled"}}


# The traffic.


def test_both_clients_run_once_each_by_default(minimal: Deployed) -> None:
    for name in CLIENTS:
        assert deployments(minimal)[name].inputs["spec"]["replicas"] == 1


def test_concurrency_multiplies_only_the_client_that_the_settings_are_about(deploy: Deploy) -> None:
    found = deployments(deploy(config_with(("bookinfo.traffic.concurrency", 3))))
    assert found["sleep"].inputs["spec"]["replicas"] == 3
    assert found["spiffe-test-productpage"].inputs["spec"]["replicas"] == 1


@pytest.mark.parametrize(("rate", "pause"), [(1, "1"), (4, "0.25"), (0.1, "10")])
def test_the_rate_becomes_the_pause_between_two_requests(deploy: Deploy, rate: float, pause: str) -> None:
    found = deployments(deploy(config_with(("bookinfo.traffic.requestsPerSecond", rate))))
    pauses = {
        name: found[name].inputs["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] for name in CLIENTS
    }
    assert pauses == {"sleep": pause, "spiffe-test-productpage": "5"}


def test_without_traffic_only_the_application_runs(deploy: Deploy) -> None:
    deployed = deploy(config_with(("bookinfo.traffic.enabled", False)))
    assert set(deployments(deployed)) == APPLICATION
    names = {r.object_name for r in deployed if r.kind in {"Service", "ServiceAccount"}}
    assert not names & CLIENTS


@pytest.mark.parametrize("gateway", ["none", "gateway-api"])
def test_clients_ask_inside_the_mesh_with_a_gateway_or_without(deploy: Deploy, gateway: str) -> None:
    found = deployments(deploy(config_with(("bookinfo.gateway", gateway))))
    for name in CLIENTS:
        (container,) = found[name].inputs["spec"]["template"]["spec"]["containers"]
        assert "http://productpage:9080/productpage" in container["args"][0]


# The gateway.


def test_by_default_there_is_no_gateway(minimal: Deployed) -> None:
    assert "BookinfoGateway" not in {component.kind for component in minimal.components}
    assert "gateway_service" not in minimal.exports


@pytest.fixture(params=["helm", "existing"])
def istio_gateway(deploy: Deploy, request: pytest.FixtureRequest) -> Deployed:
    changes = EXISTING_MESH if request.param == "existing" else []
    return deploy(config_with(("bookinfo.gateway", "istio"), *changes))


@pytest.fixture
def injected_gateway(deploy: Deploy) -> Deployed:
    return deploy(config_with(("bookinfo.gateway", "istio"), *EXISTING_MESH))


@pytest.fixture
def released_gateway(deploy: Deploy) -> Deployed:
    return deploy(config_with(("bookinfo.gateway", "istio")))


@pytest.fixture
def api_gateway(deploy: Deploy) -> Deployed:
    return deploy(config_with(("bookinfo.gateway", "gateway-api")))


def test_istio_s_gateway_takes_every_host_on_the_port_of_the_proxy(istio_gateway: Deployed) -> None:
    gateway = istio_gateway.get("Gateway", GATEWAY).inputs
    assert gateway["apiVersion"] == "networking.istio.io/v1"
    assert gateway["metadata"]["namespace"] == "bookinfo"
    assert gateway["spec"] == {
        "selector": {"istio": GATEWAY},
        "servers": [{"port": {"number": 8080, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}],
    }


def test_istio_s_routes_lead_what_a_browser_asks_for_to_the_product_page(istio_gateway: Deployed) -> None:
    routes = istio_gateway.get("VirtualService", GATEWAY).inputs
    assert routes["apiVersion"] == "networking.istio.io/v1"
    assert routes["spec"]["hosts"] == ["*"]
    assert routes["spec"]["gateways"] == [GATEWAY]
    (http,) = routes["spec"]["http"]
    assert {match["uri"]["exact"] for match in http["match"] if "exact" in match["uri"]} == PAGES
    assert {match["uri"]["prefix"] for match in http["match"] if "prefix" in match["uri"]} == FOLDERS
    assert http["route"] == [
        {"destination": {"host": "productpage.bookinfo.svc.cluster.local", "port": {"number": 9080}}}
    ]


def test_a_mesh_that_helm_installed_gets_istio_s_chart_of_a_gateway(released_gateway: Deployed) -> None:
    release = released_gateway.get("Release", GATEWAY)
    istiod = released_gateway.get("Release", "istiod")
    assert release.inputs["chart"] == "gateway"
    assert release.inputs["version"] == istiod.inputs["version"]
    assert release.inputs["repositoryOpts"] == istiod.inputs["repositoryOpts"]
    assert release.inputs["namespace"] == "bookinfo"
    assert GATEWAY not in deployments(released_gateway)


def test_the_chart_s_proxy_is_inside_the_cluster_and_above_port_1024(released_gateway: Deployed) -> None:
    values = released_gateway.get("Release", GATEWAY).inputs["values"]
    assert values["service"]["type"] == "ClusterIP"
    (port,) = values["service"]["ports"]
    assert (port["port"], port["targetPort"]) == (80, 8080)
    assert values["labels"]["istio"] == GATEWAY
    assert values["autoscaling"] == {"enabled": False}


@pytest.mark.parametrize(("values", "policy"), [({}, "IfNotPresent"), ({"imagePullPolicy": "Always"}, "Always")])
def test_the_chart_s_proxy_is_pulled_when_the_sidecars_are(deploy: Deploy, values: dict[str, str], policy: str) -> None:
    deployed = deploy(config_with(("bookinfo.gateway", "istio"), ("mesh.values", {"global": values})))
    assert deployed.get("Release", GATEWAY).inputs["values"]["imagePullPolicy"] == policy


def test_the_chart_s_proxy_restarts_with_the_sidecars(released_gateway: Deployed) -> None:
    sleep = deployments(released_gateway)["sleep"].inputs["spec"]["template"]["metadata"]["annotations"]
    values = released_gateway.get("Release", GATEWAY).inputs["values"]
    assert values["podAnnotations"][ANNOTATION] == sleep[ANNOTATION]


def test_the_chart_s_proxy_has_the_timeout_of_the_sample(deploy: Deploy) -> None:
    release = deploy(config_with(("bookinfo.gateway", "istio"), ("timeouts.bookinfo", 66))).get("Release", GATEWAY)
    assert release.inputs["timeout"] == 66


def test_the_injected_proxy_has_the_timeout_of_the_sample(deploy: Deploy) -> None:
    changes = (("bookinfo.gateway", "istio"), ("timeouts.bookinfo", 66), *EXISTING_MESH)
    proxy = deployments(deploy(config_with(*changes)))[GATEWAY]
    assert set(proxy.timeouts.values()) == {"66s"}


@pytest.mark.parametrize("installer", ["sail", "existing"])
def test_a_mesh_that_helm_did_not_install_has_no_chart_of_a_gateway(installer: str) -> None:
    changes = EXISTING_MESH if installer == "existing" else [("mesh.installer", installer)]
    assert not has_chart(("bookinfo.gateway", "istio"), *changes)
    assert has_chart(("bookinfo.gateway", "istio"))


def test_the_injected_proxy_is_what_the_injector_completes(injected_gateway: Deployed) -> None:
    template = deployments(injected_gateway)[GATEWAY].inputs["spec"]["template"]
    assert template["metadata"]["annotations"]["inject.istio.io/templates"] == "gateway"
    assert template["metadata"]["labels"]["sidecar.istio.io/inject"] == "true"
    assert template["metadata"]["labels"]["istio"] == GATEWAY
    assert "app.kubernetes.io/name" not in template["metadata"]["labels"]
    (container,) = template["spec"]["containers"]
    assert (container["name"], container["image"]) == ("istio-proxy", "auto")


def test_the_injected_proxy_needs_no_privilege(injected_gateway: Deployed) -> None:
    pod = deployments(injected_gateway)[GATEWAY].inputs["spec"]["template"]["spec"]
    assert not set(keys(pod)) & {"runAsUser", "runAsGroup", "fsGroup", "sysctls", "hostPort", "hostNetwork"}
    (container,) = pod["containers"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    service = injected_gateway.get("Service", GATEWAY).inputs["spec"]
    assert [(port["port"], port["targetPort"]) for port in service["ports"]] == [(80, 8080)]


def test_the_injected_proxy_may_read_secrets_of_its_namespace_and_nothing_else(injected_gateway: Deployed) -> None:
    role = injected_gateway.get("Role", GATEWAY).inputs
    assert role["rules"] == [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list", "watch"]}]
    binding = injected_gateway.get("RoleBinding", GATEWAY).inputs
    assert binding["roleRef"]["name"] == GATEWAY
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": GATEWAY}]
    for inputs in (role, binding):
        assert inputs["metadata"]["namespace"] == "bookinfo"


@pytest.mark.parametrize("kind", ["ServiceAccount", "Role", "RoleBinding", "Service"])
def test_the_injected_proxy_starts_after(injected_gateway: Deployed, kind: str) -> None:
    deployment = deployments(injected_gateway)[GATEWAY]
    assert injected_gateway.get(kind, GATEWAY).urn in deployment.dependencies


def test_a_gateway_of_the_api_is_one_of_istio_s_inside_the_cluster(api_gateway: Deployed) -> None:
    gateway = api_gateway.get("Gateway", GATEWAY).inputs
    assert gateway["apiVersion"] == "gateway.networking.k8s.io/v1"
    assert gateway["spec"]["gatewayClassName"] == "istio"
    (listener,) = gateway["spec"]["listeners"]
    assert (listener["port"], listener["protocol"]) == (80, "HTTP")
    assert gateway["metadata"]["annotations"][SERVICE_TYPE] == "ClusterIP"


def test_a_route_of_the_api_leads_what_a_browser_asks_for_to_the_product_page(api_gateway: Deployed) -> None:
    route = api_gateway.get("HTTPRoute", GATEWAY).inputs
    assert route["apiVersion"] == "gateway.networking.k8s.io/v1"
    assert route["spec"]["parentRefs"] == [{"name": GATEWAY}]
    (rule,) = route["spec"]["rules"]
    paths = [match["path"] for match in rule["matches"]]
    assert {path["value"] for path in paths if path["type"] == "Exact"} == PAGES
    assert {path["value"] for path in paths if path["type"] == "PathPrefix"} == FOLDERS
    assert rule["backendRefs"] == [{"name": "productpage", "port": 9080}]


def test_gateway_and_route_of_the_api_are_awaited_on_istio_s_word(deploy: Deploy) -> None:
    deployed = deploy(config_with(("bookinfo.gateway", "gateway-api"), ("timeouts.bookinfo", 88)))
    gateway = deployed.get("Gateway", GATEWAY)
    route = deployed.get("HTTPRoute", GATEWAY)
    assert gateway.inputs["metadata"]["annotations"]["pulumi.com/waitFor"] == "condition=Programmed"
    # A route's conditions are per gateway; this selects nothing until Istio has accepted the route.
    assert route.inputs["metadata"]["annotations"]["pulumi.com/waitFor"] == (
        'jsonpath={.status.parents[?@.controllerName=="istio.io/gateway-controller"]'
        '.conditions[?@.type=="Accepted" && @.status=="True"].type}'
    )
    for resource in (gateway, route):
        assert set(resource.timeouts.values()) == {"88s"}


def test_the_proxy_of_the_api_restarts_with_the_sidecars(api_gateway: Deployed) -> None:
    sleep = deployments(api_gateway)["sleep"].inputs["spec"]["template"]["metadata"]["annotations"]
    infrastructure = api_gateway.get("Gateway", GATEWAY).inputs["spec"]["infrastructure"]
    assert infrastructure["annotations"] == {ANNOTATION: sleep[ANNOTATION]}


def test_the_proxy_of_the_api_is_named_in_spans_like_the_other_one(api_gateway: Deployed) -> None:
    infrastructure = api_gateway.get("Gateway", GATEWAY).inputs["spec"]["infrastructure"]
    assert infrastructure["labels"]["app"] == GATEWAY
    assert not infrastructure["labels"].keys() & {"app.kubernetes.io/name", "service.istio.io/canonical-name"}


@pytest.mark.parametrize(("wanted", "found"), [(None, "ClusterIP"), ("NodePort", "NodePort")])
@pytest.mark.parametrize("kind", ["chart", "injected", "gateway-api"])
def test_the_gateway_s_service_has_the_type_that_is_set_and_is_else_inside_the_cluster(
    deploy: Deploy, kind: str, wanted: str | None, found: str
) -> None:
    changes: list[tuple[str, Any]] = [("bookinfo.gateway", "gateway-api" if kind == "gateway-api" else "istio")]
    changes += EXISTING_MESH if kind == "injected" else []
    changes += [] if wanted is None else [("bookinfo.gatewayServiceType", wanted)]
    deployed = deploy(config_with(*changes))
    types = {
        "chart": lambda: deployed.get("Release", GATEWAY).inputs["values"]["service"]["type"],
        "injected": lambda: deployed.get("Service", GATEWAY).inputs["spec"]["type"],
        "gateway-api": lambda: deployed.get("Gateway", GATEWAY).inputs["metadata"]["annotations"][SERVICE_TYPE],
    }
    assert types[kind]() == found


def test_a_gateway_of_the_api_belongs_to_the_revision_of_its_namespace(deploy: Deploy, api_gateway: Deployed) -> None:
    canary = deploy(config_with(("bookinfo.gateway", "gateway-api"), ("mesh.revision", "canary")))
    assert canary.get("Gateway", GATEWAY).inputs["metadata"]["labels"]["istio.io/rev"] == "canary"
    labels = api_gateway.get("Gateway", GATEWAY).inputs["metadata"]["labels"]
    assert not labels.keys() & {"istio.io/rev", "istio-injection"}


@pytest.mark.parametrize("kind", ["istio", "gateway-api"])
def test_all_of_a_gateway_is_made_after_the_namespace_and_the_control_plane(deploy: Deploy, kind: str) -> None:
    deployed = deploy(config_with(("bookinfo.gateway", kind)))
    made = in_gateway(deployed)
    assert made
    earlier = {deployed.get("Namespace", "bookinfo").urn, deployed.get("Release", "istiod").urn}
    for resource in made:
        assert earlier <= deployed.before(resource.urn), resource.urn


@pytest.mark.parametrize(
    ("kind", "service"), [("istio", "bookinfo-gateway"), ("gateway-api", "bookinfo-gateway-istio")]
)
def test_the_gateway_s_service_is_exported(deploy: Deploy, kind: str, service: str) -> None:
    exports = deploy(config_with(("bookinfo.gateway", kind))).exports
    assert exports["gateway_service"] == f"{service}.bookinfo.svc.cluster.local"
    # The sample itself is still reached as before.
    assert exports["productpage_url"] == "http://productpage.bookinfo.svc.cluster.local:9080/productpage"


def test_the_gateway_s_service_is_known_without_waiting() -> None:
    assert gateway_service("istio") == "bookinfo-gateway"
    assert gateway_service("gateway-api") == "bookinfo-gateway-istio"
    (service,) = (m for m in load("gateway.yaml") if m["kind"] == "Service")
    assert service["metadata"]["name"] == gateway_service("istio")
    assert service["spec"]["ports"][0]["port"] == GATEWAY_PORT


def test_another_cluster_domain_reaches_the_routes(deploy: Deploy) -> None:
    deployed = deploy(config_with(("bookinfo.gateway", "istio"), ("cluster.domain", "corp.example")))
    (http,) = deployed.get("VirtualService", GATEWAY).inputs["spec"]["http"]
    assert http["route"][0]["destination"]["host"] == "productpage.bookinfo.svc.corp.example"
    assert deployed.exports["gateway_service"] == "bookinfo-gateway.bookinfo.svc.corp.example"

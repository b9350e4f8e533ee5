"""Every pod outside the mesh is accepted under Pod Security `restricted`, and our namespaces have it enforced."""

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import variants
import yaml
from pod_security_standard import violations
from recording import Deployed, Registration, minimal_config, run_program, s3_config, with_setting, with_settings

Deploy = Callable[..., Deployed]

VARIANTS = variants.variants()
ENFORCE = "pod-security.kubernetes.io/enforce"
# What Tempo's operator gives each of its containers, since 0.11 (its manifestutils/securitycontext.go).
TEMPO_CONTAINER = {
    "name": "tempo",
    "securityContext": {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    },
}
# The parts of a TempoStack that run, and where its definition has the fields of their pods.
TEMPO_STACK = (
    "compactor", "distributor.component", "ingester", "querier", "queryFrontend.component",
    "metricsGenerator.component",
)  # fmt: skip
# Fields that OpenShift assigns.
ASSIGNED = {"runAsUser", "runAsGroup", "fsGroup", "supplementalGroups"}

ACCEPTED: dict[str, Any] = {
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [
        {"name": "c", "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}}
    ],
    "volumes": [{"name": "v", "emptyDir": {}}],
}
# What makes the pod above one that is refused: where, and the value there; None takes the field away.
REFUSED: list[tuple[str, Any]] = [
    ("hostNetwork", True),
    ("hostPID", True),
    ("hostIPC", True),
    ("volumes.0.hostPath", {"path": "/"}),
    ("volumes.0.nfs", {"server": "s", "path": "/"}),
    ("securityContext.sysctls", [{"name": "kernel.msgmax", "value": "1"}]),
    ("securityContext.runAsUser", 0),
    ("securityContext.runAsNonRoot", None),
    ("securityContext.seccompProfile", None),
    ("securityContext.seccompProfile.type", "Unconfined"),
    ("securityContext.seLinuxOptions", {"type": "spc_t"}),
    ("securityContext.appArmorProfile", {"type": "Unconfined"}),
    ("securityContext.windowsOptions", {"hostProcess": True}),
    ("containers.0.securityContext", None),
    ("containers.0.securityContext.privileged", True),
    ("containers.0.securityContext.procMount", "Unmasked"),
    ("containers.0.securityContext.allowPrivilegeEscalation", None),
    ("containers.0.securityContext.capabilities", None),
    ("containers.0.securityContext.capabilities.add", ["NET_ADMIN"]),
    ("containers.0.securityContext.runAsNonRoot", False),
    ("containers.0.securityContext.runAsUser", 0),
    ("containers.0.securityContext.seccompProfile", {"type": "Unconfined"}),
    ("containers.0.securityContext.seLinuxOptions", {"role": "r"}),
    ("containers.0.ports", [{"containerPort": 80, "hostPort": 80}]),
    ("containers.0.livenessProbe", {"httpGet": {"host": "127.0.0.1", "port": 1}}),
    ("containers.0.lifecycle", {"preStop": {"tcpSocket": {"host": "127.0.0.1", "port": 1}}}),
    ("initContainers", [{"name": "i"}]),
]


def at(part: Any, path: str) -> Any:
    for key in path.split("."):
        part = part[int(key)] if isinstance(part, list) else part[key]
    return part


def put(pod: dict[str, Any], path: str, value: Any) -> None:
    place, _, key = path.rpartition(".")
    part = at(pod, place) if place else pod
    if value is None:
        del part[key]
    else:
        part[key] = value


def test_the_checker_accepts_a_pod_that_says_what_the_standard_asks_for() -> None:
    assert violations(ACCEPTED) == []


@pytest.mark.parametrize(("path", "value"), REFUSED, ids=[path for path, _ in REFUSED])
def test_the_checker_refuses_a_pod_with(path: str, value: Any) -> None:
    pod = copy.deepcopy(ACCEPTED)
    put(pod, path, value)
    assert violations(pod)


def pods(resource: Registration) -> Iterator[dict[str, Any]]:
    """The pods that ``resource`` leads to, by whoever makes them."""
    spec = resource.inputs.get("spec", {})
    if resource.type.endswith("Patch"):
        return
    if "template" in spec and resource.kind in {"Deployment", "Job", "StatefulSet", "DaemonSet"}:
        yield spec["template"]["spec"]
    elif resource.kind == "CronJob":
        yield spec["jobTemplate"]["spec"]["template"]["spec"]
    elif resource.kind == "OpenTelemetryCollector":
        container = {"name": "otc-container", "securityContext": spec.get("securityContext")}
        yield {"securityContext": spec.get("podSecurityContext"), "containers": [container]}
    elif resource.kind == "TempoMonolithic":
        yield {"securityContext": spec.get("podSecurityContext"), "containers": [TEMPO_CONTAINER]}
    elif resource.kind == "TempoStack":
        for part in (part for part in TEMPO_STACK if part.partition(".")[0] in spec["template"]):
            component = at(spec["template"], part)
            yield {"securityContext": component.get("podSecurityContext"), "containers": [TEMPO_CONTAINER]}


def outside_the_mesh(deployed: Deployed) -> list[Registration]:
    inside = deployed.exports["mesh_namespaces"]
    return [r for r in deployed.children if (r.inputs.get("metadata") or {}).get("namespace") not in inside]


def refused(deployed: Deployed) -> list[str]:
    return [
        f"{resource.name}: {text}"
        for resource in outside_the_mesh(deployed)
        for pod in pods(resource)
        for text in violations(pod)
    ]


def test_every_pod_of_every_stack_is_accepted(deployed: Deployed) -> None:
    assert [pod for resource in outside_the_mesh(deployed) for pod in pods(resource)]
    assert refused(deployed) == []


@pytest.mark.parametrize("name", VARIANTS)
def test_every_pod_of_every_variant_is_accepted(name: str) -> None:
    assert refused(run_program(VARIANTS[name], preview=False)) == []


def profile(deployed: Deployed, release: str, path: str) -> Any:
    (found,) = (r for r in deployed.children if r.object_name == release and r.type.endswith(":Release"))
    return at(found.inputs["values"], path)


def test_the_charts_are_told_the_profile_that_they_lack(deploy: Deploy) -> None:
    deployed = deploy(with_setting(minimal_config(), "kiali.installer", "helm"))
    assert profile(deployed, "istiod", "pilot.seccompProfile") == {"type": "RuntimeDefault"}
    container = {"name": "kiali", "securityContext": profile(deployed, "kiali", "deployment.security_context")}
    assert violations({"containers": [container]}) == []


def test_an_istiod_of_the_sail_operator_is_told_the_profile_too(deploy: Deploy) -> None:
    values = deploy(with_setting(minimal_config(), "mesh.installer", "sail")).get("Istio").inputs["spec"]["values"]
    assert values["pilot"]["seccompProfile"] == {"type": "RuntimeDefault"}


def assigned(value: Any) -> Iterator[str]:
    """The names of all fields, at any depth, that OpenShift assigns."""
    if isinstance(value, Mapping):
        yield from (key for key in value if key in ASSIGNED)
        for inner in value.values():
            yield from assigned(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from assigned(inner)


ON_OPENSHIFT = [name for name in VARIANTS if ("platform", "openshift") in variants.choices(name)]


@pytest.mark.parametrize("name", ON_OPENSHIFT)
def test_on_openshift_nothing_names_a_user_or_a_group(name: str) -> None:
    deployed = run_program(VARIANTS[name], preview=False)
    assert {r.name: found for r in deployed if (found := list(assigned(r.inputs)))} == {}


def test_in_the_mesh_nothing_names_a_user_or_a_group(minimal: Deployed) -> None:
    inside = [r for r in minimal.children if r not in outside_the_mesh(minimal)]
    assert {r.name: found for r in inside if (found := list(assigned(r.inputs)))} == {}


def everything() -> Deployed:
    settings = {"prometheus.storage": {}, "grafana.mode": "managed"}
    return run_program(with_settings(s3_config(), settings), preview=False)


OWN = [
    ("Deployment", "seaweedfs"),
    ("Job", "seaweedfs-bucket"),
    ("Deployment", "prometheus"),
    ("Deployment", "grafana"),
]


@pytest.mark.parametrize(("kind", "name"), OWN)
def test_elsewhere_a_pod_of_our_own_runs_as_a_number_whatever_its_image_says(kind: str, name: str) -> None:
    (pod,) = pods(everything().get(kind, name))
    assert pod["securityContext"]["runAsUser"] > 0


@pytest.mark.parametrize("name", ["seaweedfs", "prometheus"])
def test_elsewhere_a_volume_of_root_s_is_handed_to_the_pod(name: str) -> None:
    (pod,) = pods(everything().get("Deployment", name))
    assert any("persistentVolumeClaim" in volume for volume in pod["volumes"])
    assert pod["securityContext"]["fsGroup"] > 0


@pytest.mark.parametrize("mode", ["monolithic", "stack"])
def test_elsewhere_tempo_s_volumes_are_handed_to_its_image_s_user(deploy: Deploy, mode: str) -> None:
    kind = {"monolithic": "TempoMonolithic", "stack": "TempoStack"}[mode]
    for pod in pods(deploy(with_setting(s3_config(), "tempo.mode", mode)).get(kind)):
        assert pod["securityContext"]["fsGroup"] == 10001


def enforced(deployed: Deployed) -> dict[str, str | None]:
    """What the API server is told of each namespace that the program creates."""
    namespaces = [r for r in deployed.children if r.type == "kubernetes:core/v1:Namespace" and not r.read]
    return {r.object_name: r.inputs["metadata"]["labels"].get(ENFORCE) for r in namespaces}


def test_it_is_enforced_in_the_system_namespaces_and_not_in_the_mesh(deploy: Deploy) -> None:
    settings = {"grafana.mode": "managed", "grafana.namespace": "graphs"}
    assert enforced(deploy(with_settings(s3_config(), settings))) == {
        "istio-system": "restricted",
        "tracing-system": "restricted",
        "graphs": "restricted",
        "bookinfo": None,
    }


def test_no_label_is_put_on_a_namespace_of_somebody_else(deploy: Deploy) -> None:
    deployed = deploy(with_setting(minimal_config(), "namespaces.existing", ["istio-system", "bookinfo"]))
    labels = [r.inputs["metadata"].get("labels", {}) for r in deployed.children if r.type.endswith("NamespacePatch")]
    assert enforced(deployed) == {"tracing-system": "restricted"}
    assert not [found for found in labels if ENFORCE in found]


def test_it_is_not_enforced_where_the_settings_say_that_other_pods_are(deploy: Deploy) -> None:
    deployed = deploy(with_setting(minimal_config(), "namespaces.unrestricted", ["istio-system"]))
    assert enforced(deployed) == {"istio-system": None, "tracing-system": "restricted", "bookinfo": None}


WITH_PLUGIN = [{"mesh.cni": True}, {"mesh.cni": True, "mesh.installer": "sail"}]


@pytest.mark.parametrize("changes", WITH_PLUGIN)
def test_where_the_plugin_redirects_traffic_it_is_enforced_in_the_mesh_too(
    deploy: Deploy, changes: dict[str, Any]
) -> None:
    assert enforced(deploy(with_settings(minimal_config(), changes))) == {
        "istio-system": "restricted",
        "tracing-system": "restricted",
        "bookinfo": "restricted",
        "istio-cni": "privileged",
    }


GATEWAYS = ["none", "istio", "gateway-api"]


@pytest.mark.parametrize("gateway", GATEWAYS)
@pytest.mark.parametrize("changes", WITH_PLUGIN)
def test_every_pod_of_such_a_mesh_is_accepted(deploy: Deploy, changes: dict[str, Any], gateway: str) -> None:
    deployed = deploy(with_settings(minimal_config(), {**changes, "bookinfo.gateway": gateway}))
    found = {r.object_name: pod for r in deployed.children for pod in [*pods(r), *gateway_pods(r)]}
    assert ("bookinfo-gateway" in found) == (gateway != "none")
    assert {name: text for name, pod in found.items() if (text := violations(pod))} == {}


def gateway_pods(resource: Registration) -> Iterator[dict[str, Any]]:
    """The pod of a gateway that its chart, or Istio by a ConfigMap of ours, makes; its proxy is restricted in both."""
    if resource.object_name == "bookinfo-gateway" and resource.kind in {"Release", "ConfigMap"}:
        values = resource.inputs.get("values") or yaml.safe_load(resource.inputs["data"]["deployment"])["spec"]
        pod = values["template"]["spec"] if "template" in values else values
        yield {"securityContext": pod["securityContext"], "containers": ACCEPTED["containers"]}


def test_a_sample_s_namespace_is_not_enforced_where_the_settings_say_so(deploy: Deploy, minimal: Deployed) -> None:
    settings = {"mesh.cni": True, "namespaces.unrestricted": ["bookinfo"]}
    deployed = deploy(with_settings(minimal_config(), settings))
    assert enforced(deployed)["bookinfo"] is None
    as_it_was, as_it_is = (next(pods(found.get("Deployment", "sleep"))) for found in (minimal, deployed))
    assert as_it_is == as_it_was


def test_helm_s_plugin_on_openshift_is_where_every_pod_is_accepted_already(deploy: Deploy) -> None:
    deployed = deploy(with_setting(minimal_config(), "platform", "openshift"))
    assert enforced(deployed) == {
        "istio-system": "restricted",
        "tracing-system": "restricted",
        "bookinfo": "restricted",
    }

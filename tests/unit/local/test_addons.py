"""What the embedded cluster is given besides its control plane."""

from pathlib import Path

import pytest
import yaml
from pod_security_standard import violations

from local.errors import LocalError
from local.run import addons

OPERATOR = addons.Operator(
    name="some-operator",
    tool="some-operator",
    module="example.com/some-operator",
    image="registry.example/some-operator:1",
    arguments=("start",),
    environment={"RELATED_IMAGE": "registry.example/operand:1"},
    health_port=8081,
)

BINDING = {
    "kind": "ClusterRoleBinding",
    "metadata": {"name": "manager-rolebinding"},
    "roleRef": {"kind": "ClusterRole", "name": "manager-role"},
    "subjects": [{"kind": "ServiceAccount", "name": "controller-manager", "namespace": "system"}],
}

DEPLOYMENT = {
    "kind": "Deployment",
    "metadata": {"name": "controller-manager", "namespace": "system"},
    "spec": {
        "template": {
            "spec": {
                "serviceAccountName": "controller-manager",
                "containers": [
                    {
                        "name": "manager",
                        "image": "controller",
                        "args": ["--old"],
                        "env": [
                            {"name": "RELATED_IMAGE", "value": "old"},
                            {"name": "KEPT", "value": "kept"},
                        ],
                    }
                ],
            }
        }
    },
}


def write(path: Path, *documents: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump_all(documents))


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """The parts of an operator's module that are read."""
    config = tmp_path / "module" / "config"
    namespace = {"kind": "Namespace", "metadata": {"name": "system", "labels": {"a": "b"}}}
    service = {"kind": "Service", "metadata": {"name": "metrics"}}
    account = {"kind": "ServiceAccount", "metadata": {"name": "controller-manager"}}
    write(config / "manager" / "manager.yaml", namespace, DEPLOYMENT)
    write(config / "rbac" / "kustomization.yaml", {"resources": ["a.yaml", "b.yaml", "c.yaml"]})
    write(config / "rbac" / "a.yaml", account)
    write(config / "rbac" / "b.yaml", BINDING)
    write(config / "rbac" / "c.yaml", service)
    write(config / "rbac" / "unlisted.yaml", {"kind": "Role", "metadata": {"name": "viewer"}})
    definition = {"kind": "CustomResourceDefinition", "metadata": {"name": "things.example.com"}}
    write(config / "crd" / "kustomization.yaml", {"resources": ["bases/things.yaml"]})
    write(config / "crd" / "bases" / "things.yaml", definition)
    return tmp_path / "module"


@pytest.fixture
def all_objects(module: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[addons.Object]:
    """Everything the cluster is given, from one small module in place of all modules."""
    monkeypatch.setattr(addons, "_pinned_folder", lambda _: tmp_path / "empty")
    return addons.read(lambda _tool, _module: module, tmp_path / "checkout").objects()


@pytest.mark.parametrize(("nodes", "pods"), [(1, 1), (2, 2), (3, 2)])
def test_dns_has_a_second_pod_where_there_is_a_node_for_it(nodes: int, pods: int) -> None:
    found = addons.Addons([], addons._read(addons.MANIFESTS / "coredns.yaml"), []).on(nodes).objects()
    assert [entry["spec"]["replicas"] for entry in found if entry["kind"] == "Deployment"] == [pods]


def kinds(items: list[addons.Object]) -> list[str]:
    return [item["kind"] for item in items]


def test_references_follow_the_prefix() -> None:
    result = addons.prefixed(BINDING, OPERATOR)

    assert result["metadata"] == {"name": "some-operator-manager-rolebinding"}
    assert result["roleRef"]["name"] == "some-operator-manager-role"
    assert result["subjects"] == [
        {
            "kind": "ServiceAccount",
            "name": "some-operator-controller-manager",
            "namespace": "some-operator-system",
        }
    ]


def test_the_modules_own_objects_are_not_changed() -> None:
    addons.prefixed(BINDING, OPERATOR)

    assert BINDING["metadata"] == {"name": "manager-rolebinding"}


def test_an_operator_has_its_own_permissions_and_nothing_unlisted(module: Path) -> None:
    found = addons.operator_objects(OPERATOR, module)

    assert kinds(found) == ["Namespace", "ServiceAccount", "ClusterRoleBinding", "Deployment"]
    assert found[0]["metadata"]["name"] == "some-operator-system"
    assert found[1]["metadata"]["namespace"] == "some-operator-system"


def test_an_operator_s_namespace_keeps_its_labels_and_has_pod_security_enforced(module: Path) -> None:
    namespace = addons.operator_objects(OPERATOR, module)[0]

    enforced = {"pod-security.kubernetes.io/enforce": "restricted"}
    assert namespace["metadata"]["labels"] == {"a": "b", **enforced}


def test_an_operator_s_pod_is_accepted_where_pod_security_is_enforced(module: Path) -> None:
    assert violations(addons.operator_objects(OPERATOR, module)[-1]["spec"]["template"]["spec"]) == []


def test_the_operator_runs_the_local_image_without_webhooks(module: Path) -> None:
    pod = addons.operator_objects(OPERATOR, module)[-1]["spec"]["template"]["spec"]
    manager = pod["containers"][0]

    assert pod["serviceAccountName"] == "some-operator-controller-manager"
    assert manager["image"] == "registry.example/some-operator:1"
    assert manager["imagePullPolicy"] == "IfNotPresent"
    assert manager["args"] == ["start"]
    assert {item["name"]: item["value"] for item in manager["env"]} == {
        "KEPT": "kept",
        "ENABLE_WEBHOOKS": "false",
        "RELATED_IMAGE": "registry.example/operand:1",
    }


def test_definitions_come_first_and_namespaces_before_what_is_in_them(
    all_objects: list[addons.Object],
) -> None:
    order = kinds(all_objects)
    last_definition = max(i for i, kind in enumerate(order) if kind == "CustomResourceDefinition")
    assert "CustomResourceDefinition" not in order[last_definition + 1 :]
    assert set(order[: last_definition + 1]) == {"CustomResourceDefinition"}

    created = {"kube-system", "default"}
    for item in all_objects:
        if item["kind"] == "Namespace":
            created.add(item["metadata"]["name"])
        else:
            assert item["metadata"].get("namespace", "default") in created


def test_no_object_appears_twice(all_objects: list[addons.Object]) -> None:
    identities = [
        (item["kind"], item["metadata"].get("namespace"), item["metadata"]["name"])
        for item in all_objects
        if item["kind"] != "CustomResourceDefinition"
    ]

    assert len(identities) == len(set(identities))


def test_dns_answers_at_the_address_that_the_kubelet_hands_out(
    all_objects: list[addons.Object],
) -> None:
    service = next(item for item in all_objects if item["kind"] == "Service")

    assert service["metadata"]["name"] == "kube-dns"
    assert service["spec"]["clusterIP"] == "10.96.0.10"


def test_volumes_without_a_class_come_from_the_clusters_provisioner(
    all_objects: list[addons.Object],
) -> None:
    storage = next(item for item in all_objects if item["kind"] == "StorageClass")

    assert storage["metadata"]["annotations"] == {"storageclass.kubernetes.io/is-default-class": "true"}
    assert storage["provisioner"] == "mesh-tracing.local/folder"
    assert storage["volumeBindingMode"] == "WaitForFirstConsumer"


def test_tempo_operator_reads_the_configuration_that_is_mounted(
    all_objects: list[addons.Object],
) -> None:
    config = next(
        item
        for item in all_objects
        if item["kind"] == "ConfigMap" and item["metadata"]["namespace"] == "tempo-operator-system"
    )
    name, path = addons.OPERATORS[0].config_map or ("", "")
    (file,) = config["data"]

    assert config["metadata"]["name"] == name
    assert f"--config={path}/{file}" in addons.OPERATORS[0].arguments


def test_definitions_beside_the_checkout_are_taken(
    module: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addons, "_pinned_folder", lambda _: tmp_path / "empty")
    definition = {"kind": "CustomResourceDefinition", "metadata": {"name": "istios.sail.example"}}
    write(tmp_path / "shared" / "crds" / "sail" / "istios.yaml", definition)

    found = addons.read(lambda _tool, _module: module, tmp_path / "checkout").objects()

    assert definition in found


@pytest.mark.parametrize(("wanted", "there"), [((), False), (("gateway-api",), True)])
def test_the_definitions_of_the_gateway_api_are_taken_only_where_they_are_asked_for(
    module: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: tuple[str, ...], there: bool
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(addons, "_pinned_folder", lambda _: tmp_path / "empty")
    definition = {"kind": "CustomResourceDefinition", "metadata": {"name": "gateways.example"}}
    policy = {"kind": "ValidatingAdmissionPolicy", "metadata": {"name": "guard"}}
    write(module / "config" / "crd" / "standard" / "gateways.yaml", definition)
    write(module / "config" / "crd" / "standard" / "guard.yaml", policy)

    found = addons.load(lambda _tool, _module: module, tmp_path / "checkout", wanted).objects()

    assert (definition in found, policy in found) == (there, False)


@pytest.mark.parametrize("kind", ["servicemonitors", "prometheusrules"])
@pytest.mark.parametrize(("wanted", "there"), [((), False), (("service-monitors",), True)])
def test_the_definitions_of_an_operator_of_prometheus_are_taken_only_where_they_are_asked_for(  # noqa: PLR0913, PLR0917  as fixtures are
    module: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: tuple[str, ...], there: bool, kind: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(addons, "_pinned_folder", lambda _: tmp_path / "pinned")
    definition = {"kind": "CustomResourceDefinition", "metadata": {"name": f"{kind}.example"}}
    for file in ("servicemonitors", "prometheusrules"):
        content = definition if file == kind else {"kind": "CustomResourceDefinition", "metadata": {"name": "other"}}
        write(
            tmp_path / "pinned" / "example" / "prometheus-operator-crd" / f"monitoring.coreos.com_{file}.yaml", content
        )

    found = addons.load(lambda _tool, _module: module, tmp_path / "checkout", wanted).objects()

    assert (definition in found) == there


def test_missing_definitions_beside_the_checkout_are_told(tmp_path: Path) -> None:
    (tmp_path / "shared" / "crds" / "sail").mkdir(parents=True)

    (note,) = addons.notes(tmp_path / "checkout")

    assert note.startswith("The definitions of kiali are not in ")


def test_a_broken_manifest_is_named(module: Path) -> None:
    broken = module / "config" / "manager" / "manager.yaml"
    broken.write_text("a: [")

    with pytest.raises(LocalError, match=r"manager\.yaml cannot be read as YAML"):
        addons.operator_objects(OPERATOR, module)


def test_what_was_read_once_comes_from_the_cache(module: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(addons, "_pinned_folder", lambda _: tmp_path / "empty")
    asked: list[str] = []

    def module_folder(tool: str, _module: str) -> Path:
        asked.append(tool)
        return module

    first = addons.load(module_folder, tmp_path / "checkout")
    asked.clear()

    assert addons.load(module_folder, tmp_path / "checkout") == first
    assert not asked


def test_the_cache_is_not_used_for_other_definitions(
    module: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(addons, "_pinned_folder", lambda _: tmp_path / "empty")
    addons.load(lambda _tool, _module: module, tmp_path / "checkout")
    definition = {"kind": "CustomResourceDefinition", "metadata": {"name": "istios.sail.example"}}
    write(tmp_path / "shared" / "crds" / "sail" / "istios.yaml", definition)

    assert definition in addons.load(lambda _tool, _module: module, tmp_path / "checkout").definitions

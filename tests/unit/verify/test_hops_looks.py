"""All hops look at a whole mesh, and ask for nothing that the role in manifests/ does not allow."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from verify_world import (
    DEPLOYMENT,
    GRAFANA_BY_OPERATOR,
    GRAFANA_MANAGED,
    KIALI,
    StubCluster,
    deployment,
    healthy,
    istio,
    looks,
    part,
    pod,
    service,
    tempo_labels,
    world,
    yaml_of,
)

from verify.check import learnt_edges
from verify.deployment import Deployment
from verify.findings import Status
from verify.hops import HOPS, Hop
from verify.traffic.request import follow

ROLE = yaml_of("manifests/verify-role.yaml")
EXISTING = part(
    DEPLOYMENT.mesh, installer="existing", by_charts=False, config_maps=["istio", "mesh-tracing"], namespaces=["shop"]
)
STACK = part(
    DEPLOYMENT.tempo,
    mode="stack",
    distributor_service="tempo-tempo-distributor",
    generator_service="tempo-tempo-metrics-generator",
)
OF_A_TENANT = "https://tempo-tempo-gateway.tracing-system.svc:8080/api/traces/v1/mesh/tempo"
ELSEWHERE = part(
    DEPLOYMENT.prometheus, query_url="http://prometheus.monitoring.svc:9090", namespace=None, deployment=None
)
VARIANTS: Mapping[str, Deployment] = {
    "local": DEPLOYMENT,
    "sail": deployment(
        mesh=part(DEPLOYMENT.mesh, installer="sail", by_charts=False), operators=["mesh", "tempo", "opentelemetry"]
    ),
    "existing mesh": deployment(mesh=EXISTING, bookinfo=None, kiali=KIALI),
    "several pods of Tempo": deployment(tempo=STACK),
    "a Tempo with tenants": deployment(tempo=part(DEPLOYMENT.tempo, query_url=OF_A_TENANT)),
    "Tempo without a store": deployment(tempo=part(DEPLOYMENT.tempo, object_store=None)),
    "another Prometheus": deployment(prometheus=ELSEWHERE),
    "Grafana's operator": deployment(grafana=GRAFANA_BY_OPERATOR, operators=["grafana"]),
    "Grafana of our own": deployment(grafana=GRAFANA_MANAGED),
    "Kiali": deployment(kiali=KIALI),
}


def furnished() -> StubCluster:
    """A cluster with everything that any variant has, some of it broken."""
    cluster = healthy()
    api = cluster.api
    api.put(
        "/api/v1/pods",
        pod("cart-1", "shop", sidecar=True, labels={"app": "cart"}),
        pod("distributor-1", "tracing-system", labels=tempo_labels("distributor")),
        pod("generator-1", "tracing-system", labels=tempo_labels("metrics-generator")),
        pod("graph-0", "tracing-system", ready=False, labels=tempo_labels("tempo", "tempo-monolithic", "graph")),
        pod("prometheus-2", "monitoring", labels={"app": "prometheus"}),
        pod("grafana-1", "istio-system", labels={"app": "grafana"}),
        pod("kiali-1", "istio-system", labels={"app": "kiali"}),
    )
    waiting = pod(
        "querier-1",
        "tracing-system",
        ready=False,
        labels=tempo_labels("querier"),
        volumes=[{"persistentVolumeClaim": {"claimName": "wal"}}],
    )
    waiting["status"]["conditions"].append(
        {"type": "PodScheduled", "status": "False", "message": "1 node(s) had volume node affinity conflict"}
    )
    api.put("/api/v1/pods", waiting)
    api.put(
        "/api/v1/services",
        service("cart", "shop", {"app": "cart"}, {"port": 80}),
        service("tempo-tempo-distributor", "tracing-system", tempo_labels("distributor"), {"port": 3200}),
        service("prometheus", "monitoring", {"app": "prometheus"}, {"port": 9090}),
        service("grafana", "istio-system", {"app": "grafana"}, {"port": 3000}),
        service("kiali", "istio-system", {"app": "kiali"}, {"port": 20001}),
    )
    api.put("/apis/sailoperator.io/v1/istios", istio("True"))
    istiod = dict(api.objects["/apis/apps/v1/namespaces/istio-system/deployments/istiod"])
    variable = {"name": "SHARED_MESH_CONFIG", "value": "mesh-tracing"}
    istiod["spec"] = {
        **istiod["spec"],
        "template": {"spec": {"containers": [{"name": "discovery", "env": [variable]}]}},
    }
    api.put("/apis/apps/v1/deployments", istiod)
    return cluster


def asked(name: str) -> StubCluster:
    """The cluster after every hop has looked at it once."""
    cluster = furnished()
    if VARIANTS[name].tempo.tenant:
        # Its API wants a client's certificate.
        del cluster.answers["tempo-tempo-0", 3200]
    stack = world(VARIANTS[name], cluster)
    for hop in HOPS:
        hop.judge(stack, looks(hop.look(stack)))
    learnt_edges(stack)
    assert isinstance(stack.cluster, StubCluster)
    return stack.cluster


@pytest.mark.parametrize("hop", HOPS, ids=lambda hop: hop.name)
def test_a_mesh_that_works_is_found_to_work(hop: Hop) -> None:
    stack = world(cluster=healthy())
    finding = hop.judge(stack, looks(hop.look(stack)))
    assert finding.status is (Status.ABSENT if hop.name == "kiali" else Status.OK), finding


@pytest.mark.parametrize("hop", HOPS, ids=lambda hop: hop.name)
def test_no_hop_fails_on_an_empty_cluster(hop: Hop) -> None:
    stack = world(cluster=StubCluster())
    assert hop.judge(stack, looks(hop.look(stack))).hop == hop.name


@pytest.mark.parametrize("hop", HOPS, ids=lambda hop: hop.name)
@pytest.mark.parametrize("name", VARIANTS)
def test_a_judge_reads_nothing(name: str, hop: Hop) -> None:
    cluster = furnished()
    stack = world(VARIANTS[name], cluster)
    seen = hop.look(stack)
    before = len(cluster.api.asked)
    hop.judge(stack, looks(seen))
    assert cluster.api.asked[before:] == []


def test_the_hops_are_named_once() -> None:
    assert len({hop.name for hop in HOPS}) == len(HOPS)


# The role.


def right(path: str) -> tuple[str, str, str, str]:
    """The permission that a path needs: the group, the resource, the verb, and the name of a single object."""
    words = path.strip("/").split("/")
    group = "" if words[0] == "api" else words[1]
    rest = words[2:] if words[0] == "api" else words[3:]
    if rest[0] == "namespaces" and len(rest) > 2:
        rest = rest[2:]
    kind = rest[0] if len(rest) < 3 else f"{rest[0]}/{rest[2]}"
    name = rest[1] if len(rest) > 1 else ""
    return group, kind, "get" if name else "list", name


def allows(rule: Mapping[str, Any], group: str, kind: str, verb: str, name: str) -> bool:
    named = rule.get("resourceNames")
    return (
        group in rule["apiGroups"]
        and kind in rule["resources"]
        and verb in rule["verbs"]
        and (named is None or name in named)
    )


def rights() -> Iterator[tuple[str, str, str, str]]:
    for name in VARIANTS:
        for path in asked(name).api.asked:
            if path != "/version":
                yield right(path)


@pytest.mark.parametrize("name", VARIANTS)
def test_the_role_allows_all_that_is_asked(name: str) -> None:
    wanted = {right(path) for path in asked(name).api.asked}
    refused = {one for one in wanted if not any(allows(rule, *one) for rule in ROLE["rules"])}
    assert refused == set()


def test_the_role_allows_nothing_that_is_never_asked() -> None:
    used = {(group, kind) for group, kind, _, _ in rights()}
    granted = {(group, kind) for rule in ROLE["rules"] for group in rule["apiGroups"] for kind in rule["resources"]}
    assert granted - used == set()


def test_the_role_names_only_config_maps_that_are_asked_for() -> None:
    named = {name for rule in ROLE["rules"] for name in rule.get("resourceNames", [])}
    assert named == {name for _, kind, _, name in rights() if kind == "configmaps"}


def test_the_role_allows_to_read_and_to_open_port_forwards_and_no_more() -> None:
    verbs = {(kind, verb) for rule in ROLE["rules"] for kind in rule["resources"] for verb in rule["verbs"]}
    assert {verb for kind, verb in verbs if kind != "pods/portforward"} <= {"get", "list"}
    assert {verb for kind, verb in verbs if kind == "pods/portforward"} == {"get", "create"}


def test_the_role_has_no_secrets_and_no_wildcard() -> None:
    said = {word for rule in ROLE["rules"] for words in rule.values() for word in words}
    assert not {word for word in said if word.startswith("secrets") or "*" in word}


def test_a_request_is_followed_with_the_same_rights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verify.traffic.request.time.sleep", lambda _: None)
    cluster = furnished()
    follow(world(cluster=cluster), "http://cart.shop.svc:80/", [], lambda _: None)
    refused = {right(path) for path in cluster.api.asked if not any(allows(r, *right(path)) for r in ROLE["rules"])}
    assert refused == set()

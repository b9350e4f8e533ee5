"""Of a Prometheus to which others write too, only the edges of this mesh are read."""

from typing import Any

import httpx
import pytest
import yaml
from verify_world import DEPLOYMENT, MESH_CONFIG, config_map, deployment, healthy, part, world

from verify.traffic import graph_scope, service_graph
from verify.traffic.service_graph import EVERYTHING, Edge, Scope
from verify.world import World

SHARED = part(DEPLOYMENT.prometheus, namespace=None, deployment=None)
SCRAPED = part(DEPLOYMENT.prometheus, scraped_url="http://prometheus.istio-system.svc.cluster.local:9090")


def stack(prometheus: Any, **labels: str) -> World:
    """The generator adds ``labels`` to what it writes."""
    cluster = healthy()
    text = yaml.safe_dump({"metrics_generator": {"registry": {"external_labels": labels}}})
    cluster.answers["tempo-tempo-0", 3200] = lambda _: httpx.Response(200, text=text)
    return world(deployment(prometheus=prometheus), cluster)


def test_in_a_prometheus_of_the_stacks_own_everything_is_read() -> None:
    assert graph_scope.of(stack(DEPLOYMENT.prometheus, cluster="east")) == EVERYTHING


def test_a_label_of_its_own_tells_one_cluster_from_another() -> None:
    assert graph_scope.of(stack(SHARED, source="tempo", cluster="east")) == Scope(
        {"source": "tempo", "cluster": "east"}
    )


def test_without_a_label_of_its_own_the_namespaces_of_the_mesh_do() -> None:
    assert graph_scope.of(stack(SHARED, source="tempo")) == Scope({"source": "tempo"}, frozenset({"bookinfo"}))


def test_labels_are_not_looked_at_in_a_prometheus_that_scrapes_ours() -> None:
    assert graph_scope.of(stack(SCRAPED, cluster="east")) == Scope({}, frozenset({"bookinfo"}))


def test_where_services_have_names_without_namespaces_these_tell_nothing() -> None:
    mesh = yaml.safe_load(MESH_CONFIG)
    mesh["extensionProviders"][0]["opentelemetry"]["serviceAttributeEnrichment"] = "OTEL_SEMANTIC_CONVENTIONS"
    cluster = healthy()
    cluster.api.put("/api/v1/configmaps", config_map("istio", "istio-system", mesh=yaml.safe_dump(mesh)))
    assert graph_scope.of(world(deployment(prometheus=SHARED), cluster)).namespaces is None


@pytest.mark.parametrize("labels", [None, "text", {"not a name": "x", "cluster": ""}])
def test_what_is_no_label_is_left_out(labels: Any) -> None:
    cluster = healthy()
    text = yaml.safe_dump({"metrics_generator": {"registry": {"external_labels": labels}}})
    cluster.answers["tempo-tempo-0", 3200] = lambda _: httpx.Response(200, text=text)
    assert graph_scope.of(world(deployment(prometheus=SHARED), cluster)).labels == {}


def two_clusters(request: httpx.Request) -> httpx.Response:
    """Two meshes with one edge each, of which a query with labels finds one, and a newer sample of the other."""
    query = request.url.params["query"]
    mine = {"metric": {"client": "sleep.bookinfo", "server": "web.bookinfo"}, "value": [0, "3"]}
    other = {"metric": {"client": "sleep.bank", "server": "web.bank"}, "value": [0, "9"]}
    result = [mine] if 'cluster="ea\\"st"' in query else [mine, other]
    return httpx.Response(200, json={"data": {"result": result}})


@pytest.mark.parametrize("scope", [Scope({"cluster": 'ea"st'}), Scope(namespaces=frozenset({"bookinfo"}))])
def test_the_edges_of_other_clusters_are_neither_drawn_nor_counted(scope: Scope) -> None:
    client = httpx.Client(base_url="http://shared", transport=httpx.MockTransport(two_clusters))
    assert list(service_graph.read(client, scope=scope)) == [Edge("sleep.bookinfo", "web.bookinfo")]
    assert service_graph.counted(client, scope) == (3.0, 3.0)


def test_a_gateway_of_another_namespace_that_calls_the_mesh_is_of_the_mesh() -> None:
    assert Scope(namespaces=frozenset({"bookinfo"})).has(Edge("gateway.ingress", "productpage.bookinfo"))


def test_an_empty_graph_has_counted_nothing() -> None:
    empty = httpx.MockTransport(lambda _: httpx.Response(200, json={"data": {"result": []}}))
    assert service_graph.counted(httpx.Client(base_url="http://shared", transport=empty)) == (0.0, 0.0)


def test_every_query_has_the_labels() -> None:
    queries: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        queries.append(request.url.params["query"])
        return httpx.Response(200, json={"data": {"result": []}})

    client = httpx.Client(base_url="http://shared", transport=httpx.MockTransport(answer))
    scope = Scope({"cluster": "east"})
    service_graph.read(client, scope=scope)
    service_graph.counted(client, scope)
    queries.append(service_graph.exemplars_of(scope))
    bare = [query for query in queries if query.count("traces_service_graph") != query.count('{cluster="east"}')]
    assert queries
    assert not bare

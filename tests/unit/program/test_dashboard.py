"""Grafana can show the dashboard, and its queries ask for metrics that the hops really report."""

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from objects.dashboard import build_dashboard, to_json

DATASOURCES = {"traces": "tempo", "graph": "prometheus"}
DASHBOARD = build_dashboard(tempo_uid="traces", prometheus_uid="graph")
PANELS = DASHBOARD["panels"]
SHOWING = [panel for panel in PANELS if panel["type"] != "row"]
QUERIES = [(panel["title"], target["expr"]) for panel in SHOWING for target in panel["targets"] if "expr" in target]


def data_sources_in(value: Any) -> Iterator[dict[str, str]]:
    if isinstance(value, dict):
        if "datasource" in value:
            yield value["datasource"]
        for inner in value.values():
            yield from data_sources_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from data_sources_in(inner)


def test_it_is_the_same_json_every_time() -> None:
    assert to_json(DASHBOARD) == to_json(build_dashboard(tempo_uid="traces", prometheus_uid="graph"))
    assert json.loads(to_json(DASHBOARD)) == DASHBOARD


def test_every_panel_has_an_id_of_its_own() -> None:
    ids = [panel["id"] for panel in PANELS]
    assert len(ids) == len(set(ids))
    assert all(isinstance(number, int) and number > 0 for number in ids)


def test_no_panel_leaves_the_grid_or_covers_another() -> None:
    cells: dict[tuple[int, int], str] = {}
    for panel in PANELS:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        for x, y in itertools.product(range(place["w"]), range(place["h"])):
            cell = (place["x"] + x, place["y"] + y)
            assert cell not in cells, f"{panel['title']} covers {cells.get(cell)}"
            cells[cell] = panel["title"]


def test_every_panel_and_query_asks_one_of_the_two_data_sources() -> None:
    used = list(data_sources_in(DASHBOARD))
    assert used
    for source in used:
        assert DATASOURCES[source["uid"]] == source["type"]


def test_every_panel_that_shows_something_asks_for_it() -> None:
    for panel in SHOWING:
        references = [target["refId"] for target in panel["targets"]]
        assert references, panel["title"]
        assert len(references) == len(set(references)), panel["title"]
        for target in panel["targets"]:
            assert target["datasource"] == panel["datasource"], panel["title"]


def test_the_graph_is_the_service_map_of_the_traces() -> None:
    (graph,) = (panel for panel in PANELS if panel["type"] == "nodeGraph")
    (target,) = graph["targets"]
    assert target["queryType"] == "serviceMap"
    assert DATASOURCES[target["datasource"]["uid"]] == "tempo"


def test_the_services_to_choose_from_are_those_that_answered() -> None:
    (variable,) = DASHBOARD["templating"]["list"]
    assert variable["name"] == "service"
    assert variable["query"]["query"] == (
        'label_values(traces_spanmetrics_calls_total{span_kind="SPAN_KIND_SERVER"}, service)'
    )
    # Grafana joins several services with | for a regular expression.
    assert variable["multi"]
    assert variable["allValue"] == ".*"


@pytest.mark.parametrize(("title", "query"), QUERIES, ids=lambda value: value[:40])
def test_every_query_is_closed(title: str, query: str) -> None:
    for opening, closing in ("()", "{}", "[]"):
        assert query.count(opening) == query.count(closing), query
    assert query.count('"') % 2 == 0
    assert set(re.findall(r"\$\w+", query)) <= {"$service", "$__rate_interval"}


@pytest.mark.parametrize(
    "metric",
    [
        "traces_spanmetrics_calls_total",
        "traces_spanmetrics_latency_bucket",
        "traces_service_graph_request_total",
        "traces_service_graph_request_failed_total",
        "tempo_distributor_spans_received_total",
        "tempo_metrics_generator_processor_service_graphs_edges",
        "tempo_metrics_generator_processor_service_graphs_expired_edges",
        "tempo_metrics_generator_processor_service_graphs_dropped_spans",
        "tempo_metrics_generator_spans_discarded_total",
        "tempo_distributor_metrics_generator_pushes_failures_total",
        "prometheus_remote_storage_samples_failed_total",
    ],
)
def test_it_asks_for_what_each_hop_reports(metric: str) -> None:
    assert any(re.search(rf"\b{metric}\b", query) for _, query in QUERIES)


@pytest.mark.parametrize(
    "name",
    [
        "otelcol_receiver_accepted_spans",
        "otelcol_receiver_accepted_spans_total",
        "otelcol_receiver_accepted_spans__spans__total",
        "otelcol_receiver_refused_spans_total",
        "otelcol_exporter_sent_spans_total",
        "otelcol_exporter_send_failed_spans",
        "otelcol_exporter_enqueue_failed_spans_total",
        "otelcol_exporter_queue_size",
        "otelcol_exporter_queue_capacity__batches_",
    ],
)
def test_a_collector_s_metrics_are_found_whatever_its_version_appends(name: str) -> None:
    patterns = {pattern for _, query in QUERIES for pattern in re.findall(r'__name__=~"([^"]+)"', query)}
    # Prometheus anchors its regular expressions.
    assert sum(re.fullmatch(pattern, name) is not None for pattern in patterns) == 1


@pytest.mark.parametrize(("percent", "quantile"), [(50, "0.5"), (95, "0.95"), (99, "0.99")])
def test_latencies_are_shown_as_three_percentiles_per_service(percent: int, quantile: str) -> None:
    (panel,) = (panel for panel in PANELS if panel["title"] == "Latency")
    (query,) = (t["expr"] for t in panel["targets"] if t["legendFormat"] == f"{{{{service}}}} p{percent}")
    assert query == (
        f"histogram_quantile({quantile}, sum by (service, le) (rate(traces_spanmetrics_latency_bucket"
        '{span_kind="SPAN_KIND_SERVER",service=~"$service"}[$__rate_interval])))'
    )
    assert panel["fieldConfig"]["defaults"]["unit"] == "s"


def test_a_service_without_failures_shows_a_share_of_zero() -> None:
    (panel,) = (panel for panel in PANELS if panel["title"] == "Share of requests that failed")
    (target,) = panel["targets"]
    assert 'status_code="STATUS_CODE_ERROR"' in target["expr"]
    failed, calls = target["expr"].rsplit(" / ", 1)
    assert failed.endswith(f"or {calls} * 0)")

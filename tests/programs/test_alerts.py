"""Prometheus' own tool judges the rules: it takes them, and each alert fires, does not fire, and ends, as it should."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import variants
import yaml
from test_checks import plan_of

from model import Alerts
from objects.alerts.rules import ALERTS, build_rules
from objects.alerts.watched import Watched
from program.inventory import every_object

# Everything that a stack can have, by what makes the service graph.
BY_TEMPO = Watched(
    alerts=Alerts.model_validate(
        {
            "objectives": [
                {"name": "reviews", "service": "reviews.bookinfo", "availability": 99.9, "window": "3d"},
                {
                    "name": "details",
                    "client": "productpage.bookinfo",
                    "server": "details.bookinfo",
                    "latency": {"threshold": "250ms", "percentage": 99},
                    "window": "3d",
                },
            ]
        }
    ),
    homes=["collector", "tempo", "graph", "certificates"],
    has_sampler=True,
    has_limits=True,
    labels=["span_name", "http_route"],
    many_values=2,
)
BY_COLLECTOR = BY_TEMPO.model_copy(update={"graph_source": "collector", "graph_job": "service-graph"})

# Values by series, in the notation of promtool: first value, growth, number of further samples.
Series = Mapping[str, str]

COLLECTOR = 'job="otel-collector"'
TEMPO = 'job="tempo"'
SAMPLED = "otelcol_processor_tail_sampling_count_traces_sampled_total"
EDGE = 'client="productpage.bookinfo",server="details.bookinfo"'
REVIEWS = 'service="reviews.bookinfo",span_kind="SPAN_KIND_SERVER"'
ZERO_FOR_5M = "0x20"


def grows(by: float, *, minutes: float = 30) -> str:
    """A counter that grows by so much each 15 s."""
    return f"0+{by:g}x{minutes * 4:g}"


def stays(value: float, *, minutes: float = 30) -> str:
    return f"{value:g}x{minutes * 4:g}"


# Nothing for five minutes, then a fault of two and a half minutes, then nothing more.
FAILS = f"{ZERO_FOR_5M} 10+10x9 100x60"
STOPS = "0+10x20 210x9 220+10x60"
HIGH = "0x20 600x9 0x60"


@dataclass(frozen=True)
class Case:
    """A fault that an alert has to tell of, and what is like it and no fault.

    Times are in minutes: when the fault begins, when the alert has to fire, and when it has to be over.
    """

    fault: Series
    healthy: Series
    begins: float = 5
    fires: float = 7
    over: float = 14
    step: str = "15s"


CASES: Mapping[str, Case] = {
    "MeshTracingCollectorDown": Case(
        {f'up{{{COLLECTOR},instance="a"}}': "1x20 0x9 1x60", f"up{{{TEMPO}}}": stays(1)},
        {f'up{{{COLLECTOR},instance="a"}}': "1x20 0 1x60", f"up{{{TEMPO}}}": stays(1)},
    ),
    "MeshTracingTempoDown": Case(
        # There is none.
        {f"up{{{TEMPO}}}": "1x20 stale _x9 1x60", f"up{{{COLLECTOR}}}": stays(1)},
        {f"up{{{TEMPO}}}": "1x20 0 1x60", f"up{{{COLLECTOR}}}": stays(1)},
    ),
    "MeshTracingSpansRefused": Case(
        {f'otelcol_receiver_refused_spans{{{COLLECTOR},receiver="otlp"}}': FAILS},
        {
            f'otelcol_receiver_refused_spans_total{{{COLLECTOR},receiver="otlp"}}': stays(40),
            # Other pods ask again.
            f'otelcol_receiver_refused_spans_total{{{COLLECTOR},receiver="otlp/graph"}}': grows(10),
            # Of a collector of somebody else's.
            'otelcol_receiver_refused_spans_total{job="other",receiver="otlp"}': grows(10),
        },
    ),
    "MeshTracingQueueFilling": Case(
        {
            f'otelcol_exporter_queue_size{{{COLLECTOR},exporter="otlp_grpc"}}': HIGH,
            f'otelcol_exporter_queue_capacity{{{COLLECTOR},exporter="otlp_grpc"}}': stays(1000),
        },
        {
            f'otelcol_exporter_queue_size{{{COLLECTOR},exporter="otlp_grpc"}}': stays(400),
            f'otelcol_exporter_queue_capacity{{{COLLECTOR},exporter="otlp_grpc"}}': stays(1000),
        },
    ),
    "MeshTracingSpansNotSent": Case(
        {
            f'otelcol_exporter_queue_size{{{COLLECTOR},exporter="otlp_grpc",data_type="traces"}}': HIGH,
            f'otelcol_exporter_sent_spans_total{{{COLLECTOR},exporter="otlp_grpc"}}': STOPS,
        },
        {
            # Never empty, but on its way.
            f'otelcol_exporter_queue_size{{{COLLECTOR},exporter="otlp_grpc",data_type="traces"}}': stays(600),
            f'otelcol_exporter_sent_spans_total{{{COLLECTOR},exporter="otlp_grpc"}}': grows(10),
            # Nothing comes, and nothing goes.
            f'otelcol_exporter_queue_size{{{COLLECTOR},exporter="otlp_grpc/graph",data_type="traces"}}': stays(0),
            f'otelcol_exporter_sent_spans_total{{{COLLECTOR},exporter="otlp_grpc/graph"}}': stays(100),
        },
    ),
    "MeshTracingSpansDropped": Case(
        {
            # Two counters with the same labels.
            f'otelcol_exporter_enqueue_failed_spans_total{{{COLLECTOR},exporter="otlp_grpc"}}': FAILS,
            f'otelcol_exporter_send_failed_spans_total{{{COLLECTOR},exporter="otlp_grpc"}}': stays(0),
        },
        {f'otelcol_exporter_send_failed_spans_total{{{COLLECTOR},exporter="otlp_grpc"}}': stays(40)},
    ),
    "MeshTracingSamplingLimited": Case(
        {
            f'{SAMPLED}{{{COLLECTOR},policy="chosen.important",sampled="true"}}': "0+10x20 300+100x9 1210+10x60",
            f'{SAMPLED}{{{COLLECTOR},policy="limited.important",sampled="true"}}': grows(10),
        },
        {
            f'{SAMPLED}{{{COLLECTOR},policy="chosen.others",sampled="true"}}': grows(10),
            # A second later.
            f'{SAMPLED}{{{COLLECTOR},policy="limited.others",sampled="true"}}': "0 0+10x120",
            f'{SAMPLED}{{{COLLECTOR},policy="chosen.others",sampled="false"}}': grows(100),
        },
    ),
    "MeshTracingSamplerFull": Case(
        {f"otelcol_processor_tail_sampling_sampling_trace_dropped_too_early_total{{{COLLECTOR}}}": FAILS},
        {f"otelcol_processor_tail_sampling_sampling_trace_dropped_too_early_total{{{COLLECTOR}}}": stays(7)},
    ),
    "MeshTracingSpansDiscarded": Case(
        {f'tempo_discarded_spans_total{{{TEMPO},reason="trace_too_large"}}': FAILS},
        {f'tempo_discarded_spans_total{{{TEMPO},reason="trace_too_large"}}': stays(40)},
    ),
    "MeshTracingSpansLate": Case(
        {
            f'tempo_metrics_generator_spans_discarded_total{{{TEMPO},reason="outside_metrics_ingestion_slack"}}': FAILS,
        },
        {f'tempo_metrics_generator_spans_discarded_total{{{TEMPO},reason="span_metrics_filtered"}}': grows(10)},
    ),
    "MeshTracingGraphWithoutSpans": Case(
        {
            f"tempo_distributor_spans_received_total{{{TEMPO}}}": grows(10),
            f"tempo_metrics_generator_spans_received_total{{{TEMPO}}}": STOPS,
        },
        {
            f"tempo_distributor_spans_received_total{{{TEMPO}}}": grows(10),
            # It is told a little later.
            f"tempo_metrics_generator_spans_received_total{{{TEMPO}}}": "0 0+10x120",
        },
    ),
    "MeshTracingEdgesDropped": Case(
        {f"otelcol_connector_servicegraph_dropped_spans_total{{{COLLECTOR}}}": FAILS},
        {f"tempo_metrics_generator_processor_service_graphs_dropped_spans{{{TEMPO}}}": stays(40)},
    ),
    "MeshTracingSeriesLimited": Case(
        {f"tempo_metrics_generator_registry_series_limited_total{{{TEMPO}}}": FAILS},
        {f"tempo_metrics_generator_registry_series_limited_total{{{TEMPO}}}": stays(40)},
    ),
    "MeshTracingServiceOverflows": Case(
        {'traces_spanmetrics_calls_total{service="cart.shop",otel_metric_overflow="true"}': FAILS},
        {'traces_spanmetrics_calls_total{service="cart.shop",otel_metric_overflow="true"}': stays(40)},
    ),
    "MeshTracingLabelWithManyValues": Case(
        {
            f'traces_spanmetrics_calls_total{{service="cart.shop",http_route="/{number}"}}': "_x20 1x9 stale"
            for number in range(3)
        },
        {
            # As many values, of two services.
            'traces_spanmetrics_calls_total{service="cart.shop",http_route="/1",span_name="a"}': stays(1),
            'traces_spanmetrics_calls_total{service="cart.shop",http_route="/2",span_name="a"}': stays(1),
            'traces_spanmetrics_calls_total{service="cart.shop",http_route="/2",span_name="b"}': stays(1),
            'traces_spanmetrics_calls_total{service="desk.shop",http_route="/3",span_name="c"}': stays(1),
        },
    ),
    "MeshTracingGraphNotScraped": Case(
        {
            'up{job="service-graph",instance="a"}': "1x20 0x9 1x60",
            f"up{{{TEMPO}}}": stays(1),
            f"up{{{COLLECTOR}}}": stays(1),
        },
        {
            'up{job="service-graph",instance="a"}': stays(1),
            f"up{{{TEMPO}}}": stays(1),
            f"up{{{COLLECTOR}}}": stays(1),
        },
    ),
    "MeshTracingGraphNotWritten": Case(
        {
            f'prometheus_remote_storage_samples_failed_total{{{TEMPO},url="u"}}': FAILS,
            f'prometheus_remote_storage_samples_retried_total{{{TEMPO},url="u"}}': stays(0),
        },
        {
            f'prometheus_remote_storage_samples_failed_total{{{TEMPO},url="u"}}': stays(40),
            f'prometheus_remote_storage_samples_retried_total{{{TEMPO},url="u"}}': stays(3),
        },
    ),
    "MeshTracingNamespaceSilent": Case(
        {
            'traces_spanmetrics_calls_total{service="reviews.bookinfo"}': "0+1x80 80x40 80+1x60",
            # Others go on, and those without a namespace are nobody's.
            'traces_spanmetrics_calls_total{service="cart.shop"}': grows(1, minutes=60),
            'traces_spanmetrics_calls_total{service="batch"}': "0+1x80 80x60",
        },
        {
            # Now and then.
            'traces_spanmetrics_calls_total{service="report.office"}': " ".join(["0+1x1 2x12 3x12"] * 5),
        },
        begins=20,
        fires=22,
        over=32,
    ),
    "MeshTracingCertificateNotRenewed": Case(
        # Tests begin at the time 0.
        {'certmanager_certificate_renewal_timestamp_seconds{job="cert-manager",name="a"}': "300x76 9000x60"},
        {
            'certmanager_certificate_renewal_timestamp_seconds{job="cert-manager",name="b"}': stays(9000),
            # Never issued.
            'certmanager_certificate_renewal_timestamp_seconds{job="cert-manager",name="c"}': stays(0),
        },
        # Ten minutes are for cert-manager to do it.
        begins=15,
        fires=17,
        over=21,
    ),
    "MeshEdgeFailing": Case(
        {
            f"traces_service_graph_request_total{{{EDGE}}}": grows(10, minutes=60),
            f"traces_service_graph_request_failed_total{{{EDGE}}}": FAILS,
        },
        {
            f"traces_service_graph_request_total{{{EDGE}}}": grows(100),
            f"traces_service_graph_request_failed_total{{{EDGE}}}": grows(4),
            # One of two.
            'traces_service_graph_request_total{client="a.x",server="b.x"}': "0x40 2x60",
            'traces_service_graph_request_failed_total{client="a.x",server="b.x"}': "0x40 1x60",
        },
    ),
    "MeshEdgeSlow": Case(
        {
            f"traces_service_graph_request_total{{{EDGE}}}": grows(10, minutes=60),
            f'traces_service_graph_request_server_seconds_bucket{{{EDGE},le="1"}}': "0+10x20 200x10 210+10x60",
            f'traces_service_graph_request_server_seconds_bucket{{{EDGE},le="2.5"}}': grows(10, minutes=60),
            f'traces_service_graph_request_server_seconds_bucket{{{EDGE},le="+Inf"}}': grows(10, minutes=60),
        },
        {
            f"traces_service_graph_request_total{{{EDGE}}}": grows(100),
            f'traces_service_graph_request_server_seconds_bucket{{{EDGE},le="1"}}': grows(97),
            f'traces_service_graph_request_server_seconds_bucket{{{EDGE},le="2.5"}}': grows(100),
            f'traces_service_graph_request_server_seconds_bucket{{{EDGE},le="+Inf"}}': grows(100),
        },
    ),
    # Of a promise of 99.9 %, in minutes: half of the requests fail for ten.
    "MeshObjectiveBurnsFast": Case(
        {
            f'traces_spanmetrics_calls_total{{{REVIEWS},status_code="STATUS_CODE_UNSET"}}': "0+100x600",
            f'traces_spanmetrics_calls_total{{{REVIEWS},status_code="STATUS_CODE_ERROR"}}': "0x120 50+50x9 500x600",
        },
        {
            # Ten times too fast: not worth waking somebody up, in the first hours.
            f'traces_spanmetrics_calls_total{{{REVIEWS},status_code="STATUS_CODE_UNSET"}}': "0+1000x600",
            f'traces_spanmetrics_calls_total{{{REVIEWS},status_code="STATUS_CODE_ERROR"}}': "0x100 0+10x20 200x600",
        },
        begins=120,
        fires=130,
        # Over six hours, it is still six times too fast, but not over half an hour.
        over=170,
        step="1m",
    ),
    # One request of 500 fails for longer than three days: twice as many as promised.
    "MeshObjectiveBurnsSlowly": Case(
        {
            f'traces_spanmetrics_calls_total{{{REVIEWS},status_code="STATUS_CODE_UNSET"}}': "0+1000x1700",
            f'traces_spanmetrics_calls_total{{{REVIEWS},status_code="STATUS_CODE_ERROR"}}': "0x10 0+2x860 1720x800",
        },
        {
            f'traces_spanmetrics_calls_total{{{REVIEWS},status_code="STATUS_CODE_UNSET"}}': "0+2000x1700",
            f'traces_spanmetrics_calls_total{{{REVIEWS},status_code="STATUS_CODE_ERROR"}}': "0+1x1700",
        },
        begins=50,
        fires=4320,
        over=4900,
        step="5m",
    ),
    # Three of a hundred requests are slow for longer than it takes to spend a budget of one.
    "MeshObjectiveMissed": Case(
        {
            f"traces_service_graph_request_server_seconds_count{{{EDGE}}}": "0+100x1700",
            f'traces_service_graph_request_server_seconds_bucket{{{EDGE},le="0.25"}}': "0+100x10 1097+97x860 "
            "84517+100x900",
        },
        {
            f"traces_service_graph_request_server_seconds_count{{{EDGE}}}": "0+1000x1700",
            f'traces_service_graph_request_server_seconds_bucket{{{EDGE},le="0.25"}}': "0+995x1700",
        },
        begins=50,
        fires=4320,
        over=8000,
        step="5m",
    ),
}


def test_prometheus_takes_the_rules_that_a_variant_of_settings_leads_to(
    programs: Mapping[str, Path], tmp_path: Path
) -> None:
    files = set()
    for number, config in enumerate(variants.EVERY_CONFIG.values()):
        for obj in every_object(plan_of(config)):
            if obj["kind"] == "PrometheusRule":
                rules = yaml.safe_dump(obj["spec"])
            elif obj["kind"] == "ConfigMap" and "rules.yml" in obj.get("data", {}):
                rules = obj["data"]["rules.yml"]
            else:
                continue
            (tmp_path / f"{number}.yml").write_text(rules)
            files.add(f"{number}.yml")
    assert len(files) > 10
    done = promtool(programs, tmp_path, "check", "rules", "--lint-fatal", "--lint=all", *sorted(files))
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_has_its_case() -> None:
    assert {alert.name for alert in ALERTS} == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_it_fires_within_its_time_and_ends(name: str, programs: Mapping[str, Path], tmp_path: Path) -> None:
    case = CASES[name]
    refuted = judged(
        programs, tmp_path, name, case, case.fault, {case.begins: False, case.fires: True, case.over: False}
    )
    assert not refuted, refuted


@pytest.mark.parametrize("name", CASES)
def test_it_does_not_fire_for_what_is_no_fault(name: str, programs: Mapping[str, Path], tmp_path: Path) -> None:
    case = CASES[name]
    times = (case.begins, case.fires, case.over)
    refuted = judged(programs, tmp_path, name, case, case.healthy, dict.fromkeys(times, False))
    assert not refuted, refuted


def judged(  # noqa: PLR0913, PLR0917  what a case is made of
    programs: Mapping[str, Path], folder: Path, name: str, case: Case, series: Series, fires: Mapping[float, bool]
) -> str:
    """What promtool says against an alert that is to fire, or not, in these minutes; nothing if it does."""
    firing = f'sum(ALERTS{{alertname="{name}",alertstate="firing"}}) > bool 0 or vector(0)'
    test: dict[str, Any] = {
        "interval": case.step,
        "input_series": [{"series": one, "values": values} for one, values in series.items()],
        "promql_expr_test": [
            {"expr": firing, "eval_time": f"{minute:g}m", "exp_samples": [{"labels": "{}", "value": int(expected)}]}
            for minute, expected in fires.items()
        ],
    }
    groups = [
        # Days are not evaluated by the minute.
        {**group, "interval": case.step}
        for group in rules_with(name)
    ]
    (folder / "rules.yml").write_text(yaml.safe_dump({"groups": groups}))
    (folder / "test.yml").write_text(
        yaml.safe_dump({"rule_files": ["rules.yml"], "evaluation_interval": case.step, "tests": [test]})
    )
    done = promtool(programs, folder, "test", "rules", "test.yml")
    return "" if done.returncode == 0 else done.stdout + done.stderr


def rules_with(name: str) -> list[dict[str, Any]]:
    """The groups that have the alert, of the first of both that has it."""
    both = (build_rules(watched)["groups"] for watched in (BY_TEMPO, BY_COLLECTOR))
    found = ([one for one in groups if any(rule.get("alert") == name for rule in one["rules"])] for groups in both)
    return next(filter(None, found))


def promtool(programs: Mapping[str, Path], folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(programs["promtool"]), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)

"""A report with every kind of finding and edge, for the tests of its text, page and JSON."""

import datetime

from verify import findings
from verify.causes import Code
from verify.findings import Because, Finding, Status
from verify.output.report import Report, Request
from verify.traffic.service_graph import Calls, Edge
from verify.traffic.trace import Span, Trace

AT = datetime.datetime(2026, 1, 1, 12, 0, tzinfo=datetime.UTC)
REMEDY = (
    "kubectl --context here -n tracing-system rollout restart statefulset/tempo-tempo "
    + "&& echo done " * 9
    + "&& true"
)
FINDINGS = (
    findings.ok("sidecars", "all 6 pods have one", "istio-proxy 1.30.2"),
    findings.fault(
        "collector",
        "queue is full",
        "log: " + "refused " * 30,
        code=Code.COLLECTOR_BLOCKED,
        cause="Tempo does not listen",
        remedy=REMEDY,
    ),
    Finding(
        "tempo", Status.BROKEN, Code.NO_SPANS, ("received 0",), "nothing arrives", "", Because.STARVED, "collector"
    ),
    findings.unknown(
        "grafana",
        "GET /api/datasources: 401",
        code=Code.COLLECTOR_BLOCKED,
        cause="it asks for a login",
        remedy="pulumi config set x",
    ),
    findings.absent("kiali", "the stack has no Kiali"),
)
REPORT = Report(
    stack="dev",
    context="crc-admin",
    at=AT,
    findings=FINDINGS,
    titles={
        "sidecars": "Sidecars",
        "collector": "The collector",
        "tempo": "The trace store",
        "grafana": "The dashboards",
        "kiali": "The console",
    },
    request=Request("4bf92f35", "http://web.shop:9080/", AT, 1.84, 6.2, None, "Prometheus keeps no exemplars"),
    graph={
        Edge("web.shop", "cart.shop"): Calls(400, 50, 0.1, per_second=2.25, failed_share=0.125, p95_seconds=0.9),
        Edge("web.shop", "mail.shop"): Calls(3, 0, 0.1, per_second=0.01),
    },
    expected=frozenset({Edge("web.shop", "cart.shop"), Edge("cart.shop", "store.shop")}),
    trace=Trace("4bf92f35", (Span("a1", "", "web.shop", "GET /", "server", 0, 1000, failed=False),)),
)

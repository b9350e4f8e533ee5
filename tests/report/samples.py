"""Reports of meshes that nobody has: of twelve services, and of three hundred in twenty namespaces."""

import datetime
import itertools
import random
from dataclasses import replace

from tests.unit.verify.sample_report import REPORT
from verify import findings
from verify.causes import Code
from verify.output.report import Report, Request
from verify.traffic.service_graph import Calls, Edge, Graph
from verify.traffic.trace import Span, Trace

_SHOP = {
    "gateway": ("frontend",),
    "frontend": ("cart", "catalog", "checkout", "recommendation", "shipping"),
    "checkout": ("cart", "payment", "shipping", "email"),
    "recommendation": ("catalog",),
    "cart": ("cart-store",),
    "catalog": ("database",),
}
_DOMAINS = [
    "edge",
    "accounts",
    "catalog",
    "checkout",
    "payments",
    "shipping",
    "search",
    "recommendations",
    "reviews",
    "inventory",
    "pricing",
    "promotions",
    "notifications",
    "identity",
    "billing",
    "analytics",
    "fraud-detection",
    "warehouse",
    "media",
    "platform",
]
_ROLES = [
    "api",
    "web",
    "worker",
    "gateway",
    "store",
    "cache",
    "index",
    "events",
    "scheduler",
    "exporter",
    "sync",
    "rules",
    "audit",
    "reports",
    "migrations",
]
SERVICES, NAMESPACES = len(_DOMAINS) * len(_ROLES), len(_DOMAINS)
HOSTILE = "</style></title><script>window.ran=1;alert(1)</script><img src=x onerror=window.ran=1>"
_AT = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)
_MS = 1_000_000


def small() -> Report:
    """A report of a shop of twelve services with calls of every kind: one is missing, one unexpected, one at 0/s."""
    dice = random.Random(12)  # noqa: S311  not a secret
    edges = [Edge(f"{client}.shop", f"{server}.shop") for client, servers in _SHOP.items() for server in servers]
    found = {edge: _calls(dice) for edge in edges if edge != Edge("checkout.shop", "email.shop")}
    found[Edge("shipping.shop", "quote.couriers")] = Calls(12, 0, 0.02)
    further = Edge("recommendation.shop", "cart-store.shop")
    return _report(found | {further: _calls(dice)}, frozenset(edges))


def large() -> Report:
    """A report of twenty namespaces of fifteen services each, where an earlier namespace calls a few later ones."""
    dice = random.Random(300)  # noqa: S311  not a secret
    graph: Graph = {}
    for number, domain in enumerate(_DOMAINS):
        names = [f"{domain}-{role}.{domain}" for role in _ROLES]
        # Everything is called by one of the services before it, and some by another one too.
        pairs = [(names[dice.randrange(max(1, at - 6), at) if at > 1 else 0], names[at]) for at in range(1, len(names))]
        pairs += [tuple(sorted(dice.sample(names, 2), key=names.index)) for _ in range(5)]
        later = _DOMAINS[number + 1 :]
        for other in dice.sample(later, min(3, len(later))):
            callers = dice.sample(names, dice.randint(1, 3))
            pairs += [(caller, f"{other}-{dice.choice(_ROLES[:4])}.{other}") for caller in callers]
        graph |= {Edge(*pair): _calls(dice) for pair in pairs}
    edges = sorted(graph)
    for edge in dice.sample(edges, 25):
        graph[edge] = Calls(40, 0, 0.01)
    missing = set(dice.sample(edges, 6))
    further = set(dice.sample(edges, 4))
    found = {edge: calls for edge, calls in graph.items() if edge not in missing}
    return _report(found, frozenset(set(edges) - further))


def hostile() -> Report:
    """A report in which every text that comes from the cluster is a script."""
    edge = Edge(f"{HOSTILE}.{HOSTILE}", f"web.{HOSTILE}")
    request = Request(HOSTILE, HOSTILE, _AT, 1.0, None, None, HOSTILE)
    return replace(
        _report({edge: Calls(1, 0, 0.1)}, frozenset({edge, Edge(f"web.{HOSTILE}", HOSTILE)})),
        stack=HOSTILE,
        context=HOSTILE,
        findings=(findings.fault(HOSTILE, HOSTILE, code=Code.NO_COLLECTOR, cause=HOSTILE, remedy=HOSTILE),),
        titles={},
        request=request,
    )


def _calls(dice: random.Random) -> Calls:
    failed = dice.choice([0.0, 0.0, 0.0, 0.0, 0.004, 0.125])
    return Calls(
        dice.randrange(50, 90_000), 0, 0.01, 10 ** dice.uniform(-1.5, 2.5), failed, 10 ** dice.uniform(-2.7, 0.3)
    )


def _report(graph: Graph, expected: frozenset[Edge]) -> Report:
    warning = findings.warning("dns", "1 of 2 pods is ready", code=Code.DNS_DOWN, cause="One of the pods restarts")
    services = sorted({edge.client for edge in graph})[:9]
    spans = [
        Span(f"{n}", f"{n - 1 - n % 3}", service, f"GET /items/{n}", "server", n * 7 * _MS, 40 * _MS, failed=n == 4)
        for n, service in enumerate(itertools.islice(itertools.cycle(services), 18))
    ]
    return Report(
        stack="prod",
        context="openshift-prod-eu",
        at=_AT,
        findings=(*REPORT.findings, warning),
        titles=REPORT.titles,
        request=REPORT.request,
        graph=graph,
        expected=expected,
        trace=Trace("4bf92f3577b34da6a3ce929d0e0e4736", tuple(spans)),
    )

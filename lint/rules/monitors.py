"""What Prometheus' operator is configured to scrape."""

import re
from collections.abc import Iterator

from lint.facts import Facts
from lint.findings import Fault, Severity, warning
from lint.objects import Manifests, at, sequence, text
from lint.rule import rule
from lint.views.prometheus import OPERATORS

_ENDPOINTS = {"PodMonitor": "podMetricsEndpoints", "ServiceMonitor": "endpoints"}
# A doubled backslash before a character whose meaning a single one would change.
_DOUBLED = re.compile(r"\\\\[dDwWsSbB.+*?()\[\]{}|$^/:-]")


@rule(
    code="N21",
    title="A relabeling's regular expression has doubled backslashes",
    levels=(Severity.WARNING,),
    why=(
        r"YAML takes a backslash outside double quotes as it is, so `\\d` there matches a literal backslash, which no "
        "label has. The rule then never applies."
    ),
    remedy="Write a single backslash; it is doubled in double quotes only.",
    example=r"""
        apiVersion: monitoring.coreos.com/v1
        kind: PodMonitor
        metadata: {name: envoy-stats, namespace: bookinfo}
        spec:
          podMetricsEndpoints:
            - relabelings:
                - {action: replace, regex: '(\\d+)', targetLabel: __address__}
    """,
    source="https://yaml.org/spec/1.2.2/#73-flow-scalar-styles",
)
def doubled_backslash(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for group in OPERATORS:
        for obj in manifests.of(group, *_ENDPOINTS):
            endpoints = _ENDPOINTS[obj.kind]
            for index, endpoint in enumerate(sequence(obj.at("spec", endpoints))):
                for field in ("relabelings", "metricRelabelings"):
                    for number, relabeling in enumerate(sequence(at(endpoint, field))):
                        found = _DOUBLED.search(text(at(relabeling, "regex")))
                        if found:
                            yield warning(
                                obj.where("spec", endpoints, index, field, number, "regex"),
                                f"{found[0]} matches a literal backslash, which no label here has, so the rule never "
                                "applies",
                                "write a single backslash; YAML doubles it in double quotes only",
                            )

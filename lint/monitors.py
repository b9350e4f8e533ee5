"""What Prometheus' operator is told to scrape."""

import re
from collections.abc import Iterator

from lint._objects import Cluster, at, sequence, text
from lint._prometheus import OPERATORS
from lint.facts import Facts
from lint.findings import Fault, error

_ENDPOINTS = {"PodMonitor": "podMetricsEndpoints", "ServiceMonitor": "endpoints"}
# A doubled backslash before a character that a single one would give a meaning to, or take it from.
_DOUBLED = re.compile(r"\\\\[dDwWsSbB.+*?()\[\]{}|$^/:-]")


def doubled_backslash(cluster: Cluster, _facts: Facts) -> Iterator[Fault]:
    """N21: YAML without double quotes takes a backslash as it is, so two of them stand for a literal one."""
    for group in OPERATORS:
        for obj in cluster.of(group, *_ENDPOINTS):
            endpoints = _ENDPOINTS[obj.kind]
            for index, endpoint in enumerate(sequence(obj.at("spec", endpoints))):
                for field in ("relabelings", "metricRelabelings"):
                    for rule, relabeling in enumerate(sequence(at(endpoint, field))):
                        found = _DOUBLED.search(text(at(relabeling, "regex")))
                        if found:
                            yield error(
                                obj.where("spec", endpoints, index, field, rule, "regex"),
                                f"{found[0]} matches a literal backslash, which no label here has, so the rule never "
                                "applies",
                                "write a single backslash; YAML doubles it in double quotes only",
                            )

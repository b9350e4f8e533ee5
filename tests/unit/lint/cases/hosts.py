"""Examples for lint/rules/hosts.py."""

import datetime

from cases.base import Example, mesh, replaced

EXAMPLES = {
    "retired_host": Example(
        "error N22 Istio default: spec.values.global.hub",
        wrong=replaced(mesh(), "values:\n", "values:\n    global: {hub: registry.istio.io/release}\n"),
        right=replaced(mesh(), "values:\n", "values:\n    global: {hub: docker.io/istio}\n"),
        facts={"today": datetime.date(2026, 12, 1)},
    ),
    "retired_default_hub": Example(
        "warning N22 Istio default: spec.version",
        wrong=replaced(mesh(), "v1.31.0", "v1.30.4"),
        right=mesh(),
        facts={"platform": "kubernetes", "today": datetime.date(2026, 8, 31)},
    ),
}

"""Examples for lint/rules/releases.py."""

import datetime

from cases.base import INGRESS, Example, mesh, replaced

EXAMPLES = {
    "end_of_support": Example(
        "error N18 Istio default: spec.version",
        wrong=replaced(mesh(), "v1.31.0", "v1.27.3"),
        right=mesh(),
        facts={"platform": "kubernetes", "today": datetime.date(2026, 4, 7)},
    ),
    "faulty_release": Example(
        "warning N18 Istio default: spec.version",
        wrong=replaced(mesh(), "v1.31.0", "v1.29.6"),
        right=replaced(mesh(), "v1.31.0", "v1.29.7"),
        facts={"platform": "kubernetes", "today": datetime.date(2026, 8, 26)},
    ),
    "ingress_class_of_ingress_nginx": Example(
        "warning N18 Ingress tracing-system/grafana: spec.ingressClassName",
        wrong=INGRESS,
        right=replaced(INGRESS, "nginx", "internal"),
        facts={"today": datetime.date(2026, 11, 27)},
    ),
}

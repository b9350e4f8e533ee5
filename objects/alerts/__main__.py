"""Writes the page of all alerts: ``python -m objects.alerts > docs/alerts.md``."""

import sys

from objects.alerts.alert import Alert
from objects.alerts.rules import ALERTS

_HEAD = """# Alerts

What Prometheus tells of the way of the spans and of services. Written from the rules by `make docs`; do not edit.
`alerts` in [settings.md](settings.md) switches them off, and has the limits and the objectives. `page` is for whoever
is woken up: spans or promises are lost now; `ticket` can wait for the day.

The Prometheus of the program shows them on its page `/alerts`, and sends them to nobody. An existing Prometheus gets
them as PrometheusRules, and its Alertmanager sends them on. One that the graph is only written to knows nothing of the
collector and of Tempo, and gets, with `alerts.enabled`, those on services.

Of certificates, cert-manager tells where the program installs it. Those between the parts of a TempoStack are renewed
by its operator, and no metric tells of them.

| alert | severity |
| --- | --- |
"""


def page() -> str:
    """The page, as Markdown."""
    rows = "".join(f"| [{alert.name}](#{alert.name.lower()}) | {alert.severity} |\n" for alert in ALERTS)
    return _HEAD + rows + "".join(map(_section, ALERTS))


def _section(alert: Alert) -> str:
    return f"\n## {alert.name}\n\nCause: {alert.cause}\n\nRemedy: {alert.remedy}\n"


if __name__ == "__main__":
    sys.stdout.write(page())

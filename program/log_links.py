"""What the owner of a Loki data source adds to it, so that a line of an access log leads to its trace."""

import json
from collections.abc import Iterator

from objects.log_links import to_trace
from program.plan import Plan


def way_back(plan: Plan) -> Iterator[str]:
    """In one line, the link that the program cannot make, since the data source is not its own."""
    grafana = plan.settings.grafana
    if grafana.loki is not None and grafana.loki.url is None:
        field = json.dumps(to_trace(grafana.tempo.uid))
        yield (
            f"grafana.loki: spans have a link to the data source {grafana.loki.uid}; for the way back its owner adds "
            f"{field} to jsonData.derivedFields, in a provisioning file with $$ for $"
        )

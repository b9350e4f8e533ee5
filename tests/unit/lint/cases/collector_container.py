"""Examples for lint/rules/collector_container.py."""

from cases.base import Example, replaced
from cases.collector_probes import DEPLOYED

_STARTED = replaced(
    DEPLOYED, "          livenessProbe", "          args: [--config=/conf/relay.yaml]\n          livenessProbe"
)

EXAMPLES = {
    "command_that_is_not_in_the_image": Example(
        "error N25 Deployment istio-system/otel: spec.template.spec.containers[0].command",
        wrong=replaced(_STARTED, "args:", "command:"),
        right=_STARTED,
    ),
}

"""Alerts for an existing Prometheus: the resources from which its operator makes rules."""

import pulumi

from components._declare import PACKAGE, declare, once_ready
from objects.alerts.rules import AlertsArgs, build_alerts


class Alerts(pulumi.ComponentResource):
    """PrometheusRules on the way of the spans and on services."""

    names: pulumi.Output[list[str]]
    """The PrometheusRules, each once it is there."""

    def __init__(self, name: str, args: AlertsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"{PACKAGE}:Alerts", name, None, opts)
        args = AlertsArgs.model_validate(args)
        child = pulumi.ResourceOptions(parent=self)
        made = [
            once_ready(rules["metadata"]["name"], declare(f"{name}-{role}", rules, child))
            for role, rules in build_alerts(args).items()
        ]
        self.names = pulumi.Output.all(*made)
        self.register_outputs({"names": self.names})

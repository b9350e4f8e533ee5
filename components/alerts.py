"""Alerts for an existing Prometheus: the resources from which its operator makes rules."""

import pulumi

from components._declare import PACKAGE, declare
from objects.alerts.rules import AlertsArgs, build_alerts


class Alerts(pulumi.ComponentResource):
    """PrometheusRules on the way of the spans and on services."""

    def __init__(self, name: str, args: AlertsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"{PACKAGE}:Alerts", name, None, opts)
        args = AlertsArgs.model_validate(args)
        for role, rules in build_alerts(args).items():
            declare(f"{name}-{role}", rules, pulumi.ResourceOptions(parent=self))
        self.register_outputs({})

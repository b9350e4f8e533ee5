"""The rules of a stack: as a file of Prometheus, and as the resources of which an operator makes one."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import Field

from model import Mesh, Tempo
from model.scalars import LabelKey, LabelValue, Name
from objects.alerts.alert import Alert, filled, rule
from objects.alerts.objectives import OBJECTIVES, burning, recorded
from objects.alerts.pipeline import PIPELINE, RECORDED
from objects.alerts.services import SERVICES
from objects.alerts.watched import Home, Watched
from objects.context import PART_OF, Args, Object

# Every alert that a stack may have.
ALERTS: Sequence[Alert] = (*PIPELINE, *SERVICES, *OBJECTIVES)
# Their windows are hours and days.
_OBJECTIVES_EVERY = "1m"


class AlertsArgs(Args):
    """Arguments of ``Alerts``."""

    watched: Watched = Field(default=Watched(), description="What the alerts are about.")
    namespace: Name = Field(default=Mesh().namespace, description="The mesh's namespace, with the collector.")
    tempo_namespace: Name = Field(default=Tempo().namespace, description="Tempo's namespace.")
    apart: bool = Field(
        default=False,
        description="Whether rules on Tempo lie in its namespace, where it is scraped: OpenShift's monitoring lets the "
        "rules of a namespace see its own series only.",
    )
    labels: dict[LabelKey, LabelValue] = Field(
        default={}, description="The labels by which an operator of Prometheus selects PrometheusRules."
    )


def build_rules(watched: Watched, homes: Sequence[Home] | None = None) -> dict[str, Any]:
    """The content of a file of rules, on what is at ``homes`` or, if none are named, on all."""
    found = [group for home, groups in _groups(watched) if homes is None or home in homes for group in groups]
    return {"groups": found}


def build_alerts(args: AlertsArgs) -> dict[str, Object]:
    """The PrometheusRules: one, or one for each namespace."""
    rest: list[Home] = [home for home in args.watched.homes if home != "tempo" or not args.apart]
    built = {"rules": _resource(PART_OF, args.namespace, rest, args)}
    if args.apart and "tempo" in args.watched.homes:
        built["rules-tempo"] = _resource(f"{PART_OF}-tempo", args.tempo_namespace, ["tempo"], args)
    return built


def _resource(name: str, namespace: str, homes: Sequence[Home], args: AlertsArgs) -> Object:
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": args.context.metadata(name, namespace, app=PART_OF, labels=args.labels),
        "spec": build_rules(args.watched, homes),
    }


def _groups(watched: Watched) -> Iterator[tuple[Home, list[dict[str, Any]]]]:
    for home in watched.homes:
        alerts = [
            rule(alert, watched) for alert in (*PIPELINE, *SERVICES) if alert.home == home and alert.applies(watched)
        ]
        if home == "graph":
            recording = [{"record": name, "expr": filled(expr, watched)} for name, expr in RECORDED.items()]
            yield home, [_group(home, watched.scrape_interval, [*recording, *alerts]), *_objectives(watched)]
        else:
            yield home, [_group(home, watched.scrape_interval, alerts)]


def _objectives(watched: Watched) -> Iterator[dict[str, Any]]:
    for objective in watched.alerts.objectives:
        rules = [*recorded(objective), *burning(objective, watched)]
        yield _group(f"objective-{objective.name}", _OBJECTIVES_EVERY, rules)


def _group(name: str, interval: str, rules: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"name": f"{PART_OF}-{name}", "interval": interval, "rules": list(rules)}

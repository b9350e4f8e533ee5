"""Grafana's view of the traces and the service graph: two data sources and a dashboard.

They reach a Grafana in one of three ways: as ConfigMaps that the sidecar of somebody else's Grafana
finds by their labels, as resources of grafana-operator, or mounted into the Grafana that the program
deploys. Somebody else's Grafana is otherwise left alone.
"""

import pulumi

from components._declare import PACKAGE, declare, once_ready, within
from components._secrets import kept_secret
from components.grafana import Grafana
from objects.context import Text
from objects.dashboard import UID
from objects.grafana import DATASOURCES, GrafanaTempoDatasourceArgs, build_content, grafana_args, provisioned


class GrafanaTempoDatasource(pulumi.ComponentResource):
    """Grafana's data sources for traces and service graph, a dashboard, and, if asked for, the Grafana itself."""

    dashboard_uid: pulumi.Output[str]
    """The last part of the dashboard's path, once the dashboard and the data sources are there."""
    config_map: pulumi.Output[str] | None
    """Namespace and name of the ConfigMap with the data sources; none with grafana-operator."""
    grafana_url: pulumi.Output[str] | None
    """Where pods reach a managed Grafana, once it answers; none for any other Grafana."""

    def __init__(self, name: str, args: GrafanaTempoDatasourceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"{PACKAGE}:GrafanaTempoDatasource", name, None, opts)
        args = GrafanaTempoDatasourceArgs.model_validate(args)
        self.config_map = None
        self.grafana_url = None
        objects = build_content(args, provisioned_once_known(args))
        if args.grafana.mode == "operator":
            child = pulumi.ResourceOptions(
                parent=self,
                custom_timeouts=within(args.context.timeouts.consoles),
                # The API server refuses to change selector and uid, and two resources cannot share a name.
                replace_on_changes=["spec.instanceSelector", "spec.uid"],
                delete_before_replace=True,
            )
            # The operator reads the Secret when it makes the data source.
            secrets = [role for role in objects if objects[role]["kind"] == "Secret"]
            before = [declare(f"{name}-{role}", objects[role], pulumi.ResourceOptions(parent=self)) for role in secrets]
            child = pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=before))
            created: list[pulumi.Resource] = [
                declare(f"{name}-{role}", obj, child) for role, obj in objects.items() if role not in secrets
            ]
        else:
            child = pulumi.ResourceOptions(parent=self)
            created = [declare(f"{name}-{role}", obj, child) for role, obj in objects.items()]
            self.config_map = once_ready(f"{args.namespace}/{DATASOURCES}", created[0])
            managed = grafana_args(args)
            if managed is not None:
                grafana = Grafana(f"{name}-grafana", managed, child, mounted=list(created))
                created.append(grafana)
                self.grafana_url = grafana.url

        self.dashboard_uid = once_ready(UID, *created)
        self.register_outputs(
            {"dashboard_uid": self.dashboard_uid, "config_map": self.config_map, "grafana_url": self.grafana_url}
        )


def provisioned_once_known(args: GrafanaTempoDatasourceArgs) -> Text:
    """The file with the data sources, which waits for what its URLs wait for, and is as secret as they are."""
    loki = None if args.grafana.loki is None else kept_secret(args.grafana.loki.url)
    return pulumi.Output.all(args.tempo_url, args.prometheus_url, loki).apply(
        lambda urls: provisioned(args, tempo_url=urls[0], prometheus_url=urls[1])
    )

"""Grafana's view of the traces and the service graph: two data sources and a dashboard.

They reach a Grafana in one of three ways: as ConfigMaps that the sidecar of somebody else's Grafana
finds by their labels, as resources of grafana-operator, or mounted into a Grafana of the program's
own. Somebody else's Grafana is left alone otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import yaml
from pulumi_kubernetes.apiextensions import CustomResource

import model
from components import _dashboard
from components._addresses import GrafanaAddress
from components._datasources import (
    DataSource,
    build_datasources,
    datasource_spec,
    operator_selection,
    provisioning,
)
from components._package import PACKAGE, labels, once_ready, wait_for, within
from components._restart import digest
from components.grafana import Grafana, GrafanaArgs

DATASOURCES = "grafana-datasources-tracing"
DASHBOARD = "grafana-dashboard-tracing"

GRAFANA_API = "grafana.integreatly.org/v1beta1"


@dataclass(frozen=True, kw_only=True)
class GrafanaTempoDatasourceArgs:
    """``tempo_url`` and ``prometheus_url`` are those that Grafana's backend reaches.

    The last three are for a Grafana of the program's own: ``content_hash`` is plain text, and a
    change of it rolls the pod; ``external_url`` is where browsers reach it, if they do.
    """

    grafana: model.Grafana
    address: GrafanaAddress
    tempo_url: pulumi.Input[str]
    prometheus_url: pulumi.Input[str]
    timeout_seconds: int
    external_url: str | None
    admin_password: pulumi.Input[str] | None
    content_hash: str


class GrafanaTempoDatasource(pulumi.ComponentResource):
    """``dashboard_uid`` is the last part of the dashboard's path, and carries the wait for it.

    ``config_map`` is the namespace and name of the provisioned data sources, where there is one;
    ``grafana_url`` is where pods reach a Grafana of the program's own.
    """

    dashboard_uid: pulumi.Output[str]
    config_map: pulumi.Output[str] | None
    grafana_url: pulumi.Output[str] | None

    def __init__(
        self,
        name: str,
        args: GrafanaTempoDatasourceArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(f"{PACKAGE}:GrafanaTempoDatasource", name, None, opts)
        self._name = name
        self._args = args
        self._datasources = build_datasources(tempo_url=args.tempo_url, prometheus_url=args.prometheus_url)
        self._dashboard = _dashboard.to_json(_dashboard.build_dashboard())

        self.config_map = None
        self.grafana_url = None
        if args.grafana.mode == "operator":
            created: list[pulumi.Resource] = [*self._create_resources()]
        else:
            datasources, dashboard = self._create_config_maps()
            created = [datasources, dashboard]
            self.config_map = datasources.metadata.apply(lambda metadata: f"{metadata.namespace}/{metadata.name}")
            if args.grafana.mode == "managed":
                grafana = self._create_grafana(mounted=created)
                created.append(grafana)
                self.grafana_url = grafana.url

        self.dashboard_uid = once_ready(_dashboard.UID, *created)
        self.register_outputs(
            {"dashboard_uid": self.dashboard_uid, "config_map": self.config_map, "grafana_url": self.grafana_url}
        )

    def _create_config_maps(self) -> tuple[k8s.core.v1.ConfigMap, k8s.core.v1.ConfigMap]:
        datasources = self._config_map(
            "config-map",
            DATASOURCES,
            sidecar_label="grafana_datasource",
            data={"datasources.yaml": pulumi.Output.from_input(self._datasources).apply(to_provisioning_file)},
        )
        dashboard = self._config_map(
            "dashboard",
            DASHBOARD,
            sidecar_label="grafana_dashboard",
            data={f"{_dashboard.UID}.json": self._dashboard},
        )
        return datasources, dashboard

    def _config_map(
        self, role: str, config_map: str, *, sidecar_label: str, data: Mapping[str, pulumi.Input[str]]
    ) -> k8s.core.v1.ConfigMap:
        # Ours mounts it. Another Grafana's sidecar may look into all namespaces, and must not find it.
        found_by_sidecars = {} if self._args.grafana.mode == "managed" else {sidecar_label: "1"}
        return k8s.core.v1.ConfigMap(
            f"{self._name}-{role}",
            metadata={
                "name": config_map,
                "namespace": self._args.address.namespace,
                "labels": {**labels(config_map), **found_by_sidecars},
            },
            data=data,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _create_grafana(self, *, mounted: list[pulumi.Resource]) -> Grafana:
        args = self._args
        if args.admin_password is None:
            raise ValueError("a Grafana of the program's own without a password; set grafanaAdminPassword")
        return Grafana(
            f"{self._name}-grafana",
            GrafanaArgs(
                grafana=args.grafana,
                address=args.address,
                external_url=args.external_url,
                admin_password=args.admin_password,
                mounted=mounted,
                content_hash=args.content_hash,
                timeout_seconds=args.timeout_seconds,
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _create_resources(self) -> list[CustomResource]:
        instance_labels = self._args.grafana.instance_labels
        dashboard = {"uid": _dashboard.UID, **operator_selection(instance_labels), "json": self._dashboard}
        return [
            *(
                self._custom_resource(
                    str(datasource["uid"]),
                    "GrafanaDatasource",
                    datasource_spec(datasource, instance_labels=instance_labels),
                    condition="DatasourceSynchronized",
                )
                for datasource in self._datasources
            ),
            self._custom_resource("dashboard", "GrafanaDashboard", dashboard, condition="DashboardSynchronized"),
        ]

    def _custom_resource(self, role: str, kind: str, spec: Mapping[str, Any], *, condition: str) -> CustomResource:
        name = resource_name(role)
        return CustomResource(
            f"{self._name}-{role}",
            api_version=GRAFANA_API,
            kind=kind,
            metadata={
                "name": name,
                "namespace": self._args.address.namespace,
                "labels": labels(name),
                # The operator writes it once every selected Grafana has taken the resource; without a
                # selected Grafana it never does.
                "annotations": wait_for(f"condition={condition}"),
            },
            spec=spec,
            opts=pulumi.ResourceOptions(
                parent=self,
                custom_timeouts=within(self._args.timeout_seconds),
                # The API server refuses to change the selector, and two resources cannot share a name.
                replace_on_changes=["spec.instanceSelector"],
                delete_before_replace=True,
            ),
        )


def resource_name(role: str) -> str:
    """The name of a resource of grafana-operator; a data source's role is its uid."""
    return f"mesh-tracing-{role}"


def to_provisioning_file(datasources: list[DataSource]) -> str:
    return yaml.safe_dump(provisioning(datasources), sort_keys=False)


def content_hash(*, tempo_url: str, prometheus_url: str) -> str:
    """A hash of all that a Grafana of the program's own reads at its start."""
    return digest([build_datasources(tempo_url=tempo_url, prometheus_url=prometheus_url), _dashboard.build_dashboard()])

"""Data sources and dashboard in the form that each kind of Grafana reads, and the Grafana that we deploy."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from model import Exposure, Grafana, Mesh, Platform
from model.scalars import Name
from objects import manifests
from objects.addresses import GRAFANA
from objects.context import Args, Object, Text, wait_for
from objects.dashboard import UID, build_dashboard, to_json
from objects.datasources import build_datasources, datasource_spec, operator_selection
from objects.digest import digest
from objects.exposure import external_url
from objects.pod_security import run_as

DATASOURCES = "grafana-datasources-tracing"
DASHBOARD = "grafana-dashboard-tracing"
_ADMIN_SECRET = "grafana-admin"  # noqa: S105  the name of a Secret
# That of the image.
_USER = 472


class GrafanaTempoDatasourceArgs(Args):
    """Arguments of ``GrafanaTempoDatasource``."""

    tempo_url: Text = Field(description="Where Grafana's backend reaches Tempo.")
    prometheus_url: Text = Field(description="Where Grafana's backend reaches the Prometheus with the service graph.")
    grafana: Grafana = Field(default=Grafana(), description="The Grafana that shows traces and graph.")
    mesh_namespace: Name = Field(
        default=Mesh().namespace, description="The namespace of everything here, where `grafana` names none."
    )
    exposure: Exposure = Field(default=Exposure(), description="How a managed Grafana is reached from outside.")
    platform: Platform = Field(default="kubernetes", description="What the cluster is.")
    admin_password: Text | None = Field(
        default=None, description="Password of `admin`; required for a managed Grafana."
    )
    content_hash: str | None = Field(
        default=None,
        description="Another text starts a managed Grafana anew. Needed only where one of the URLs is an output that "
        "may change: the component itself hashes only what it knows before anything is deployed.",
    )

    @property
    def namespace(self) -> str:
        """The namespace of every object that these arguments lead to."""
        return self.grafana.namespace_beside(self.mesh_namespace)


class GrafanaArgs(Args):
    """Arguments of ``Grafana``; a changed password is valid from the pod's next start, which creates a new database."""

    grafana: Grafana = Field(default=Grafana(mode="managed"), description="Its image and resources.")
    namespace: Name = Field(description="Its namespace, with the ConfigMaps that it mounts.")
    platform: Platform = Field(default="kubernetes", description="What the cluster is.")
    external_url: str | None = Field(default=None, description="Where browsers reach it, if they do.")
    admin_password: Text = Field(description="Password of `admin`, which goes nowhere but into a Secret.")
    content_hash: str = Field(description="Another text starts the pod anew.")


def grafana_external_url(grafana: Grafana, exposure: Exposure) -> str | None:
    """Where browsers reach the Grafana that the program deploys; the URL of any other one is unknown."""
    is_exposed = exposure.kind != "none" and grafana.mode == "managed"
    return external_url(exposure, GRAFANA) if is_exposed else None


def resource_name(role: str) -> str:
    """The name of a resource of grafana-operator; a data source's role is its uid."""
    return f"mesh-tracing-{role}"


def content_hash(*, tempo_url: Text, prometheus_url: Text) -> str:
    """A hash of all that the Grafana that we deploy reads at its start, except URLs that are Outputs."""
    tempo, prometheus = (url if isinstance(url, str) else "" for url in (tempo_url, prometheus_url))
    return digest([build_datasources(tempo_url=tempo, prometheus_url=prometheus), build_dashboard()])


def grafana_args(args: GrafanaTempoDatasourceArgs) -> GrafanaArgs | None:
    """The arguments of the Grafana that we deploy, if the settings ask for one."""
    if args.grafana.mode != "managed":
        return None
    if args.admin_password is None:
        raise ValueError("adminPassword: none; grafana.mode managed needs one")
    return GrafanaArgs(
        grafana=args.grafana,
        namespace=args.namespace,
        platform=args.platform,
        external_url=grafana_external_url(args.grafana, args.exposure),
        admin_password=args.admin_password,
        content_hash=args.content_hash or content_hash(tempo_url=args.tempo_url, prometheus_url=args.prometheus_url),
        context=args.context,
    )


def build_content(args: GrafanaTempoDatasourceArgs, provisioned: Text) -> dict[str, Object]:
    """Data sources and dashboard: in resources of grafana-operator, or in ConfigMaps.

    ``provisioned`` is the content of the file of ``provisioning_file``.
    """
    if args.grafana.mode == "operator":
        return _resources(args)
    return {
        "config-map": _config_map(
            args, DATASOURCES, sidecar_label="grafana_datasource", data={"datasources.yaml": provisioned}
        ),
        "dashboard": _config_map(
            args, DASHBOARD, sidecar_label="grafana_dashboard", data={f"{UID}.json": to_json(build_dashboard())}
        ),
    }


def _config_map(args: GrafanaTempoDatasourceArgs, name: str, *, sidecar_label: str, data: Mapping[str, Text]) -> Object:
    # Our Grafana mounts the ConfigMap, so it gets no label: the sidecar of another Grafana may look into all
    # namespaces, and must not find it.
    found_by_sidecars = {} if args.grafana.mode == "managed" else {sidecar_label: "1"}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": args.context.metadata(name, args.namespace, labels=found_by_sidecars),
        "data": data,
    }


def _resources(args: GrafanaTempoDatasourceArgs) -> dict[str, Object]:
    labels = args.grafana.instance_labels
    datasources = build_datasources(tempo_url=args.tempo_url, prometheus_url=args.prometheus_url)
    built = {
        str(datasource["uid"]): _resource(
            args,
            str(datasource["uid"]),
            "GrafanaDatasource",
            datasource_spec(datasource, instance_labels=labels),
            condition="DatasourceSynchronized",
        )
        for datasource in datasources
    }
    dashboard = {"uid": UID, **operator_selection(labels), "json": to_json(build_dashboard())}
    built["dashboard"] = _resource(args, "dashboard", "GrafanaDashboard", dashboard, condition="DashboardSynchronized")
    return built


def _resource(
    args: GrafanaTempoDatasourceArgs, role: str, kind: str, spec: Mapping[str, Any], *, condition: str
) -> Object:
    # The operator writes the condition once every selected Grafana has accepted the resource; if none is selected, it
    # never does.
    annotations = wait_for(f"condition={condition}")
    return {
        "apiVersion": "grafana.integreatly.org/v1beta1",
        "kind": kind,
        "metadata": args.context.metadata(resource_name(role), args.namespace, annotations=annotations),
        "spec": spec,
    }


def build_grafana(args: GrafanaArgs) -> dict[str, Object]:
    """The objects of ``manifests/grafana.yaml`` as the settings want them, and the Secret with the password."""
    placed = [
        manifests.place(obj, namespace=args.namespace, labels=args.context.labels(GRAFANA))
        for obj in manifests.load("grafana.yaml")
    ]
    own_files = [obj["data"] for obj in placed if obj["kind"] == "ConfigMap"]
    admin = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": args.context.metadata(_ADMIN_SECRET, args.namespace, app=GRAFANA),
        "stringData": {"password": args.admin_password},
    }
    content = digest([args.content_hash, own_files])
    return {
        "admin": admin,
        **{
            manifests.role(obj): _complete_deployment(obj, args, content) if obj["kind"] == "Deployment" else obj
            for obj in placed
        },
    }


def _complete_deployment(manifest: Object, args: GrafanaArgs, content: str) -> Object:
    """``manifest`` as the settings want it; the hash rolls the pod for new data sources or dashboards."""
    manifest = run_as(manifest, _USER, args.platform)
    spec = manifest["spec"]
    template = spec["template"]
    (container,) = template["spec"]["containers"]
    # Grafana's links, and its redirects after a login, begin with this URL.
    root_url = [] if args.external_url is None else [{"name": "GF_SERVER_ROOT_URL", "value": f"{args.external_url}/"}]
    container = {
        **container,
        "image": args.grafana.image,
        "env": [*container["env"], *root_url],
        "resources": args.grafana.resources.to_kubernetes(),
    }
    template = {
        "metadata": {**template["metadata"], "annotations": {"checksum/content": content}},
        "spec": {**template["spec"], "containers": [container]},
    }
    return {**manifest, "spec": {**spec, "template": template}}

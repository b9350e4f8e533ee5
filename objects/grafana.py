"""Data sources and dashboard in the form that each kind of Grafana reads, and the Grafana that we deploy."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from model import ExistingPrometheus, ExistingTempo, Exposure, Grafana, Mesh, Platform
from model.parts import SecretKey, to_kubernetes_env
from model.scalars import DataSourceUid, Name
from objects import manifests
from objects.addresses import GRAFANA
from objects.context import Args, Object, Text, wait_for
from objects.dashboard import UID, build_dashboard, to_json
from objects.datasources import (
    IN_FILE,
    DataSource,
    build_datasources,
    datasource_spec,
    in_resource,
    operator_selection,
    prometheus_uid,
    provisioning_file,
    tempo_uid,
)
from objects.digest import digest
from objects.exposure import external_url
from objects.pod_security import run_as
from objects.prometheus_access import VARIABLE, build_credentials, credentials_key, datasource_fields
from objects.rollout import REVISION

DATASOURCES = "grafana-datasources-tracing"
DASHBOARD = "grafana-dashboard-tracing"
_ADMIN_SECRET = "grafana-admin"  # noqa: S105  the name of a Secret
# That of the image.
_USER = 472


class GrafanaTempoDatasourceArgs(Args):
    """Arguments of ``GrafanaTempoDatasource``."""

    tempo_url: Text | None = Field(
        description="Where Grafana's backend reaches Tempo; none for a store that nobody can search."
    )
    prometheus_url: Text = Field(description="Where Grafana's backend reaches the Prometheus with the service graph.")
    grafana: Grafana = Field(default=Grafana(), description="The Grafana that shows traces and graph.")
    existing_tempo: ExistingTempo | None = Field(
        default=None, description="That Tempo, where it is somebody else's: its tenant, authority and data source."
    )
    existing_prometheus_uid: DataSourceUid | None = Field(
        default=None,
        description="Uid of the data source that an existing Grafana has for that Prometheus; none makes one.",
    )
    existing_prometheus: ExistingPrometheus | None = Field(
        default=None, description="That Prometheus, where it is somebody else's: its login, headers and authority."
    )
    prometheus_credentials: Text | None = Field(
        default=None, description="Its password or token; required for `existing_prometheus.auth` without a `secret`."
    )
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

    @property
    def login(self) -> SecretKey | None:
        """Where the password or token of Prometheus is, if a data source of ours needs one."""
        existing = self.existing_prometheus
        if existing is None or existing.auth is None or self.existing_prometheus_uid is not None:
            return None
        return credentials_key(existing.auth, GRAFANA)


class GrafanaArgs(Args):
    """Arguments of ``Grafana``."""

    grafana: Grafana = Field(default=Grafana(mode="managed"), description="Its image and resources.")
    namespace: Name = Field(description="Its namespace, with the ConfigMaps that it mounts.")
    platform: Platform = Field(default="kubernetes", description="What the cluster is.")
    external_url: str | None = Field(default=None, description="Where browsers reach it, if they do.")
    admin_password: Text = Field(description="Password of `admin`, which goes nowhere but into a Secret.")
    login: SecretKey | None = Field(default=None, description="The password or token that data sources refer to.")
    prometheus_credentials: Text | None = Field(default=None, description="Its text, where it is known.")
    content_hash: str = Field(description="Another text starts the pod anew.")


def grafana_external_url(grafana: Grafana, exposure: Exposure) -> str | None:
    """Where browsers reach the Grafana that the program deploys; the URL of any other one is unknown."""
    is_exposed = exposure.kind != "none" and grafana.mode == "managed"
    return external_url(exposure, GRAFANA) if is_exposed else None


def resource_name(role: str) -> str:
    """The name of a resource of grafana-operator."""
    return f"mesh-tracing-{role}"


def content_hash(args: GrafanaTempoDatasourceArgs) -> str:
    """A hash of all that the Grafana that we deploy reads at its start, except URLs that are Outputs."""
    tempo, prometheus = (url if isinstance(url, str) else "" for url in (args.tempo_url, args.prometheus_url))
    return digest([_datasources(args, tempo_url=tempo, prometheus_url=prometheus), _dashboard(args)])


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
        login=args.login,
        prometheus_credentials=None if args.login is None else args.prometheus_credentials,
        content_hash=args.content_hash or content_hash(args),
        context=args.context,
    )


def provisioned(args: GrafanaTempoDatasourceArgs, *, tempo_url: str | None, prometheus_url: str) -> str:
    """The provisioning file with the data sources, once the URLs are known."""
    return provisioning_file(_datasources(args, tempo_url=tempo_url, prometheus_url=prometheus_url))


def build_content(args: GrafanaTempoDatasourceArgs, file: Text) -> dict[str, Object]:
    """Data sources and dashboard: in resources of grafana-operator, or in ConfigMaps; ``file`` is ``provisioned``."""
    if args.grafana.mode == "operator":
        return {**_resources(args), **_credentials(args)}
    return {
        "config-map": _config_map(
            args, DATASOURCES, sidecar_label="grafana_datasource", data={"datasources.yaml": file}
        ),
        "dashboard": _config_map(
            args, DASHBOARD, sidecar_label="grafana_dashboard", data={f"{UID}.json": to_json(_dashboard(args))}
        ),
        **_credentials(args),
    }


def _credentials(args: GrafanaTempoDatasourceArgs) -> dict[str, Object]:
    """The Secret of the login, if a data source of ours needs one."""
    if args.login is None:
        return {}
    made = build_credentials(
        args.existing_prometheus,
        args.prometheus_credentials,
        consumer=GRAFANA,
        namespace=args.namespace,
        context=args.context,
    )
    return {} if made is None else {"credentials": made}


def _datasources(
    args: GrafanaTempoDatasourceArgs, *, tempo_url: Text | None, prometheus_url: Text
) -> dict[str, DataSource]:
    credentials = IN_FILE
    if args.grafana.mode == "operator" and args.login is not None:
        credentials = in_resource(args.login)
    return build_datasources(
        args.grafana,
        existing_uid=args.existing_prometheus_uid,
        tempo_url=tempo_url,
        prometheus_url=prometheus_url,
        tempo=args.existing_tempo,
        access=datasource_fields(args.existing_prometheus, credentials),
    )


def _dashboard(args: GrafanaTempoDatasourceArgs) -> dict[str, Any]:
    return build_dashboard(
        tempo_uid=tempo_uid(args.grafana, args.existing_tempo),
        prometheus_uid=prometheus_uid(args.grafana, args.existing_prometheus_uid),
    )


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
    datasources = _datasources(args, tempo_url=args.tempo_url, prometheus_url=args.prometheus_url)
    built = {
        role: _resource(
            args,
            role,
            "GrafanaDatasource",
            datasource_spec(
                datasource, instance_labels=labels, credentials=args.login if role == "prometheus" else None
            ),
            condition="DatasourceSynchronized",
        )
        for role, datasource in datasources.items()
    }
    dashboard = {"uid": UID, **operator_selection(labels), "json": to_json(_dashboard(args))}
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


def build_grafana(args: GrafanaArgs, revision: Text | None = None) -> dict[str, Object]:
    """The objects of ``manifests/grafana.yaml`` as the settings want them, and the Secret with the password.

    Another ``revision`` starts the pod anew, with a new database, to which the password applies.
    """
    placed = [
        manifests.place(obj, namespace=args.namespace, labels=args.context.labels(GRAFANA), context=args.context)
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
            manifests.role(obj): _complete_deployment(obj, args, content, revision)
            if obj["kind"] == "Deployment"
            else obj
            for obj in placed
        },
    }


def _complete_deployment(manifest: Object, args: GrafanaArgs, content: str, revision: Text | None) -> Object:
    """``manifest`` as the settings want it; the hash rolls the pod for new data sources or dashboards."""
    manifest = run_as(manifest, _USER, args.platform)
    spec = manifest["spec"]
    template = spec["template"]
    (container,) = template["spec"]["containers"]
    # Grafana's links, and its redirects after a login, begin with this URL.
    root_url = [] if args.external_url is None else [{"name": "GF_SERVER_ROOT_URL", "value": f"{args.external_url}/"}]
    login = {} if args.login is None else {VARIABLE: args.login}
    container = {
        **container,
        "image": args.context.image(args.grafana.image),
        "env": [*container["env"], *root_url, *to_kubernetes_env(login)],
        "resources": args.grafana.resources.to_kubernetes(),
    }
    template = {
        "metadata": {**template["metadata"], "annotations": {"checksum/content": content}},
        "spec": {**template["spec"], "containers": [container]},
    }
    deployment = {**manifest, "spec": {**spec, "template": template}}
    return deployment if revision is None else manifests.with_pod_annotation(deployment, REVISION, revision)

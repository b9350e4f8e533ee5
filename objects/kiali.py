"""Kiali, as a resource of its operator and as the values of its chart, wired to Prometheus, Tempo and a Grafana.

On OpenShift with Routes, Kiali's operator or chart makes the Route itself: the login by OpenShift
needs to know the Route. Everywhere else Exposure leads to Kiali as it does to the other Services.
"""

from typing import Any

from pydantic import Field

from model import ExistingPrometheus, ExistingTempo, Exposure, Grafana, Kiali, Mesh
from model.scalars import DataSourceUid, Name
from objects.addresses import KIALI, KIALI_PORT
from objects.charts import Chart, chart_source
from objects.context import Args, Object, Text, wait_for
from objects.exposure import external_host
from objects.pod_security import CONTAINER, POD
from objects.prometheus_access import build_credentials, kiali_fields
from objects.rollout import REVISION, Rollout

# The operator's default, which annotations of our own would replace.
_POD_ANNOTATIONS = {"proxy.istio.io/config": '{ "holdApplicationUntilProxyStarts": true }'}
# That of the chart, without its version.
KIALI_IMAGE = "quay.io/kiali/kiali"
_AUTHORITIES = "kiali-cabundle"
_SECURITY = {**CONTAINER, **POD, "readOnlyRootFilesystem": True}


class KialiArgs(Args):
    """Arguments of ``Kiali``."""

    kiali: Kiali = Field(default=Kiali(installer="operator"), description="How Kiali is installed.")
    namespace: Name = Field(default=Mesh().namespace, description="Its namespace, which is the mesh's.")
    exposure: Exposure = Field(default=Exposure(), description="How browsers reach it.")
    prometheus_url: Text = Field(description="Where it reaches Prometheus.")
    existing_prometheus: ExistingPrometheus | None = Field(
        default=None, description="That Prometheus, where it is somebody else's: its login, headers and authority."
    )
    prometheus_credentials: Text | None = Field(
        default=None, description="Its password or token; required for `existing_prometheus.auth` without a `secret`."
    )
    tempo_url: Text | None = Field(description="Where it reaches Tempo; none for a store that nobody can search.")
    existing_tempo: ExistingTempo | None = Field(
        default=None, description="That Tempo, where it is somebody else's: its tenant and authority."
    )
    grafana_url: Text | None = Field(default=None, description="Where it reaches a Grafana of our own.")
    grafana_external_url: str | None = Field(default=None, description="Where browsers reach that Grafana.")
    tempo_uid: DataSourceUid = Field(
        default=Grafana().tempo.uid, description="Uid of that Grafana's data source for traces."
    )
    prometheus_uid: DataSourceUid = Field(
        default=Grafana().prometheus.uid, description="Uid of that Grafana's data source for the service graph."
    )


def has_own_route(exposure: Exposure) -> bool:
    """Whether Kiali's operator or chart makes a Route for it."""
    return exposure.kind == "route"


def kiali_external_url(exposure: Exposure) -> str | None:
    """Where browsers reach Kiali, if they do."""
    return None if exposure.kind == "none" else f"{_scheme(exposure)}://{external_host(exposure, KIALI)}"


def build_kiali(args: KialiArgs, *, revision: Text | None = None, awaited: bool = True) -> Object:
    """The resource of Kiali's operator; ``awaited``: whether Pulumi's provider waits for it as far as it can."""
    # Its operator writes the condition at the end of a run, which includes Kiali's pods. After an update it is that of
    # the run before for a while.
    annotations = wait_for("condition=Successful") if awaited else None
    spec = _spec(args)
    if revision is not None:
        spec["deployment"] = {**spec["deployment"], "pod_annotations": {**_POD_ANNOTATIONS, REVISION: revision}}
    return {
        "apiVersion": "kiali.io/v1alpha1",
        "kind": "Kiali",
        "metadata": args.context.metadata(KIALI, args.namespace, annotations=annotations),
        "spec": spec,
    }


def build_prometheus_access(args: KialiArgs) -> dict[str, Object]:
    """What Kiali reads of existing stores beside its configuration: the Secret of a login, and their authorities."""
    built = {}
    login = build_credentials(
        args.existing_prometheus,
        args.prometheus_credentials,
        consumer=KIALI,
        namespace=args.namespace,
        context=args.context,
    )
    if login is not None:
        built["prometheus"] = login
    authorities = [one.ca for one in (args.existing_prometheus, args.existing_tempo) if one is not None and one.ca]
    if authorities:
        # The name and the key that Kiali looks for, since 2.4.
        built["cabundle"] = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": args.context.metadata(_AUTHORITIES, args.namespace, app=KIALI),
            "data": {"additional-ca-bundle.pem": "\n".join(authorities)},
        }
    return built


def kiali_rollout(args: KialiArgs) -> Rollout:
    """The Deployment that the operator makes."""
    return Rollout(title="Kiali", namespace=args.namespace, workloads=(KIALI,), seconds=args.context.timeouts.consoles)


def kiali_chart(args: KialiArgs) -> Chart:
    """The chart, whose values are the operator's spec and more; it cannot look up the Route that it makes."""
    values = _spec(args)
    if has_own_route(args.exposure):
        values = {**values, "kiali_route_url": kiali_external_url(args.exposure)}
    # In place of the chart's own, which lacks the seccomp profile; the operator's own is complete.
    deployment = {**values["deployment"], "security_context": _SECURITY}
    mirrored = args.context.image(KIALI_IMAGE)
    if mirrored != KIALI_IMAGE:
        # The chart appends its own version. The operator refuses a resource with such a field, unless it was installed
        # with allowAdHocKialiImage.
        deployment["image_name"] = mirrored
    values["deployment"] = deployment
    return {
        **chart_source("kiali-server", repository=args.kiali.chart_repository, version=args.kiali.version),
        "name": KIALI,
        "namespace": args.namespace,
        "values": values,
    }


def _spec(args: KialiArgs) -> dict[str, Any]:
    exposure, own_route = args.exposure, has_own_route(args.exposure)
    spec: dict[str, Any] = {
        # OpenShift's login sends browsers back to a Route; without a Route, users log in with a Kubernetes token.
        "auth": {"strategy": "openshift" if own_route else "token"},
        "deployment": {"cluster_wide_access": True, "ingress": _ingress(exposure), **_pods(args)},
        "external_services": {
            "prometheus": {"url": args.prometheus_url, **kiali_fields(args.existing_prometheus, KIALI)},
            "tracing": _tracing(args),
            "grafana": _grafana(args),
            "istio": {"istio_identity_domain": f"svc.{args.context.cluster_domain}"},
        },
        # Kiali's default path on OpenShift differs from the one elsewhere.
        "server": {"web_root": "/"},
    }
    if exposure.kind != "none":
        outside = {"web_fqdn": external_host(exposure, KIALI), "web_schema": _scheme(exposure)}
        spec["server"] = {**spec["server"], **outside}
    if not own_route:
        # On OpenShift Kiali would answer by https only, with a certificate that our Exposure does not trust.
        spec["identity"] = {"cert_file": "", "private_key_file": ""}
    return spec


def _pods(args: KialiArgs) -> dict[str, Any]:
    """Where its pods run, and with which Secrets they pull, in Kiali's own names."""
    scheduling, secrets = args.context.scheduling, args.context.images.pull_secrets
    where = scheduling.to_kubernetes()
    affinity = {"nodeAffinity": "node", "podAffinity": "pod", "podAntiAffinity": "pod_anti"}
    fields = {
        "node_selector": where.get("nodeSelector"),
        "tolerations": where.get("tolerations"),
        "affinity": {affinity[name]: value for name, value in where.get("affinity", {}).items()},
        "priority_class_name": scheduling.priority_class_name,
        "image_pull_secrets": list(secrets),
    }
    return {name: value for name, value in fields.items() if value}


def _scheme(exposure: Exposure) -> str:
    # The Route that Kiali's installer creates is always encrypted, because it leads to an encrypted port.
    return "https" if exposure.tls or has_own_route(exposure) else "http"


def _ingress(exposure: Exposure) -> dict[str, Any]:
    if not has_own_route(exposure):
        return {"enabled": False}
    route = {
        "host": external_host(exposure, KIALI),
        "to": {"kind": "Service", "name": KIALI},
        "port": {"targetPort": KIALI_PORT},
        # OpenShift makes the certificate of Kiali's port, and its router trusts it.
        "tls": {"termination": "reencrypt", "insecureEdgeTerminationPolicy": "Redirect"},
    }
    return {"enabled": True, "override_yaml": {"spec": route}}


def _tracing(args: KialiArgs) -> dict[str, Any]:
    if args.tempo_url is None:
        return {"enabled": False}
    tracing: dict[str, Any] = {
        "enabled": True,
        "provider": "tempo",
        "internal_url": args.tempo_url,
        # By default Kiali searches by gRPC, which is only faster; a TempoMonolithic's Service has no port for that.
        "use_grpc": False,
        "tempo_config": {"datasource_uid": args.tempo_uid, "url_format": "grafana"},
    }
    if args.existing_tempo is not None and args.existing_tempo.headers:
        tracing["custom_headers"] = args.existing_tempo.headers
    if args.grafana_external_url is not None:
        # Kiali links each trace to Grafana's Explore.
        tracing["external_url"] = args.grafana_external_url
    return tracing


def _grafana(args: KialiArgs) -> dict[str, Any]:
    if args.grafana_url is None:
        return {"enabled": False}
    grafana: dict[str, Any] = {
        "enabled": True,
        "internal_url": args.grafana_url,
        "datasource_uid": args.prometheus_uid,
        # Otherwise Kiali searches for Istio's dashboards, which do not exist here, with a password that it does not
        # have.
        "dashboards": [],
        "is_core": False,
    }
    if args.grafana_external_url is not None:
        grafana["external_url"] = args.grafana_external_url
    return grafana

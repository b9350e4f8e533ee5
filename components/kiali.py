"""Kiali beside the control plane, wired to Prometheus, to Tempo, and to a Grafana of the program's own.

On OpenShift with Routes, Kiali's operator or chart makes the Route itself: the login by OpenShift
needs to know it. Everywhere else Exposure leads to Kiali as it does to the rest.
"""

from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.helm.v3 import Release

import model
from components._addresses import KIALI, KIALI_PORT
from components._charts import chart_source
from components._datasources import PROMETHEUS_UID, TEMPO_UID
from components._package import PACKAGE, labels, once_ready, wait_for, within


@dataclass(frozen=True, kw_only=True)
class KialiAddress:
    """How browsers reach Kiali: at ``host``, if at all, and over a Route of Kiali's own or not."""

    host: str | None
    tls: bool
    own_route: bool

    @property
    def scheme(self) -> str:
        # Its own Route is encrypted always: it leads to a port that is.
        return "https" if self.tls or self.own_route else "http"

    @property
    def url(self) -> str | None:
        return None if self.host is None else f"{self.scheme}://{self.host}"


@dataclass(frozen=True, kw_only=True)
class KialiArgs:
    """The URLs are those that pods reach; ``grafana_external_url`` is that of browsers."""

    kiali: model.Kiali
    namespace: str
    cluster_domain: str
    address: KialiAddress
    prometheus_url: pulumi.Input[str]
    tempo_url: pulumi.Input[str]
    grafana_url: pulumi.Input[str] | None
    grafana_external_url: str | None
    timeout_seconds: int


class Kiali(pulumi.ComponentResource):
    """A Kiali that serves; ``service`` is the name of its Service, and carries the wait for it.

    ``url`` is where browsers reach it, if they do.
    """

    service: pulumi.Output[str]
    url: pulumi.Output[str] | None

    def __init__(self, name: str, args: KialiArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"{PACKAGE}:Kiali", name, None, opts)
        installed = self._release(name, args) if args.kiali.installer == "helm" else self._resource(name, args)

        self.service = once_ready(KIALI, installed)
        url = args.address.url
        self.url = None if url is None else once_ready(url, installed)
        self.register_outputs({"service": self.service, "url": self.url})

    def _resource(self, name: str, args: KialiArgs) -> CustomResource:
        return CustomResource(
            f"{name}-server",
            api_version="kiali.io/v1alpha1",
            kind="Kiali",
            metadata={
                "name": KIALI,
                "namespace": args.namespace,
                "labels": labels(KIALI),
                # Its operator writes it at the end of a run, which includes Kiali's pods.
                "annotations": wait_for("condition=Successful"),
            },
            spec=build_kiali(args),
            opts=pulumi.ResourceOptions(parent=self, custom_timeouts=within(args.timeout_seconds)),
        )

    def _release(self, name: str, args: KialiArgs) -> Release:
        return Release(
            f"{name}-release",
            name=KIALI,
            namespace=args.namespace,
            values=build_chart_values(args),
            timeout=args.timeout_seconds,
            # A release that failed is rolled back, so that the next `up` starts from a state Helm accepts.
            atomic=True,
            cleanup_on_fail=True,
            opts=pulumi.ResourceOptions(parent=self),
            **chart_source("kiali-server", repository=args.kiali.chart_repository, version=args.kiali.version),
        )


def build_kiali(args: KialiArgs) -> dict[str, Any]:
    """The spec of a Kiali, which the chart takes as its values too."""
    address = args.address
    spec: dict[str, Any] = {
        # OpenShift's login sends browsers back to a Route; without one, a token of the cluster lets in.
        "auth": {"strategy": "openshift" if address.own_route else "token"},
        "deployment": {"cluster_wide_access": True, "ingress": _ingress(address)},
        "external_services": {
            "prometheus": {"url": args.prometheus_url},
            "tracing": _tracing(args),
            "grafana": _grafana(args),
            "istio": {"istio_identity_domain": f"svc.{args.cluster_domain}"},
        },
        # Its default is another path on OpenShift than elsewhere.
        "server": {"web_root": "/"},
    }
    if address.host is not None:
        spec["server"] = {**spec["server"], "web_fqdn": address.host, "web_schema": address.scheme}
    if not address.own_route:
        # On OpenShift it would answer in https only, with a certificate that our exposure does not know.
        spec["identity"] = {"cert_file": "", "private_key_file": ""}
    return spec


def build_chart_values(args: KialiArgs) -> dict[str, Any]:
    """The values of the chart kiali-server, which cannot look up the Route that it makes."""
    values = build_kiali(args)
    return {**values, "kiali_route_url": args.address.url} if args.address.own_route else values


def _ingress(address: KialiAddress) -> dict[str, Any]:
    if not address.own_route:
        return {"enabled": False}
    route = {
        "host": address.host,
        "to": {"kind": "Service", "name": KIALI},
        "port": {"targetPort": KIALI_PORT},
        # OpenShift makes the certificate of Kiali's port, and its router trusts it.
        "tls": {"termination": "reencrypt", "insecureEdgeTerminationPolicy": "Redirect"},
    }
    return {"enabled": True, "override_yaml": {"spec": route}}


def _tracing(args: KialiArgs) -> dict[str, Any]:
    tracing: dict[str, Any] = {
        "enabled": True,
        "provider": "tempo",
        "internal_url": args.tempo_url,
        # Kiali's default only makes searches faster, and a TempoMonolithic's Service has no port for it.
        "use_grpc": False,
        "tempo_config": {"datasource_uid": TEMPO_UID, "url_format": "grafana"},
    }
    if args.grafana_external_url is not None:
        # Traces are looked at in Grafana's Explore.
        tracing["external_url"] = args.grafana_external_url
    return tracing


def _grafana(args: KialiArgs) -> dict[str, Any]:
    if args.grafana_url is None:
        return {"enabled": False}
    grafana: dict[str, Any] = {
        "enabled": True,
        "internal_url": args.grafana_url,
        "datasource_uid": PROMETHEUS_UID,
        # Kiali would search for Istio's dashboards, which are not here, and with a password that it has not.
        "dashboards": [],
        "is_core": False,
    }
    if args.grafana_external_url is not None:
        grafana["external_url"] = args.grafana_external_url
    return grafana

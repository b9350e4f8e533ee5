"""The Bookinfo sample in the mesh, two clients that send it traffic, and its gateway where one is asked for.

Both clients stay inside the mesh, gateway or not: the graph's known edges begin at them. The gateway's own edge is in
the graph as soon as a request comes through it from outside.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

import model
from components import _manifests
from components._addresses import service_host
from components._package import PACKAGE, once_ready, owner_labels, within
from components._restart import with_restart_hash
from components.bookinfo_gateway import Backend, BookinfoGateway, BookinfoGatewayArgs
from components.namespaces import declare_namespace

PRODUCTPAGE = Backend(service="productpage", port=9080)
_TRAFFIC_AS_SET = "sleep"


@dataclass(frozen=True, kw_only=True)
class BookinfoArgs:
    """``restart_hash`` is plain text; a change of it restarts every pod with a sidecar.

    ``gateway_chart`` says where Helm finds Istio's chart of a gateway, for meshes that Helm installs.
    """

    bookinfo: model.Bookinfo
    namespace_exists: bool
    injection_labels: Mapping[str, str]
    cluster_domain: str
    curl_image: str
    gateway_chart: Mapping[str, Any] | None
    restart_hash: str
    timeout_seconds: int


class Bookinfo(pulumi.ComponentResource):
    """The sample with all its pods ready; ``productpage_url`` works inside the cluster.

    ``gateway_service`` is the host name of the Service that something outside can lead to.
    """

    productpage_url: pulumi.Output[str]
    gateway_service: pulumi.Output[str] | None

    def __init__(self, name: str, args: BookinfoArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"{PACKAGE}:Bookinfo", name, None, opts)
        self._name = name
        self._args = args

        self._namespace = declare_namespace(
            f"{name}-namespace",
            namespace=args.bookinfo.namespace,
            exists=args.namespace_exists,
            extra_labels=args.injection_labels,
            opts=pulumi.ResourceOptions(parent=self),
        )
        application = self._create_application()
        if args.bookinfo.traffic.enabled:
            # Clients that start before the pages they ask for would fill the graph with errors.
            self._create_traffic(after=application)
        self.gateway_service = self._create_gateway()

        host = service_host(PRODUCTPAGE.service, args.bookinfo.namespace, args.cluster_domain)
        self.productpage_url = once_ready(f"http://{host}:{PRODUCTPAGE.port}/productpage", *application)
        self.register_outputs({"productpage_url": self.productpage_url, "gateway_service": self.gateway_service})

    def _create_application(self) -> list[pulumi.Resource]:
        bookinfo = self._args.bookinfo
        manifests = [
            complete_image(obj, registry=bookinfo.image_registry, tag=bookinfo.image_tag)
            for obj in _manifests.load("bookinfo.yaml")
        ]
        return self._create("bookinfo", manifests, after=[])

    def _create_traffic(self, *, after: list[pulumi.Resource]) -> list[pulumi.Resource]:
        traffic = self._args.bookinfo.traffic
        manifests = []
        for obj in _manifests.load("traffic.yaml"):
            manifest = obj
            if manifest["kind"] == "Deployment":
                manifest = _manifests.with_image(manifest, self._args.curl_image)
                if manifest["metadata"]["name"] == _TRAFFIC_AS_SET:
                    pause = f"{1 / traffic.requests_per_second:g}"
                    manifest = with_replicas(with_env(manifest, "PAUSE_SECONDS", pause), traffic.concurrency)
            manifests.append(manifest)
        return self._create("traffic", manifests, after=after)

    def _create_gateway(self) -> pulumi.Output[str] | None:
        args = self._args
        if args.bookinfo.gateway == "none":
            return None
        gateway = BookinfoGateway(
            f"{self._name}-gateway",
            BookinfoGatewayArgs(
                kind=args.bookinfo.gateway,
                namespace=args.bookinfo.namespace,
                injection_labels=args.injection_labels,
                cluster_domain=args.cluster_domain,
                backend=PRODUCTPAGE,
                chart=args.gateway_chart,
                restart_hash=args.restart_hash,
                timeout_seconds=args.timeout_seconds,
            ),
            # Its pods, too, are injected by the label of their namespace.
            pulumi.ResourceOptions(parent=self, depends_on=[self._namespace]),
        )
        return gateway.service

    def _create(
        self, role: str, manifests: list[_manifests.Manifest], *, after: list[pulumi.Resource]
    ) -> list[pulumi.Resource]:
        placed = [
            _manifests.place(obj, namespace=self._args.bookinfo.namespace, labels=owner_labels()) for obj in manifests
        ]
        prefix = f"{self._name}-{role}"
        # Nothing can be created before its namespace, and no pod may be older than the label.
        child = pulumi.ResourceOptions(parent=self, depends_on=[self._namespace])
        before_the_pods = [
            _manifests.create(obj, prefix=prefix, opts=child) for obj in placed if obj["kind"] != "Deployment"
        ]
        return [
            _manifests.create(
                with_restart_hash(obj, self._args.restart_hash),
                prefix=prefix,
                opts=pulumi.ResourceOptions(
                    parent=self,
                    # Pods run as the accounts, and a proxy that starts after the Services has them
                    # in its first config.
                    depends_on=[*before_the_pods, *after],
                    custom_timeouts=within(self._args.timeout_seconds),
                ),
            )
            for obj in _manifests.by_kind(placed, "Deployment")
        ]


def complete_image(manifest: _manifests.Manifest, *, registry: str, tag: str) -> _manifests.Manifest:
    """Put the registry before, and the tag behind, the image of a Deployment."""
    if manifest["kind"] != "Deployment":
        return manifest
    (container,) = manifest["spec"]["template"]["spec"]["containers"]
    return _manifests.with_image(manifest, f"{registry}/{container['image']}:{tag}")


def with_replicas(manifest: _manifests.Manifest, replicas: int) -> _manifests.Manifest:
    """A copy of a Deployment with that many pods."""
    return {**manifest, "spec": {**manifest["spec"], "replicas": replicas}}


def with_env(manifest: _manifests.Manifest, variable: str, value: str) -> _manifests.Manifest:
    """A copy of a Deployment of one container, with one of its variables changed."""
    spec = manifest["spec"]
    template = spec["template"]
    pod = template["spec"]
    (container,) = pod["containers"]
    env = [{**entry, "value": value} if entry["name"] == variable else entry for entry in container["env"]]
    pod = {**pod, "containers": [{**container, "env": env}]}
    return {**manifest, "spec": {**spec, "template": {**template, "spec": pod}}}

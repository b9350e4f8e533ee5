"""The Bookinfo sample in the mesh, and two clients that send it traffic."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

import model
from components import _manifests
from components._addresses import service_host
from components._package import PACKAGE, once_ready, owner_labels, within
from components._restart import ANNOTATION
from components.namespaces import declare_namespace

_PORT = 9080
_TRAFFIC_AT_SETTINGS_RATE = "sleep"


@dataclass(frozen=True, kw_only=True)
class BookinfoArgs:
    """``restart_hash`` is plain text; a change of it restarts every pod with a sidecar."""

    bookinfo: model.Bookinfo
    namespace_exists: bool
    injection_labels: Mapping[str, str]
    cluster_domain: str
    curl_image: str
    restart_hash: str
    timeout_seconds: int


class Bookinfo(pulumi.ComponentResource):
    """The sample with all its pods ready; ``productpage_url`` works inside the cluster."""

    productpage_url: pulumi.Output[str]

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
        # Clients that start before the pages they ask for would fill the graph with errors.
        self._create_traffic(after=application)

        host = service_host("productpage", args.bookinfo.namespace, args.cluster_domain)
        self.productpage_url = once_ready(f"http://{host}:{_PORT}/productpage", *application)
        self.register_outputs({"productpage_url": self.productpage_url})

    def _create_application(self) -> list[pulumi.Resource]:
        bookinfo = self._args.bookinfo
        manifests = [
            complete_image(obj, registry=bookinfo.image_registry, tag=bookinfo.image_tag)
            for obj in _manifests.load("bookinfo.yaml")
        ]
        return self._create("bookinfo", manifests, after=[])

    def _create_traffic(self, *, after: list[pulumi.Resource]) -> list[pulumi.Resource]:
        pause = 1 / self._args.bookinfo.traffic.requests_per_second
        manifests = []
        for obj in _manifests.load("traffic.yaml"):
            manifest = obj
            if manifest["kind"] == "Deployment":
                manifest = _manifests.with_image(manifest, self._args.curl_image)
                if manifest["metadata"]["name"] == _TRAFFIC_AT_SETTINGS_RATE:
                    manifest = with_env(manifest, "PAUSE_SECONDS", f"{pause:g}")
            manifests.append(manifest)
        return self._create("traffic", manifests, after=after)

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


def with_env(manifest: _manifests.Manifest, variable: str, value: str) -> _manifests.Manifest:
    """A copy of a Deployment of one container, with one of its variables changed."""
    spec = manifest["spec"]
    template = spec["template"]
    pod = template["spec"]
    (container,) = pod["containers"]
    env = [{**entry, "value": value} if entry["name"] == variable else entry for entry in container["env"]]
    pod = {**pod, "containers": [{**container, "env": env}]}
    return {**manifest, "spec": {**spec, "template": {**template, "spec": pod}}}


def with_restart_hash(manifest: _manifests.Manifest, restart_hash: str) -> _manifests.Manifest:
    """A copy of a Deployment whose pods are rolled when ``restart_hash`` changes."""
    spec = manifest["spec"]
    template = spec["template"]
    metadata = template["metadata"]
    metadata = {
        **metadata,
        "labels": {**owner_labels(), **metadata["labels"]},
        "annotations": {**metadata.get("annotations", {}), ANNOTATION: restart_hash},
    }
    return {**manifest, "spec": {**spec, "template": {**template, "metadata": metadata}}}

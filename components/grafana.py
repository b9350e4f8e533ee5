"""A Grafana of the program's own, for mode ``managed``.

What it shows is mounted from ConfigMaps that the caller makes, and it keeps nothing: its pod can be
replaced at any time.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

import model
from components import _manifests
from components._addresses import GRAFANA, GrafanaAddress
from components._package import PACKAGE, labels, once_ready, within
from components._restart import digest

ADMIN_SECRET = "grafana-admin"  # noqa: S105  the name of a Secret


@dataclass(frozen=True, kw_only=True)
class GrafanaArgs:
    """``mounted`` are the ConfigMaps that the pod mounts; a change of the plain ``content_hash`` rolls it.

    The admin's password is a secret Output and goes nowhere but into a Secret. The hash does not
    cover it: a new password holds from the pod's next start on, which makes a new database.
    """

    grafana: model.Grafana
    address: GrafanaAddress
    external_url: str | None
    admin_password: pulumi.Input[str]
    mounted: Sequence[pulumi.Resource]
    content_hash: str
    timeout_seconds: int


class Grafana(pulumi.ComponentResource):
    """A Grafana that answers; ``url`` works inside the cluster and carries the wait for it."""

    url: pulumi.Output[str]

    def __init__(self, name: str, args: GrafanaArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"{PACKAGE}:Grafana", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        manifests = [
            _manifests.place(obj, namespace=args.address.namespace, labels=labels(GRAFANA))
            for obj in _manifests.load("grafana.yaml")
        ]
        (deployment,) = _manifests.by_kind(manifests, "Deployment")
        own_files = [config_map["data"] for config_map in _manifests.by_kind(manifests, "ConfigMap")]
        admin = k8s.core.v1.Secret(
            f"{name}-admin",
            metadata={"name": ADMIN_SECRET, "namespace": args.address.namespace, "labels": labels(GRAFANA)},
            string_data={"password": args.admin_password},
            opts=child,
        )
        before_the_pod = [_manifests.create(obj, prefix=name, opts=child) for obj in manifests if obj is not deployment]
        self._deployment = _manifests.create(
            complete_deployment(
                deployment,
                args.grafana,
                external_url=args.external_url,
                content_hash=digest([args.content_hash, own_files]),
            ),
            prefix=name,
            opts=pulumi.ResourceOptions(
                parent=self,
                # The pod mounts the ConfigMaps, reads the password, and runs as the account.
                depends_on=[*args.mounted, admin, *before_the_pod],
                custom_timeouts=within(args.timeout_seconds),
            ),
        )

        self.url = once_ready(args.address.url, self._deployment)
        self.register_outputs({"url": self.url})


def complete_deployment(
    manifest: _manifests.Manifest, grafana: model.Grafana, *, external_url: str | None, content_hash: str
) -> _manifests.Manifest:
    """``manifest`` as the settings want it; the hash rolls the pod for new data sources or dashboards."""
    spec = manifest["spec"]
    template = spec["template"]
    (container,) = template["spec"]["containers"]
    # Links that Grafana makes, and its redirects after a login, begin with it.
    root_url = [] if external_url is None else [{"name": "GF_SERVER_ROOT_URL", "value": f"{external_url}/"}]
    container = {
        **container,
        "image": grafana.image,
        "env": [*container["env"], *root_url],
        "resources": grafana.resources.to_kubernetes(),
    }
    template = {
        "metadata": {**template["metadata"], "annotations": {"checksum/content": content_hash}},
        "spec": {**template["spec"], "containers": [container]},
    }
    return {**manifest, "spec": {**spec, "template": template}}

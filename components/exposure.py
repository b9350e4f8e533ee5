"""What leads from outside the cluster to consoles and sample: Routes, Ingresses or HTTPRoutes.

The router, the ingress controller or the Gateway is there already, and so are its certificates and
the DNS names.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
from pulumi_kubernetes.apiextensions import CustomResource

import model
from components._exposure import ExposedService, build_exposed, external_url
from components._package import PACKAGE, once_ready, within


@dataclass(frozen=True, kw_only=True)
class ExposureArgs:
    """``services`` has at least one: without, nothing is exposed and there is no component."""

    exposure: model.Exposure
    services: Sequence[ExposedService]
    timeout_seconds: int


class Exposure(pulumi.ComponentResource):
    """``urls`` are those of the Services by name, each once something leads to it."""

    urls: dict[str, pulumi.Output[str]]

    def __init__(self, name: str, args: ExposureArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"{PACKAGE}:Exposure", name, None, opts)
        self._name = name
        self._args = args
        self.urls = {
            service.name: once_ready(external_url(args.exposure, service.name) + service.path, self._expose(service))
            for service in args.services
        }
        self.register_outputs({"urls": self.urls})

    def _expose(self, service: ExposedService) -> pulumi.CustomResource:
        exposed = build_exposed(self._args.exposure, service)
        opts = pulumi.ResourceOptions(parent=self, custom_timeouts=within(self._args.timeout_seconds))
        # Of the three, Kubernetes itself has the Ingress only.
        cls = k8s.networking.v1.Ingress if exposed["kind"] == "Ingress" else CustomResource
        created: pulumi.CustomResource = cls(
            f"{self._name}-{service.name}",
            api_version=exposed["apiVersion"],
            kind=exposed["kind"],
            metadata=exposed["metadata"],
            spec=exposed["spec"],
            opts=opts,
        )
        return created

"""What leads from outside the cluster to consoles and sample: Routes, Ingresses or HTTPRoutes.

The router, the ingress controller or the Gateway is there already, and so are its certificates and
the DNS names.
"""

import pulumi

from components._declare import PACKAGE, declare, once_ready, within
from objects.exposure import ExposureArgs, build_exposure, external_url


class Exposure(pulumi.ComponentResource):
    """Services that are reached from outside."""

    urls: dict[str, pulumi.Output[str]]
    """The URLs of the Services by name, each once something leads to it."""

    def __init__(self, name: str, args: ExposureArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"{PACKAGE}:Exposure", name, None, opts)
        args = ExposureArgs.model_validate(args)
        child = pulumi.ResourceOptions(parent=self, custom_timeouts=within(args.context.timeouts.consoles))
        exposed = {role: declare(f"{name}-{role}", obj, child) for role, obj in build_exposure(args).items()}
        self.urls = {
            service.name: once_ready(external_url(args.exposure, service.name) + service.path, exposed[service.name])
            for service in args.services
        }
        self.register_outputs({"urls": self.urls})

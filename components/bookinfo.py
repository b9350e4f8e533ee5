"""The Bookinfo sample in the mesh, two clients that send it traffic, and its gateway where one is asked for.

Both clients stay inside the mesh, gateway or not: the graph's known edges begin at them. The gateway's own edge is in
the graph as soon as a request comes through it from outside.
"""

from collections.abc import Mapping
from typing import Any

import pulumi

from components._declare import PACKAGE, declare, declare_labels, declare_namespace, once_ready, waited_for, within
from components.bookinfo_gateway import BookinfoGateway
from objects.addresses import productpage_url
from objects.bookinfo import (
    BookinfoArgs,
    build_application,
    build_bookinfo_namespace,
    build_bookinfo_telemetries,
    build_traffic,
    gateway_args,
)
from objects.context import Object


class Bookinfo(pulumi.ComponentResource):
    """Istio's sample application with all its pods ready, in a namespace with sidecars, and traffic to it."""

    productpage_url: pulumi.Output[str]
    """Its page, inside the cluster, once all pods are ready."""
    gateway_service: pulumi.Output[str] | None
    """The host name of the gateway's Service, which something outside can lead to; none without a gateway."""

    def __init__(self, name: str, args: BookinfoArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"{PACKAGE}:Bookinfo", name, None, opts)
        self._name = name
        self._args = args = BookinfoArgs.model_validate(args)

        declare_ours = declare_labels if args.namespace_exists else declare_namespace
        self._namespace = declare_ours(
            f"{name}-namespace",
            args.bookinfo.namespace,
            build_bookinfo_namespace(args),
            pulumi.ResourceOptions(parent=self),
            args.context,
        )
        application = self._create("bookinfo", build_application(args), after=[])
        # Clients that start before the pages they ask for would fill the graph with errors.
        self._create("traffic", build_traffic(args), after=[*application, *self._create_tracing()])
        self.gateway_service = self._create_gateway()

        url = productpage_url(args.bookinfo.namespace, args.context)
        self.productpage_url = once_ready(url, *application)
        self.register_outputs({"productpage_url": self.productpage_url, "gateway_service": self.gateway_service})

    def _create_tracing(self) -> list[Any]:
        """What the first traced request waits for."""
        tracing = waited_for(self._args.tracing)
        opts = pulumi.ResourceOptions(parent=self, depends_on=[self._namespace, tracing])
        telemetries = build_bookinfo_telemetries(self._args).items()
        return [tracing, *(declare(f"{self._name}-{role}", obj, opts) for role, obj in telemetries)]

    def _create_gateway(self) -> pulumi.Output[str] | None:
        args = gateway_args(self._args)
        if args is None:
            return None
        gateway = BookinfoGateway(
            f"{self._name}-gateway",
            args,
            # The gateway's pods, too, get their sidecar through the namespace's label.
            pulumi.ResourceOptions(parent=self, depends_on=[self._namespace]),
        )
        return gateway.service

    def _create(
        self, part: str, objects: Mapping[str, Object], *, after: list[pulumi.Resource]
    ) -> list[pulumi.Resource]:
        """Register ``objects``, and return the Deployments among them."""
        # The namespace has to exist first, and its label before any pod, or the pod gets no sidecar.
        child = pulumi.ResourceOptions(parent=self, depends_on=[self._namespace])
        before_the_pods = [
            declare(f"{self._name}-{part}-{role}", obj, child)
            for role, obj in objects.items()
            if obj["kind"] != "Deployment"
        ]
        return [
            declare(
                f"{self._name}-{part}-{role}",
                obj,
                pulumi.ResourceOptions(
                    parent=self,
                    # Pods run as the accounts, and a proxy that starts after the Services has them
                    # in its first config.
                    depends_on=[*before_the_pods, *after],
                    custom_timeouts=within(self._args.context.timeouts.bookinfo),
                ),
            )
            for role, obj in objects.items()
            if obj["kind"] == "Deployment"
        ]

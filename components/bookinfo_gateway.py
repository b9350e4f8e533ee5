"""The sample's way into the mesh: a proxy at its edge, and the routes from there to the product page.

The proxy answers inside the cluster only. Leading to it from outside is not this component's task: that takes only the
name and the port of its Service, which ``objects.addresses`` has.
"""

import pulumi

from components._declare import PACKAGE, declare, declare_release, once_ready, within
from objects.addresses import gateway_service
from objects.bookinfo_gateway import BookinfoGatewayArgs, build_proxy, build_routing, proxy_chart


class BookinfoGateway(pulumi.ComponentResource):
    """A gateway that serves."""

    service: pulumi.Output[str]
    """Its Service's name with all domains, once it serves."""

    def __init__(self, name: str, args: BookinfoGatewayArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"{PACKAGE}:BookinfoGateway", name, None, opts)
        self._name = name
        self._args = args = BookinfoGatewayArgs.model_validate(args)
        timeout = args.context.timeouts.bookinfo
        child = pulumi.ResourceOptions(parent=self, custom_timeouts=within(timeout))
        # Gateway and route need no edge: a route's status says when the gateway has accepted it.
        created = [declare(f"{name}-{role}", obj, child) for role, obj in build_routing(args).items()]
        chart = proxy_chart(args)
        if chart is not None:
            opts = pulumi.ResourceOptions(parent=self)
            created.append(declare_release(f"{name}-proxy", chart, timeout=timeout, opts=opts))
        created.extend(self._inject_proxy())

        self.service = once_ready(args.context.host(gateway_service(args.kind), args.namespace), *created)
        self.register_outputs({"service": self.service})

    def _inject_proxy(self) -> list[pulumi.CustomResource]:
        """The proxy's Deployment, if neither a chart nor a controller brings one."""
        objects = build_proxy(self._args)
        before_the_pod = [
            declare(f"{self._name}-{role}", obj, pulumi.ResourceOptions(parent=self))
            for role, obj in objects.items()
            if obj["kind"] != "Deployment"
        ]
        return [
            declare(
                f"{self._name}-{role}",
                obj,
                pulumi.ResourceOptions(
                    parent=self,
                    # The pod runs as the account, which may read the Secrets from the start.
                    depends_on=before_the_pod,
                    custom_timeouts=within(self._args.context.timeouts.bookinfo),
                ),
            )
            for role, obj in objects.items()
            if obj["kind"] == "Deployment"
        ]

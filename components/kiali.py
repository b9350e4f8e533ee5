"""Kiali beside the control plane, wired to Prometheus, to Tempo, and to the Grafana that the program deploys."""

import pulumi

from components._declare import PACKAGE, declare, declare_release, once_ready, within
from objects.addresses import KIALI
from objects.kiali import KialiArgs, build_kiali, kiali_chart, kiali_external_url


class Kiali(pulumi.ComponentResource):
    """A Kiali that serves."""

    service: pulumi.Output[str]
    """The name of its Service, once it serves."""
    url: pulumi.Output[str] | None
    """Where browsers reach it, if they do, once it serves."""

    def __init__(self, name: str, args: KialiArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"{PACKAGE}:Kiali", name, None, opts)
        args = KialiArgs.model_validate(args)
        timeout = args.context.timeouts.consoles
        if args.kiali.installer == "helm":
            child = pulumi.ResourceOptions(parent=self)
            installed = declare_release(f"{name}-release", kiali_chart(args), timeout=timeout, opts=child)
        else:
            child = pulumi.ResourceOptions(parent=self, custom_timeouts=within(timeout))
            installed = declare(f"{name}-server", build_kiali(args), child)

        self.service = once_ready(KIALI, installed)
        url = kiali_external_url(args.exposure)
        self.url = None if url is None else once_ready(url, installed)
        self.register_outputs({"service": self.service, "url": self.url})

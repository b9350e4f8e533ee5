"""Kiali beside the control plane, wired to Prometheus, to Tempo, and to the Grafana that the program deploys."""

import pulumi

from components._declare import PACKAGE, declare, declare_release, once_ready, within
from components._revision import Watch, once_served, revision, revision_key, served_by
from objects.addresses import KIALI
from objects.kiali import (
    KialiArgs,
    build_kiali,
    build_prometheus_access,
    kiali_chart,
    kiali_external_url,
    kiali_rollout,
)


class Kiali(pulumi.ComponentResource):
    """A Kiali that serves."""

    service: pulumi.Output[str]
    """The name of its Service, once it serves."""
    url: pulumi.Output[str] | None
    """Where browsers reach it, if they do, once it serves."""

    def __init__(
        self,
        name: str,
        args: KialiArgs,
        opts: pulumi.ResourceOptions | None = None,
        *,
        watch: Watch | None = None,
    ) -> None:
        """With ``watch``, it serves once the pods of this update do; without it, once its operator says so."""
        super().__init__(f"{PACKAGE}:Kiali", name, None, opts)
        args = KialiArgs.model_validate(args)
        timeout = args.context.timeouts.consoles
        access = build_prometheus_access(args)
        own = pulumi.ResourceOptions(parent=self)
        before = [declare(f"{name}-{role}", obj, own) for role, obj in access.items()]
        if args.kiali.installer == "helm":
            child = pulumi.ResourceOptions(parent=self, depends_on=before)
            served = once_ready(
                KIALI, declare_release(f"{name}-release", kiali_chart(args), timeout=timeout, opts=child)
            )
        else:
            key = revision_key(f"{name}-revision-key", pulumi.ResourceOptions(parent=self))
            read_at_start = [obj.get("stringData") or obj["data"] for obj in access.values()]
            made = revision(key, build_kiali(args)["spec"], *read_at_start)
            child = pulumi.ResourceOptions(parent=self, depends_on=before, custom_timeouts=within(timeout))
            server = declare(f"{name}-server", build_kiali(args, revision=made, awaited=watch is None), child)
            served = served_by(server, made, kiali_rollout(args), watch)

        self.service = once_served(KIALI, served)
        url = kiali_external_url(args.exposure)
        self.url = None if url is None else once_served(url, served)
        self.register_outputs({"service": self.service, "url": self.url})

"""A Prometheus that takes the service graph from Tempo by remote write, with exemplars.

It also scrapes the hops of the spans' path (istiod, the collector, Tempo), so that a broken hop can
be told from a slow one. It is not a monitoring system for the cluster.
"""

import pulumi

from components._declare import PACKAGE, declare, once_ready, within
from components._revision import Watch, once_served
from objects.addresses import prometheus_query_url, prometheus_write_url
from objects.prometheus import PrometheusArgs, build_prometheus, prometheus_rollout


class Prometheus(pulumi.ComponentResource):
    """A Prometheus that is serving."""

    query_url: pulumi.Output[str]
    """Where pods query it, once it serves."""
    write_url: pulumi.Output[str]
    """Where it takes samples, once it serves."""

    def __init__(
        self,
        name: str,
        args: PrometheusArgs,
        opts: pulumi.ResourceOptions | None = None,
        *,
        watch: Watch | None = None,
    ) -> None:
        """With ``watch``, it serves once the pod of this update does."""
        super().__init__(f"{PACKAGE}:Prometheus", name, None, opts)
        args = PrometheusArgs.model_validate(args)
        objects = build_prometheus(args)
        limit = within(args.context.timeouts.prometheus)
        before_the_pod = [
            declare(
                f"{name}-{role}",
                obj,
                pulumi.ResourceOptions(
                    parent=self,
                    # CRITICAL: another logical name for the claim would delete every sample.
                    protect=args.protect_data and obj["kind"] == "PersistentVolumeClaim",
                    custom_timeouts=limit,
                ),
            )
            for role, obj in objects.items()
            if obj["kind"] != "Deployment"
        ]
        self._deployment = declare(
            f"{name}-deployment-prometheus",
            objects["deployment-prometheus"],
            pulumi.ResourceOptions(
                parent=self,
                # The pod mounts the configuration and the volume, and runs as the account.
                depends_on=before_the_pod,
                custom_timeouts=limit,
            ),
        )

        query_url = prometheus_query_url(args.namespace, args.context)
        ready = once_ready(query_url, self._deployment)
        self.query_url = ready if watch is None else watch.served(prometheus_rollout(args), ready)
        self.write_url = once_served(prometheus_write_url(query_url), self.query_url)
        self.register_outputs({"query_url": self.query_url, "write_url": self.write_url})

"""The Grafana that the program deploys in mode ``managed``.

What it shows is mounted from ConfigMaps that the caller makes, and it keeps nothing: its pod can be
replaced at any time.
"""

from collections.abc import Sequence

import pulumi

from components._declare import PACKAGE, declare, once_ready, within
from components._revision import revision, revision_key
from objects.addresses import grafana_url
from objects.grafana import GrafanaArgs, build_grafana


class Grafana(pulumi.ComponentResource):
    """A Grafana that answers."""

    url: pulumi.Output[str]
    """Where pods reach it, once it answers."""

    def __init__(
        self,
        name: str,
        args: GrafanaArgs,
        opts: pulumi.ResourceOptions | None = None,
        *,
        mounted: Sequence[pulumi.Resource] = (),
    ) -> None:
        """``mounted`` are the ConfigMaps that the pod mounts; only the pod waits for them."""
        super().__init__(f"{PACKAGE}:Grafana", name, None, opts)
        args = GrafanaArgs.model_validate(args)
        child = pulumi.ResourceOptions(parent=self)
        key = revision_key(f"{name}-revision-key", child)
        # Grafana takes its password only into a new database, which a new pod makes.
        secrets = [text for text in (args.admin_password, args.prometheus_credentials) if text is not None]
        objects = build_grafana(args, revision(key, *secrets))
        before_the_pod = [
            declare(f"{name}-{role}", obj, child) for role, obj in objects.items() if obj["kind"] != "Deployment"
        ]
        self._deployment = declare(
            f"{name}-deployment-grafana",
            objects["deployment-grafana"],
            pulumi.ResourceOptions(
                parent=self,
                # The pod mounts the ConfigMaps, reads the password, and runs as the account.
                depends_on=[*mounted, *before_the_pod],
                custom_timeouts=within(args.context.timeouts.consoles),
            ),
        )

        self.url = once_ready(grafana_url(args.namespace, args.context), self._deployment)
        self.register_outputs({"url": self.url})

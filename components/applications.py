"""Applications that the program did not deploy: their namespaces join the mesh, their pods restart for new sidecars.

The component owns two fields: the injection label of each namespace, and one annotation in the pod template of each
Deployment named in the settings. Destroy removes the annotation first: the pods that restart then still get sidecars,
and lose them with their next restart.
"""

import pulumi

from components._declare import PACKAGE, declare_labels, declare_patch, once_ready, waited_for, within
from components._revision import Watch, once_served
from model import Application
from objects.applications import ApplicationsArgs, build_labels, build_restart, restart_revision, restart_rollout
from objects.rollout import without


class Applications(pulumi.ComponentResource):
    """Applications whose new pods have sidecars."""

    namespaces: pulumi.Output[list[str]]
    """Their namespaces, once the restarted pods are ready."""

    def __init__(
        self,
        name: str,
        args: ApplicationsArgs,
        opts: pulumi.ResourceOptions | None = None,
        *,
        watch: Watch | None = None,
    ) -> None:
        """With ``watch``, a Deployment that was broken before its restart is reported, and not waited for."""
        super().__init__(f"{PACKAGE}:Applications", name, None, opts)
        self._name = name
        self._watch = watch
        self._args = ApplicationsArgs.model_validate(args)
        self.namespaces = pulumi.Output.all(*(self._bring_in(application) for application in self._args.applications))
        self.register_outputs({"namespaces": self.namespaces})

    def _bring_in(self, application: Application) -> pulumi.Output[str]:
        label = declare_labels(
            f"{self._name}-namespace-{application.name}",
            application.name,
            build_labels(application, self._args),
            pulumi.ResourceOptions(parent=self),
            self._args.context,
        )
        rollout = restart_rollout(application, self._args)
        broken = None if self._watch is None else self._watch.broken(rollout)
        # Deployments in two namespaces may have the same name, so the logical name has both, joined by a character
        # that no name contains.
        restarted = [
            declare_patch(
                f"{self._name}-deployment-{application.name}/{deployment}",
                build_restart(application, deployment, self._args, awaited=self._watch is None),
                pulumi.ResourceOptions(
                    parent=self,
                    # A pod that was created before the label has no sidecar. After the restart nobody could tell what
                    # was broken before.
                    depends_on=[label, waited_for(broken)],
                    custom_timeouts=within(self._args.context.timeouts.bookinfo),
                ),
            )
            for deployment in application.deployments
        ]
        ready = once_ready(application.name, label, *restarted)
        if self._watch is None or broken is None:
            return ready
        awaited = broken.apply(lambda names: without(rollout, names))
        revision = pulumi.Output.all(restart_revision(self._args), ready).apply(lambda known: str(known[0]))
        return once_served(application.name, self._watch.served(awaited, revision))

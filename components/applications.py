"""Applications that the program did not deploy: their namespaces join the mesh, their pods restart for new sidecars.

The component owns the injection label of each namespace, and one field of each workload named in the settings. Destroy
removes that field first: the pods that restart then still get sidecars, and lose them with their next restart.
"""

import datetime

import pulumi

from components._declare import PACKAGE, declare_labels, declare_patch, once_ready, read, waited_for, within
from components._revision import Watch, once_served
from model import Application, WorkloadKind
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
        """With ``watch``, a workload that was broken before its restart is reported, and not waited for."""
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
        restarted = [self._restart(application, kind, label) for kind in application.workloads]
        ready = pulumi.Output.all(once_ready(application.name, label), *restarted)
        return ready.apply(lambda known: str(known[0]))

    def _restart(self, application: Application, kind: WorkloadKind, label: pulumi.Resource) -> pulumi.Output[str]:
        """The namespace's name, once all its workloads of one kind that restart are ready."""
        rollout = restart_rollout(application, kind, self._args)
        broken = None if self._watch is None else self._watch.broken(rollout)
        revision = self._moment(application, label) if kind == "Rollout" else restart_revision(self._args)
        restarted = []
        for workload in application.workloads[kind]:
            patch = build_restart(application, kind, workload, revision, awaited=self._watch is None)
            # Workloads in two namespaces may have the same name, so the logical name has both, joined by a character
            # that no name contains.
            name = f"{kind.lower()}-{application.name}/{workload}"
            # A pod that was created before the label has no sidecar. After the restart nobody could tell what was
            # broken before.
            earlier = [label, waited_for(broken)]
            if kind == "Rollout":
                # Read first: a patch would create a missing one, which Kubernetes itself refuses of its own kinds.
                child = pulumi.ResourceOptions(parent=self)
                path = f"{application.name}/{workload}"
                earlier.append(read(f"{self._name}-existing-{name}", patch, path, child, self._args.context))
            opts = pulumi.ResourceOptions(
                parent=self, depends_on=earlier, custom_timeouts=within(self._args.context.timeouts.bookinfo)
            )
            restarted.append(declare_patch(f"{self._name}-{name}", patch, opts))
        ready = once_ready(application.name, label, *restarted)
        if self._watch is None or broken is None:
            return ready
        awaited = broken.apply(lambda names: without(rollout, names))
        made = pulumi.Output.all(revision, ready).apply(lambda known: str(known[0]))
        return once_served(application.name, self._watch.served(awaited, made))

    def _moment(self, application: Application, label: pulumi.Resource) -> pulumi.Output[str]:
        """The moment at which what sidecars read at their start became what it is; the namespace had its label then.

        The state keeps it, under a name of its own for each revision.
        """
        now = label.urn.apply(lambda _: _now())
        name = f"{self._name}-restart-{application.name}/{restart_revision(self._args)}"
        opts = pulumi.ResourceOptions(parent=self, ignore_changes=["input"])
        return pulumi.Stash(name, input=now, opts=opts).output


def _now() -> str:
    return datetime.datetime.now(tz=datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

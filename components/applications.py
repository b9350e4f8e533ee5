"""Namespaces of applications that others deployed: brought into the mesh, and restarted when sidecars have to be new.

Of what is there already it owns the injection label, and one annotation of the pods of each Deployment named in the
settings. Destroy takes both away, the annotation first: what restarts then still gets sidecars, which it loses with
the next restart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from components._package import PACKAGE, once_ready, within
from components._restart import ANNOTATION
from components.namespaces import declare_namespace
from model.platform import Application


@dataclass(frozen=True, kw_only=True)
class ApplicationsArgs:
    """``restart_hash`` is plain text; a change of it restarts every Deployment that is named."""

    applications: Sequence[Application]
    injection_labels: Mapping[str, str]
    restart_hash: str
    timeout_seconds: int


class Applications(pulumi.ComponentResource):
    """Applications whose new pods have sidecars; ``namespaces`` carries the wait for them."""

    namespaces: pulumi.Output[list[str]]

    def __init__(self, name: str, args: ApplicationsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"{PACKAGE}:Applications", name, None, opts)
        self._name = name
        self._args = args
        self.namespaces = pulumi.Output.all(*(self._bring_in(application) for application in args.applications))
        self.register_outputs({"namespaces": self.namespaces})

    def _bring_in(self, application: Application) -> pulumi.Output[str]:
        label = declare_namespace(
            f"{self._name}-namespace-{application.name}",
            namespace=application.name,
            exists=True,
            extra_labels=self._args.injection_labels,
            opts=pulumi.ResourceOptions(parent=self),
        )
        # Both names are in a logical name, for Deployments of one name in two namespaces, and between them is a sign
        # that no name has.
        restarted = [
            k8s.apps.v1.DeploymentPatch(
                f"{self._name}-deployment-{application.name}/{deployment}",
                metadata={"name": deployment, "namespace": application.name},
                spec=build_restart(self._args.restart_hash),
                opts=pulumi.ResourceOptions(
                    parent=self,
                    # A pod that is older than the label has no sidecar.
                    depends_on=[label],
                    custom_timeouts=within(self._args.timeout_seconds),
                ),
            )
            for deployment in application.deployments
        ]
        return once_ready(application.name, label, *restarted)


def build_restart(restart_hash: str) -> dict[str, Any]:
    """The only field of somebody's Deployment that is ours."""
    return {"template": {"metadata": {"annotations": {ANNOTATION: restart_hash}}}}

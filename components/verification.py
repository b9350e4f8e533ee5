"""The check of the deployment on a schedule: a CronJob, whose pods may read what it looks at and write its result.

It comes last, so that its first run finds a deployment that is complete.
"""

import pulumi

from components._declare import PACKAGE, declare, once_ready
from objects.verification import NAME, VerificationArgs, build_verification


class Verification(pulumi.ComponentResource):
    """A check that runs again and again."""

    config_map: pulumi.Output[str]
    """The ConfigMap with its last result, in its own namespace."""

    def __init__(self, name: str, args: VerificationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"{PACKAGE}:Verification", name, None, opts)
        objects = build_verification(VerificationArgs.model_validate(args))
        before_the_pods = [
            declare(f"{name}-{role}", obj, pulumi.ResourceOptions(parent=self))
            for role, obj in objects.items()
            if obj["kind"] != "CronJob"
        ]
        (cron_job,) = (
            # Its pods run as the account, with its roles, and mount the outputs.
            declare(f"{name}-{role}", obj, pulumi.ResourceOptions(parent=self, depends_on=before_the_pods))
            for role, obj in objects.items()
            if obj["kind"] == "CronJob"
        )
        self.config_map = once_ready(NAME, cron_job)
        self.register_outputs({"config_map": self.config_map})

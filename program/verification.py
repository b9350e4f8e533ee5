"""What the check that runs in the cluster is given: what is meant to be there, and what it may read."""

import pulumi

from components import VerificationArgs
from program import verify_roles
from program.description import describe
from program.plan import Plan


def verification(plan: Plan) -> VerificationArgs:
    """The arguments of ``Verification``; all of them are known in a preview."""
    settings = plan.settings
    return VerificationArgs(
        verify=settings.verify,
        namespace=settings.mesh.namespace,
        stack=pulumi.get_stack(),
        outputs={"deployment": describe(plan, plan.before).model_dump()},
        rules=[dict(rule) for rule in verify_roles.rules(plan)],
        existing_prometheus=settings.prometheus.existing,
        prometheus_credentials=settings.prometheus_credentials,
        platform=settings.platform,
        context=plan.context,
    )

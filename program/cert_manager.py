"""Who gives the webhooks of release manifests their certificates: without a cert-manager that serves, nobody does."""

from collections.abc import Iterator

from cluster.recorded import Recorded
from cluster.seen import VALIDATING_WEBHOOKS
from program.plan import Plan

# The webhook of every cert-manager, whatever its namespace and its release are called.
_WEBHOOK = "webhook.cert-manager.io"
_KIND = "cert-manager.io/v1/Certificate"


def cert_managers_to_look_at(plan: Plan) -> Iterator[str]:
    """The API path at which a cert-manager is noticed, where one is needed."""
    if plan.settings.operators.by_manifests:
        yield VALIDATING_WEBHOOKS


def uncertified(plan: Plan, before: Recorded) -> Iterator[str]:
    """One line if the cluster lacks the cert-manager that it should have, or has one that is not ours beside it."""
    operators = plan.settings.operators
    if not operators.by_manifests:
        return
    listed = plan.seen.answers.get(VALIDATING_WEBHOOKS)
    found = None if listed is None else [one for one in listed if _WEBHOOK in one["webhooks"]]
    if operators.cert_manager == "install":
        made = {str(obj["metadata"].get("uid")) for obj in before.objects()}
        if any(one["uid"] not in made for one in found or []):
            yield (
                "operators.certManager install: the cluster has a cert-manager already, and a second one would work "
                "against it: set operators.certManager to existing"
            )
        return
    kinds = plan.seen.kinds
    if (kinds is not None and _KIND not in kinds) or found == []:
        yield (
            f"operators.source manifests: the webhooks of {' and '.join(operators.by_manifests)} need certificates, "
            "and the cluster has no cert-manager that serves: install it, or set operators.certManager to install"
        )

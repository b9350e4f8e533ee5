"""What the Operator Lifecycle Manager (OLM) is asked to install, and where it says how far it is."""

from dataclasses import dataclass

OLM = "operators.coreos.com/v1alpha1"


@dataclass(frozen=True, kw_only=True)
class Installation:
    """One operator, by its Subscription, which has the name of its package; waited for ``seconds`` long.

    ``offer`` is the API path of the package in the cluster's catalogs. Where ``is_manual``, somebody has to approve
    each InstallPlan.
    """

    package: str
    namespace: str
    channel: str
    offer: str
    is_manual: bool
    seconds: int

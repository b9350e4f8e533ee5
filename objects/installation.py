"""What the Operator Lifecycle Manager (OLM) is asked to install, and where it says how far it is."""

from dataclasses import dataclass

OLM = "operators.coreos.com/v1alpha1"


@dataclass(frozen=True, kw_only=True)
class Installation:
    """One operator, by its Subscription, which has the name of its package; waited for ``seconds`` long.

    Where ``approval`` is ``Manual``, somebody has to approve each InstallPlan.
    """

    package: str
    namespace: str
    approval: str
    seconds: int

"""Whether the API server can ask the webhooks of a release.

A pod that is ready is not enough: its authority has to be written into the webhook's configuration, and the way to it
through the Service has to be known on the node of the API server.
"""

from collections.abc import Sequence

from objects.rollout import Admission
from rollout.workloads import Object

_ROOT = "/apis/admissionregistration.k8s.io/v1"
CONFIGURATIONS = (f"{_ROOT}/mutatingwebhookconfigurations", f"{_ROOT}/validatingwebhookconfigurations")
# The object is right, or the API server or a webhook says no; who may not try learns no more.
_ANSWERS = {200, 201, 400, 401, 403, 409, 422}


def untrusted(admission: Admission, configurations: Sequence[Object]) -> str:
    """The first webhook of ``admission`` whose authority is not written down yet, with where to look; empty if none.

    cert-manager's cainjector writes it, when there is a certificate and whenever that has another authority.
    """
    for configuration in configurations:
        for webhook in configuration.get("webhooks") or []:
            asked = webhook["clientConfig"]
            of_it = (asked.get("service") or {}).get("namespace") == admission.namespace
            if of_it and not asked.get("caBundle"):
                return (
                    f"cert-manager has not written the caBundle of webhook {webhook['name']}: look at "
                    f"`kubectl get certificates -n {admission.namespace}` and at the log of its cainjector"
                )
    return ""


def unasked(status: int, message: str) -> str:
    """Why an object was neither accepted nor refused; empty if it was."""
    return "" if status in _ANSWERS else message

"""The Services by which Prometheus finds the pods of the hops that it scrapes.

Each is headless, so its DNS record lists the pods: behind one address, every scrape would meet another pod, and
counters would jump. DNS needs no rights, which a discovery through the API server would.
"""

from collections.abc import Mapping

from objects.addresses import METRICS_PORT_NAME, metrics_service
from objects.context import Context, Object


def build_metrics_service(
    job: str, namespace: str, *, port: int, selector: Mapping[str, str], context: Context
) -> Object:
    """The Service of the scrape job ``job``, in front of the pods that ``selector`` matches."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        # istiod would tell every proxy of each pod that comes or goes; none calls this Service.
        "metadata": context.metadata(
            metrics_service(job), namespace, annotations={"networking.istio.io/exportTo": "~"}
        ),
        "spec": {
            "clusterIP": "None",
            # A pod that is not ready is the one to look at.
            "publishNotReadyAddresses": True,
            "selector": dict(selector),
            "ports": [{"name": METRICS_PORT_NAME, "port": port}],
        },
    }

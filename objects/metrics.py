"""How Prometheus finds the pods of the hops that it scrapes: by a Service for each, and its operator by a monitor.

Each Service is headless, so its DNS record lists the pods: behind one address, every scrape would meet another pod, and
counters would jump. DNS needs no rights, which a discovery through the API server would.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from model import Prometheus
from model.scalars import LabelKey, LabelValue, PrometheusDuration
from objects.addresses import METRICS_PORT_NAME, metrics_service
from objects.context import Args, Context, Object

# Of what it scrapes, Prometheus 3 calls a bucket "1.0" that Tempo, and the collector where it writes, call "1".
BUCKETS_AS_WRITTEN = {"source_labels": ["le"], "regex": r"(\d+)\.0", "target_label": "le", "replacement": "$1"}
# The collector's counters without what its pods hand to each other where they see whole traces.
FROM_OUTSIDE = 'receiver!="otlp/graph"'


def _as_it_was(label: str) -> list[dict[str, Any]]:
    """The rules that give ``label`` back its value, which a Prometheus that honours no labels has renamed."""
    return [
        {"sourceLabels": [f"exported_{label}"], "regex": "(.+)", "targetLabel": label},
        {"regex": f"exported_{label}", "action": "labeldrop"},
    ]


# OpenShift's monitoring honours no labels: it puts the Service's name into `service`, and renames ours.
SERVICE_AS_COUNTED = _as_it_was("service")
# What it scrapes from our Prometheus is that of our jobs.
JOB_AS_SCRAPED = _as_it_was("job")


class Monitor(Args):
    """How an existing Prometheus scrapes hops: what its operator looks for, and how often."""

    labels: dict[LabelKey, LabelValue] = Field(
        default={}, description="The labels by which its operator selects ServiceMonitors."
    )
    interval: PrometheusDuration = Field(default=Prometheus().scrape_interval, description="How often it scrapes.")
    sample_limit: int | None = Field(
        default=None, description="How many series of the graph it takes from a pod; none means any number."
    )


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


def build_monitor(
    job: str,
    namespace: str,
    monitor: Monitor,
    *,
    encrypted: bool = False,
    has_graph: bool = False,
) -> Object:
    """The ServiceMonitor of the Service of ``job``, in its namespace: OpenShift's monitoring looks into no other.

    ``encrypted``: whether the pods serve TLS, by an authority that nobody else knows; ``has_graph``: whether what they
    have counted is the service graph, whose labels are to be those that Tempo writes.
    """
    # The operator spells the fields of a rule in its own way.
    buckets = {_camel_case(key): value for key, value in BUCKETS_AS_WRITTEN.items()}
    endpoint: dict[str, Any] = {"port": METRICS_PORT_NAME, "interval": monitor.interval}
    if encrypted:
        # Each pod is scraped at its address, for which it has no certificate.
        endpoint |= {"scheme": "https", "tlsConfig": {"insecureSkipVerify": True}}
    if has_graph:
        endpoint |= {"honorLabels": True, "metricRelabelings": [buckets, *SERVICE_AS_COUNTED]}
    # Whatever the collector makes of it: a scrape with more is refused.
    limited = {"sampleLimit": monitor.sample_limit} if has_graph and monitor.sample_limit is not None else {}
    name = metrics_service(job)
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "ServiceMonitor",
        "metadata": monitor.context.metadata(name, namespace, labels=monitor.labels),
        "spec": {"selector": {"matchLabels": monitor.context.labels(name)}, "endpoints": [endpoint], **limited},
    }


def _camel_case(key: str) -> str:
    first, *others = key.split("_")
    return first + "".join(map(str.capitalize, others))

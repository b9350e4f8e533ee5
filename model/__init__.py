"""The parts of a stack's configuration, which are also arguments of the components; ``model.stack`` has the whole."""

from model.access import Auth
from model.access_logs import AccessLogs
from model.alerts import Alerts, EdgeAlerts, Latency, Objective
from model.backends import STORE, Backend, Backends, BackendTls, Destination
from model.cloud_stores import Azure, Gcs
from model.consoles import Grafana, Kiali, LokiDataSource
from model.existing_tempo import ExistingTempo
from model.graph import Graph, GraphSource
from model.images import Images, ImageSources
from model.mesh import SPARE_PROVIDER, TRACING_PROVIDER, Collector, Existing, Mesh, Sail, Tracing, TracingScope
from model.network import NetworkPolicies
from model.parts import Resources, Volume
from model.platform import (
    CLUSTER_DOMAIN,
    Application,
    ExposedAs,
    Exposure,
    Namespaces,
    OperatorName,
    Operators,
    OperatorSource,
    Platform,
    Target,
    WorkloadKind,
)
from model.redaction import Redaction
from model.sampling import Sampling, SamplingException
from model.scheduling import Scheduling, Toleration
from model.stores import (
    S3,
    ExistingPrometheus,
    Minio,
    ObjectStoreName,
    Prometheus,
    PrometheusVolume,
    SeaweedFS,
    Storage,
    Tempo,
)
from model.tags import CustomTag, ResourceAttributes
from model.verify import Verify
from model.workloads import Bookinfo, Timeouts, Traffic

__all__ = [
    "CLUSTER_DOMAIN",
    "S3",
    "SPARE_PROVIDER",
    "STORE",
    "TRACING_PROVIDER",
    "AccessLogs",
    "Alerts",
    "Application",
    "Auth",
    "Azure",
    "Backend",
    "BackendTls",
    "Backends",
    "Bookinfo",
    "Collector",
    "CustomTag",
    "Destination",
    "EdgeAlerts",
    "Existing",
    "ExistingPrometheus",
    "ExistingTempo",
    "ExposedAs",
    "Exposure",
    "Gcs",
    "Grafana",
    "Graph",
    "GraphSource",
    "ImageSources",
    "Images",
    "Kiali",
    "Latency",
    "LokiDataSource",
    "Mesh",
    "Minio",
    "Namespaces",
    "NetworkPolicies",
    "ObjectStoreName",
    "Objective",
    "OperatorName",
    "OperatorSource",
    "Operators",
    "Platform",
    "Prometheus",
    "PrometheusVolume",
    "Redaction",
    "ResourceAttributes",
    "Resources",
    "Sail",
    "Sampling",
    "SamplingException",
    "Scheduling",
    "SeaweedFS",
    "Storage",
    "Target",
    "Tempo",
    "Timeouts",
    "Toleration",
    "Tracing",
    "TracingScope",
    "Traffic",
    "Verify",
    "Volume",
    "WorkloadKind",
]

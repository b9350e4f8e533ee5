"""The model of a stack's configuration: one module per part, ``Settings`` for the whole."""

from model.consoles import Grafana, Kiali
from model.mesh import Collector, Existing, Mesh, Sail, Tracing
from model.parts import Resources, Volume
from model.platform import Application, Cluster, Exposure, Namespaces, Operators
from model.stack import Settings
from model.stores import S3, ExistingPrometheus, Minio, Prometheus, PrometheusVolume, Storage, Tempo
from model.workloads import Bookinfo, Images, Timeouts, Traffic

__all__ = [
    "S3",
    "Application",
    "Bookinfo",
    "Cluster",
    "Collector",
    "Existing",
    "ExistingPrometheus",
    "Exposure",
    "Grafana",
    "Images",
    "Kiali",
    "Mesh",
    "Minio",
    "Namespaces",
    "Operators",
    "Prometheus",
    "PrometheusVolume",
    "Resources",
    "Sail",
    "Settings",
    "Storage",
    "Tempo",
    "Timeouts",
    "Tracing",
    "Traffic",
    "Volume",
]

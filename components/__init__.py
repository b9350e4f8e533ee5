"""The parts of the deployment: one component resource per module, and their pure helpers."""

from components._plan import Plan
from components.bookinfo import Bookinfo
from components.grafana_tempo_datasource import GrafanaTempoDatasource
from components.mesh_control_plane import MeshControlPlane
from components.mesh_telemetry import MeshTelemetry
from components.namespaces import Namespaces
from components.object_store import ObjectStore
from components.prometheus import Prometheus
from components.tempo_stack import TempoStack

__all__ = [
    "Bookinfo",
    "GrafanaTempoDatasource",
    "MeshControlPlane",
    "MeshTelemetry",
    "Namespaces",
    "ObjectStore",
    "Plan",
    "Prometheus",
    "TempoStack",
]

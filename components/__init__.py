"""The parts of the deployment: one component resource per module, and their pure helpers."""

from components._checks import refuse_what_breaks
from components._deployment import describe
from components._plan import Plan
from components.applications import Applications
from components.bookinfo import Bookinfo
from components.exposure import Exposure
from components.grafana_tempo_datasource import GrafanaTempoDatasource
from components.kiali import Kiali
from components.mesh_control_plane import MeshControlPlane
from components.mesh_telemetry import MeshTelemetry
from components.namespaces import Namespaces
from components.object_store import ObjectStore
from components.operators import Operators
from components.prometheus import Prometheus
from components.tempo_stack import TempoStack

__all__ = [
    "Applications",
    "Bookinfo",
    "Exposure",
    "GrafanaTempoDatasource",
    "Kiali",
    "MeshControlPlane",
    "MeshTelemetry",
    "Namespaces",
    "ObjectStore",
    "Operators",
    "Plan",
    "Prometheus",
    "TempoStack",
    "describe",
    "refuse_what_breaks",
]

"""The parts of a deployment: one component resource per file, which registers, orders and awaits objects."""

from components.alerts import Alerts
from components.applications import Applications
from components.bookinfo import Bookinfo
from components.exposure import Exposure
from components.grafana_tempo_datasource import GrafanaTempoDatasource
from components.kiali import Kiali
from components.mesh_control_plane import MeshControlPlane
from components.mesh_telemetry import MeshTelemetry
from components.namespaces import Namespaces
from components.network_policies import NetworkPolicies
from components.object_store import ObjectStore
from components.operators import Operators
from components.prometheus import Prometheus
from components.tempo_stack import TempoStack
from components.verification import Verification
from objects.alerts.rules import AlertsArgs
from objects.applications import ApplicationsArgs
from objects.bookinfo import BookinfoArgs
from objects.exposure import ExposureArgs
from objects.grafana import GrafanaTempoDatasourceArgs
from objects.kiali import KialiArgs
from objects.mesh_config import MeshControlPlaneArgs
from objects.namespaces import NamespacesArgs
from objects.network_policies import NetworkPoliciesArgs
from objects.object_store import ObjectStoreArgs
from objects.operators import OperatorsArgs
from objects.prometheus import PrometheusArgs
from objects.tempo_args import TempoStackArgs
from objects.tracing import MeshTelemetryArgs
from objects.verification import VerificationArgs

__all__ = [
    "Alerts",
    "AlertsArgs",
    "Applications",
    "ApplicationsArgs",
    "Bookinfo",
    "BookinfoArgs",
    "Exposure",
    "ExposureArgs",
    "GrafanaTempoDatasource",
    "GrafanaTempoDatasourceArgs",
    "Kiali",
    "KialiArgs",
    "MeshControlPlane",
    "MeshControlPlaneArgs",
    "MeshTelemetry",
    "MeshTelemetryArgs",
    "Namespaces",
    "NamespacesArgs",
    "NetworkPolicies",
    "NetworkPoliciesArgs",
    "ObjectStore",
    "ObjectStoreArgs",
    "Operators",
    "OperatorsArgs",
    "Prometheus",
    "PrometheusArgs",
    "TempoStack",
    "TempoStackArgs",
    "Verification",
    "VerificationArgs",
]

"""The parts of Tempo, as its operator makes and labels them (tempo-operator: internal/manifests)."""

from collections.abc import Mapping

from verify.access.cluster import Cluster, Object
from verify.deployment import Tempo
from verify.programs.metrics import Door

# The one part of a TempoMonolithic, and those of a TempoStack that others have to know.
ONE = "tempo"
DISTRIBUTOR, INGESTER, QUERIER, QUERY_FRONTEND = "distributor", "ingester", "querier", "query-frontend"
COMPACTOR, GENERATOR, GATEWAY = "compactor", "metrics-generator", "gateway"
# Which of them read or write the bucket.
USERS_OF_THE_BUCKET = (ONE, INGESTER, COMPACTOR, QUERIER, QUERY_FRONTEND)

API_PORT = 3200
# Where the operator encrypts between the parts, the API wants a client's certificate, which only the parts have. The
# internal server beside it, meant for the kubelet, wants none. It has no page of the API, and it has the metrics only
# because the program sets ``internal_server.register_instrumentation``.
INTERNAL_DOORS: tuple[Door, ...] = (("https", 3101), ("http", 3101))

_NAMES = {"monolithic": "tempo-monolithic", "stack": "tempo"}
CONFIG_FILE = "tempo.yaml"


def labels(tempo: Tempo, part: str) -> dict[str, str]:
    """The labels of the pods of one part."""
    return {**common_labels(tempo), "app.kubernetes.io/component": part}


def common_labels(tempo: Tempo) -> dict[str, str]:
    """The labels of the pods of all parts."""
    return _common(tempo.mode, tempo.name)


def pods_by_part(cluster: Cluster, tempo: Tempo) -> Mapping[str, list[Object]]:
    """The pods of the Tempo that stores traces; a part without pods is not in it."""
    found: dict[str, list[Object]] = {}
    for pod in cluster.pods(tempo.namespace, common_labels(tempo)):
        found.setdefault(str(pod["metadata"]["labels"].get("app.kubernetes.io/component", "")), []).append(pod)
    return found


def generator_pods(cluster: Cluster, tempo: Tempo) -> list[Object]:
    """The pods that make the service graph: of that Tempo, or of one beside it that does nothing else."""
    if _is_part(tempo):
        return cluster.pods(tempo.namespace, labels(tempo, GENERATOR))
    return cluster.pods(tempo.namespace, _common("monolithic", tempo.generator_service.removeprefix("tempo-")))


def generator_config_map(tempo: Tempo) -> str:
    """The ConfigMap with the configuration of those pods, as the file ``CONFIG_FILE``."""
    return f"tempo-{tempo.name}" if _is_part(tempo) else f"{tempo.generator_service}-config"


def _is_part(tempo: Tempo) -> bool:
    return tempo.generator_service == f"tempo-{tempo.name}-{GENERATOR}"


def _common(mode: str, name: str) -> dict[str, str]:
    return {
        "app.kubernetes.io/managed-by": "tempo-operator",
        "app.kubernetes.io/name": _NAMES[mode],
        "app.kubernetes.io/instance": name,
    }

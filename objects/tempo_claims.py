"""The claims of Tempo's operator: it makes them once, and leaves them as they are when its resource asks for more."""

from collections.abc import Mapping

from model.parts import value_at
from objects.context import Object, not_awaited

# Where a resource says how large each claim is.
_SIZE: Mapping[str, str] = {"TempoMonolithic": "storage.traces.size", "TempoStack": "storageSize"}


def claims_of(tempo: Object) -> list[Object]:
    """Of each claim that the operator makes for ``tempo`` (tempo-operator, internal/manifests): its name and size.

    It is a patch: the size is the operator's until we say it. Only the storage grows; pods are not touched.
    """
    size = value_at(tempo["spec"], _SIZE[tempo["kind"]])
    if value_at(tempo["spec"], "storage.traces.backend") == "memory" or size is None:
        return []
    annotations = {"pulumi.com/patchForce": "true", **not_awaited()}
    return [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": name, "namespace": tempo["metadata"]["namespace"], "annotations": annotations},
            "spec": {"resources": {"requests": {"storage": size}}},
        }
        for name in _names(tempo)
    ]


def _names(tempo: Object) -> list[str]:
    name = tempo["metadata"]["name"]
    if tempo["kind"] == "TempoMonolithic":
        return [f"tempo-storage-tempo-{name}-0"]
    ingesters = int(value_at(tempo["spec"], "template.ingester.replicas") or 1)
    return [f"data-tempo-{name}-ingester-{number}" for number in range(ingesters)]

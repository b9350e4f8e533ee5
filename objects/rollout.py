"""What an operator makes of a resource of ours, and how its pods show which version of the resource they run.

The status of such a resource does not tell: it is that of the pods before an update until the operator looks again. So
each resource carries a revision, a text that changes with all that restarts its pods, in a field that its operator
copies to them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

# The annotation of a pod with the revision that it runs.
REVISION = "mesh-tracing/revision"


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """The workloads whose pods have to run a revision; without a ``kind`` they are Deployments and StatefulSets.

    They have it in the annotation called ``annotation``. If their operator copies no annotation of ours, it has written
    the revision into the file ``config_file`` of the ConfigMap ``config_map``, and the pods have the hash of the file.
    Without both, the workloads are our own, which have the revision as soon as they are written.
    """

    title: str
    namespace: str
    workloads: tuple[str, ...]
    seconds: int
    kind: str | None = None
    annotation: str | None = REVISION
    config_map: str | None = None
    config_file: str = ""


@dataclass(frozen=True, kw_only=True)
class Admission:
    """The webhooks whose Services are in one namespace, and an object there about which the API server asks them.

    As long as it cannot ask, it refuses every object of theirs.
    """

    title: str
    namespace: str
    object: Mapping[str, Any]
    seconds: int


def without(rollout: Rollout, workloads: Sequence[str]) -> Rollout:
    """``rollout`` without some of its workloads."""
    return replace(rollout, workloads=tuple(name for name in rollout.workloads if name not in workloads))

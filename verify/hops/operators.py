"""The operators: without them, pods keep running, but a change of a custom resource has no effect."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from verify.access.cluster import Object
from verify.causes import Code
from verify.deployment import Operator
from verify.findings import Finding, ok, warning
from verify.world import Looks, World

NAME = "operators"
TITLE = "Operators"

# The names of their Deployments, from release manifests, charts and OLM.
_DEPLOYMENTS: Mapping[Operator, str] = {
    "mesh": r"servicemesh-operator3|sail-operator",
    "tempo": r"tempo-operator-controller",
    "opentelemetry": r"opentelemetry-operator",
    "kiali": r"kiali-operator",
    "grafana": r"grafana-operator",
}


@dataclass(frozen=True)
class Seen:
    """The Deployments of each operator that the stack needs."""

    deployments: Mapping[Operator, list[Object]]


def look(world: World) -> Seen:
    every = world.cluster.items("/apis/apps/v1/deployments")
    return Seen(
        {
            operator: [one for one in every if re.match(_DEPLOYMENTS[operator], one["metadata"]["name"])]
            for operator in world.deployment.operators
        }
    )


def judge(world: World, looks: Looks[Seen]) -> Finding:
    after = looks.after
    missing = [operator for operator, found in after.deployments.items() if not found]
    evidence = []
    for operator, found in after.deployments.items():
        for one in found:
            meta, ready = one["metadata"], one.get("status", {}).get("readyReplicas", 0)
            wanted = one["spec"].get("replicas", 1)
            evidence.append(f"{operator}: Deployment {meta['namespace']}/{meta['name']} has {ready} ready pods")
            if ready == 0:
                name = f"deployment/{meta['name']} -n {meta['namespace']}"
                return warning(
                    NAME,
                    evidence[-1],
                    code=Code.OPERATOR_STOPPED,
                    cause=f"the operator of {operator} does not run, so changes of its resources have no effect",
                    remedy=f"kubectl scale {name} --replicas=1" if wanted == 0 else f"kubectl rollout restart {name}",
                )
    if missing:
        return warning(
            NAME,
            *evidence,
            f"no Deployment has the name of an operator of {', '.join(missing)}",
            code=Code.OPERATOR_UNKNOWN,
            cause="an operator is missing, or its Deployment has an unknown name",
        )
    return ok(NAME, *evidence)

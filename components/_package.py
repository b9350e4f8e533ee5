"""What every component shares: labels, readiness annotations, timeouts, and outputs that wait."""

import pulumi

PART_OF = "mesh-tracing"

# The three-part type token of a component is f"{PACKAGE}:<Class>"; it is part of every URN and
# therefore never changes.
PACKAGE = "meshtracing:index"


def labels(name: str) -> dict[str, str]:
    """Labels of an object whose pods, if any, are not in the mesh."""
    return {"app.kubernetes.io/name": name, **owner_labels()}


def owner_labels() -> dict[str, str]:
    """Labels that are safe on injected pods.

    ``app.kubernetes.io/name`` is not among them: Istio takes a workload's canonical name from it
    before ``app``, so it would rename the services in every trace.
    """
    return {"app.kubernetes.io/part-of": PART_OF, "app.kubernetes.io/managed-by": "pulumi"}


def wait_for(condition: str) -> dict[str, str]:
    """Make Pulumi wait for a custom resource, which it otherwise takes for ready at once."""
    return {"pulumi.com/waitFor": condition}


def within(seconds: int) -> pulumi.CustomTimeouts:
    """Allow ``seconds`` for each of create, update and delete."""
    return pulumi.CustomTimeouts(create=f"{seconds}s", update=f"{seconds}s", delete=f"{seconds}s")


def once_ready(value: str, *resources: pulumi.Resource) -> pulumi.Output[str]:
    """``value`` as an Output: known in preview, and whoever uses it depends on ``resources``."""
    return pulumi.Output.all(value, *(resource.urn for resource in resources)).apply(lambda parts: str(parts[0]))

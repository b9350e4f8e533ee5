"""What the pods of every part have in common: which images they run, with which credentials, and on which nodes."""

from collections.abc import Iterator, Mapping
from typing import Any

from objects.context import PART_OF, Context, Object

# istiod writes its own proxy's image in place of this word.
_BY_ISTIOD = "auto"
# Variables by which operators are told the images of what they make.
_RELATED_IMAGE = "RELATED_IMAGE_"


def images_of(obj: Object) -> Iterator[str]:
    """The images that an object of ours, or somebody else's workload, names; not those that others choose."""
    if obj["kind"] == "OpenTelemetryCollector" and "image" in obj["spec"]:
        yield obj["spec"]["image"]
    for container in _containers(obj):
        if container.get("image") not in {None, _BY_ISTIOD}:
            yield container["image"]
        for variable in container.get("env") or []:
            if variable["name"].startswith(_RELATED_IMAGE) and variable.get("value"):
                yield variable["value"]


def scheduled(workload: Object, context: Context) -> Object:
    """A copy of ``workload`` whose pods run on the nodes of the settings, and pull with their Secrets."""
    return _with_pod(workload, pod_fields(context))


def pod_fields(context: Context) -> dict[str, Any]:
    """The fields of a pod that say so."""
    return {**context.scheduling.to_kubernetes(), **_pull_secrets(context)}


def spread_over_nodes(labels: Mapping[str, str]) -> list[dict[str, Any]]:
    """The constraints by which the pods with ``labels`` are spread over the nodes, as long as there are enough."""
    return [
        {
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            # All of them run on a cluster of one node too.
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": dict(labels)},
            # Those of an older template, which are about to end in a rollout, do not count.
            "matchLabelKeys": ["pod-template-hash"],
        }
    ]


def from_mirror(workload: Object, context: Context) -> Object:
    """A copy of somebody else's ``workload`` that takes the images it names from the mirrors of ``context``."""
    pod = workload["spec"]["template"]["spec"]
    parts = [part for part in ("initContainers", "containers") if part in pod]
    return _with_pod(workload, {part: [_mirrored(container, context) for container in pod[part]] for part in parts})


def build_pull_account(app: str, namespace: str, context: Context) -> Object | None:
    """The ServiceAccount of an operator's pods, where images are pulled with Secrets; its own account has none.

    No operator's resource has a field for the Secrets themselves. Kubernetes adds those of an account to its pods.
    """
    if not context.images.pull_secrets:
        return None
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": context.metadata(pull_account(app), namespace, app=app),
        **_pull_secrets(context),
    }


def pull_account(app: str) -> str:
    """The name of that ServiceAccount."""
    return f"{PART_OF}-{app}"


def _pull_secrets(context: Context) -> dict[str, Any]:
    names = context.images.pull_secrets
    return {"imagePullSecrets": [{"name": name} for name in names]} if names else {}


def _with_pod(workload: Object, fields: Mapping[str, Any]) -> Object:
    spec = workload["spec"]
    template = spec["template"]
    return {**workload, "spec": {**spec, "template": {**template, "spec": {**template["spec"], **fields}}}}


def _mirrored(container: Object, context: Context) -> Object:
    changed = {**container, "image": context.image(container["image"])}
    if "env" in container:
        changed["env"] = [_mirrored_variable(variable, context) for variable in container["env"]]
    return changed


def _mirrored_variable(variable: dict[str, Any], context: Context) -> dict[str, Any]:
    if not variable["name"].startswith(_RELATED_IMAGE) or not variable.get("value"):
        return variable
    return {**variable, "value": context.image(variable["value"])}


def _containers(obj: Object) -> list[dict[str, Any]]:
    spec = obj.get("spec") or {}
    if obj["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    pod = (spec.get("template") or {}).get("spec") or {}
    return [*(pod.get("initContainers") or []), *(pod.get("containers") or [])] if isinstance(pod, dict) else []

"""The images in pods: what every workload runs, whoever wrote it."""

from collections.abc import Iterator
from typing import Any

from objects.context import Context, Object

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


def from_mirror(workload: Object, context: Context) -> Object:
    """A copy of somebody else's ``workload`` that takes the images it names from the mirrors of ``context``."""
    spec = workload["spec"]
    template = spec["template"]
    pod = dict(template["spec"])
    for part in ("initContainers", "containers"):
        if part in pod:
            pod[part] = [_mirrored(container, context) for container in pod[part]]
    return {**workload, "spec": {**spec, "template": {**template, "spec": pod}}}


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
    pod = ((obj.get("spec") or {}).get("template") or {}).get("spec") or {}
    return [*(pod.get("initContainers") or []), *(pod.get("containers") or [])] if isinstance(pod, dict) else []

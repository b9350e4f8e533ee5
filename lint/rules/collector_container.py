"""The container of a collector: the program that it starts."""

from collections.abc import Iterator, Mapping
from typing import Any

from lint.facts import Facts
from lint.findings import Fault, Severity, error
from lint.objects import Manifests, Path, at, sequence, text
from lint.rule import rule
from lint.templates import is_unknown
from lint.views.images import full_name
from lint.views.versions import Minor, image_tag, minor
from lint.views.workloads import workloads

_CONTAINERS: Path = ("spec", "template", "spec", "containers")
# The images that the project publishes have one program and nothing else, not even a shell.
_PUBLISHERS = ("docker.io/otel/", "ghcr.io/open-telemetry/opentelemetry-collector-releases/")
_IMAGE, _PROGRAM = "opentelemetry-collector", "/otelcol"
# In older ones the program had other names.
_OLDEST: Minor = (0, 60)


@rule(
    code="N25",
    title="A collector's command is not in its image",
    levels=(Severity.ERROR,),
    why=(
        "`command` replaces the program of the image, and `args` what it is started with. The images of the project "
        "have one program and no shell: `/otelcol-contrib` in opentelemetry-collector-contrib, `/otelcol-k8s` in "
        "opentelemetry-collector-k8s. The container does not start with arguments as the command, or with the program "
        "of another image."
    ),
    remedy="Leave `command` out, and write `args: [--config=...]`.",
    example="""
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: otel, namespace: istio-system}
        spec:
          template:
            spec:
              containers:
                - name: otel
                  image: otel/opentelemetry-collector-contrib:0.158.0
                  command: [--config=/conf/relay.yaml]
    """,
    source="opentelemetry-collector-releases: distributions/*/Dockerfile",
)
def command_that_is_not_in_the_image(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for workload in workloads(manifests):
        for index, container in enumerate(workload.containers):
            program = _program(text(container.get("image")))
            command = text(next(iter(sequence(container.get("command"))), ""))
            if not program or not command or is_unknown(command) or _is_mounted(container, command):
                continue
            if command.startswith("-"):
                why, remedy = "these are arguments, and replace the program of the image", "call it args"
            elif command.rpartition("/")[2] != program.removeprefix("/"):
                why, remedy = f"the image has {program} and no other program", f"write {program}, or leave it out"
            else:
                continue
            yield error(
                workload.owner.where(*_CONTAINERS, index, "command"), f"{why}, so the container does not start", remedy
            )


def _program(image: str) -> str:
    """The program of an image that the project publishes; empty for any other."""
    release = minor(image_tag(image))
    repository = full_name(image.partition("@")[0].partition(":")[0])
    if not repository.startswith(_PUBLISHERS) or (release is not None and release < _OLDEST):
        return ""
    name = repository.rpartition("/")[2]
    return _PROGRAM + name.removeprefix(_IMAGE) if name.startswith(_IMAGE) else ""


def _is_mounted(container: Mapping[Any, Any], command: str) -> bool:
    mounts = [text(at(one, "mountPath")).rstrip("/") for one in sequence(container.get("volumeMounts"))]
    return any(command.startswith(f"{mount}/") for mount in mounts if mount)

"""The object store below Tempo: its Secret, its bucket and its image."""

import re
from collections.abc import Iterator, Mapping

from lint._objects import Manifests, Object, Path, at, sequence, text
from lint._services import TEMPO
from lint._versions import image_tag
from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.rule import rule

_POD_SPECS: Mapping[tuple[str, str], Path] = {
    ("", "Pod"): ("spec",),
    ("apps", "Deployment"): ("spec", "template", "spec"),
    ("apps", "StatefulSet"): ("spec", "template", "spec"),
    ("apps", "DaemonSet"): ("spec", "template", "spec"),
    ("batch", "Job"): ("spec", "template", "spec"),
    ("batch", "CronJob"): ("spec", "jobTemplate", "spec", "template", "spec"),
}
_SECRETS: Mapping[str, tuple[Path, Path]] = {
    "TempoMonolithic": (("spec", "storage", "traces", "backend"), ("spec", "storage", "traces", "s3", "secret")),
    "TempoStack": (("spec", "storage", "secret", "type"), ("spec", "storage", "secret", "name")),
}

_DOCKER_HUB = re.compile(r"(?:(?:index\.|registry-1\.)?docker\.io/)?minio/(?:minio|mc)(?![\w./-])")
_QUAY = re.compile(r"quay\.io/minio/minio(?![\w./-])")
_RELEASE = re.compile(r"RELEASE\.\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}Z")
# MinIO publishes sources only since October 2025.
LAST_RELEASE = "RELEASE.2025-09-07T16-13-09Z"


@rule(
    title="The object store's endpoint has no scheme",
    levels=(Severity.ERROR,),
    why="Tempo's operator refuses an endpoint that is not a URL, and takes from the scheme whether to use TLS.",
    remedy="Put `https://` or `http://` before the host; `http` means without TLS.",
    example="""
        apiVersion: v1
        kind: Secret
        metadata: {name: tempo-s3, namespace: tracing-system}
        stringData: {bucket: tempo, endpoint: "minio.tracing-system.svc:9000"}
    """,
)
def endpoint_without_scheme(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for obj, keys in _secrets(manifests):
        path, endpoint = keys.get("endpoint", ((), ""))
        if endpoint and not endpoint.startswith(("http://", "https://")):
            yield error(
                obj.where(*path),
                "Tempo's operator refuses an endpoint without http:// or https://",
                "put the scheme before the host; http means without TLS",
            )


@rule(
    title="The object store's Secret has both a region and an endpoint",
    levels=(Severity.ERROR,),
    why="A region is for AWS, an endpoint for every other store. Tempo's operator refuses a Secret with both.",
    remedy="Keep the endpoint, or for AWS the region.",
    example="""
        apiVersion: v1
        kind: Secret
        metadata: {name: tempo-s3, namespace: tracing-system}
        stringData: {bucket: tempo, endpoint: "https://minio.tracing-system.svc:9000", region: eu-central-1}
    """,
)
def region_beside_endpoint(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for obj, keys in _secrets(manifests):
        path, region = keys.get("region", ((), ""))
        if region:
            yield error(
                obj.where(*path),
                "Tempo's operator refuses a Secret with both a region and an endpoint",
                "keep the endpoint, or for AWS the region",
            )


@rule(
    title="Nothing creates Tempo's bucket",
    levels=(Severity.ERROR,),
    why="Neither Tempo nor its operator creates the bucket, and Tempo stops without it.",
    remedy="Create the bucket before Tempo.",
    example="""
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoMonolithic
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          storage: {traces: {backend: s3, s3: {secret: tempo-s3}}}
    """,
    facts=Facts(bucket_is_created=False),
)
def bucket_that_nobody_creates(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    if facts.bucket_is_created is not False:
        return
    for obj in manifests.of(TEMPO, *_SECRETS):
        backend, secret = _SECRETS[obj.kind]
        if obj.at(*backend) == "s3":
            yield error(
                obj.where(*secret),
                "nothing creates the bucket that this Secret names, and Tempo stops without it",
                "create the bucket before Tempo",
            )


@rule(
    title="An image of MinIO cannot be pulled, or is not pinned",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "MinIO's images are no longer on Docker Hub, and since October 2025 MinIO publishes sources only: the last "
        "image is `RELEASE.2025-09-07T16-13-09Z` on quay.io. A tag there that names no release is a warning."
    ),
    remedy="Use `quay.io/minio/minio:RELEASE.2025-09-07T16-13-09Z`, or an image of your own.",
    example="""
        apiVersion: v1
        kind: Pod
        metadata: {name: minio, namespace: tracing-system}
        spec:
          containers: [{name: minio, image: "minio/minio:RELEASE.2025-09-07T16-13-09Z"}]
    """,
)
def image_without_registry(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for obj in manifests.objects:
        pods = _POD_SPECS.get((obj.group or "", obj.kind))
        if pods is None:
            continue
        for containers in ("initContainers", "containers"):
            for index, container in enumerate(sequence(obj.at(*pods, containers))):
                image = text(at(container, "image"))
                where = obj.where(*pods, containers, index, "image")
                yield from _judge(image, where)


def _judge(image: str, where: str) -> Iterator[Fault]:
    remedy = f"use quay.io/minio/minio:{LAST_RELEASE}, or an image of your own"
    if _DOCKER_HUB.match(image):
        yield error(where, "Docker Hub does not serve MinIO's images any more", remedy)
    elif _QUAY.match(image) and "@" not in image:
        release = _RELEASE.match(image_tag(image))
        if release is None:
            yield warning(where, "the tag names no release, and no newer one is published", remedy)
        elif release[0] > LAST_RELEASE:
            yield error(where, f"no image is published after {LAST_RELEASE}", remedy)


def _secrets(manifests: Manifests) -> Iterator[tuple[Object, Mapping[str, tuple[Path, str]]]]:
    """Yield the Secrets that are for an object store with an endpoint, each with the path and value of its keys."""
    for obj in manifests.of("", "Secret"):
        keys = {str(path[-1]): (path, value) for path, value in obj.documents()}
        # The credentials themselves may be kept back from the check.
        if {"bucket", "endpoint"} <= keys.keys():
            yield obj, keys

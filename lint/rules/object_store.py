"""The object store below Tempo: its Secret, its bucket and its image."""

import datetime
import re
from collections.abc import Iterator, Mapping

from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.lifecycle import lifecycle
from lint.objects import Manifests, Object, Path, Place
from lint.rule import rule
from lint.views.images import images
from lint.views.services import TEMPO
from lint.views.versions import version

_SECRETS: Mapping[str, tuple[Path, Path]] = {
    "TempoMonolithic": (("spec", "storage", "traces", "backend"), ("spec", "storage", "traces", "s3", "secret")),
    "TempoStack": (("spec", "storage", "secret", "type"), ("spec", "storage", "secret", "name")),
}
_TLS: Mapping[str, Path] = {
    "TempoMonolithic": ("spec", "storage", "traces", "s3", "tls"),
    "TempoStack": ("spec", "storage", "tls"),
}
_INSECURE: Path = ("spec", "extraConfig", "tempo", "storage", "trace", "s3", "insecure")

_DOCKER_HUB = frozenset({"docker.io/minio/minio", "docker.io/minio/mc"})
_QUAY = "quay.io/minio/minio"
_RELEASE = re.compile(r"RELEASE\.(\d{4})-(\d{2})-(\d{2})T")
_NO_MINIO = "use another object store, such as SeaweedFS"


@rule(
    code="N13",
    title="The object store's endpoint has no scheme",
    levels=(Severity.ERROR,),
    why=(
        "Tempo's operator refuses an endpoint that is not a URL. For a TempoMonolithic it also takes from the scheme "
        "whether to use TLS."
    ),
    remedy="Put `https://` or `http://` before the host; `http` means without TLS.",
    example="""
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoMonolithic
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          storage: {traces: {backend: s3, s3: {secret: tempo-s3}}}
        ---
        apiVersion: v1
        kind: Secret
        metadata: {name: tempo-s3, namespace: tracing-system}
        stringData: {bucket: tempo, endpoint: "minio.tracing-system.svc:9000"}
    """,
    source="tempo-operator: internal/handlers/storage/s3_secret.go",
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
    code="N13",
    title="The object store's Secret has both a region and an endpoint",
    levels=(Severity.ERROR,),
    why="A region is for AWS, an endpoint for every other store. Tempo's operator refuses a Secret with both.",
    remedy="Keep the endpoint, or for AWS the region.",
    example="""
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoMonolithic
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          storage: {traces: {backend: s3, s3: {secret: tempo-s3}}}
        ---
        apiVersion: v1
        kind: Secret
        metadata: {name: tempo-s3, namespace: tracing-system}
        stringData: {bucket: tempo, endpoint: "https://minio.tracing-system.svc:9000", region: eu-central-1}
    """,
    source="tempo-operator: internal/handlers/storage/s3_secret.go",
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
    code="N13",
    title="TLS to the object store is not what its endpoint says",
    levels=(Severity.ERROR,),
    why=(
        "For a TempoStack, Tempo's operator uses TLS only if `spec.storage.tls.enabled` is true, whatever the "
        "endpoint's scheme: otherwise an https store is called without encryption, or not at all. For a "
        "TempoMonolithic the scheme alone decides. The endpoint is in the Secret that the Tempo names."
    ),
    remedy=(
        "Set `spec.storage.tls.enabled`, in a TempoMonolithic `spec.storage.traces.s3.tls.enabled`, to true for an "
        "https endpoint and to false for an http one, and leave `insecure` out of the extra configuration."
    ),
    example="""
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoStack
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          storage: {secret: {type: s3, name: tempo-s3}}
        ---
        apiVersion: v1
        kind: Secret
        metadata: {name: tempo-s3, namespace: tracing-system}
        stringData: {bucket: tempo, endpoint: "https://s3.example.com"}
    """,
    source=(
        "tempo-operator: internal/handlers/storage/storage.go; "
        "tempo-operator: internal/handlers/storage/s3_secret.go; "
        "tempo-operator: internal/manifests/monolithic/configmap.go"
    ),
)
def tls_unlike_the_endpoint(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for obj in _on_s3(manifests):
        tls, https = _TLS[obj.kind], _has_tls_endpoint(manifests, obj)
        asked, insecure = obj.at(*tls, "enabled"), obj.at(*_INSECURE)
        wanted = asked if https is None else https
        # The operator looks at the endpoint for a TempoMonolithic only.
        used, where = https if obj.kind == "TempoMonolithic" else asked is True, obj.where(*tls, "enabled")
        remedy = "set it to true"
        if isinstance(insecure, bool):
            # Merged over what the operator writes.
            used, where, remedy = not insecure, obj.where(*_INSECURE), "set it to false"
        if wanted is True and used is False:
            yield error(where, "the object store is one for https, and is called without TLS", remedy)
        elif https is False and True in {used, asked}:
            yield error(
                where,
                "the object store's endpoint is http, and this asks for TLS",
                "put https:// before the endpoint's host, or do not ask for TLS",
            )


@rule(
    code="N13",
    title="The object store's certificate authority is named and not used",
    levels=(Severity.ERROR,),
    why=(
        "Tempo's operator uses the certificate authority in `caName` only if `enabled: true` stands beside it. Without "
        "it, Tempo does not trust the store's certificate."
    ),
    remedy="Set `enabled: true` beside `caName`.",
    example="""
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoMonolithic
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          storage: {traces: {backend: s3, s3: {secret: tempo-s3, tls: {caName: store-ca}}}}
    """,
    source=(
        "tempo-operator: internal/handlers/storage/storage.go; "
        "tempo-operator: internal/manifests/monolithic/configmap.go"
    ),
)
def authority_without_tls(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for obj in _on_s3(manifests):
        path = _TLS[obj.kind]
        if obj.at(*path, "caName") and obj.at(*path, "enabled") is not True:
            yield error(
                obj.where(*path, "caName"),
                "the operator uses it only with TLS enabled, so Tempo does not trust the store's certificate",
                "set enabled: true beside it",
            )


@rule(
    code="N13",
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
    source="tempo: tempodb/backend/s3/s3.go",
    facts=Facts(bucket_is_created=False),
)
def bucket_that_nobody_creates(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    if facts.bucket_is_created is not False:
        return
    for obj in _on_s3(manifests):
        _, secret = _SECRETS[obj.kind]
        yield error(
            obj.where(*secret),
            "nothing creates the bucket that this Secret names, and Tempo stops without it",
            "create the bucket before Tempo",
        )


@rule(
    code="N13",
    title="An image of MinIO cannot be pulled, or has known vulnerabilities",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "MinIO's project has ended. Docker Hub serves none of its images any more; quay.io still serves old ones, with "
        "published vulnerabilities that nobody repairs."
    ),
    remedy="Use another object store, such as SeaweedFS.",
    example="""
        apiVersion: v1
        kind: Pod
        metadata: {name: minio, namespace: tracing-system}
        spec:
          containers: [{name: minio, image: "minio/minio:RELEASE.2025-09-07T16-13-09Z"}]
    """,
    source=(
        "https://github.com/minio/minio/issues/21675; https://github.com/dandi/dandi-cli/pull/1921; "
        "https://github.com/pgsty/silo/issues/35"
    ),
)
def image_of_minio(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    # Without a day, what is recorded has happened.
    day = facts.today or lifecycle().last_read()
    for image in images(manifests):
        if image.name in _DOCKER_HUB:
            yield from _deleted(image.where, day)
        elif image.name == _QUAY:
            yield from _vulnerable(image.tag, image.where, day)


def _deleted(where: Place, day: datetime.date) -> Iterator[Fault]:
    gone = next(host for host in lifecycle().retired_hosts if host.host == "docker.io/minio")
    if gone.has_happened(day):
        yield error(where, f"Docker Hub does not serve MinIO's images any more, since {gone.since}", _NO_MINIO)


def _vulnerable(tag: str, where: Place, day: datetime.date) -> Iterator[Fault]:
    """A release of MinIO is called by its day, which is recorded as a version: 2025.9.7."""
    faulty = next(one for one in lifecycle().faulty_releases if one.product == "minio")
    day_of_release = _RELEASE.match(tag)
    release = version(".".join(day_of_release.groups())) if day_of_release else None
    if release is not None and not faulty.has(release):
        last = faulty.last.split(".")
        yield error(where, f"no image of MinIO is published after {last[0]}-{last[1]:0>2}-{last[2]:0>2}", _NO_MINIO)
    elif faulty.has_happened(day):
        ended = lifecycle().end_of_support("minio", None)
        repair = f", and MinIO's project has ended on {ended.since}" if ended and ended.has_happened(day) else ""
        yield warning(where, f"this image {faulty.fault}{repair}", _NO_MINIO)


def _on_s3(manifests: Manifests) -> Iterator[Object]:
    for obj in manifests.of(TEMPO, *_SECRETS):
        backend, _ = _SECRETS[obj.kind]
        if obj.at(*backend) == "s3":
            yield obj


def _has_tls_endpoint(manifests: Manifests, tempo: Object) -> bool | None:
    """Whether the endpoint in the Secret of ``tempo`` is https; None if the objects do not show it."""
    for obj in manifests.of("", "Secret"):
        if _is_named_by(tempo, obj):
            keys = {key: value for key, (_, value) in _keys(obj).items()}
            # Without an endpoint the store is Amazon's, in that region.
            endpoint = keys.get("endpoint") or ("https://" if keys.get("region") else "")
            return endpoint.startswith("https://") if "://" in endpoint else None
    return None


def _secrets(manifests: Manifests) -> Iterator[tuple[Object, Mapping[str, tuple[Path, str]]]]:
    """Yield the Secrets of object stores with an endpoint, each with the path and value of its keys.

    Many programs keep a bucket and an endpoint in a Secret: only those that a Tempo names are for its operator.
    """
    tempos = list(_on_s3(manifests))
    for obj in manifests.of("", "Secret"):
        keys = _keys(obj)
        # The credentials themselves may be kept back from the check.
        if {"bucket", "endpoint"} <= keys.keys() and any(_is_named_by(tempo, obj) for tempo in tempos):
            yield obj, keys


def _keys(secret: Object) -> dict[str, tuple[Path, str]]:
    return {str(path[-1]): (path, value) for path, value in secret.documents()}


def _is_named_by(tempo: Object, secret: Object) -> bool:
    _, name = _SECRETS[tempo.kind]
    return (secret.namespace, secret.name) == (tempo.namespace, tempo.at(*name))

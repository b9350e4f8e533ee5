"""The object store that we deploy for Tempo (MinIO), and the Secret that tells Tempo's operator about any store."""

from collections.abc import Mapping
from typing import Any

from pydantic import ConfigDict, Field

from model import S3, Images, Platform
from model.parts import Section
from model.scalars import Image, Name
from objects import manifests
from objects.addresses import MINIO, minio_url
from objects.context import Args, Object, Text
from objects.pod_security import run_as
from objects.rollout import REVISION, Rollout

CLIENT_SECRET = "tempo-object-storage"  # noqa: S105  the name of a Secret
_ROOT_SECRET = "minio-root"  # noqa: S105  the name of a Secret
# Any would do: the image names no user, so that without one it would run as root.
_MINIO_USER = 1000
# That of the image, which gives only its name.
_CURL_USER = 100


class ObjectStoreKeys(Section):
    """The credentials of an object store: secret Outputs, which are only ever written into Secrets."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    access_key: Text = Field(description="The user.")
    secret_key: Text = Field(description="The password, at least 8 characters.")


class ObjectStoreArgs(Args):
    """Arguments of ``ObjectStore``; the keys become those of the store's root user, which Tempo uses too."""

    namespace: Name = Field(description="The store's namespace, which is Tempo's.")
    s3: S3 = Field(default=S3(), description="The bucket, and the store with its volume.")
    keys: ObjectStoreKeys = Field(description="Who may use the store.")
    curl_image: Image = Field(
        default=Images().curl, description="An image with a shell and curl, which makes the bucket."
    )
    platform: Platform = Field(default="kubernetes", description="What the cluster is.")
    protect_data: bool = Field(default=False, description="Refuse to delete what holds traces.")


def build_object_store(args: ObjectStoreArgs, revision: Text | None = None) -> dict[str, Object]:
    """The store, its credentials, and the Job that makes the bucket; another ``revision`` starts the store anew."""
    root = {"user": args.keys.access_key, "password": args.keys.secret_key}
    return {
        "root": _secret(args.context.metadata(_ROOT_SECRET, args.namespace, app=MINIO), root),
        "client": build_client_secret(
            args.context.metadata(CLIENT_SECRET, args.namespace, app=MINIO),
            bucket=args.s3.bucket,
            endpoint=minio_url(args.namespace, args.context),
            keys=args.keys,
        ),
        **{manifests.role(obj): _complete(obj, args, revision) for obj in manifests.load("minio.yaml")},
    }


def store_rollout(args: ObjectStoreArgs) -> Rollout:
    """The store's Deployment. Between the old pod and the new one it has none, which the provider takes for the end."""
    return Rollout(
        title="The object store",
        namespace=args.namespace,
        workloads=(MINIO,),
        seconds=args.context.timeouts.object_store,
        annotation=None,
    )


def build_client_secret(metadata: Mapping[str, Any], *, bucket: str, endpoint: str, keys: ObjectStoreKeys) -> Object:
    """The Secret that Tempo's operator reads."""
    data: dict[str, Text] = {
        "bucket": bucket,
        "endpoint": endpoint,
        "access_key_id": keys.access_key,
        "access_key_secret": keys.secret_key,
    }
    return _secret(metadata, data)


def _secret(metadata: Mapping[str, Any], data: Mapping[str, Text]) -> Object:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}


def _complete(manifest: Object, args: ObjectStoreArgs, revision: Text | None) -> Object:
    """``manifest`` in its namespace, with the images and the size of the settings."""
    labels = args.context.labels(MINIO)
    placed = manifests.place(manifest, namespace=args.namespace, labels=labels, context=args.context)
    if placed["kind"] == "PersistentVolumeClaim":
        return manifests.sized(placed, args.s3.minio)
    if placed["kind"] == "Deployment":
        placed = _with_images(placed, args)
        if revision is not None:
            placed = manifests.with_pod_annotation(placed, REVISION, revision)
        return run_as(placed, _MINIO_USER, args.platform)
    if placed["kind"] == "Job":
        return run_as(manifests.with_image(placed, args.context.image(args.curl_image)), _CURL_USER, args.platform)
    return placed


def _with_images(deployment: Object, args: ObjectStoreArgs) -> Object:
    """A copy of MinIO's ``deployment``; its first container needs a shell, which not every image of MinIO has."""
    placed = manifests.with_image(deployment, args.context.image(args.s3.minio.image))
    pod = placed["spec"]["template"]["spec"]
    (first,) = pod["initContainers"]
    pod["initContainers"] = [{**first, "image": args.context.image(args.curl_image)}]
    return placed

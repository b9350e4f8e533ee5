"""The object store that we deploy for Tempo, and the Secret that tells Tempo's operator about any store."""

from collections.abc import Mapping
from typing import Any

import pulumi
from pydantic import Field

from model import S3, Images, ObjectStoreName, Platform
from model.scalars import Image, Name
from objects import manifests
from objects.context import Args, Context, Object, Text
from objects.pod_security import CURL_USER, run_as
from objects.rollout import REVISION, Rollout
from objects.stores import STORES, ObjectStoreKeys, Store

# The content of a Secret.
Credentials = pulumi.Output[Mapping[str, str]]

COPY_JOB = "tempo-copy"
# The pods of Jobs that use a store, by their label ``app.kubernetes.io/name``.
JOB_PODS = ("tempo-bucket", COPY_JOB)


class ObjectStoreArgs(Args):
    """Arguments of ``ObjectStore``; the keys become those of the store's administrator, which Tempo uses too."""

    namespace: Name = Field(description="The store's namespace, which is Tempo's.")
    store: ObjectStoreName = Field(default="seaweedfs", description="Which store.")
    s3: S3 = Field(default=S3(), description="The bucket, and the store with its volume.")
    keys: ObjectStoreKeys = Field(description="Who may use the store.")
    curl_image: Image = Field(
        default=Images().curl, description="An image with a shell and curl, which makes the bucket."
    )
    platform: Platform = Field(default="kubernetes", description="What the cluster is.")
    protect_data: bool = Field(default=False, description="Refuse to delete what holds traces.")


def build_object_store(
    args: ObjectStoreArgs, *, credentials: Credentials | None = None, revision: Text | None = None
) -> dict[str, Object]:
    """The store, its credentials, and the Job that makes the bucket; another ``revision`` starts the store anew.

    ``credentials`` are what its ``Store`` makes of the keys, which whoever looks into these can give.
    """
    store = STORES[args.store]
    parts = {part["kind"]: part for part in manifests.load(store.manifest)}
    return {
        "root": _secret(
            args.context.metadata(store.credentials_secret, args.namespace, app=store.name),
            {} if credentials is None else credentials,
        ),
        "client": build_client_secret(
            args.context.metadata(store.client_secret, args.namespace, app=store.name),
            bucket=args.s3.bucket,
            endpoint=object_store_url(store, args.namespace, args.context),
            keys=args.keys,
        ),
        "volume": manifests.sized(
            _placed(parts["PersistentVolumeClaim"], store.name, args), args.s3.settings_of(store.name)
        ),
        "service": _placed(parts["Service"], store.name, args),
        "deployment": _deployment(parts["Deployment"], store, args, revision),
        "bucket": _job("bucket.yaml", store.bucket_job, store.name, args, {"": store}),
    }


def build_copy(args: ObjectStoreArgs, earlier: ObjectStoreName) -> Object:
    """The Job that copies what is in the bucket of the store ``earlier``."""
    return _job("copy.yaml", COPY_JOB, COPY_JOB, args, {"FROM_": STORES[earlier], "": STORES[args.store]})


def object_store_url(store: Store, namespace: str, context: Context) -> str:
    """Where Tempo reaches the store."""
    return f"http://{context.host(store.name, namespace)}:{store.port}"


def store_rollout(args: ObjectStoreArgs) -> Rollout:
    """The store's Deployment. Between the old pod and the new one it has none, which the provider takes for the end."""
    return Rollout(
        title="The object store",
        namespace=args.namespace,
        workloads=(args.store,),
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


def _secret(metadata: Mapping[str, Any], data: Credentials | Mapping[str, Text]) -> Object:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}


def _placed(manifest: Object, app: str, args: ObjectStoreArgs) -> Object:
    labels = args.context.labels(app)
    return manifests.place(manifest, namespace=args.namespace, labels=labels, context=args.context)


def _deployment(manifest: Object, store: Store, args: ObjectStoreArgs, revision: Text | None) -> Object:
    settings = args.s3.settings_of(store.name)
    placed = manifests.with_image(_placed(manifest, store.name, args), args.context.image(settings.image))
    placed = store.complete(placed, settings, args.context.image(args.curl_image))
    if revision is not None:
        placed = manifests.with_pod_annotation(placed, REVISION, revision)
    return run_as(placed, store.user, args.platform)


def _job(file: str, name: str, app: str, args: ObjectStoreArgs, stores: Mapping[str, Store]) -> Object:
    """The Job in ``file``, which reads the client's Secret of each of ``stores`` into variables with its prefix."""
    (manifest,) = manifests.load(file)
    named = {**manifest, "metadata": {**manifest["metadata"], "name": name}}
    env = [variable for prefix, store in stores.items() for variable in _client_env(prefix, store.client_secret)]
    job = manifests.with_env(_placed(named, app, args), env)
    return run_as(manifests.with_image(job, args.context.image(args.curl_image)), CURL_USER, args.platform)


def _client_env(prefix: str, secret: str) -> list[Object]:
    keys = {
        "ENDPOINT": "endpoint",
        "BUCKET": "bucket",
        "ACCESS_KEY": "access_key_id",
        "SECRET_KEY": "access_key_secret",
    }
    return [
        {"name": f"{prefix}{name}", "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}
        for name, key in keys.items()
    ]

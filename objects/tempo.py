"""Tempo as a resource of its operator, and the Secret that describes its object store."""

from pydantic import Field

from model import Exposure, Images, Storage, Tempo
from model.scalars import Image
from objects.addresses import TEMPO
from objects.context import Args, Object, Text, wait_for
from objects.object_store import CLIENT_SECRET, ObjectStoreArgs, ObjectStoreKeys, build_client_secret
from objects.tempo_spec import build_tempo_monolithic, build_tempo_stack

# Not the name of the Secret for a store of our own: when the source changes, the new one is made
# before the old one goes.
_KEYS_SECRET = "tempo-s3-keys"  # noqa: S105  the name of a Secret

_KINDS = {
    "monolithic": ("TempoMonolithic", build_tempo_monolithic),
    "stack": ("TempoStack", build_tempo_stack),
}


class TempoStackArgs(Args):
    """Arguments of ``TempoStack``."""

    remote_write_url: Text = Field(description="Where the metrics generator writes the service graph: a Prometheus.")
    tempo: Tempo = Field(default=Tempo(), description="Tempo and its storage.")
    exposure: Exposure = Field(default=Exposure(), description="Whether and how its Jaeger UI is reached from outside.")
    object_store_access_key: Text | None = Field(
        default=None, description="User of the object store; required for S3 storage of sources `minio` and `keys`."
    )
    object_store_secret_key: Text | None = Field(
        default=None, description="Password of the object store, at least 8 characters; required like its user."
    )
    curl_image: Image = Field(default=Images().curl, description="The image of the Job that makes the bucket.")
    protect_data: bool = Field(default=False, description="Refuse to delete what holds traces until this is off again.")


def store_secret(storage: Storage) -> str | None:
    """The name of the Secret that describes the object store, if there is one."""
    if storage.backend != "s3":
        return None
    names = {"minio": CLIENT_SECRET, "keys": _KEYS_SECRET, "secret": storage.s3.secret_name}
    return names[storage.s3.source]


def object_store_args(args: TempoStackArgs) -> ObjectStoreArgs | None:
    """The arguments of an object store of our own, where the settings ask for one."""
    storage = args.tempo.storage
    if storage.backend != "s3" or storage.s3.source != "minio":
        return None
    return ObjectStoreArgs(
        namespace=args.tempo.namespace,
        s3=storage.s3,
        keys=_keys(args),
        curl_image=args.curl_image,
        protect_data=args.protect_data,
        context=args.context,
    )


def build_keys_secret(args: TempoStackArgs) -> Object | None:
    """The Secret for somebody else's object store, where we are given its keys."""
    storage = args.tempo.storage
    if storage.backend != "s3" or storage.s3.source != "keys":
        return None
    return build_client_secret(
        args.context.metadata(_KEYS_SECRET, args.tempo.namespace, app=TEMPO),
        bucket=storage.s3.bucket,
        # The model requires the endpoint for this source.
        endpoint=storage.s3.endpoint or "",
        keys=_keys(args),
    )


def build_tempo(args: TempoStackArgs, secret_name: Text | None) -> Object:
    """The TempoMonolithic or the TempoStack; ``secret_name`` is that of ``store_secret``."""
    kind, build_spec = _KINDS[args.tempo.mode]
    return {
        "apiVersion": "tempo.grafana.com/v1alpha1",
        "kind": kind,
        # Ready covers the pods as well as the objects. Its operator documents it in the resource's status.
        "metadata": args.context.metadata(TEMPO, args.tempo.namespace, annotations=wait_for("condition=Ready")),
        "spec": build_spec(
            args.tempo, secret_name=secret_name, remote_write_url=args.remote_write_url, exposure=args.exposure
        ),
    }


def _keys(args: TempoStackArgs) -> ObjectStoreKeys:
    access_key, secret_key = args.object_store_access_key, args.object_store_secret_key
    if access_key is None or secret_key is None:
        source = args.tempo.storage.s3.source
        raise ValueError(f"objectStoreAccessKey and objectStoreSecretKey: needed for tempo.storage.s3.source {source}")
    return ObjectStoreKeys(access_key=access_key, secret_key=secret_key)

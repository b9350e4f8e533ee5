"""Where Tempo keeps traces: the stores that we deploy, the Secret that describes a store, and the resources' fields."""

from decimal import Decimal
from typing import Any

from model import S3, ObjectStoreName, Storage, Tempo
from objects.addresses import TEMPO
from objects.cloud_stores import cloud_secret, cloud_secret_data, credential_mode
from objects.context import Object, Text
from objects.object_store import ObjectStoreArgs, build_client_secret, build_copy
from objects.stores import STORES, ObjectStoreKeys
from objects.tempo_args import TempoStackArgs

# Different from the Secrets of our own stores: when the source changes, the new Secret is created before the old one is
# deleted.
_KEYS_SECRET = "tempo-s3-keys"  # noqa: S105  the name of a Secret


def store_secret(storage: Storage) -> str | None:
    """The name of the Secret that describes the object store, if there is one."""
    if storage.backend != "s3" or storage.s3.source == "role":
        return cloud_secret(storage)
    own = storage.s3.own
    if own is not None:
        return STORES[own].client_secret
    return _KEYS_SECRET if storage.s3.source == "keys" else storage.s3.secret_name


def object_stores(args: TempoStackArgs) -> list[ObjectStoreArgs]:
    """The arguments of the object stores that we deploy: Tempo's, and after it the one that a stack moves from."""
    storage = args.tempo.storage
    if storage.backend != "s3":
        return []
    stores = (storage.s3.own, storage.s3.move_from)
    return [_object_store(store, args) for store in stores if store is not None]


def build_store_copy(args: TempoStackArgs) -> Object | None:
    """The Job that copies the traces out of the store that a stack moves from."""
    earlier = args.tempo.storage.s3.move_from
    stores = object_stores(args)
    return build_copy(stores[0], earlier) if stores and earlier is not None else None


def cloud_store(args: TempoStackArgs) -> list[dict[str, Text]]:
    """What the settings say of a cloud's store, which Tempo reads at its start; empty for a store of another kind."""
    data = cloud_secret_data(args.tempo.storage, azure_account_key=args.azure_account_key, gcs_key=args.gcs_key)
    return [] if data is None else [dict(data)]


def build_store_secret(args: TempoStackArgs) -> Object | None:
    """The Secret for somebody else's object store, if the settings describe it."""
    storage = args.tempo.storage
    for data in cloud_store(args):
        metadata = args.context.metadata(str(cloud_secret(storage)), args.tempo.namespace, app=TEMPO)
        return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}
    if storage.backend != "s3" or storage.s3.source != "keys":
        return None
    return build_client_secret(
        args.context.metadata(_KEYS_SECRET, args.tempo.namespace, app=TEMPO),
        bucket=storage.s3.bucket,
        # The model requires the endpoint for this source.
        endpoint=storage.s3.endpoint or "",
        keys=_keys(args),
    )


def monolithic_storage(tempo: Tempo, secret_name: Text | None) -> dict[str, Any]:
    """The field ``storage.traces`` of a TempoMonolithic."""
    storage = tempo.storage
    if storage.backend == "memory":
        return {"backend": "memory", **_memory_size(tempo)}
    traces: dict[str, Any] = {"backend": storage.backend, "size": storage.size}
    if storage.backend == "s3":
        traces["s3"] = {"secret": secret_name, **credential_mode(storage), **_tls(storage.s3)}
    elif storage.is_shared:
        traces[storage.backend] = {"secret": secret_name}
    if storage.storage_class is not None:
        traces["storageClassName"] = storage.storage_class
    return traces


def stack_storage(storage: Storage, secret_name: Text | None) -> dict[str, Any]:
    """The field ``storage`` of a TempoStack."""
    secret = {"name": secret_name, "type": storage.backend, **credential_mode(storage)}
    return {"secret": secret, **(_tls(storage.s3) if storage.backend == "s3" else {})}


def _object_store(store: ObjectStoreName, args: TempoStackArgs) -> ObjectStoreArgs:
    return ObjectStoreArgs(
        namespace=args.tempo.namespace,
        store=store,
        s3=args.tempo.storage.s3,
        keys=_keys(args),
        curl_image=args.curl_image,
        platform=args.platform,
        protect_data=args.protect_data,
        context=args.context,
    )


def _keys(args: TempoStackArgs) -> ObjectStoreKeys:
    access_key, secret_key = args.object_store_access_key, args.object_store_secret_key
    if access_key is None or secret_key is None:
        source = args.tempo.storage.s3.source
        raise ValueError(f"objectStoreAccessKey and objectStoreSecretKey: needed for tempo.storage.s3.source {source}")
    return ObjectStoreKeys(access_key=access_key, secret_key=secret_key)


def _tls(s3: S3) -> dict[str, Any]:
    """Whether the store is called with TLS, and who signed its certificate.

    For a TempoMonolithic the operator takes the first from the endpoint, for a TempoStack from here alone.
    """
    if s3.is_encrypted is None:
        return {}
    authority = {} if s3.ca_name is None else {"caName": s3.ca_name}
    return {"tls": {"enabled": s3.is_encrypted, **authority}}


def _memory_size(tempo: Tempo) -> dict[str, str]:
    """The size of the volume in memory, which counts against the container's limit.

    A volume as large as the limit would get Tempo killed, and, because it outlives the container, killed again.
    """
    if "size" in tempo.storage.model_fields_set:
        return {"size": tempo.storage.size}
    limit = tempo.resources.limits.get("memory")
    return {} if limit is None else {"size": _half(limit)}


def _half(quantity: str) -> str:
    number = quantity.rstrip("mkKMGTPEi")
    return f"{(Decimal(number) / 2).normalize():f}{quantity.removeprefix(number)}"

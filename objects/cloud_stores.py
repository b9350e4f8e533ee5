"""The Secrets that describe the object stores of clouds, and the fields that name them, for Tempo's operator.

By the keys of a Secret the operator sees whether its credentials are those of a key or of an identity; where a field
can say so too, it does (tempo-operator: internal/handlers/storage).
"""

from collections.abc import Mapping

from model import S3, Azure, Gcs, Storage
from objects.context import Text

# Each different from the others, and from those of other stores that speak S3: when the source changes, the new Secret
# is created before the old one is deleted.
_ROLE, _AZURE, _GCS = "tempo-s3-role", "tempo-azure", "tempo-gcs"


def cloud_secret(storage: Storage) -> str | None:
    """The name of the Secret that describes a cloud's store; None for a store of another kind."""
    if storage.backend == "s3" and storage.s3.source == "role":
        return _ROLE
    if storage.backend == "azure":
        return storage.azure.secret_name if storage.azure.source == "secret" else _AZURE
    if storage.backend == "gcs":
        return storage.gcs.secret_name if storage.gcs.source == "secret" else _GCS
    return None


def cloud_secret_data(
    storage: Storage, *, azure_account_key: Text | None, gcs_key: Text | None
) -> Mapping[str, Text] | None:
    """What is in the Secret that we make; None if we make none."""
    if storage.backend == "s3" and storage.s3.source == "role":
        return _of_role(storage.s3)
    if storage.backend == "azure" and storage.azure.source != "secret":
        return _of_azure(storage.azure, azure_account_key)
    if storage.backend == "gcs" and storage.gcs.source != "secret":
        return _of_gcs(storage.gcs, gcs_key)
    return None


def credential_mode(storage: Storage) -> dict[str, str]:
    """The field of a TempoStack, and of a TempoMonolithic on S3, that says what kind of credentials the Secret has."""
    if storage.backend == "s3" and storage.s3.source == "role":
        return {"credentialMode": "token-cco" if storage.s3.role_arn is None else "token"}
    return {}


def account_annotations(storage: Storage) -> dict[str, str]:
    """The annotations by which a ServiceAccount of ours has an identity; its own account the operator annotates."""
    if storage.backend == "s3" and storage.s3.source == "role" and storage.s3.role_arn is not None:
        return {"eks.amazonaws.com/audience": "sts.amazonaws.com", "eks.amazonaws.com/role-arn": storage.s3.role_arn}
    azure = storage.azure
    if storage.backend == "azure" and azure.source == "identity":
        # The model requires both ids.
        ids = {"client-id": azure.client_id or "", "tenant-id": azure.tenant_id or ""}
        return {f"azure.workload.identity/{name}": value for name, value in ids.items()}
    return {}


def _of_role(s3: S3) -> Mapping[str, Text]:
    role = {} if s3.role_arn is None else {"role_arn": s3.role_arn}
    # The model requires the region for this source.
    return {"bucket": s3.bucket, "region": s3.region or "", **role}


def _of_azure(azure: Azure, key: Text | None) -> Mapping[str, Text]:
    # The model requires the account, and for an identity the two ids.
    described: dict[str, Text] = {"container": azure.container, "account_name": azure.account_name or ""}
    if azure.source == "identity":
        return {**described, "client_id": azure.client_id or "", "tenant_id": azure.tenant_id or ""}
    if key is None:
        raise ValueError("azureAccountKey: needed for tempo.storage.azure.source keys")
    return {**described, "account_key": key}


def _of_gcs(gcs: Gcs, key: Text | None) -> Mapping[str, Text]:
    if key is None:
        raise ValueError("gcsKey: needed for tempo.storage.gcs.source keys")
    return {"bucketname": gcs.bucket, "key.json": key}

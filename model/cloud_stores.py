"""Object stores of clouds that do not speak S3."""

from typing import Literal

from pydantic import Field, model_validator

from model.parts import Section
from model.scalars import AzureAccount, BucketName, Name, Uuid, expected


class Azure(Section):
    """Blob storage of Azure."""

    source: Literal["keys", "identity", "secret"] = Field(
        default="keys",
        examples=["identity"],
        description="`keys`: with the account's key, `azureAccountKey` of secret configuration; `identity`: as the "
        "workload identity of Tempo's pods; `secret`: as a Secret says that exists in Tempo's namespace.",
    )
    container: BucketName = Field(
        default="tempo", description="For `keys` and `identity`: the container, which exists."
    )
    account_name: AzureAccount | None = Field(
        default=None, examples=["traces"], description="For `keys` and `identity`: the storage account."
    )
    client_id: Uuid | None = Field(default=None, description="For `identity`: the client's id.")
    tenant_id: Uuid | None = Field(default=None, description="For `identity`: the tenant's id.")
    secret_name: Name | None = Field(
        default=None,
        examples=["tempo-azure-store"],
        description="For `secret`: the Secret, with the keys container, account_name and either account_key or "
        "client_id and tenant_id.",
    )

    @model_validator(mode="after")
    def _complete(self) -> "Azure":
        if self.source == "identity" and (self.client_id is None or self.tenant_id is None):
            raise expected("clientId and tenantId: source identity is known by both")
        if self.source != "identity" and (self.client_id is not None or self.tenant_id is not None):
            raise expected(f"no clientId and no tenantId for source {self.source}")
        return self


class Gcs(Section):
    """Cloud Storage of Google."""

    source: Literal["keys", "secret"] = Field(
        default="keys",
        examples=["secret"],
        description="`keys`: with the credentials file `gcsKey` of secret configuration, which is a service account's "
        "key or a configuration of workload identity federation; `secret`: as a Secret says that exists in Tempo's "
        "namespace.",
    )
    bucket: BucketName = Field(default="tempo", description="For `keys`: the existing bucket.")
    secret_name: Name | None = Field(
        default=None,
        examples=["tempo-gcs-store"],
        description="For `secret`: the Secret, with the keys bucketname and key.json.",
    )

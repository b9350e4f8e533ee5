"""The object stores that we can deploy: what each has that the others have not."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ConfigDict, Field

from model import ObjectStoreName, Volume
from model.parts import Section
from model.scalars import amount
from objects.context import Object, Text
from objects.digest import keyed_digest
from objects.manifests import with_arguments

_MIB = 2**20
# A store fills parts of its volume one after the other: small enough that a small volume has several, so few that a
# large one does not have thousands of open files.
_SMALLEST_PART, _LARGEST_PART, _PARTS = 64, 1024, 64


class ObjectStoreKeys(Section):
    """The credentials of an object store: secret Outputs, which are only ever written into Secrets."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    access_key: Text = Field(description="The user.")
    secret_key: Text = Field(description="The password, at least 8 characters.")


@dataclass(frozen=True, kw_only=True)
class Store:
    """``credentials`` makes the content of the Secret from which the store learns who may use it, of user and password.

    The names are not those of another store: while a stack moves, it has both.
    """

    name: ObjectStoreName
    port: int
    # Of the pod, elsewhere than on OpenShift.
    user: int
    credentials_secret: str
    client_secret: str
    bucket_job: str
    credentials: Callable[[str, str], Mapping[str, str]]
    # The pod's Deployment for the volume of the settings, with the image of the helpers.
    complete: Callable[[Object, Volume, str], Object]

    @property
    def manifest(self) -> str:
        """Its file in ``manifests/``: volume, Service and Deployment."""
        return f"{self.name}.yaml"


def _seaweedfs_config(user: str, password: str) -> Mapping[str, str]:
    """Its S3 gateway's configuration; an identity that keeps its name keeps the bucket when the keys change.

    Without a signing key, the gateway takes further identities from whoever calls it by gRPC
    (seaweedfs: weed/s3api/s3api_server_grpc.go).
    """
    identity = {
        "name": "tempo",
        "credentials": [{"accessKey": user, "secretKey": password}],
        "actions": ["Admin"],
    }
    return {"s3.json": json.dumps({"identities": [identity]}), "signing-key": keyed_digest(password, "signing-key")}


def _sized_parts(deployment: Object, volume: Volume, _curl_image: str) -> Object:
    """SeaweedFS, whose own volumes, the files that it keeps objects in, have a size that fits the claim's."""
    part = int(amount(volume.size)) // _MIB // _PARTS
    limit = min(max(part, _SMALLEST_PART), _LARGEST_PART)
    return with_arguments(deployment, f"-master.volumeSizeLimitMB={limit}")


def _minio_root(user: str, password: str) -> Mapping[str, str]:
    return {"user": user, "password": password}


def _with_shell(deployment: Object, _volume: Volume, curl_image: str) -> Object:
    """MinIO, whose first container needs a shell, which not every image of MinIO has."""
    spec = deployment["spec"]
    template = spec["template"]
    (first,) = template["spec"]["initContainers"]
    pod: dict[str, Any] = {**template["spec"], "initContainers": [{**first, "image": curl_image}]}
    return {**deployment, "spec": {**spec, "template": {**template, "spec": pod}}}


STORES: Mapping[ObjectStoreName, Store] = {
    "seaweedfs": Store(
        name="seaweedfs",
        port=8333,
        # The one that the image is made for; it begins as root and becomes this one by itself.
        user=1000,
        credentials_secret="seaweedfs-s3",  # noqa: S106  the name of a Secret
        client_secret="tempo-seaweedfs",  # noqa: S106  the name of a Secret
        bucket_job="seaweedfs-bucket",
        credentials=_seaweedfs_config,
        complete=_sized_parts,
    ),
    "minio": Store(
        name="minio",
        port=9000,
        # Any would do: the image names no user, so that without one it would run as root.
        user=1000,
        credentials_secret="minio-root",  # noqa: S106  the name of a Secret
        client_secret="tempo-object-storage",  # noqa: S106  the name of a Secret
        bucket_job="tempo-bucket",
        credentials=_minio_root,
        complete=_with_shell,
    ),
}

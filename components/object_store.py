"""A small S3 store (MinIO) with one bucket, for clusters that have no object store of their own.

It owns the store, its volume, its credentials and the Job that makes the bucket. It is a single
pod: an environment whose traces matter wants a real object store.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

import model
from components import _manifests
from components._addresses import MINIO, service_host
from components._package import PACKAGE, labels, once_ready, within
from components._s3 import S3Keys, client_data

CLIENT_SECRET = "tempo-object-storage"  # noqa: S105  the name of a Secret
ROOT_SECRET = "minio-root"  # noqa: S105  the name of a Secret
_PORT = 9000


@dataclass(frozen=True, kw_only=True)
class ObjectStoreArgs:
    """``keys`` become those of the store's root user, which Tempo uses too."""

    namespace: str
    cluster_domain: str
    storage: model.S3
    curl_image: str
    keys: S3Keys
    protect_data: bool
    timeout_seconds: int


class ObjectStore(pulumi.ComponentResource):
    """A store whose bucket exists; ``secret_name`` is that of the Secret Tempo's operator reads."""

    secret_name: pulumi.Output[str]

    def __init__(self, name: str, args: ObjectStoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"{PACKAGE}:ObjectStore", name, None, opts)
        self._name = name
        self._args = args
        manifests = {
            obj["kind"]: _manifests.place(obj, namespace=args.namespace, labels=labels(MINIO))
            for obj in _manifests.load("minio.yaml")
        }

        endpoint = f"http://{service_host(MINIO, args.namespace, args.cluster_domain)}:{_PORT}"
        root = self._secret(
            "root",
            ROOT_SECRET,
            {"user": args.keys.access_key, "password": args.keys.secret_key},
            # What the store has written can be read with them only.
            protect=args.protect_data,
        )
        client = self._secret(
            "client", CLIENT_SECRET, client_data(bucket=args.storage.bucket, endpoint=endpoint, keys=args.keys)
        )
        # CRITICAL: a new logical name for the volume would delete every stored trace.
        volume = self._create(
            _manifests.sized(manifests["PersistentVolumeClaim"], args.storage.minio),
            depends_on=[],
            protect=args.protect_data,
        )
        service = self._create(manifests["Service"], depends_on=[])
        deployment = self._create(
            _manifests.with_image(manifests["Deployment"], args.storage.minio.image),
            # The pod mounts the volume and reads its credentials from the Secret.
            depends_on=[volume, root],
        )
        bucket = self._create(
            _manifests.with_image(manifests["Job"], args.curl_image),
            # The Job calls the store by its Service, with the credentials of the client.
            depends_on=[deployment, service, client],
        )

        # The Job that made the bucket has waited for the Secret.
        self.secret_name = once_ready(CLIENT_SECRET, bucket)
        self.register_outputs({"secret_name": self.secret_name})

    def _create(
        self, manifest: _manifests.Manifest, *, depends_on: list[pulumi.Resource], protect: bool = False
    ) -> pulumi.CustomResource:
        opts = pulumi.ResourceOptions(
            parent=self,
            depends_on=depends_on,
            protect=protect,
            custom_timeouts=within(self._args.timeout_seconds),
        )
        return _manifests.create(manifest, prefix=self._name, opts=opts)

    def _secret(
        self, role: str, secret_name: str, data: Mapping[str, pulumi.Input[str]], *, protect: bool = False
    ) -> k8s.core.v1.Secret:
        return k8s.core.v1.Secret(
            f"{self._name}-{role}",
            metadata={
                "name": secret_name,
                "namespace": self._args.namespace,
                "labels": labels(MINIO),
            },
            string_data=data,
            opts=pulumi.ResourceOptions(parent=self, protect=protect),
        )

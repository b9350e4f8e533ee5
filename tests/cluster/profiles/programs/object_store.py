"""Somebody's S3 store with the bucket of the stack `prod`."""

import pulumi
import pulumi_kubernetes as k8s

from components import ObjectStore
from model import S3
from objects.object_store import ObjectStoreArgs
from objects.stores import ObjectStoreKeys

config = pulumi.Config()
cluster = k8s.Provider("cluster", context=config.require_object("cluster")["context"])
options = pulumi.ResourceOptions(provider=cluster)
namespace = k8s.core.v1.Namespace("namespace", metadata={"name": "object-store"}, opts=options)
ObjectStore(
    "store",
    ObjectStoreArgs(
        namespace="object-store",
        s3=S3(bucket=config.require_object("tempo")["bucket"]),
        keys=ObjectStoreKeys(
            access_key=config.require_secret("objectStoreAccessKey"),
            secret_key=config.require_secret("objectStoreSecretKey"),
        ),
    ),
    pulumi.ResourceOptions(provider=cluster, depends_on=[namespace]),
)

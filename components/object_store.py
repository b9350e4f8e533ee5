"""A small S3 store (MinIO) with one bucket, for clusters that have no object store of their own.

It owns the store, its volume, its credentials and the Job that makes the bucket. It is a single
pod: an environment whose traces matter wants a real object store.
"""

import pulumi

from components._declare import PACKAGE, declare, once_ready, within
from objects.object_store import CLIENT_SECRET, ObjectStoreArgs, build_object_store


class ObjectStore(pulumi.ComponentResource):
    """A store whose bucket exists."""

    secret_name: pulumi.Output[str]
    """The name of the Secret that Tempo's operator reads, once the bucket is there."""

    def __init__(self, name: str, args: ObjectStoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"{PACKAGE}:ObjectStore", name, None, opts)
        args = ObjectStoreArgs.model_validate(args)
        objects = build_object_store(args)

        def create(role: str, opts: pulumi.ResourceOptions) -> pulumi.CustomResource:
            return declare(f"{name}-{role}", objects[role], opts)

        limit = within(args.context.timeouts.object_store)
        root = create(
            "root",
            pulumi.ResourceOptions(
                parent=self,
                # What the store has written can be read with them only.
                protect=args.protect_data,
            ),
        )
        client = create("client", pulumi.ResourceOptions(parent=self))
        # CRITICAL: a new logical name for the volume would delete every stored trace.
        volume = create(
            "persistentvolumeclaim-minio",
            pulumi.ResourceOptions(parent=self, protect=args.protect_data, custom_timeouts=limit),
        )
        service = create("service-minio", pulumi.ResourceOptions(parent=self, custom_timeouts=limit))
        deployment = create(
            "deployment-minio",
            pulumi.ResourceOptions(
                parent=self,
                # The pod mounts the volume and reads its credentials from the Secret.
                depends_on=[volume, root],
                custom_timeouts=limit,
            ),
        )
        bucket = create(
            "job-tempo-bucket",
            pulumi.ResourceOptions(
                parent=self,
                # The Job calls the store by its Service, with the credentials of the client.
                depends_on=[deployment, service, client],
                custom_timeouts=limit,
            ),
        )

        # The Job that made the bucket has waited for the Secret.
        self.secret_name = once_ready(CLIENT_SECRET, bucket)
        self.register_outputs({"secret_name": self.secret_name})

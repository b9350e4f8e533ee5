"""A small S3 store with one bucket, for clusters that have no object store of their own.

It owns the store, its volume, its credentials and the Job that makes the bucket. It is a single
pod: an environment whose traces matter wants a real object store.
"""

import pulumi

from components._declare import PACKAGE, declare, once_ready, waited_for, within
from components._revision import Watch, revision, revision_key, served_by
from objects import manifests
from objects.object_store import ObjectStoreArgs, build_object_store, store_rollout
from objects.stores import STORES

# A Job of an older version has none of these, and its pods have ended; to change them would be to make it anew.
_OF_OLDER_JOBS = ["spec.template.spec.securityContext", "spec.template.spec.containers[0].securityContext"]


class ObjectStore(pulumi.ComponentResource):
    """A store whose bucket exists."""

    secret_name: pulumi.Output[str]
    """The name of the Secret that Tempo's operator reads, once the bucket is there."""

    def __init__(
        self,
        name: str,
        args: ObjectStoreArgs,
        opts: pulumi.ResourceOptions | None = None,
        *,
        watch: Watch | None = None,
    ) -> None:
        """With ``watch``, what needs the store waits until the pod of this update serves."""
        super().__init__(f"{PACKAGE}:ObjectStore", name, None, opts)
        args = ObjectStoreArgs.model_validate(args)
        self._name = name
        key = revision_key(f"{name}-revision-key", pulumi.ResourceOptions(parent=self))
        # The store reads its credentials at its start only.
        made = revision(key, args.keys.access_key, args.keys.secret_key)
        keys = pulumi.Output.all(args.keys.access_key, args.keys.secret_key)
        credentials = keys.apply(lambda known: STORES[args.store].credentials(*known))
        self._objects = build_object_store(args, credentials=credentials, revision=made)
        self._limit = within(args.context.timeouts.object_store)

        # Without these credentials, nothing that the store has written can be read.
        root = self._create("root", protect=args.protect_data)
        client = self._create("client")
        # CRITICAL: a new logical name for the volume would delete every stored trace.
        volume = self._create("volume", protect=args.protect_data)
        service = self._create("service")
        # The pod mounts the volume and reads its credentials from the Secret.
        deployment = self._create("deployment", depends_on=[volume, root])
        served = served_by(deployment, made, store_rollout(args), watch)
        # The Job calls the store by its Service, with the credentials of the client.
        bucket = self._create("bucket", depends_on=[deployment, waited_for(served), service, client])

        # The Job that made the bucket has waited for the Secret.
        self.secret_name = once_ready(STORES[args.store].client_secret, bucket)
        self.register_outputs({"secret_name": self.secret_name})

    def _create(
        self, role: str, *, depends_on: list[pulumi.Input[pulumi.Resource]] | None = None, protect: bool = False
    ) -> pulumi.Resource:
        obj = self._objects[role]
        if obj["kind"] == "Secret":
            opts = pulumi.ResourceOptions(parent=self, protect=protect)
            return declare(f"{self._name}-{role}", obj, opts)
        opts = pulumi.ResourceOptions(
            parent=self,
            depends_on=depends_on,
            protect=protect,
            custom_timeouts=self._limit,
            ignore_changes=_OF_OLDER_JOBS if obj["kind"] == "Job" else None,
        )
        return declare(f"{self._name}-{manifests.role(obj)}", obj, opts)

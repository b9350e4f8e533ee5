"""Tempo, which stores the traces and writes the service graph to Prometheus."""

from collections.abc import Sequence

import pulumi

from components._declare import PACKAGE, declare, declare_patch, once_ready, waited_for, within
from components._revision import Watch, once_served, revision, revision_key, served_by
from components.object_store import ObjectStore
from model import ObjectStoreName
from objects.addresses import tempo_otlp_address, tempo_query_url
from objects.context import Object, Text
from objects.tempo import build_beside, build_metrics_services, build_tempo, tempo_rollout, unscaled
from objects.tempo_args import TempoStackArgs
from objects.tempo_claims import claims_of
from objects.tempo_graph import build_tempo_graph, tempo_graph_rollout
from objects.tempo_storage import build_store_copy, build_store_secret, cloud_store, object_stores, store_secret

# CRITICAL: another name of a store's component would delete every trace in it.
_STORES: dict[ObjectStoreName, str] = {"seaweedfs": "seaweedfs", "minio": "object-store"}


class TempoStack(pulumi.ComponentResource):
    """A Tempo that is ready to take spans, with its metrics generator and, if asked for, its object store."""

    query_url: pulumi.Output[str]
    """Where pods search and read traces, once Tempo is ready."""
    otlp_address: pulumi.Output[str]
    """Where Tempo takes spans by OTLP over gRPC, once it is ready: host and port."""

    def __init__(
        self,
        name: str,
        args: TempoStackArgs,
        opts: pulumi.ResourceOptions | None = None,
        *,
        watch: Watch | None = None,
    ) -> None:
        """With ``watch``, ready means that the pods of this update serve; without it, that the operator says so."""
        super().__init__(f"{PACKAGE}:TempoStack", name, None, opts)
        args = TempoStackArgs.model_validate(args)
        # Tempo waits for the Secret, and stops if its bucket does not exist.
        stores = {
            store.store: ObjectStore(
                f"{name}-{_STORES[store.store]}", store, pulumi.ResourceOptions(parent=self), watch=watch
            )
            for store in object_stores(args)
        }
        secret_name = self._describe_store(name, args, stores)
        key = revision_key(f"{name}-revision-key", pulumi.ResourceOptions(parent=self))
        # The credentials are read at the start only, so new ones are a new revision too.
        spec = build_tempo(unscaled(args), secret_name)["spec"]
        beside = build_beside(args)
        further = [*cloud_store(args), *(obj["stringData"] for obj in beside.values() if obj["kind"] == "Secret")]
        made = revision(key, spec, args.object_store_access_key, args.object_store_secret_key, *further)
        child = pulumi.ResourceOptions(parent=self)
        before_tempo = [declare(f"{name}-{role}", obj, child) for role, obj in beside.items()]
        # CRITICAL: the operator keeps Tempo's volumes, and with `pv` every trace, for this resource.
        self._tempo = declare(
            f"{name}-{args.tempo.mode}",
            build_tempo(args, secret_name, revision=made, awaited=watch is None),
            pulumi.ResourceOptions(
                parent=self,
                protect=args.protect_data,
                # The operator refuses a resource whose account is not there, and its pods read the Secret.
                depends_on=before_tempo,
                custom_timeouts=within(args.context.timeouts.tempo),
            ),
        )

        for role, service in build_metrics_services(args).items():
            declare(f"{name}-{role}", service, child)

        served = served_by(self._tempo, made, tempo_rollout(args), watch)
        self._size_claims(name, args, build_tempo(args, secret_name), served)
        copy = build_store_copy(args)
        if copy is not None:
            # Once Tempo writes to the new store, nothing is added to the old one.
            opts = pulumi.ResourceOptions(
                parent=self,
                depends_on=[waited_for(served), *(waited_for(store.secret_name) for store in stores.values())],
                custom_timeouts=within(args.context.timeouts.object_store),
            )
            declare(f"{name}-copy", copy, opts)
        if args.graph_beside:
            made = revision(key, build_tempo_graph(args)["spec"], *further)
            graph = self._graph(name, args, made, before_tempo, awaited=watch is None)
            graph_served = served_by(graph, made, tempo_graph_rollout(args), watch)
            served = pulumi.Output.all(served, graph_served).apply(lambda known: str(known[0]))
        self.query_url = once_served(tempo_query_url(args.tempo, args.context), served)
        self.otlp_address = once_served(tempo_otlp_address(args.tempo, args.context), served)
        self.register_outputs({"query_url": self.query_url, "otlp_address": self.otlp_address})

    def _size_claims(self, name: str, args: TempoStackArgs, tempo: Object, served: pulumi.Output[str]) -> None:
        """Let the claims grow that Tempo's operator has made; one without a size is none, so a destroy leaves it."""
        opts = pulumi.ResourceOptions(
            parent=self,
            depends_on=[waited_for(served)],
            retain_on_delete=True,
            custom_timeouts=within(args.context.timeouts.tempo),
        )
        for number, claim in enumerate(claims_of(tempo)):
            declare_patch(f"{name}-claim-{number}", claim, opts)

    def _graph(
        self,
        name: str,
        args: TempoStackArgs,
        made: pulumi.Output[str],
        before: Sequence[pulumi.Resource],
        *,
        awaited: bool,
    ) -> pulumi.Resource:
        """The Tempo that makes the service graph where the TempoStack cannot."""
        limit = within(args.context.timeouts.tempo)
        opts = pulumi.ResourceOptions(parent=self, depends_on=before, custom_timeouts=limit)
        return declare(f"{name}-graph", build_tempo_graph(args, revision=made, awaited=awaited), opts)

    def _describe_store(
        self, name: str, args: TempoStackArgs, stores: dict[ObjectStoreName, ObjectStore]
    ) -> Text | None:
        """The Secret that describes the object store, if there is one; the name carries the wait for both."""
        secret_name = store_secret(args.tempo.storage)
        own = args.tempo.storage.s3.own
        if own in stores:
            return stores[own].secret_name
        child = pulumi.ResourceOptions(parent=self)
        described = build_store_secret(args)
        if described is not None and secret_name is not None:
            # Each description has a name of its own, so that a new one is there before the old one goes.
            return once_ready(secret_name, declare(f"{name}-{secret_name.removeprefix('tempo-')}", described, child))
        return secret_name

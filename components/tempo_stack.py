"""Tempo, which stores the traces and writes the service graph to Prometheus."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
from pulumi_kubernetes.apiextensions import CustomResource

import model
from components._addresses import TEMPO, TempoAddress
from components._package import PACKAGE, labels, once_ready, wait_for, within
from components._s3 import S3Keys, client_data
from components._tempo_resources import JaegerUi, build_tempo_monolithic, build_tempo_stack
from components.object_store import ObjectStore, ObjectStoreArgs

# Not the name of the Secret for a store of our own: when the source changes, the new one is made
# before the old one goes.
KEYS_SECRET = "tempo-s3-keys"  # noqa: S105  the name of a Secret

KINDS = {
    "monolithic": ("TempoMonolithic", build_tempo_monolithic),
    "stack": ("TempoStack", build_tempo_stack),
}


@dataclass(frozen=True, kw_only=True)
class TempoStackArgs:
    """``remote_write_url`` is where the metrics generator sends the service graph.

    ``object_store_keys`` are there for the sources `minio` and `keys`.
    """

    tempo: model.Tempo
    address: TempoAddress
    curl_image: str
    remote_write_url: pulumi.Input[str]
    object_store_keys: S3Keys | None
    jaeger_ui: JaegerUi | None
    protect_data: bool
    timeouts: model.Timeouts


class TempoStack(pulumi.ComponentResource):
    """A Tempo that is ready to take spans; its addresses carry the wait for it."""

    query_url: pulumi.Output[str]
    otlp_address: pulumi.Output[str]

    def __init__(self, name: str, args: TempoStackArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"{PACKAGE}:TempoStack", name, None, opts)
        self._tempo = self._create_tempo(name, args, self._describe_store(name, args))

        self.query_url = once_ready(args.address.query_url, self._tempo)
        self.otlp_address = once_ready(args.address.otlp_grpc, self._tempo)
        self.register_outputs({"query_url": self.query_url, "otlp_address": self.otlp_address})

    def _describe_store(self, name: str, args: TempoStackArgs) -> pulumi.Input[str] | None:
        """The Secret that describes the object store, if there is one; the name carries the wait for both."""
        storage = args.tempo.storage
        if storage.backend != "s3":
            return None
        if storage.s3.source == "secret":
            return storage.s3.secret_name
        if args.object_store_keys is None:
            raise ValueError(f"TempoStackArgs.object_store_keys: none; source {storage.s3.source} needs them")
        if storage.s3.source == "keys":
            return self._create_keys(name, args, args.object_store_keys)
        store = ObjectStore(
            f"{name}-object-store",
            ObjectStoreArgs(
                namespace=args.tempo.namespace,
                cluster_domain=args.address.cluster_domain,
                storage=storage.s3,
                curl_image=args.curl_image,
                keys=args.object_store_keys,
                protect_data=args.protect_data,
                timeout_seconds=args.timeouts.object_store,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        return store.secret_name

    def _create_keys(self, name: str, args: TempoStackArgs, keys: S3Keys) -> pulumi.Output[str]:
        s3 = args.tempo.storage.s3
        secret = k8s.core.v1.Secret(
            f"{name}-s3-keys",
            metadata={"name": KEYS_SECRET, "namespace": args.tempo.namespace, "labels": labels(TEMPO)},
            # The settings require the endpoint for this source.
            string_data=client_data(bucket=s3.bucket, endpoint=s3.endpoint or "", keys=keys),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return once_ready(KEYS_SECRET, secret)

    def _create_tempo(self, name: str, args: TempoStackArgs, secret_name: pulumi.Input[str] | None) -> CustomResource:
        kind, build_spec = KINDS[args.tempo.mode]
        # CRITICAL: the operator keeps Tempo's volumes, and with `pv` every trace, for this resource.
        return CustomResource(
            f"{name}-{args.tempo.mode}",
            api_version="tempo.grafana.com/v1alpha1",
            kind=kind,
            metadata={
                "name": TEMPO,
                "namespace": args.tempo.namespace,
                "labels": labels(TEMPO),
                # Ready covers the pods as well as the objects. Its operator documents it in the
                # resource's status.
                "annotations": wait_for("condition=Ready"),
            },
            spec=build_spec(
                args.tempo,
                # Tempo waits for the Secret, and stops if its bucket does not exist.
                secret_name=secret_name,
                remote_write_url=args.remote_write_url,
                jaeger_ui=args.jaeger_ui,
            ),
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=args.protect_data,
                custom_timeouts=within(args.timeouts.tempo),
            ),
        )

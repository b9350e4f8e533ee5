"""Tempo, which stores the traces in an object store and writes the service graph to Prometheus."""

from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource

import model
from components._addresses import TEMPO, TempoAddress
from components._package import PACKAGE, labels, once_ready, wait_for, within
from components.object_store import ObjectStore, ObjectStoreArgs

# The only writable path in Tempo's container that the operator provides. A generator without a path
# disables itself.
_GENERATOR_WAL = "/var/tempo/generator/wal"


@dataclass(frozen=True, kw_only=True)
class TempoStackArgs:
    """``remote_write_url`` is where the metrics generator sends the service graph."""

    tempo: model.Tempo
    address: TempoAddress
    curl_image: str
    remote_write_url: pulumi.Input[str]
    access_key: pulumi.Input[str]
    secret_key: pulumi.Input[str]
    timeouts: model.Timeouts


class TempoStack(pulumi.ComponentResource):
    """A Tempo that is ready to take spans; its addresses carry the wait for it."""

    query_url: pulumi.Output[str]
    otlp_address: pulumi.Output[str]

    def __init__(self, name: str, args: TempoStackArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"{PACKAGE}:TempoStack", name, None, opts)
        self._object_store = ObjectStore(
            f"{name}-object-store",
            ObjectStoreArgs(
                namespace=args.tempo.namespace,
                cluster_domain=args.address.cluster_domain,
                storage=args.tempo.storage.s3,
                curl_image=args.curl_image,
                access_key=args.access_key,
                secret_key=args.secret_key,
                timeout_seconds=args.timeouts.object_store,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        # CRITICAL: the operator keeps Tempo's write-ahead log in a volume of this resource's.
        self._tempo = CustomResource(
            f"{name}-monolithic",
            api_version="tempo.grafana.com/v1alpha1",
            kind="TempoMonolithic",
            metadata={
                "name": TEMPO,
                "namespace": args.tempo.namespace,
                "labels": labels(TEMPO),
                # Ready covers the pods as well as the objects. Its operator documents it in the
                # resource's status.
                "annotations": wait_for("condition=Ready"),
            },
            spec=build_tempo_monolithic(
                args.tempo,
                secret_name=self._object_store.secret_name,
                remote_write_url=args.remote_write_url,
            ),
            opts=pulumi.ResourceOptions(
                parent=self,
                # Tempo stops if its bucket does not exist.
                depends_on=[self._object_store],
                custom_timeouts=within(args.timeouts.tempo),
            ),
        )

        self.query_url = once_ready(args.address.query_url, self._tempo)
        self.otlp_address = once_ready(args.address.otlp_grpc, self._tempo)
        self.register_outputs({"query_url": self.query_url, "otlp_address": self.otlp_address})


def build_tempo_monolithic(
    tempo: model.Tempo,
    *,
    secret_name: pulumi.Input[str],
    remote_write_url: pulumi.Input[str],
) -> dict[str, Any]:
    """The spec of a TempoMonolithic whose single binary also runs the metrics generator."""
    traces: dict[str, Any] = {
        "backend": "s3",
        "size": tempo.storage.size,
        "s3": {"secret": secret_name},
    }
    if tempo.storage.storage_class is not None:
        traces["storageClassName"] = tempo.storage.storage_class
    return {
        "storage": {"traces": traces},
        "ingestion": {"otlp": {"grpc": {"enabled": True}, "http": {"enabled": True}}},
        "resources": tempo.resources.to_kubernetes(),
        # The resource has no field for the generator; the operator merges this over the
        # configuration it renders.
        "extraConfig": {"tempo": build_tempo_config(tempo, remote_write_url)},
    }


def build_tempo_config(tempo: model.Tempo, remote_write_url: pulumi.Input[str]) -> dict[str, Any]:
    """Keys that Tempo 2.6 to 2.10 all know."""
    return {
        "compactor": {"compaction": {"block_retention": tempo.retention}},
        "metrics_generator": {
            "storage": {
                "path": _GENERATOR_WAL,
                "remote_write": [{"url": remote_write_url, "send_exemplars": True}],
            },
            "registry": {
                "collection_interval": tempo.graph_interval,
                "external_labels": {"source": "tempo"},
            },
            "processor": {"service_graphs": {}, "span_metrics": {}},
        },
        # A processor that is configured runs only for the tenants that also have it switched on
        # here.
        "overrides": {"defaults": {"metrics_generator": {"processors": ["service-graphs", "span-metrics"]}}},
    }

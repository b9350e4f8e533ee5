"""The stores: Tempo with its storage, and Prometheus."""

from typing import Literal

from pydantic import Field, model_validator

from model.parts import ExtraConfig, Resources, Section, Volume
from model.scalars import BucketName, Flag, GoDuration, HttpUrl, Image, Name, PrometheusDuration, expected


class Minio(Volume):
    """The object store that the program deploys: a single pod of MinIO."""

    image: Image = Field(
        default="quay.io/minio/minio:RELEASE.2025-09-07T16-13-09Z",
        description="The image of MinIO; this one is the last that was published.",
    )


class S3(Section):
    """An object store that speaks S3."""

    source: Literal["minio", "keys", "secret"] = Field(
        default="minio",
        examples=["keys"],
        description="`minio`: the program deploys MinIO; `keys`: an existing store, with keys in secret configuration; "
        "`secret`: an existing store, described by a Secret that exists in Tempo's namespace.",
    )
    bucket: BucketName = Field(
        default="tempo", description="The bucket: created if missing with `minio`, must exist with `keys`."
    )
    endpoint: HttpUrl | None = Field(
        default=None,
        examples=["https://s3.eu-central-1.amazonaws.com"],
        description="For `keys`: the store's URL; http means no encryption.",
    )
    secret_name: Name | None = Field(
        default=None,
        examples=["tempo-s3"],
        description="For `secret`: the Secret, with the keys bucket, endpoint, access_key_id and access_key_secret.",
    )
    minio: Minio = Field(default=Minio(), description="For `minio`: the store.")

    @model_validator(mode="after")
    def _complete(self) -> "S3":
        if self.source == "keys" and self.endpoint is None:
            raise expected("an endpoint: source keys is an existing object store")
        if self.source == "secret" and self.secret_name is None:
            raise expected("a secretName: source secret reads one")
        return self


class Storage(Volume):
    """Where Tempo keeps traces; size and class are those of its own volume."""

    backend: Literal["memory", "pv", "s3"] = Field(
        default="pv",
        examples=["s3"],
        description="`memory`: lost with the pod; `pv`: one volume; `s3`: an object store, "
        "with a volume for what is not in it yet.",
    )
    s3: S3 = Field(default=S3(), description="For `s3`: the object store.")


class Tempo(Section):
    """The trace store."""

    mode: Literal["monolithic", "stack"] = Field(
        default="monolithic",
        examples=["monolithic"],
        description="`monolithic`: one process; `stack`: one per component, on `s3`, by Tempo operator 0.22 or newer.",
    )
    namespace: Name = Field(default="tracing-system", description="Namespace of Tempo and of its object store.")
    storage: Storage = Field(default=Storage(), description="Where traces are kept.")
    retention: GoDuration = Field(default="48h", description="How long traces are kept.")
    trace_idle_period: GoDuration = Field(
        default="5s",
        examples=["1s"],
        description="How long after its last span a trace becomes searchable: after one to two of these periods.",
    )
    graph_interval: GoDuration = Field(
        default="15s", description="How often the service graph is written to Prometheus."
    )
    replication_factor: Literal[1, 2, 3] = Field(
        default=1, examples=[3], description="For `stack`: how many ingesters hold each trace until it is stored."
    )
    histograms: Literal["classic", "native", "both"] = Field(
        default="classic",
        examples=["both"],
        description="Format of the latencies; with `native` alone, Grafana's service graph does not show them.",
    )
    resources: Resources = Field(
        default=Resources(requests={"cpu": "100m", "memory": "512Mi"}, limits={"memory": "2Gi"}),
        description="Requests and limits of Tempo, its metrics generator included.",
    )
    extra_config: ExtraConfig = Field(
        default={},
        examples=[{"ingester": {"max_block_duration": "10m"}}],
        description="Further configuration of Tempo, merged over the program's.",
    )

    @model_validator(mode="after")
    def _stack_on_s3(self) -> "Tempo":
        if self.mode == "stack" and self.storage.backend != "s3":
            raise expected("storage.backend s3 for mode stack: its parts share an object store")
        return self


class PrometheusVolume(Volume):
    """The volume of Prometheus."""

    fs_group: int | None = Field(
        default=None,
        ge=1,
        examples=[65534],
        description="Group that may write to the volume; none takes that of Prometheus's own user or, on OpenShift, "
        "the one that it assigns.",
    )


class ExistingPrometheus(Section):
    """An existing Prometheus, started with its remote-write receiver."""

    query_url: HttpUrl = Field(description="URL for queries, as pods of this cluster reach it.")
    write_url: HttpUrl | None = Field(
        default=None,
        examples=["http://prometheus.monitoring.svc.cluster.local:9090/api/v1/write"],
        description="URL for remote writes; none takes `/api/v1/write` below the query URL.",
    )


class Prometheus(Section):
    """The Prometheus that receives the service graph. Ours runs in the mesh's namespace."""

    existing: ExistingPrometheus | None = Field(
        default=None,
        examples=[{"queryUrl": "http://prometheus.monitoring.svc.cluster.local:9090"}],
        description="An existing Prometheus; the program then deploys none, and the other fields have no effect.",
    )
    image: Image = Field(default="quay.io/prometheus/prometheus:v3.5.0", description="The image of Prometheus.")
    retention: PrometheusDuration = Field(default="15d", description="How long samples are kept.")
    scrape_interval: PrometheusDuration = Field(
        default="15s", description="How often the collector, Tempo and istiod are scraped."
    )
    native_histograms: Flag = Field(default=False, description="Whether native histograms are accepted.")
    storage: PrometheusVolume | None = Field(
        default=None, description="The volume; without one, samples live as long as the pod."
    )
    resources: Resources = Field(
        default=Resources(requests={"cpu": "50m", "memory": "128Mi"}, limits={"memory": "1Gi"}),
        description="Requests and limits.",
    )

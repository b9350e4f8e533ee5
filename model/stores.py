"""The stores: Tempo with its storage, and Prometheus."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from model.access import Auth
from model.cloud_stores import Azure, Gcs
from model.existing_tempo import ExistingTempo
from model.parts import ExtraConfig, Resources, SecretEnv, Section, Volume, is_set, value_at
from model.scalars import (
    AwsRegion,
    BucketName,
    DataSourceUid,
    DnsName,
    Flag,
    GoDuration,
    HeaderName,
    HeaderValue,
    HttpUrl,
    Image,
    LabelKey,
    LabelValue,
    Name,
    Pem,
    PrometheusDuration,
    RoleArn,
    expected,
)
from model.tempo_parts import TempoParts

# The object stores that the program can deploy.
ObjectStoreName = Literal["seaweedfs", "minio"]


class SeaweedFS(Volume):
    """The object store that the program deploys: a single pod of SeaweedFS."""

    image: Image = Field(default="docker.io/chrislusf/seaweedfs:4.48", description="The image of SeaweedFS.")


class Minio(Volume):
    """The same with MinIO, whose project has ended."""

    image: Image = Field(
        default="quay.io/minio/minio:RELEASE.2025-09-07T16-13-09Z",
        description="The image of MinIO; this one is the last that was published, and has known vulnerabilities.",
    )


class S3(Section):
    """An object store that speaks S3."""

    source: Literal["seaweedfs", "minio", "keys", "role", "secret"] = Field(
        default="seaweedfs",
        examples=["keys"],
        description="`seaweedfs`, `minio`: the program deploys this store; `keys`: an existing store, with keys in "
        "secret configuration; `role`: S3 of AWS, by short-lived credentials of a role; `secret`: an existing store, "
        "described by a Secret that exists in Tempo's namespace.",
    )
    move_from: Literal["minio"] | None = Field(
        default=None,
        examples=["minio"],
        description="For `seaweedfs`: the store that the stack had before. It stays, and its traces are copied, "
        "until this is taken out again.",
    )
    bucket: BucketName = Field(
        default="tempo",
        description="The bucket: created if missing in a store of ours, must exist with `keys` and `role`.",
    )
    region: AwsRegion | None = Field(default=None, description="For `role`: the bucket's region.")
    role_arn: RoleArn | None = Field(
        default=None,
        description="For `role`: the role that Tempo's ServiceAccount may take; none lets OpenShift's Cloud Credential "
        "Operator provide one.",
    )
    endpoint: HttpUrl | None = Field(
        default=None,
        examples=["https://s3.eu-central-1.amazonaws.com"],
        description="For `keys`: the store's URL; https means with TLS, http without.",
    )
    secret_name: Name | None = Field(
        default=None,
        examples=["tempo-s3"],
        description="For `secret`: the Secret, with the keys bucket, endpoint, access_key_id and access_key_secret, or "
        "with bucket, region and role_arn.",
    )
    tls: Flag | None = Field(
        default=None,
        description="For `secret`: whether its endpoint is https. With `tempo.mode` `stack`, none means no TLS: the "
        "operator does not look at the endpoint there.",
    )
    ca_name: DnsName | None = Field(
        default=None,
        examples=["store-ca"],
        description="For a certificate of a private authority: the ConfigMap in Tempo's namespace that has the "
        "authority's certificate, in the key service-ca.crt.",
    )
    seaweedfs: SeaweedFS = Field(default=SeaweedFS(), description="For `seaweedfs`: the store.")
    minio: Minio = Field(default=Minio(), description="For `minio`: the store.")

    @model_validator(mode="after")
    def _complete(self) -> "S3":
        if self.source == "keys" and self.endpoint is None:
            raise expected("an endpoint: source keys is an existing object store")
        if self.source == "role" and self.region is None:
            raise expected("a region: source role is S3 of AWS")
        if self.source != "role" and (self.region is not None or self.role_arn is not None):
            raise expected(f"no region and no roleArn for source {self.source}")
        if self.source == "secret" and self.secret_name is None:
            raise expected("a secretName: source secret reads one")
        if self.source != "seaweedfs" and self.move_from is not None:
            raise expected(f"no moveFrom for source {self.source}: traces are copied into seaweedfs only")
        if self.source != "secret" and self.tls is not None:
            raise expected(f"no tls for source {self.source}: the scheme of its endpoint says whether it is encrypted")
        if self.ca_name is not None and not self.is_encrypted:
            raise expected("caName only for a store that is called by https")
        return self

    @property
    def own(self) -> ObjectStoreName | None:
        """The store that the program deploys for Tempo, if it deploys one."""
        match self.source:
            case "seaweedfs" | "minio":
                return self.source
            case _:
                return None

    def settings_of(self, store: ObjectStoreName) -> SeaweedFS | Minio:
        """The section of a store that the program deploys: its image and its volume."""
        return self.minio if store == "minio" else self.seaweedfs

    @property
    def is_encrypted(self) -> bool | None:
        """Whether the store is called with TLS; None if only a Secret knows."""
        if self.source == "secret":
            return self.tls
        return self.source == "role" or (self.source == "keys" and (self.endpoint or "").startswith("https://"))


class Storage(Volume):
    """Where Tempo keeps traces; size and class are those of its own volume."""

    backend: Literal["memory", "pv", "s3", "azure", "gcs"] = Field(
        default="pv",
        examples=["s3"],
        description="`memory`: lost with the pod; `pv`: one volume; `s3`, `azure`, `gcs`: an object store, "
        "with a volume for what is not in it yet.",
    )
    s3: S3 = Field(default=S3(), description="For `s3`: the object store.")
    azure: Azure = Field(default=Azure(), description="For `azure`: Azure's blob storage.")
    gcs: Gcs = Field(default=Gcs(), description="For `gcs`: Google's Cloud Storage.")

    @model_validator(mode="after")
    def _described(self) -> "Storage":
        if self.backend == "azure" and self.azure.source != "secret" and self.azure.account_name is None:
            raise expected("azure.accountName for backend azure: the storage account")
        for store in (self.azure, self.gcs):
            if store.source == "secret" and store.secret_name is None:
                raise expected("a secretName: source secret reads one")
        return self

    @property
    def bucket(self) -> str | None:
        """The bucket or container of an object store; if the user brings a Secret, only that Secret names it."""
        stores: dict[str, S3 | Azure | Gcs] = {"s3": self.s3, "azure": self.azure, "gcs": self.gcs}
        store = stores.get(self.backend)
        if store is None or store.source == "secret":
            return None
        return store.container if isinstance(store, Azure) else store.bucket

    @property
    def is_shared(self) -> bool:
        """Whether several processes can keep their traces there."""
        return self.backend in {"s3", "azure", "gcs"}


# What is said of the store also where somebody else runs it.
_OF_ANY_TEMPO = {"existing", "graph_interval", "histograms", "namespace"}


class Tempo(Section):
    """The trace store."""

    existing: ExistingTempo | None = Field(
        default=None,
        examples=[{"otlp": {"endpoint": "traces.example.com:4317"}}],
        description="An existing Tempo, or another store that speaks OTLP; the program then deploys none.",
    )
    mode: Literal["monolithic", "stack"] = Field(
        default="monolithic",
        examples=["monolithic"],
        description="`monolithic`: one process; `stack`: one per component, on an object store. With a Tempo operator "
        "before 0.22, a further process makes the service graph.",
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
    internal_tls: Flag = Field(
        default=True,
        description="For `stack`: whether its operator has TLS between the parts, as every release has that nobody "
        "configured otherwise (`featureGates.httpEncryption`). Prometheus scrapes them accordingly.",
    )
    parts: TempoParts = Field(default=TempoParts(), description="For `stack`: the parts.")
    extra_config: ExtraConfig = Field(
        default={},
        examples=[{"ingester": {"max_block_duration": "10m"}}],
        description="Further configuration of Tempo, merged over the program's; `${NAME}` takes a variable of `env`.",
    )
    env: SecretEnv = Field(
        default={},
        examples=[{"REDIS_PASSWORD": {"secret": "redis", "key": "password"}}],
        description="Variables of Tempo, each from a Secret that exists in its namespace, by Tempo operator 0.21 or "
        "newer.",
    )

    @field_validator("extra_config")
    @classmethod
    def _writes_somewhere(cls, value: dict[str, Any]) -> dict[str, Any]:
        """Check the shape of what the program itself reads; the rest is up to Tempo."""
        for path in ("metrics_generator", "metrics_generator.storage"):
            if is_set(value, path) and not isinstance(value_at(value, path), Mapping):
                raise expected(f"{path} as an object")
        path = "metrics_generator.storage.remote_write"
        if not is_set(value, path):
            return value
        entries = value_at(value, path)
        if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
            raise expected(f"{path} as a list of objects, at least one")
        if any("name" in entry for entry in entries):
            raise expected(f"{path} without names: the program gives them, and sees by them what Tempo runs")
        return value

    @model_validator(mode="after")
    def _is_of_its_owner(self) -> "Tempo":
        ours = self.model_fields_set - _OF_ANY_TEMPO
        if self.existing is not None and ours:
            names = ", ".join(sorted(type(self).model_fields[name].alias or name for name in ours))
            raise expected(f"no {names} for existing: its owner decides them")
        return self

    @model_validator(mode="after")
    def _parts_of_a_stack(self) -> "Tempo":
        if self.mode != "stack" and self.parts != TempoParts():
            raise expected(f"no parts for mode {self.mode}, which is one process: it has resources")
        quorum = self.replication_factor // 2 + 1
        if (self.parts.ingester.replicas or quorum) < quorum:
            raise expected(f"parts.ingester.replicas {quorum} or more, a quorum of replicationFactor")
        return self

    @model_validator(mode="after")
    def _stack_on_a_store(self) -> "Tempo":
        if self.mode == "stack" and not self.storage.is_shared:
            raise expected("storage.backend s3, azure or gcs for mode stack: its parts share an object store")
        return self

    @property
    def is_deployed(self) -> bool:
        """Whether the program deploys it."""
        return self.existing is None


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
    """An existing Prometheus, in which the service graph is to be found."""

    method: Literal["remoteWrite", "scrape", "scrapeCollectors"] = Field(
        default="remoteWrite",
        examples=["scrape"],
        description="How it gets the graph: `remoteWrite`: it is written to its receiver, which is on; `scrape`: it "
        "takes no writes, as OpenShift's own monitoring, and scrapes a small Prometheus of the program's; "
        "`scrapeCollectors`: nor does it, and scrapes the collectors, which then make the graph.",
    )
    query_url: HttpUrl = Field(description="URL for queries, as pods of this cluster reach it.")
    write_url: HttpUrl | None = Field(
        default=None,
        examples=["http://prometheus.monitoring.svc.cluster.local:9090/api/v1/write"],
        description="URL for remote writes; none takes `/api/v1/write` below the query URL.",
    )
    monitor_labels: dict[LabelKey, LabelValue] = Field(
        default={},
        examples=[{"release": "kube-prometheus-stack"}],
        description="Where it scrapes: the labels by which its operator selects ServiceMonitors.",
    )
    datasource_uid: DataSourceUid | None = Field(
        default=None,
        examples=["prometheus"],
        description="Uid of the data source that an existing Grafana has for it; the program then makes none.",
    )
    auth: Auth | None = Field(
        default=None, examples=[{"type": "bearer"}], description="Its login, by Tempo operator 0.21 or newer."
    )
    headers: dict[HeaderName, HeaderValue] = Field(
        default={},
        examples=[{"X-Scope-OrgID": "mesh"}],
        description="Headers of every query and write, such as a tenant's; none of them is secret.",
    )
    ca: Pem | None = Field(
        default=None, description="For https with a certificate of a private authority: the authority's certificate."
    )

    @model_validator(mode="after")
    def _fit_together(self) -> "ExistingPrometheus":
        if any(name.lower() == "authorization" for name in self.headers):
            raise expected("auth instead of a header Authorization, which would be in clear")
        if self.method != "remoteWrite" and self.write_url is not None:
            raise expected(f"no writeUrl for method {self.method}, which writes nothing to it")
        if self.method == "remoteWrite" and self.monitor_labels:
            raise expected("monitorLabels only for the methods scrape and scrapeCollectors, which make ServiceMonitors")
        if self.ca is not None and not self.query_url.startswith("https://"):
            raise expected("ca only for a Prometheus that is called by https")
        return self


class Prometheus(Section):
    """The Prometheus that receives the service graph. Ours runs in the mesh's namespace."""

    existing: ExistingPrometheus | None = Field(
        default=None,
        examples=[{"queryUrl": "http://prometheus.monitoring.svc.cluster.local:9090"}],
        description="An existing Prometheus; unless it scrapes one of ours, the program then deploys none, and "
        "the other fields have no effect.",
    )
    image: Image = Field(default="quay.io/prometheus/prometheus:v3.13.5", description="The image of Prometheus.")
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

    @property
    def is_deployed(self) -> bool:
        """Whether the program deploys one, to show the graph or to be scraped."""
        return self.existing is None or self.existing.method == "scrape"

    @property
    def written(self) -> ExistingPrometheus | None:
        """The existing Prometheus that is written to, if one is."""
        return self.existing if self.existing is not None and self.existing.method == "remoteWrite" else None

    @property
    def scraping_hops(self) -> ExistingPrometheus | None:
        """The existing Prometheus that scrapes the hops, the collectors' graph among them, if one does."""
        return self.existing if self.existing is not None and self.existing.method == "scrapeCollectors" else None

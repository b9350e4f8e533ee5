"""What Tempo is made from: the arguments of the component ``TempoStack``."""

from pydantic import Field

from model import ExistingPrometheus, Exposure, GraphSource, Images, Platform, Prometheus, Tempo
from model.platform import DEFAULT_TEMPO_OPERATOR
from model.scalars import Image, Version, VersionOrMinor
from objects.context import Args, Text
from objects.metrics import Monitor
from objects.series import in_prometheus, in_tempo, least
from objects.tempo_config import DEFAULT_TEMPO

# The first operator whose TempoStack has a metrics generator (tempo-operator, CHANGELOG.md).
_GENERATOR_SINCE = (0, 22)


class TempoStackArgs(Args):
    """Arguments of ``TempoStack``."""

    remote_write_url: Text = Field(description="Where the metrics generator writes the service graph: a Prometheus.")
    tempo: Tempo = Field(default=Tempo(), description="Tempo and its storage.")
    exposure: Exposure = Field(default=Exposure(), description="Whether and how its Jaeger UI is reached from outside.")
    object_store_access_key: Text | None = Field(
        default=None, description="User of the object store; required for S3 storage, but not of source `secret`."
    )
    object_store_secret_key: Text | None = Field(
        default=None, description="Password of the object store, at least 8 characters; required like its user."
    )
    operator_version: VersionOrMinor = Field(
        default=DEFAULT_TEMPO_OPERATOR,
        description="Version of its operator: before 0.22 a TempoStack cannot make the service graph, and a Tempo of "
        "its own makes it.",
    )
    tempo_version: Version = Field(
        default=DEFAULT_TEMPO, description="Version of the Tempo that the operator runs, which decides over its keys."
    )
    existing_prometheus: ExistingPrometheus | None = Field(
        default=None, description="That Prometheus, where it is somebody else's: its login, headers and authority."
    )
    prometheus_credentials: Text | None = Field(
        default=None, description="Its password or token; required for `existing_prometheus.auth` without a `secret`."
    )
    azure_account_key: Text | None = Field(
        default=None, description="Key of the storage account; required for `tempo.storage.azure.source` `keys`."
    )
    gcs_key: Text | None = Field(
        default=None, description="Google's credentials file, as JSON; required for `tempo.storage.gcs.source` `keys`."
    )
    curl_image: Image = Field(default=Images().curl, description="The image of the Job that makes the bucket.")
    graph_source: GraphSource = Field(
        default="tempo", description="What makes the service graph: Tempo, or the collector that sends it spans."
    )
    multiplies: bool = Field(
        default=False,
        description="Whether its metrics generator counts a span as many times as the collector says, because proxies "
        "send some of the traces only.",
    )
    dimensions: list[str] = Field(default=[], description="Attributes that become labels of the span metrics.")
    max_series: int | None = Field(
        default=least([in_tempo(Tempo().resources), in_prometheus(Prometheus().resources)]),
        description="How many series its metrics generator may have; none means any number.",
    )
    monitor: Monitor | None = Field(
        default=None, description="How an existing Prometheus scrapes Tempo, where it is to find it itself."
    )
    platform: Platform = Field(default="kubernetes", description="What the cluster is.")
    protect_data: bool = Field(default=False, description="Refuse to delete what holds traces until this is off again.")

    @property
    def graph_beside(self) -> bool:
        """Whether a Tempo of its own makes the service graph."""
        return self.graph_source == "tempo" and not has_generator(self.tempo, self.operator_version)

    @property
    def makes_graph(self) -> bool:
        """Whether this Tempo makes the service graph itself."""
        return self.graph_source == "tempo" and not self.graph_beside


def has_generator(tempo: Tempo, operator_version: str) -> bool:
    """Whether the operator's resource for such a Tempo has a metrics generator."""
    major, minor, *_ = operator_version.split(".")
    return tempo.mode == "monolithic" or (int(major), int(minor)) >= _GENERATOR_SINCE

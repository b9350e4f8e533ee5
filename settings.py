"""What a stack may set: configuration is read, checked and given its defaults only here.

``load`` returns one frozen ``Settings`` or raises one ``ConfigError`` that names everything that is
wrong. Keys are camelCase in the stack's YAML and snake_case here.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, get_args

import pulumi
from pulumi.runtime import config as runtime_config
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails, PydanticCustomError

PROJECT = "mesh-tracing"
SECRETS = {
    "objectStoreAccessKey": "object_store_access_key",
    "objectStoreSecretKey": "object_store_secret_key",
}

# The provider's name is not a setting (components/_tracing.py); it is refused here as the name of
# another one.
_OUR_PROVIDER = "otel"

# Values of Istio's chart that a setting, or the program itself, decides.
_OWNED_VALUES = {
    "revision": "mesh.revision",
    "global.istioNamespace": "mesh.namespace",
    "global.hub": "mesh.hub",
    "global.tag": "mesh.tag",
    "global.proxy.clusterDomain": "cluster.domain",
    "meshConfig.enableTracing": "the program, which always traces",
    "meshConfig.rootNamespace": "mesh.namespace",
    "meshConfig.defaultProviders.tracing": "the program, through its Telemetry resource",
}


class ConfigError(pulumi.RunError):
    """All that is wrong with a stack's configuration; Pulumi shows it without a traceback."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        count = "one problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__("\n".join([f"the stack's configuration has {count}:", *(f"  - {p}" for p in problems)]))


def _at(values: Mapping[str, Any], path: str) -> Any:
    value: Any = values
    for part in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value


def _wrong(expected: str) -> PydanticCustomError:
    # A ValueError's text would be prefixed by pydantic; the braces of its templates are not used
    # here.
    return PydanticCustomError("setting", expected)


def _matches(pattern: str, expected: str) -> AfterValidator:
    """A validator that says what it expects in words; pydantic itself would show the pattern."""
    compiled = re.compile(pattern)

    def check(text: str) -> str:
        if compiled.fullmatch(text) is None:
            raise _wrong(expected)
        return text

    return AfterValidator(check)


_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"

Name = Annotated[
    str,
    _matches(_LABEL, "at most 63 lower-case letters, digits and hyphens, no hyphen at either end"),
    Field(examples=["tracing-system"]),
]
BucketName = Annotated[
    str,
    _matches(r"[a-z0-9][-a-z0-9]{1,61}[a-z0-9]", "3 to 63 lower-case letters, digits and hyphens"),
    Field(examples=["tempo"]),
]
DnsName = Annotated[
    str,
    _matches(rf"{_LABEL}(\.{_LABEL})*", "lower-case DNS labels with dots between them"),
    Field(examples=["cluster.local"]),
]
Version = Annotated[
    str,
    _matches(r"[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?", "a full version number"),
    Field(examples=["1.30.0"]),
]
Tag = Annotated[
    str,
    _matches(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", "an image's tag"),
    Field(examples=["1.20.3"]),
]
Registry = Annotated[
    str,
    _matches(r"[a-z0-9][a-z0-9.:-]*(/[a-z0-9._-]+)*", "a registry and a path, without a scheme"),
    Field(examples=["registry.istio.io/release"]),
]
Quantity = Annotated[
    str,
    _matches(r"[0-9]+(\.[0-9]+)?(m|[kMGTPE]|[KMGTPE]i)?", "a quantity, as text: a number and its unit"),
    Field(examples=["10Gi"]),
]
# Go's units: Tempo reads its durations with them.
GoDuration = Annotated[
    str,
    _matches(r"([0-9]+(ms|s|m|h))+", "a duration in hours, minutes and seconds"),
    Field(examples=["48h"]),
]
# Prometheus's own units, which also have days and longer.
PrometheusDuration = Annotated[
    str,
    _matches(r"([0-9]+(ms|[smhdwy]))+", "a duration in days, hours, minutes and seconds"),
    Field(examples=["15d"]),
]
_IMAGE = re.compile(
    r"[a-z0-9][a-z0-9.:-]*(/[a-z0-9._-]+)+(?P<tag>:[A-Za-z0-9_][\w.-]*)?(?P<digest>@sha256:[a-f0-9]{64})?"
)


def _pinned(image: str) -> str:
    match = _IMAGE.fullmatch(image)
    if match is None:
        raise _wrong("an image as <registry>/<path>:<tag>")
    if match["digest"] is None and match["tag"] in {None, ":latest"}:
        # What runs has to be the same tomorrow.
        raise _wrong("an image with a tag other than latest, or with a digest")
    return image


Image = Annotated[str, AfterValidator(_pinned), Field(examples=["docker.io/curlimages/curl:8.11.1"])]


def _no_truth_value(value: object) -> object:
    # Python counts True as 1.
    if isinstance(value, bool):
        raise _wrong("a number")
    return value


# Text is read too: that is how `pulumi config set --path` writes a number with a fraction.
Number = Annotated[float, BeforeValidator(_no_truth_value)]
Seconds = Annotated[int, Field(ge=1, le=7200, strict=True, examples=[600])]


class _Section(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        hide_input_in_errors=True,
        validate_default=True,
    )


class Resources(_Section):
    """Requests and limits of one container."""

    requests: dict[Literal["cpu", "memory"], Quantity] = Field(
        default={}, description="What the scheduler sets aside.", examples=[{"memory": "256Mi"}]
    )
    limits: dict[Literal["cpu", "memory"], Quantity] = Field(
        default={}, description="What the container may not exceed.", examples=[{"memory": "1Gi"}]
    )

    def to_kubernetes(self) -> dict[str, dict[str, str]]:
        parts = {"requests": self.requests, "limits": self.limits}
        return {
            part: {str(resource): amount for resource, amount in amounts.items()}
            for part, amounts in parts.items()
            if amounts
        }


class Volume(_Section):
    """A volume that outlives its pod."""

    size: Quantity = Field(default="10Gi", description="Size of the volume.")
    storage_class: DnsName | None = Field(
        default=None, description="Its storage class; none takes the cluster's default."
    )


class ObjectStorage(Volume):
    """The object store that keeps the traces."""

    bucket: BucketName = Field(default="tempo", description="The bucket, which is made if it is missing.")
    image: Image = Field(
        default="quay.io/minio/minio:RELEASE.2025-09-07T16-13-09Z",
        description="The image of MinIO; this one is the last that was published.",
    )


class PrometheusVolume(Volume):
    """The volume of Prometheus."""

    fs_group: int | None = Field(
        default=None,
        ge=1,
        examples=[65534],
        description="Group of the volume, where it arrives owned by root. None on OpenShift.",
    )


class Cluster(_Section):
    """The cluster to deploy to."""

    context: str = Field(
        min_length=1,
        examples=["kind-mesh"],
        description="The kubeconfig context. Required: the current one may be any cluster.",
    )
    domain: DnsName = Field(default="cluster.local", description="The cluster's DNS domain.")


class Mesh(_Section):
    """The Istio control plane."""

    installer: Literal["helm"] = Field(default="helm", examples=["helm"], description="How Istio is installed.")
    namespace: Name = Field(default="istio-system", description="The mesh's root namespace.")
    version: Version = Field(
        default="1.30.0",
        description="Version of the charts; charts in a folder carry their own.",
    )
    chart_repository: str = Field(
        default="https://istio-release.storage.googleapis.com/charts",
        min_length=1,
        examples=["https://istio-release.storage.googleapis.com/charts"],
        description="Where the charts `base` and `istiod` are: an https or oci URL, or a folder.",
    )
    hub: Registry | None = Field(
        default=None,
        examples=["docker.io/istio"],
        description="Registry of Istio's images; none takes the chart's.",
    )
    tag: Tag | None = Field(
        default=None,
        examples=["1.30.0"],
        description="Tag of Istio's images; none takes the chart's.",
    )
    revision: Name = Field(
        default="default",
        description="The control plane's revision. Any but `default` labels namespaces with it.",
    )
    discovery_namespaces_only: bool = Field(
        default=False,
        strict=True,
        examples=[True],
        description="Let istiod look, and write its root certificate, only into our namespaces.",
    )
    keep_crds: bool = Field(
        default=True,
        strict=True,
        examples=[True],
        description="Leave Istio's CRDs, and all resources of their kinds, on destroy.",
    )
    values: dict[str, Any] = Field(
        default={},
        examples=[{"pilot": {"resources": {"requests": {"cpu": "500m"}}}}],
        description="Further values of the istiod chart, merged over the program's.",
    )

    @field_validator("chart_repository")
    @classmethod
    def _url_or_folder(cls, value: str) -> str:
        if "://" in value and not value.startswith(("https://", "oci://")):
            raise _wrong("an https:// or oci:// URL, or a folder")
        return value

    @field_validator("values")
    @classmethod
    def _values_leave_ours_alone(cls, values: dict[str, Any]) -> dict[str, Any]:
        for path, owner in _OWNED_VALUES.items():
            if _at(values, path) is not None:
                raise _wrong(f"values without {path}, which is decided by {owner}")
        mesh_config = values.get("meshConfig")
        if mesh_config is not None and not isinstance(mesh_config, dict):
            raise _wrong("meshConfig as an object")
        providers = _at(values, "meshConfig.extensionProviders")
        if providers is None:
            return values
        if not isinstance(providers, list) or not all(isinstance(p, dict) for p in providers):
            raise _wrong("meshConfig.extensionProviders as a list of objects")
        if any(provider.get("name") == _OUR_PROVIDER for provider in providers):
            raise _wrong(f"no other extension provider called {_OUR_PROVIDER!r}; that one is ours")
        return values

    @model_validator(mode="after")
    def _one_source_of_selectors(self) -> "Mesh":
        theirs = _at(self.values, "meshConfig.discoverySelectors")
        if self.discovery_namespaces_only and theirs is not None:
            raise _wrong("either discoveryNamespacesOnly or values.meshConfig.discoverySelectors, not both")
        return self


class Collector(_Section):
    """The OpenTelemetry collector between the mesh and Tempo."""

    replicas: int = Field(default=1, ge=1, le=20, strict=True, examples=[2], description="Number of pods.")
    queue_size: int = Field(
        default=1000,
        ge=1,
        strict=True,
        examples=[1000],
        description="Batches that wait for Tempo before spans are dropped.",
    )
    resources: Resources = Field(
        default=Resources(requests={"cpu": "50m", "memory": "128Mi"}, limits={"memory": "512Mi"}),
        description="Requests and limits; of its memory limit the collector uses 75 %.",
    )

    @field_validator("resources")
    @classmethod
    def _memory_is_limited(cls, value: Resources) -> Resources:
        if "memory" not in value.limits:
            raise _wrong("limits.memory, of which the collector limits itself to 75 %")
        return value


class Tracing(_Section):
    """Which requests are traced."""

    sampling_percentage: Number = Field(
        default=100,
        ge=0,
        le=100,
        allow_inf_nan=False,
        examples=[100],
        description="Percentage of the requests to trace; a change restarts nothing.",
    )
    collector: Collector = Field(default=Collector(), description="The collector.")


class Tempo(_Section):
    """The trace store."""

    namespace: Name = Field(default="tracing-system", description="Namespace of Tempo and of its object store.")
    storage: ObjectStorage = Field(default=ObjectStorage(), description="The object store.")
    wal_size: Quantity = Field(
        default="10Gi", description="Size of the volume for what is not in the object store yet."
    )
    retention: GoDuration = Field(default="48h", description="How long traces are kept.")
    graph_interval: GoDuration = Field(
        default="15s", description="How often the service graph is written to Prometheus."
    )
    resources: Resources = Field(
        default=Resources(requests={"cpu": "100m", "memory": "512Mi"}, limits={"memory": "2Gi"}),
        description="Requests and limits of Tempo, its metrics generator included.",
    )


class Prometheus(_Section):
    """The Prometheus that receives the service graph. It runs in the mesh's namespace."""

    image: Image = Field(default="quay.io/prometheus/prometheus:v3.5.0", description="The image of Prometheus.")
    retention: PrometheusDuration = Field(default="15d", description="How long samples are kept.")
    scrape_interval: PrometheusDuration = Field(
        default="15s", description="How often the collector, Tempo and istiod are scraped."
    )
    storage: PrometheusVolume | None = Field(
        default=None, description="The volume; without one, samples live as long as the pod."
    )
    resources: Resources = Field(
        default=Resources(requests={"cpu": "50m", "memory": "128Mi"}, limits={"memory": "1Gi"}),
        description="Requests and limits.",
    )


class Bookinfo(_Section):
    """The sample application."""

    enabled: bool = Field(default=True, strict=True, examples=[True], description="Whether to deploy it.")
    namespace: Name = Field(default="bookinfo", description="Its namespace, the only one with sidecars.")
    image_registry: Registry = Field(default="registry.istio.io/release", description="Registry of its images.")
    image_tag: Tag = Field(default="1.20.3", description="Tag of its images.")
    requests_per_second: Number = Field(
        default=1,
        ge=0.01,
        le=100,
        examples=[1],
        description="Page views that the client `sleep` asks for at most.",
    )


class Grafana(_Section):
    """What Grafana is given."""

    datasources_namespace: Name | None = Field(
        default=None,
        description="Namespace, which exists already, of the data sources; none takes the mesh's.",
    )


class Images(_Section):
    """Images of the small helpers."""

    curl: Image = Field(
        default="docker.io/curlimages/curl:8.11.1",
        description="A shell and curl: makes the bucket and sends the traffic.",
    )


class Timeouts(_Section):
    """Seconds that each part may take to become ready, to change and to go."""

    control_plane: Seconds = Field(default=600, description="Each of Istio's two Helm releases.")
    object_store: Seconds = Field(default=300, description="MinIO, its volume, its bucket.")
    prometheus: Seconds = Field(default=300, description="Prometheus.")
    tempo: Seconds = Field(default=600, description="Tempo.")
    collector: Seconds = Field(default=300, description="The collector.")
    bookinfo: Seconds = Field(default=600, description="Each Deployment of Bookinfo.")


class Settings(_Section):
    """A stack's configuration. The secrets stay Outputs, whose text this program never sees."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    cluster: Cluster = Field(examples=[{"context": "kind-mesh"}], description="The cluster to deploy to.")
    mesh: Mesh = Field(default=Mesh(), description="The Istio control plane.")
    tracing: Tracing = Field(default=Tracing(), description="Which requests are traced.")
    tempo: Tempo = Field(default=Tempo(), description="The trace store.")
    prometheus: Prometheus = Field(default=Prometheus(), description="The metrics store.")
    bookinfo: Bookinfo = Field(default=Bookinfo(), description="The sample application.")
    grafana: Grafana = Field(default=Grafana(), description="What Grafana is given.")
    images: Images = Field(default=Images(), description="Images of the small helpers.")
    timeouts: Timeouts = Field(default=Timeouts(), description="How long each part may take.")
    object_store_access_key: pulumi.Output[str] = Field(description="User of the object store.")
    object_store_secret_key: pulumi.Output[str] = Field(description="Password of the object store.")

    @model_validator(mode="after")
    def _sidecars_only_in_bookinfo(self) -> "Settings":
        if self.bookinfo.namespace in {self.mesh.namespace, self.tempo.namespace}:
            raise PydanticCustomError(
                "bookinfo_namespace",
                "bookinfo.namespace has to differ from mesh.namespace and tempo.namespace: "
                "Tempo and the collector must not get sidecars",
            )
        return self

    @property
    def datasources_namespace(self) -> str:
        return self.grafana.datasources_namespace or self.mesh.namespace

    @property
    def namespaces(self) -> list[str]:
        """Every namespace of this deployment, each once."""
        names = [self.mesh.namespace, self.tempo.namespace]
        if self.bookinfo.enabled:
            names.append(self.bookinfo.namespace)
        return list(dict.fromkeys(names))


def load(config: pulumi.Config) -> Settings:
    """Read and check the stack's configuration."""
    raw: dict[str, Any] = {}
    problems = [
        f"{PROJECT}:{key}: expected one of {', '.join(_known_keys())}; found an unknown key" for key in _unknown_keys()
    ]
    for section in _sections():
        try:
            value = config.get_object(section)
        except pulumi.ConfigTypeError:
            # Its message repeats the value, which may be a secret that was put under the wrong key.
            value = config.get(section)
        if value is not None:
            raw[section] = value
    for key in SECRETS:
        secret = config.get_secret(key)
        if secret is None:
            problems.append(
                f"{PROJECT}:{key}: expected a secret text; found nothing; "
                f"example: pulumi config set --secret {key} <value>"
            )
        # A missing one is reported above; the placeholder lets the rest be checked.
        raw[key] = pulumi.Output.secret("") if secret is None else secret

    try:
        settings = Settings.model_validate(raw)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False)
        raise ConfigError([*problems, *(_describe(detail) for detail in found)]) from None
    if problems:
        raise ConfigError(problems)
    return settings


def _sections() -> list[str]:
    return [field.alias or name for name, field in Settings.model_fields.items() if name not in SECRETS.values()]


def _known_keys() -> list[str]:
    return [*_sections(), *SECRETS]


def _unknown_keys() -> list[str]:
    """Keys of the project that no setting has; Pulumi itself accepts them, misspelt or not."""
    prefix = f"{PROJECT}:"
    present = {*runtime_config.CONFIG.get(), *runtime_config.get_config_env()}
    known = set(_known_keys())
    keys = (key.removeprefix(prefix) for key in present if key.startswith(prefix))
    return sorted(key for key in keys if key not in known)


def _describe(detail: ErrorDetails) -> str:
    """One problem in one line, without the value: it may be a secret in the wrong place."""
    location = [str(part) for part in detail["loc"] if part != "[key]"]
    key = f"{PROJECT}:{'.'.join(location)}" if location else PROJECT
    missing = detail["type"] == "missing"
    unknown = detail["type"] == "extra_forbidden"
    expected = "a known key" if unknown else "a value" if missing else _expected(detail["msg"])
    found = "nothing" if missing else "an unknown key" if unknown else _kind(detail["input"])
    line = f"{key}: expected {expected}; found {found}"
    example = _example(location)
    return line if example is None or unknown else f"{line}; example: {_as_yaml(example)}"


def _expected(message: str) -> str:
    """Pydantic's message in the words of YAML."""
    if "valid dictionary" in message:
        return "an object"
    for words, ours in (
        ("Input should be ", ""),
        ("String should have ", ""),
        ("a valid string", "text"),
        ("a valid boolean", "true or false"),
        ("a valid integer", "a whole number"),
        ("a valid number", "a number"),
    ):
        message = message.replace(words, ours)
    return message


def _kind(value: object) -> str:
    kinds: Iterator[tuple[type, str]] = iter(
        (
            (bool, "true or false"),
            (int, "a number"),
            (float, "a number"),
            (str, "text"),
            (list, "a list"),
            (dict, "an object"),
        )
    )
    if value is None:
        return "nothing"
    return next((name for kind, name in kinds if isinstance(value, kind)), "something else")


def _as_yaml(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _example(location: list[str]) -> object | None:
    """The example of the field at ``location``, or of the nearest field above it that has one."""
    model: type[BaseModel] | None = Settings
    example: object | None = None
    for part in location:
        if model is None:
            break
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        field = fields.get(part)
        if field is None:
            break
        example = field.examples[0] if field.examples else _example_in(field.annotation)
        model = _model_in(field.annotation)
    return example


def _example_in(annotation: object) -> object | None:
    for part in _parts(annotation):
        examples = getattr(part, "examples", None)
        if examples:
            return examples[0]  # type: ignore[no-any-return]
    return None


def _model_in(annotation: object) -> type[BaseModel] | None:
    for part in _parts(annotation):
        if isinstance(part, type) and issubclass(part, BaseModel):
            return part
    return None


def _parts(annotation: object) -> Iterator[object]:
    yield annotation
    for part in get_args(annotation):
        yield from _parts(part)

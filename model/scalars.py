"""The scalar types of the settings: what a text or a number must look like."""

import re
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, ValidatorFunctionWrapHandler, WrapValidator
from pydantic_core import PydanticCustomError


def expected(what: str) -> PydanticCustomError:
    """The error for a value that is not ``what``; pydantic would put a prefix before the text of a ValueError."""
    return PydanticCustomError("setting", what)


class SecretText(str):
    """A text from secret configuration, which stays one: encrypted in the state, and never printed."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "[secret]"


def _still_secret(value: object, validate: ValidatorFunctionWrapHandler) -> object:
    """What pydantic makes of ``value``, which would be an ordinary text."""
    validated = validate(value)
    return SecretText(validated) if isinstance(value, SecretText) else validated


def _matches(pattern: str, what: str) -> AfterValidator:
    """A validator whose error says in words what is expected; pydantic itself would show the pattern."""
    compiled = re.compile(pattern)

    def check(text: str) -> str:
        if compiled.fullmatch(text) is None:
            raise expected(what)
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
AzureAccount = Annotated[
    str, _matches(r"[a-z0-9]{3,24}", "3 to 24 lower-case letters and digits"), Field(examples=["traces"])
]
Uuid = Annotated[
    str,
    _matches(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", "a UUID"),
    Field(examples=["4c1a4b54-2f4e-4d4c-9f0e-2f1d1b6a7c11"]),
]
AwsRegion = Annotated[str, _matches(r"[a-z]{2}(-[a-z]+)+-[0-9]+", "a region of AWS"), Field(examples=["eu-central-1"])]
RoleArn = Annotated[
    str,
    _matches(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]+", "the ARN of a role of AWS"),
    Field(examples=["arn:aws:iam::123456789012:role/tempo"]),
]
DnsName = Annotated[
    str,
    _matches(rf"{_LABEL}(\.{_LABEL})*", "lower-case DNS labels with dots between them"),
    Field(examples=["cluster.local"]),
]
EnvName = Annotated[
    str,
    _matches(r"[A-Za-z_][A-Za-z0-9_]*", "a variable's name: letters, digits and underscores"),
    Field(examples=["REDIS_PASSWORD"]),
]
_VERSION = r"[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?"
Version = Annotated[str, _matches(_VERSION, "a full version number"), Field(examples=["1.31.4"])]
VersionOrMinor = Annotated[
    str,
    _matches(rf"{_VERSION}|[0-9]+\.[0-9]+", "a version number, as text"),
    Field(examples=["1.31.4"]),
]


def is_full_version(version: str) -> bool:
    """Whether a version names one release, and not all of a minor version."""
    return re.fullmatch(_VERSION, version) is not None


Tag = Annotated[
    str,
    _matches(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", "an image's tag"),
    Field(examples=["1.20.3"]),
]
Registry = Annotated[
    str,
    _matches(r"[a-z0-9][a-z0-9.:-]*(/[a-z0-9._-]+)*", "a registry and a path, without a scheme"),
    Field(examples=["docker.io/istio"]),
]
RegistryHost = Annotated[
    str,
    _matches(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?", "a registry's host, with its port if it has one"),
    Field(examples=["docker.io"]),
]
LabelKey = Annotated[
    str,
    _matches(r"([a-z0-9.-]+/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?", "a label's key"),
    Field(examples=["app"]),
]
AnnotationKey = Annotated[
    str,
    # Those of Pulumi and of the program decide over waits and ownership.
    _matches(
        r"(?!pulumi\.com/|mesh-tracing/)([a-z0-9.-]+/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?",
        "an annotation's key, of neither pulumi.com nor mesh-tracing",
    ),
    Field(examples=["cert-manager.io/cluster-issuer"]),
]
LabelValue = Annotated[
    str,
    _matches(r"([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?", "a label's value, at most 63 characters"),
    Field(examples=["grafana"]),
]
LokiLabel = Annotated[
    str,
    _matches(r"[A-Za-z_][A-Za-z0-9_]*", "a label of Loki: letters, digits and underscores"),
    Field(examples=["namespace"]),
]
DataSourceName = Annotated[
    str,
    _matches(r"[^\s$]([^\n$]{0,188}[^\s$])?", "one line of at most 190 characters, without `$`"),
    Field(examples=["Mesh Prometheus"]),
]
DataSourceUid = Annotated[
    str,
    _matches(r"[A-Za-z0-9_-]{1,40}", "at most 40 letters, digits, hyphens and underscores"),
    Field(examples=["mesh-tracing-prometheus"]),
]
Quantity = Annotated[
    str,
    _matches(r"[0-9]+(\.[0-9]+)?(m|[kMGTPE]|[KMGTPE]i)?", "a quantity, as text: a number and its unit"),
    Field(examples=["10Gi"]),
]


def amount(quantity: str) -> Decimal:
    """The number that a Kubernetes quantity stands for; also one that an API server wrote, in its own units."""
    number = quantity.rstrip("mkKMGTPEi")
    unit = quantity.removeprefix(number)
    if unit == "m":
        return Decimal(number) / 1000
    base = 1024 if unit.endswith("i") else 1000
    power = " kMGTPE".index(unit.removesuffix("i").replace("K", "k") or " ")
    return Decimal(number) * Decimal(base) ** power


# Go's units: Tempo reads its durations with them.
GoDuration = Annotated[
    str,
    _matches(r"([0-9]+(ms|s|m|h))+", "a duration in hours, minutes and seconds"),
    Field(examples=["48h"]),
]


def seconds_of(duration: str) -> float:
    """The seconds in a duration with Go's units, or with those of Prometheus, which has days, weeks and years too."""
    units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 365 * 86400}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"([0-9]+)(ms|[smhdwy])", duration))


def as_go_writes(duration: str) -> str:
    """A duration in whole seconds as Go prints it, and as an operator leaves it in an object that it writes back."""
    minutes, seconds = divmod(round(seconds_of(duration)), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{seconds}s"
    return f"{minutes}m{seconds}s" if minutes else f"{seconds}s"


# Prometheus's own units, which also have days and longer.
PrometheusDuration = Annotated[
    str,
    _matches(r"([0-9]+(ms|[smhdwy]))+", "a duration in days, hours, minutes and seconds"),
    Field(examples=["15d"]),
]
TracedService = Annotated[
    str,
    _matches(r'[^\s"\\]+', "a service as traces name it, such as reviews.bookinfo: no spaces, quotes or backslashes"),
    Field(examples=["reviews.bookinfo"]),
]
HeaderName = Annotated[str, _matches(r"[A-Za-z0-9][A-Za-z0-9-]*", "a header's name"), Field(examples=["X-Scope-OrgID"])]
HeaderValue = Annotated[
    str, _matches(r"[^\s$]([^$\r\n]*[^\s$])?", "a header's value: one line, without `$`"), Field(examples=["mesh"])
]
AttributeName = Annotated[
    str,
    _matches(
        r"[A-Za-z][A-Za-z0-9_.:/-]{0,254}",
        "an attribute's name: a letter, then letters, digits, dots, colons, slashes, underscores and hyphens",
    ),
    Field(examples=["deployment.environment.name"]),
]
AttributeValue = Annotated[
    str,
    # A collector takes what follows `$` for a variable.
    _matches(r"[^\s$]([^$\r\n]{0,253}[^\s$])?", "one line of at most 255 characters, without `$`"),
    Field(examples=["production"]),
]
TagValue = Annotated[
    str,
    _matches(r"\S([^\r\n]{0,253}\S)?", "one line of at most 255 characters"),
    Field(examples=["production"]),
]
_CERTIFICATE = r"-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\n?"
Pem = Annotated[
    str,
    _matches(rf"({_CERTIFICATE})+", "certificates in PEM"),
    Field(examples=["-----BEGIN CERTIFICATE-----\nMIIB...\n-----END CERTIFICATE-----\n"]),
]
HttpUrl = Annotated[
    str,
    # Without user and password: whoever may see the pods would see them.
    _matches(r"https?://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?(/[^\s?#@]*)?", "an http or https URL"),
    WrapValidator(_still_secret),
    Field(examples=["http://prometheus.monitoring.svc.cluster.local:9090"]),
]
_IMAGE = re.compile(
    r"[a-z0-9][a-z0-9.:-]*(/[a-z0-9._-]+)+(?P<tag>:[A-Za-z0-9_][\w.-]*)?(?P<digest>@sha256:[a-f0-9]{64})?"
)


def _pinned(image: str) -> str:
    match = _IMAGE.fullmatch(image)
    if match is None:
        raise expected("an image as <registry>/<path>:<tag>")
    if match["digest"] is None and match["tag"] in {None, ":latest"}:
        # A tag that moves would deploy another program tomorrow.
        raise expected("an image with a tag other than latest, or with a digest")
    return image


Image = Annotated[str, AfterValidator(_pinned), Field(examples=["docker.io/curlimages/curl:8.11.1"])]


def _chart_repository(value: str) -> str:
    scheme, separator, rest = value.partition("://")
    if not value or (separator and scheme not in {"https", "oci"}):
        raise expected("an https:// or oci:// URL, or a folder")
    if separator and "@" in rest.partition("/")[0]:
        # They would be in the state in clear.
        raise expected("a URL without user and password: `helm registry login` keeps them, for oci, or take a folder")
    return value


ChartRepository = Annotated[
    str, AfterValidator(_chart_repository), Field(examples=["https://blob.istio.io/istio-release/charts"])
]


def _not_a_boolean(value: object) -> object:
    # In Python, True is the number 1.
    if isinstance(value, bool):
        raise expected("a number")
    return value


# Also as text, since `pulumi config set --path` writes a number with a fraction so.
Number = Annotated[float, BeforeValidator(_not_a_boolean)]
Seconds = Annotated[int, Field(ge=1, le=7200, strict=True, examples=[600])]
Flag = Annotated[bool, Field(strict=True, examples=[True])]

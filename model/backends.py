"""Further places that get the spans: any store or collector that speaks OTLP."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from model.parts import SecretKey, Section
from model.scalars import DnsName, Flag, HeaderName, HeaderValue, Name, Pem, expected

_HOST = r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"{_HOST}:[0-9]{{1,5}}")
_URL = re.compile(rf"https?://{_HOST}(:[0-9]{{1,5}})?(/[^\s?#@$]*)?")
# A header whose name has one of these words carries what nobody else may know.
_SECRET = re.compile(r"auth|token|secret|password|key|cookie|x-honeycomb-team", re.IGNORECASE)
# A Service's name inside a cluster, as its DNS writes it.
_IN_CLUSTER = re.compile(r"[a-z0-9-]+\.[a-z0-9-]+\.svc(\.|$)")
_TRACES = "/v1/traces"

# The program's own exporters, and their secrets, are called so.
STORE = "tempo"
TAKEN = frozenset({STORE, "graph"})


class BackendTls(Section):
    """How the collector knows a backend, and how it is known there."""

    insecure: Flag = Field(
        default=False, description="For `grpc`: without TLS. An endpoint of `http` says so by its scheme."
    )
    ca: Pem | None = Field(
        default=None, description="For a certificate of a private authority: the authority's certificate."
    )
    ca_secret: SecretKey | None = Field(
        default=None,
        examples=[{"secret": "traces-ca", "key": "ca.crt"}],
        description="The same, from a Secret that exists in the mesh's namespace.",
    )
    client_certificate: DnsName | None = Field(
        default=None,
        examples=["traces-client"],
        description="A Secret of type `kubernetes.io/tls` in the mesh's namespace, whose certificate the collector "
        "shows.",
    )
    server_name: DnsName | None = Field(
        default=None,
        examples=["traces.example.com"],
        description="The name in the backend's certificate, where it is not the endpoint's host.",
    )

    @model_validator(mode="after")
    def _fit_together(self) -> "BackendTls":
        if self.ca is not None and self.ca_secret is not None:
            raise expected("either ca or caSecret")
        if self.insecure and self.is_checked:
            raise expected("no ca, caSecret, clientCertificate or serverName with insecure, which has no TLS")
        return self

    @property
    def is_checked(self) -> bool:
        """Whether anything is said that only TLS has."""
        return any((self.ca, self.ca_secret, self.client_certificate, self.server_name))


class Destination(Section):
    """Where spans are sent by OTLP."""

    protocol: Literal["grpc", "http"] = Field(
        default="grpc", examples=["http"], description="OTLP over gRPC, or over HTTP with binary protobuf."
    )
    endpoint: Annotated[str, Field(examples=["traces.example.com:4317"])] = Field(
        description="For `grpc`: host and port; for `http`: the URL before `/v1/traces`."
    )
    tls: BackendTls = Field(default=BackendTls(), description="How the two know each other.")
    headers: dict[HeaderName, HeaderValue] = Field(
        default={},
        examples=[{"X-Scope-OrgID": "mesh"}],
        description="Headers of every request, such as a tenant's; none of them is secret.",
    )
    secret_headers: dict[HeaderName, SecretKey] = Field(
        default={},
        examples=[{"x-api-key": {"secret": "traces", "key": "api-key"}}],
        description="Headers whose whole values are in Secrets that exist in the mesh's namespace.",
    )
    bearer_token: SecretKey | None = Field(
        default=None,
        examples=[{"secret": "traces", "key": "token"}],
        description="A token for the header `Authorization`, from a Secret that exists in the mesh's namespace.",
    )
    compression: Literal["gzip", "snappy", "zstd", "none"] = Field(
        default="gzip", examples=["zstd"], description="How requests are compressed."
    )

    @model_validator(mode="after")
    def _is_reachable(self) -> Self:
        if self.protocol == "grpc" and _ADDRESS.fullmatch(self.endpoint) is None:
            raise expected("endpoint as host and port, without a scheme and a path, for protocol grpc")
        if self.protocol == "http":
            if _URL.fullmatch(self.endpoint) is None:
                raise expected("endpoint as an http or https URL, without user, query and `$`, for protocol http")
            if self.endpoint.rstrip("/").endswith(_TRACES):
                raise expected(f"endpoint without {_TRACES}, which the collector adds")
            if self.tls.insecure:
                raise expected("no tls.insecure for protocol http: the scheme of its endpoint says it")
            if self.tls.is_checked and not self.is_encrypted:
                raise expected("tls only for an endpoint that is called by https")
        return self

    @model_validator(mode="after")
    def _keeps_secrets(self) -> Self:
        in_clear = next((name for name in self.headers if _SECRET.search(name)), None)
        if in_clear is not None:
            raise expected(f"secretHeaders or bearerToken instead of a header {in_clear}, which would be in clear")
        names = [name.lower() for name in (*self.headers, *self.secret_headers)]
        if self.bearer_token is not None:
            names.append("authorization")
        if len(set(names)) < len(names):
            raise expected("each header once")
        if (self.secret_headers or self.bearer_token) and not self.is_encrypted and not _IN_CLUSTER.match(self.host):
            raise expected(
                "TLS for secretHeaders and bearerToken: whoever is on the way out of the cluster could read them"
            )
        return self

    @property
    def is_encrypted(self) -> bool:
        """Whether it is called with TLS."""
        return self.endpoint.startswith("https://") if self.protocol == "http" else not self.tls.insecure

    @property
    def host(self) -> str:
        """Its host, without the port."""
        return re.split("[:/]", self.endpoint.partition("://")[2] or self.endpoint)[0]


class Backend(Destination):
    """A store or a collector that gets the spans by OTLP, whatever becomes of the others."""

    queue_size: int = Field(
        default=1000,
        ge=1,
        strict=True,
        examples=[100],
        description="How many thousand spans may wait for it before spans are dropped; no more than fits in its share "
        "of the collector's memory.",
    )
    all_traces: Flag = Field(
        default=False,
        description="With sampling, whether it gets every span that the proxies send, and not what Tempo gets.",
    )


def _names_of_their_own(backends: dict[str, Backend]) -> dict[str, Backend]:
    taken = TAKEN & backends.keys()
    if taken:
        raise expected(f"another name than {min(taken)}, which is that of an exporter of the program's own")
    return backends


Backends = Annotated[dict[Name, Backend], AfterValidator(_names_of_their_own)]

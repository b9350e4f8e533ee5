"""A trace store that somebody else runs."""

from typing import Self

from pydantic import Field, model_validator

from model.backends import Destination
from model.parts import Section
from model.scalars import DataSourceUid, Flag, HeaderValue, HttpUrl, Pem, expected

# What tells a Tempo with several tenants whose traces are meant (dskit: user/id.go).
TENANT = "X-Scope-OrgID"


class ExistingTempo(Section):
    """A Tempo, or another store that speaks OTLP, in place of one that the program deploys."""

    otlp: Destination = Field(
        examples=[{"endpoint": "tempo.traces.svc.cluster.local:4317", "tls": {"insecure": True}}],
        description="Where it takes spans.",
    )
    query_url: HttpUrl | None = Field(
        default=None,
        examples=["http://tempo.traces.svc.cluster.local:3200"],
        description="Where pods of this cluster search it, if it is a Tempo; without it, Kiali and `verify` see no "
        "traces, and Grafana gets no data source for them.",
    )
    tenant: HeaderValue | None = Field(
        default=None,
        examples=["mesh"],
        description=f"For a Tempo with several tenants: the one whose the traces are, in the header `{TENANT}`.",
    )
    ca: Pem | None = Field(
        default=None,
        description="For a `queryUrl` of https with a certificate of a private authority: the authority's certificate.",
    )
    datasource_uid: DataSourceUid | None = Field(
        default=None,
        examples=["tempo"],
        description="Uid of the data source that an existing Grafana has for it, as for a store that wants a login of "
        "those who search; the program then makes none.",
    )
    makes_graph: Flag = Field(
        default=False,
        description="Whether its own metrics generator writes the service graph to `prometheus.existing`; else the "
        "collector makes it.",
    )

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.tenant is not None and any(name.lower() == TENANT.lower() for name in self.otlp.headers):
            raise expected(f"tenant or a header {TENANT}, not both")
        if self.ca is not None and not (self.query_url or "").startswith("https://"):
            raise expected("ca only for a queryUrl of https")
        return self

    @property
    def headers(self) -> dict[str, str]:
        """The headers of every question."""
        return {} if self.tenant is None else {TENANT: self.tenant}

    @property
    def destination(self) -> Destination:
        """Where it takes spans, with its tenant."""
        return self.otlp.model_copy(update={"headers": {**self.otlp.headers, **self.headers}})

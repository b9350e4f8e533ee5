"""The intended deployment: the stack's output ``deployment``, written by the program and read by ``verify``.

It holds names, addresses and intended values. Only the address of an existing Prometheus may be a secret; the whole
output is then one, too.
"""

import re
from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict

_GATEWAY = re.compile(r"/api/traces/v1/([^/]+)/tempo/?\Z")

Operator = Literal["mesh", "tempo", "opentelemetry", "kiali", "grafana"]


class Part(BaseModel):
    """Unknown and missing keys are errors: they mean that another version of the program deployed the stack."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Mesh(Part):
    """``istiod`` is a Deployment, and reads the first of ``config_maps``; a second one where its environment names it.

    ``by_charts``: no Istio resource stands behind istiod.
    """

    installer: Literal["helm", "sail", "existing"]
    by_charts: bool
    namespace: str
    revision: str
    istiod: str
    config_maps: list[str]
    injection_labels: dict[str, str]
    namespaces: list[str]


class SampledApart(Part):
    """The Telemetry ``telemetry`` of a namespace, or of the pods with the label ``app`` there, with its percentage."""

    telemetry: str
    namespace: str
    app: str | None
    percentage: float


class Tracing(Part):
    """``collector_host`` is the full name of the collector's Service; ``otlp_address`` is where it sends spans.

    ``collector_in_mesh``: its pods have a sidecar. ``scope`` says where the Telemetry called ``telemetry`` is: in the
    mesh's root namespace, or in each namespace that the stack brings into the mesh. ``ratio_attribute`` is the
    attribute by which Tempo knows how many requests a span stands for, with one of ``ratios``; None: each for one.
    ``kept_trace_state`` is the header ``tracestate`` by which the collector keeps a trace; None: it keeps all.
    """

    provider: str
    telemetry: str
    sampling_percentage: float
    collector: str
    collector_namespace: str
    collector_host: str
    collector_port: int
    collector_replicas: int
    otlp_address: str
    collector_in_mesh: bool = False
    scope: Literal["mesh", "namespaces"] = "mesh"
    exceptions: list[SampledApart] = []
    ratio_attribute: str | None = None
    ratios: list[float] = []
    kept_trace_state: str | None = None

    def percentage_of(self, namespace: str, labels: Mapping[str, str]) -> float:
        """The percentage of the requests that a pod's proxy is to trace where they enter at it."""
        of = {(one.namespace, one.app): one.percentage for one in self.exceptions}
        return of.get((namespace, labels.get("app", "")), of.get((namespace, None), self.sampling_percentage))


class ObjectStore(Part):
    """``service`` and ``job`` are those of a store that the program deployed, in Tempo's namespace."""

    bucket: str | None
    service: str | None
    job: str | None


class Tempo(Part):
    """``generator_service`` and ``distributor_service`` are Tempo's one Service, or those of its parts.

    ``processors`` are those of its metrics generator, none where the collector makes the graph. Of an ``existing``
    one, which somebody else runs, only ``query_url`` is known, or not even that if it is empty; ``headers`` and ``ca``,
    an authority's certificate, are for each question.
    """

    mode: Literal["monolithic", "stack", "existing"]
    name: str
    namespace: str
    query_url: str
    distributor_service: str
    generator_service: str
    processors: list[str]
    object_store: ObjectStore | None
    headers: dict[str, str] = {}
    ca: str | None = None

    @property
    def tenant(self) -> str | None:
        """The tenant whose traces ``query_url`` leads to, if that is the address of a gateway; else Tempo has none.

        The path is ``/api/traces/v1/<tenant>/tempo`` (tempo-operator: docs/examples/openshift/uiplugin).
        """
        found = _GATEWAY.search(self.query_url)
        return None if found is None else found[1]


class Prometheus(Part):
    """``deployment`` is that of a Prometheus that the program deployed, in ``namespace``.

    ``secret``: both URLs come from secret configuration, as where a token is a part of the path. ``login`` is how it
    knows those who ask; ``headers`` and ``ca``, an authority's certificate, are for each question. An existing one that
    takes no writes scrapes the deployed one, which is at ``scraped_url``, or, where not even that ``takes_writes``, the
    hops themselves.
    """

    query_url: str
    write_url: str
    namespace: str | None
    deployment: str | None
    scraped_url: str | None = None
    takes_writes: bool = True
    secret: bool = False
    login: Literal["basic", "bearer"] | None = None
    username: str | None = None
    headers: dict[str, str] = {}
    ca: str | None = None

    def hidden(self, text: str) -> str:
        """``text`` as it may be printed."""
        if not self.secret:
            return text
        longest_first = sorted((self.query_url, self.write_url), key=len, reverse=True)
        for url in longest_first:
            text = text.replace(url, "[hidden URL of Prometheus]")
        return text


class Grafana(Part):
    """``url`` is where pods reach the Grafana that the program deployed; ``config_map`` holds the data sources.

    ``datasource_uids`` are those that the program makes: an existing Grafana may have the Prometheus already.
    """

    mode: Literal["config-map", "operator", "managed"]
    namespace: str
    config_map: str | None
    resources: list[str]
    datasource_uids: list[str]
    tempo_uid: str
    prometheus_uid: str
    url: str | None


class Kiali(Part):
    """``url`` is where pods reach Kiali."""

    url: str


class Bookinfo(Part):
    """``url`` is the product page's, inside the cluster, through the gateway if there is one.

    ``gateway`` is the label ``app`` of that gateway's proxy, after which Istio names it in spans.
    """

    namespace: str
    traffic: bool
    url: str
    gateway: str | None = None


class Deployment(Part):
    """A whole deployment, as the program intends it; ``cluster_uid`` is that of the cluster's ``kube-system``.

    ``graph_source`` is what makes the service graph.
    """

    cluster_uid: str | None
    platform: Literal["openshift", "kubernetes"]
    graph_source: Literal["tempo", "collector"] = "tempo"
    operators: list[Operator]
    mesh: Mesh
    tracing: Tracing
    tempo: Tempo
    prometheus: Prometheus
    grafana: Grafana
    kiali: Kiali | None
    bookinfo: Bookinfo | None

    @property
    def telemetry_namespaces(self) -> list[str]:
        """Those that have a Telemetry of the stack's."""
        return [self.mesh.namespace] if self.tracing.scope == "mesh" else self.mesh.namespaces

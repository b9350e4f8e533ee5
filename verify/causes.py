"""What can be found, each with a code.

Scripts and alerts of others rely on the codes: one may be added, and none is renamed or given another meaning.
"""

from enum import StrEnum


class Code(StrEnum):
    """A code, such as ``no-collector``, with a ``meaning`` in one sentence."""

    meaning: str

    def __new__(cls, value: str, meaning: str) -> "Code":
        code = str.__new__(cls, value)
        code._value_ = value
        code.meaning = meaning
        return code

    # Of the whole check, which then has no findings.
    WRONG_OPTION = "wrong-option", "An option has a value that verify does not understand."
    NO_OUTPUTS = "no-outputs", "The outputs of the stack cannot be read, or it has not been deployed."
    OTHER_VERSION = "other-version", "Another version of the program deployed the stack."
    NO_LOGIN = "no-login", "The kubeconfig has no usable context, or its login fails."
    NO_API_SERVER = "no-api-server", "The API server does not answer."
    OTHER_CLUSTER = "other-cluster", "The context leads to another cluster than the stack was deployed to."

    # Of the whole check, or of any hop.
    TIME_OVER = "time-over", "The time that --timeout allows is over."
    UNEXPECTED = "unexpected", "An error in verify itself; the line about it is for its maintainers."
    NOT_ALLOWED = "not-allowed", "Whoever runs verify may not read it."
    NOT_READABLE = "not-readable", "The hop could not be looked at."
    NO_TRAFFIC = "no-traffic", "No request went through the hop during the check."
    VOLUME_ELSEWHERE = "volume-elsewhere", "A pod's volume is on a node that does not take the pod."
    RESTARTED = "restarted", "The hop's pods were replaced during the check."
    DIFFERENT_BY_SETTINGS = "different-by-settings", "The stack's own settings say what is wrong here."

    # Operators and the control plane.
    OPERATOR_STOPPED = "operator-stopped", "An operator does not run; what it has made keeps running."
    OPERATOR_UNKNOWN = "operator-unknown", "No Deployment has the name of an operator that the stack needs."
    NO_ISTIOD = "no-istiod", "istiod is not installed."
    ISTIOD_DOWN = "istiod-down", "No istiod is ready."
    ISTIO_NOT_READY = "istio-not-ready", "The Sail operator could not apply the Istio resource."
    NO_INJECTOR = "no-injector", "No webhook leads to istiod, so that new pods get no sidecar."
    DNS_DOWN = "dns-down", "The cluster's DNS does not answer."

    # Sidecars.
    NO_NAMESPACE = "no-namespace", "A namespace of the mesh does not exist."
    NAMESPACE_WITHOUT_LABEL = "namespace-without-label", "A namespace has lost the label that injects sidecars."
    POD_WITHOUT_SIDECAR = "pod-without-sidecar", "A pod was created while no sidecars were injected."
    NOT_REDIRECTED = "not-redirected", "A pod started where Istio's CNI plugin did not lead its traffic to its sidecar."
    POD_NOT_READY = "pod-not-ready", "A pod is not ready; the spans of all others get through."
    NO_PODS = "no-pods", "There is no pod to trace."

    # The provider, and what proxies are told about it.
    NO_TELEMETRY = "no-telemetry", "The Telemetry that switches tracing on does not exist."
    PROVIDER_UNKNOWN = "provider-unknown", "The Telemetry names no provider of the mesh configuration."
    NOT_SAMPLED = "not-sampled", "The stack's Telemetry samples nothing, or reports no spans."
    PROVIDER_ELSEWHERE = "provider-elsewhere", "The provider does not lead to the collector."
    NO_COLLECTOR_SERVICE = "no-collector-service", "The collector's Service does not exist."
    OLDER_TELEMETRY = "older-telemetry", "An older Telemetry without selector hides the stack's."
    OTHER_TELEMETRY = (
        "other-telemetry",
        "A Telemetry of a namespace or workload switches its tracing off, or elsewhere.",
    )
    SAMPLED_LESS = "sampled-less", "Proxies sample less than the stack says."
    NAMESPACE_NOT_DISCOVERED = "namespace-not-discovered", "discoverySelectors leave out the collector's namespace."
    NO_PROXY = "no-proxy", "There is no sidecar to ask."
    PROXY_WITHOUT_TRACER = "proxy-without-tracer", "istiod has not sent a proxy the tracer."
    PROXY_ELSEWHERE = "proxy-elsewhere", "A proxy sends its spans to another collector."
    SIDECAR_HIDES_COLLECTOR = "sidecar-hides-collector", "The egress of a Sidecar leaves out the collector."
    COLLECTOR_NOT_EXPORTED = "collector-not-exported", "exportTo hides the collector's Service from proxies."
    LISTENERS_REFUSED = "listeners-refused", "Proxies refuse the listeners that istiod sends them."
    NO_SUCH_CLUSTER = "no-such-cluster", "A proxy does not know the collector's Service, for no reason that was found."
    MUTUAL_TLS = "mutual-tls", "Proxies speak Istio's mutual TLS to a collector without a sidecar."
    PLAIN_TEXT = "plain-text", "Proxies speak plain text to a collector whose sidecar takes mutual TLS alone."
    WRONG_PROTOCOL = "wrong-protocol", "Proxies speak HTTP/1 or TCP where the collector expects gRPC."
    CONNECTION_REFUSED = "connection-refused", "Nothing listens on the port that spans are sent to."
    POLICY_DROPS_SPANS = "policy-drops-spans", "A NetworkPolicy lets no proxy reach the collector."
    POLICY_IN_THE_WAY = "policy-in-the-way", "A NetworkPolicy lets the collector not reach what it sends to."
    SPANS_DROPPED = "spans-dropped", "Packets to the collector do not arrive, and no NetworkPolicy says why."
    PROXY_RESTARTED = "proxy-restarted", "Proxies have only just started."

    # Applications.
    CONTEXT_NOT_PASSED_ON = "context-not-passed-on", "An application does not pass the trace context on."

    # The collector.
    NO_COLLECTOR = "no-collector", "The collector's resource does not exist."
    COLLECTOR_STOPPED = "collector-stopped", "The collector is scaled to 0."
    COLLECTOR_DOWN = "collector-down", "No pod of the collector becomes ready."
    COLLECTOR_IN_MESH = "collector-in-mesh", "The collector has a sidecar, and should have none."
    COLLECTOR_WITHOUT_SIDECAR = "collector-without-sidecar", "The collector should have a sidecar, and has none."
    COLLECTOR_ELSEWHERE = "collector-elsewhere", "The collector sends to another address than Tempo's."
    COLLECTOR_WITHOUT_METRICS = "collector-without-metrics", "The collector does not expose its metrics."
    COLLECTOR_REFUSES = "collector-refuses", "The collector's memory limiter refuses spans."
    COLLECTOR_BLOCKED = "collector-blocked", "Tempo does not accept what the collector sends."
    OTHER_EXPORTER = "other-exporter", "An exporter of the collector that does not lead to Tempo fails."
    NO_SPANS = "no-spans", "No span reaches the hop."
    RATE_LIMITED = "rate-limited", "Tempo takes no more spans in a second of this tenant."
    TRACE_TOO_LARGE = "trace-too-large", "Tempo refuses traces of more bytes than its limit."
    NO_TENANT = "no-tenant", "A Tempo with several tenants gets no X-Scope-OrgID."
    TLS_MISMATCH = "tls-mismatch", "One side of collector and Tempo speaks TLS, and the other one does not."
    CERTIFICATE_UNKNOWN = "certificate-unknown", "A certificate is not trusted, or for another name."
    UNKNOWN_KEYS = "unknown-keys", "A program refuses its configuration at the start."
    OUT_OF_MEMORY = "out-of-memory", "A container is ended because it reaches its memory limit."
    NAME_NOT_RESOLVED = "name-not-resolved", "The address of the next hop is no name that DNS knows."

    # The object store and Tempo.
    STORE_DOWN = "store-down", "The object store does not run."
    NO_BUCKET = "no-bucket", "The bucket does not exist."
    STORE_REFUSES = "store-refuses", "The object store does not accept Tempo's credentials."
    NO_TEMPO = "no-tempo", "Tempo's resource does not exist."
    TEMPO_STOPPED = "tempo-stopped", "Tempo is stopped and not managed by its operator."
    TEMPO_DOWN = "tempo-down", "No pod of Tempo is ready."
    TEMPO_PART_DOWN = "tempo-part-down", "A part of a TempoStack has no ready pod."
    NO_TEMPO_SERVICE = "no-tempo-service", "Tempo's Service that takes spans does not exist."
    NO_SEARCH = "no-search", "Tempo does not answer searches."
    LOGIN_REFUSED = "login-refused", "What is asked does not accept the credentials that verify has."
    TEMPO_WITHOUT_METRICS = "tempo-without-metrics", "Tempo does not expose its metrics."
    NOT_SEARCHABLE = "not-searchable", "A trace is stored, and a search does not find it."
    NOT_STORED = "not-stored", "None of the traces of the requests that were followed is in Tempo."
    SPANS_DISCARDED = "spans-discarded", "Tempo discards spans."

    # Prometheus, the generator and the graph.
    PROMETHEUS_DOWN = "prometheus-down", "Prometheus does not answer."
    NO_RECEIVER = "no-receiver", "Prometheus runs without its receiver of remote writes."
    NO_GENERATOR = "no-generator", "No metrics generator runs."
    GENERATOR_UNREADABLE = "generator-unreadable", "Tempo does not return its configuration."
    NO_GENERATOR_PATH = "no-generator-path", "The metrics generator has no path on Tempo's volume."
    PROCESSOR_OFF = "processor-off", "A processor of the metrics generator is not switched on."
    RATES_DIFFER = "rates-differ", "The graph counts by another share than requests are traced by."
    WRITES_ELSEWHERE = "writes-elsewhere", "The metrics generator writes to another Prometheus."
    GENERATOR_WITHOUT_METRICS = "generator-without-metrics", "The metrics generator does not expose its metrics."
    WRITES_REFUSED = "writes-refused", "Prometheus does not accept what the metrics generator writes."
    NOT_SCRAPED = "not-scraped", "Prometheus does not scrape the collectors, which make the graph."
    SERIES_LIMIT = "series-limit", "The metrics generator has as many series as it may have, and makes no new ones."
    SPANS_TOO_OLD = "spans-too-old", "Spans reach the metrics generator too late to be counted."
    NO_EDGES = "no-edges", "The metrics generator pairs no client span with a server span."
    GRAPH_UNREADABLE = "graph-unreadable", "The service graph cannot be read."
    NOTHING_NEW = "nothing-new", "Nothing new arrives in Prometheus."
    NOT_COUNTED = "not-counted", "The graph grows, and has not counted the requests that were followed."
    EDGE_MISSING = "edge-missing", "An expected edge is not in the service graph."
    EDGE_GONE = "edge-gone", "An edge that earlier traces had is not in the service graph any more."
    NO_GRAPH = "no-graph", "There is no edge, and none is expected."

    # Grafana and Kiali.
    DATASOURCE_MISSING = "datasource-missing", "A data source is missing, or has another uid."
    SERVICE_MAP_ELSEWHERE = "service-map-elsewhere", "The service map asks another Prometheus."
    DATASOURCE_ELSEWHERE = "datasource-elsewhere", "A data source asks another address."
    DATASOURCE_NOT_SYNCED = "datasource-not-synced", "grafana-operator has not added a data source to any Grafana."
    GRAFANA_DOWN = "grafana-down", "Grafana does not answer."
    DATASOURCE_UNHEALTHY = "datasource-unhealthy", "Grafana cannot reach what a data source names."
    KIALI_DOWN = "kiali-down", "Kiali does not answer, or does not reach Tempo."
    KIALI_WITHOUT_TRACES = "kiali-without-traces", "Kiali finds no trace."

"""Alerts on the way of the spans: what is refused, waits, is dropped or comes late, and what is not written."""

from collections.abc import Sequence

from objects.alerts.alert import Alert
from objects.metrics import FROM_OUTSIDE

_COLLECTOR = 'job="$collector"'
_TEMPO = 'job=~"$tempo"'
_SAMPLED = "otelcol_processor_tail_sampling_count_traces_sampled"


def _counted(counter: str, *selectors: str) -> str:
    """How much a collector's counter has grown; whether its name ends in ``_total`` depends on the release."""
    matchers = ",".join([f'__name__=~"{counter}(_total)?"', _COLLECTOR, *selectors])
    return f"increase({{{matchers}}}[$window])"


def _grown(counter: str, *selectors: str) -> str:
    """How much a counter of Tempo has grown."""
    return f"increase({counter}{{{','.join([_TEMPO, *selectors])}}}[$window])"


def _by_kind(sampler: str) -> str:
    """The traces of each kind that a sampler has taken."""
    taken = _counted(_SAMPLED, f'policy=~"{sampler}[.].+"', 'sampled="true"')
    return f'sum by (kind) (label_replace({taken}, "kind", "$$1", "policy", "{sampler}[.](.+)"))'


PIPELINE: Sequence[Alert] = (
    Alert(
        name="MeshTracingCollectorDown",
        severity="page",
        home="collector",
        applies=lambda watched: watched.asks_pods,
        expr=f"up{{{_COLLECTOR}}} == 0 or absent(up{{{_COLLECTOR}}})",
        lasts="1m",
        summary="{{ if $labels.instance }}The collector {{ $labels.instance }} does not answer{{ else }}No "
        "collector runs{{ end }}",
        cause="A pod of the collector does not answer Prometheus, or there is none. Proxies keep no span for "
        "later: what they send while no collector runs is lost.",
        remedy="`kubectl get pods` in the mesh's namespace shows which pod it is, and its log why it does not start; "
        "`python -m verify` names the cause.",
    ),
    Alert(
        name="MeshTracingTempoDown",
        severity="page",
        home="tempo",
        applies=lambda watched: watched.asks_pods,
        expr=f"up{{{_TEMPO}}} == 0 or $absent_tempo",
        lasts="1m",
        summary="{{ if $labels.instance }}The pod {{ $labels.instance }} of {{ $labels.job }} does not answer{{ "
        "else }}No pod of {{ $labels.job }} runs{{ end }}",
        cause="A pod of Tempo does not answer Prometheus, or there is none. The collector keeps spans for five "
        "minutes; traces cannot be searched meanwhile.",
        remedy="`kubectl get pods` in Tempo's namespace shows which pod it is, and its log why it does not start: "
        "often its object store or its volume. `python -m verify` names the cause.",
    ),
    Alert(
        name="MeshTracingSpansRefused",
        severity="page",
        home="collector",
        expr=f"sum by (receiver) ({_counted('otelcol_receiver_refused_spans', FROM_OUTSIDE)}) > 0",
        summary="The collector refuses spans of the mesh, {{ $value | humanize }} within $window",
        cause="The collector has reached its memory limit, or the queue to what it sends to is full. Proxies send "
        "a span once, so these are lost.",
        remedy="If `MeshTracingQueueFilling` or `MeshTracingSpansNotSent` fires too, begin there. Else give the "
        "collector more memory (`tracing.collector.resources`) or pods (`tracing.collector.replicas`), or trace "
        "less (`tracing.samplingPercentage`).",
    ),
    Alert(
        name="MeshTracingQueueFilling",
        severity="ticket",
        home="collector",
        expr=f"max by (exporter) (otelcol_exporter_queue_size{{{_COLLECTOR}}} / "
        f"otelcol_exporter_queue_capacity{{{_COLLECTOR}}}) > 0.5",
        summary="The queue of {{ $labels.exporter }} is {{ $value | humanizePercentage }} full",
        cause="Spans come faster than they are taken: what the collector sends to is slow or does not answer. When the "
        "queue is full, spans are refused.",
        remedy="Look at Tempo's pods and their log: they lack CPU or memory (`tempo.resources`, `tempo.parts`), or "
        "their object store is slow. `tracing.collector.queueSize` bridges a longer pause, in memory.",
    ),
    Alert(
        name="MeshTracingSpansNotSent",
        severity="page",
        home="collector",
        expr="sum by (exporter) (min_over_time("
        f'otelcol_exporter_queue_size{{{_COLLECTOR},data_type="traces"}}[$window])) > 0 '
        f"unless sum by (exporter) ({_counted('otelcol_exporter_sent_spans')}) > 0",
        summary="{{ $value | humanize }} spans wait in the collector, and {{ $labels.exporter }} sends none",
        cause="What the collector sends to does not answer, or its address or certificate is wrong. Spans wait in the "
        "queue for up to five minutes and are dropped then.",
        remedy="`python -m verify` follows the spans and names what is broken; the collector's log has the error "
        "of each try.",
    ),
    Alert(
        name="MeshTracingSpansDropped",
        severity="page",
        home="collector",
        # One after the other: with the same labels, two counters in one selector are an error.
        expr=f"sum by (exporter) ({_counted('otelcol_exporter_send_failed_spans')}) > 0 or "
        f"sum by (exporter) ({_counted('otelcol_exporter_enqueue_failed_spans')}) > 0",
        summary="The collector has dropped {{ $value | humanize }} spans for {{ $labels.exporter }} within $window",
        cause="They were tried for five minutes, or refused for good, or the queue was full.",
        remedy="The collector's log has the reason after `Exporting failed`. If what it sends to was away, repair "
        "that; if it refuses spans, as for a limit of Tempo's, `MeshTracingSpansDiscarded` has the reason.",
    ),
    Alert(
        name="MeshTracingSamplingLimited",
        severity="ticket",
        home="collector",
        applies=lambda watched: watched.has_limits,
        # A boundary between two scrapes would tell of a single trace that only one of the samplers has counted.
        expr=f"1 - ({_by_kind('limited')} or 0 * {_by_kind('chosen')}) / {_by_kind('chosen')} > 0.1 "
        f"and {_by_kind('chosen')} > 10",
        lasts="$moment",
        summary="{{ $value | humanizePercentage }} of the traces that were to be kept are over the limit, of the kind "
        "{{ $labels.kind }}",
        cause="More traces were chosen than `tracing.sampling.tail.ceiling` (kind `important`: errors and slow "
        "requests) or `budget` (kind `others`) allows. They are not stored; the service graph has counted them.",
        remedy="If there is a storm of errors, the traces that are kept show it. Else raise the limit, or choose fewer "
        "traces, by `percentage`, `slowerThan` or `attributes`.",
    ),
    Alert(
        name="MeshTracingSamplerFull",
        severity="page",
        home="collector",
        applies=lambda watched: watched.has_sampler,
        expr=f"sum ({_counted('otelcol_processor_tail_sampling_sampling_trace_dropped_too_early')}) > 0",
        summary="The collector had to forget {{ $value | humanize }} traces before it could decide on them within "
        "$window",
        cause="More traces wait for their last spans than its memory allows for, so the oldest are dropped undecided: "
        "rates of the graph that count sampled traces become too low, and errors are lost.",
        remedy="More memory for the collector (`tracing.collector.resources.limits.memory`, of which the number of "
        "waiting traces is made), more pods, or a shorter `tracing.sampling.wait`.",
    ),
    Alert(
        name="MeshTracingSpansDiscarded",
        severity="page",
        home="tempo",
        expr=f"sum by (reason) ({_grown('tempo_discarded_spans_total')}) > 0",
        summary="Tempo has discarded {{ $value | humanize }} spans within $window: {{ $labels.reason }}",
        cause="A limit of Tempo's: `rate_limited` and `live_traces_exceeded` for all traces together, "
        "`trace_too_large` for one.",
        remedy="Raise the limit below `overrides` in `tempo.extraConfig`, or trace less. Of a trace that is too "
        "large, look for a loop or a batch job that has one trace for all that it does.",
    ),
    Alert(
        name="MeshTracingSpansLate",
        severity="ticket",
        home="tempo",
        applies=lambda watched: watched.makes_graph_in_tempo,
        expr="sum ("
        + _grown("tempo_metrics_generator_spans_discarded_total", 'reason="outside_metrics_ingestion_slack"')
        + ") > 0",
        summary="{{ $value | humanize }} spans came too late for the service graph within $window",
        cause="Tempo's metrics generator counts no span that ended more than 30 s ago, so the rates of the graph "
        "are too low. Spans have waited in the collector's queue, or a node's clock is wrong.",
        remedy="If `MeshTracingQueueFilling` or `MeshTracingSpansNotSent` fires too, begin there: it passes with "
        "the queue. Else compare the nodes' clocks. `tracing.sampling.wait` adds to each span's age.",
    ),
    Alert(
        name="MeshTracingGraphWithoutSpans",
        severity="ticket",
        home="tempo",
        applies=lambda watched: watched.makes_graph_in_tempo,
        expr=f"sum ({_grown('tempo_distributor_spans_received_total')}) > 0 unless "
        f"sum ({_grown('tempo_metrics_generator_spans_received_total')}) > 0",
        lasts="$moment",
        summary="Tempo receives spans, and its metrics generator none: the service graph stands still",
        cause="The generator's processors are switched off for the tenant, it has no path to write to, or it does "
        "not run.",
        remedy="`python -m verify` says which, and what repairs it.",
    ),
    Alert(
        name="MeshTracingEdgesDropped",
        severity="ticket",
        home="graph",
        applies=lambda watched: "collector" in watched.homes,
        expr=f"sum ({_grown('tempo_metrics_generator_processor_service_graphs_dropped_spans')}) > 0 or "
        f"sum ({_counted('otelcol_connector_servicegraph_dropped_spans')}) > 0",
        summary="{{ $value | humanize }} spans found no place where edges of the service graph are put together, "
        "within $window",
        cause="So many requests wait for the other one of their two spans at a time that the store for them, of "
        "10,000, is full: the rates of the graph are too low.",
        remedy="Look whether one side of many calls sends no spans, as a namespace without sidecars. Else raise "
        "the store: `metrics_generator.processor.service_graphs.max_items` in `tempo.extraConfig`, or "
        "`connectors.servicegraph.store.max_items` in `tracing.collector.extraConfig`.",
    ),
    Alert(
        name="MeshTracingSeriesLimited",
        severity="ticket",
        home="tempo",
        applies=lambda watched: watched.makes_graph_in_tempo,
        expr=f"sum ({_grown('tempo_metrics_generator_registry_series_limited_total')}) > 0",
        summary="Tempo's metrics generator is at its limit of series, and counts nothing new",
        cause="A label has too many values: services, operations or a dimension of your own. What is there is "
        "still counted; new services and edges are missing.",
        remedy="`MeshTracingLabelWithManyValues` names the label. Take it out of `graph.dimensions`, or name "
        "operations without ids. `graph.maxSeries` is the limit.",
    ),
    Alert(
        name="MeshTracingServiceOverflows",
        severity="ticket",
        home="graph",
        applies=lambda watched: not watched.makes_graph_in_tempo,
        expr='sum by (service) (rate(traces_spanmetrics_calls_total{otel_metric_overflow="true"}[$window])) > 0',
        summary="{{ $labels.service }} has so many operations, or values of other labels, that the rest is counted "
        "together",
        cause="A label of the service has too many values, as one with an id in it. The collector counts what is "
        "over the limit of a service in one series without labels; the edges of the graph stay as they are.",
        remedy="`MeshTracingLabelWithManyValues` names the label. Take it out of `graph.dimensions`, or name "
        "operations without ids. `graph.maxSeries` is the limit, of which a service may have a tenth.",
    ),
    Alert(
        name="MeshTracingLabelWithManyValues",
        severity="ticket",
        home="graph",
        expr="$many_values",
        lasts="$moment",
        summary="{{ $labels.service }} has {{ $value | humanize }} values of the label {{ $labels.label }}",
        cause="Each value is some twenty series in Prometheus. Such a label has ids, addresses or paths with them "
        "in it, and is on its way to the limit of `graph.maxSeries`.",
        remedy="If it is `span_name`, give the operations names without ids: by a route in the VirtualService, or "
        "in the application. Else take the attribute out of `graph.dimensions`. In Prometheus, series end a "
        "quarter of an hour after their last request.",
    ),
    Alert(
        name="MeshTracingGraphNotScraped",
        severity="ticket",
        home="collector",
        applies=lambda watched: watched.asks_pods and watched.graph_job is not None,
        expr='up{job="$graph"} == 0 or absent(up{job="$graph"})',
        lasts="1m",
        summary="Prometheus gets no service graph from {{ if $labels.instance }}the collector {{ $labels.instance "
        "}}{{ else }}the collectors{{ end }}",
        cause="The collector does not answer where it serves the graph, or what it answers has more than twice "
        "the series of `graph.maxSeries` and is refused as a whole.",
        remedy="Prometheus' page `/targets` has the reason. `sample limit exceeded`: "
        "`MeshTracingLabelWithManyValues` names what has to go; edges have no limit of their own. Else "
        "`MeshTracingCollectorDown` has what to do.",
    ),
    Alert(
        name="MeshTracingGraphNotWritten",
        severity="ticket",
        home="tempo",
        applies=lambda watched: watched.makes_graph_in_tempo,
        expr=f"sum by (url) ({_grown('prometheus_remote_storage_samples_failed_total')} + "
        f"{_grown('prometheus_remote_storage_samples_retried_total')}) > 0",
        summary="Tempo cannot write the service graph to {{ $labels.url }}",
        cause="Prometheus does not take what is written: its receiver is off, it is not reached, or it refuses the "
        "login.",
        remedy="`python -m verify` names the cause; the error is in the log of Tempo's metrics generator.",
    ),
    Alert(
        name="MeshTracingNamespaceSilent",
        severity="ticket",
        home="graph",
        expr="max_over_time(mesh_tracing:namespace_spans:steady[1h]) > 0 unless mesh_tracing:namespace_spans:rate > 0",
        summary="The namespace {{ $labels.traced_namespace }} had spans all the time, and has none now",
        cause="Nothing is called there any more, its sidecars are gone (a label of the namespace was taken away), "
        "or its spans are lost on their way. It is told for an hour, to namespaces that had spans in each minute "
        "of ten.",
        remedy="`python -m verify` says whether spans of the namespace arrive, and why not. If you have taken it "
        "out of the mesh, it ends by itself.",
    ),
    Alert(
        name="MeshTracingCertificateNotRenewed",
        severity="page",
        home="certificates",
        expr='time() - (certmanager_certificate_renewal_timestamp_seconds{job="$cert_manager"} > 0) > 600',
        summary="The certificate {{ $labels.namespace }}/{{ $labels.name }} was to be renewed "
        "{{ $value | humanizeDuration }} ago",
        cause="cert-manager cannot renew the certificate of an operator's webhook. When it ends, the API server "
        "refuses every change of a collector or of Tempo; what runs goes on.",
        remedy="`kubectl describe certificate` and `certificaterequest` in that namespace say why, and "
        "cert-manager's log does.",
    ),
)

# What a namespace's spans are counted by, each time that rules are evaluated: services are called `name.namespace`.
RECORDED = {
    "mesh_tracing:namespace_spans:rate": "sum by (traced_namespace) (label_replace("
    'rate(traces_spanmetrics_calls_total{service=~".+[.].+"}[$window]), '
    '"traced_namespace", "$$1", "service", ".+[.]([^.]+)"))',
    "mesh_tracing:namespace_spans:steady": "min_over_time(mesh_tracing:namespace_spans:rate[$steady]) > 0 and "
    "count_over_time(mesh_tracing:namespace_spans:rate[$steady]) >= $steady_samples",
}

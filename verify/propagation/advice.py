"""What to do about an application that does not pass the trace context on: for its language, and as a command."""

import json
import shlex
from collections.abc import Mapping, Sequence

from verify.propagation.workload import Language, Workload

W3C = ("traceparent", "tracestate")
# Envoy's tracer for Zipkin knows these instead (envoy: source/extensions/tracers/zipkin).
B3 = ("x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled", "x-b3-flags")

# One line each, with HEADERS in place of their names; docs/propagation.md has more of each.
_EXAMPLES: Mapping[Language, str] = {
    Language.PYTHON: "requests.get(url, headers={h: request.headers[h] for h in (HEADERS) if h in request.headers})",
    Language.JAVA: "for (String h : List.of(HEADERS)) "
    "if (request.getHeader(h) != null) call.header(h, request.getHeader(h));",
    Language.NODE: "for (const h of [HEADERS]) if (request.headers[h]) call.headers[h] = request.headers[h];",
    Language.GO: "for _, h := range []string{HEADERS} "
    "{ call.Header[http.CanonicalHeaderKey(h)] = request.Header.Values(h) }",
    Language.RUBY: "[HEADERS].each { |h| call[h] = request.headers[h] if request.headers[h] }",
    Language.PHP: "foreach ([HEADERS] as $h) if ($request->hasHeader($h)) "
    "$call = $call->withHeader($h, $request->getHeader($h));",
    Language.DOTNET: "foreach (var h in new[] { HEADERS }) "
    "if (request.Headers.TryGetValue(h, out var v)) call.Headers.TryAddWithoutValidation(h, (string)v);",
}
# The languages that the OpenTelemetry operator instruments without privileges, by the names in its annotations.
_INSTRUMENTED = {
    Language.PYTHON: "python",
    Language.JAVA: "java",
    Language.NODE: "nodejs",
    Language.DOTNET: "dotnet",
}
_NAME = "trace-context"
# Instrumentation for the headers' sake alone: it sends nothing anywhere.
_SILENT = ("OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER", "OTEL_LOGS_EXPORTER")
_PATCHED = {"Deployment": "deployment", "StatefulSet": "statefulset", "DaemonSet": "daemonset"}


def example(language: Language, headers: Sequence[str]) -> str:
    """One line of code that passes ``headers`` on."""
    return _EXAMPLES[language].replace("HEADERS", ", ".join(f'"{header}"' for header in headers))


def instrument(workload: Workload, headers: Sequence[str]) -> str:
    """The command that has the OpenTelemetry operator make ``workload`` pass the headers on.

    Empty where the operator cannot, or was asked to already.
    """
    language = _INSTRUMENTED.get(workload.language) if workload.language else None
    kind = _PATCHED.get(workload.kind)
    if language is None or kind is None or workload.instrumented:
        return ""
    instrumentation = {
        "apiVersion": "opentelemetry.io/v1alpha1",
        "kind": "Instrumentation",
        "metadata": {"name": _NAME, "namespace": workload.namespace},
        "spec": {
            "propagators": ["b3multi" if set(headers) & set(B3) else "tracecontext", "baggage"],
            # The sidecars decide which traces are sampled.
            "sampler": {"type": "parentbased_always_on"},
            "env": [{"name": name, "value": "none"} for name in _SILENT],
        },
    }
    annotations = {
        f"instrumentation.opentelemetry.io/inject-{language}": _NAME,
        "instrumentation.opentelemetry.io/container-names": workload.container,
    }
    template = {"spec": {"template": {"metadata": {"annotations": annotations}}}}
    return (
        f"echo {shlex.quote(json.dumps(instrumentation))} | kubectl apply -f -"
        f" && kubectl patch {kind} {shlex.quote(workload.name)} -n {shlex.quote(workload.namespace)}"
        f" --type merge --patch {shlex.quote(json.dumps(template))}"
    )

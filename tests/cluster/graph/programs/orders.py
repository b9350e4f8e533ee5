"""An application that traces itself: it calls an address so many times, and prints the trace id of each call."""

import os
import time
from http import HTTPStatus
from http.client import HTTPConnection

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagate import inject
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind

# Where spans go, and under which name, the SDK reads from its own variables.
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
tracer = provider.get_tracer("orders")
for _ in range(int(os.environ["CALLS"])):
    with tracer.start_as_current_span("order") as order:
        attributes = {"http.request.method": "GET", "peer.service": "productpage"}
        with tracer.start_as_current_span("GET", None, SpanKind.CLIENT, attributes):
            headers: dict[str, str] = {}
            inject(headers)
            connection = HTTPConnection(os.environ["HOST"], timeout=30)
            connection.request("GET", "/productpage", headers=headers)
            answer = connection.getresponse()
            answer.read()
            connection.close()
        if answer.status != HTTPStatus.OK:
            raise SystemExit(f"answered {answer.status}")
        print(f"{order.get_span_context().trace_id:032x}", flush=True)
provider.shutdown()
print("all sent", flush=True)
# The pod would start it again.
time.sleep(3600)

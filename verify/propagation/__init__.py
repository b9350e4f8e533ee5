"""Whether applications pass the trace context of a request on to the calls that they make for it.

Istio's sidecars make the spans: one for each request that a pod receives, and one for each call that it makes. Only the
application knows which call belongs to which request, and says so by copying the request's trace headers to the call.
Without them the sidecar begins a new trace at the call. The edge of the service graph is still there, as both of its
spans are in the new trace; but every trace ends at this application.
"""

"""Rules for Prometheus: alerts on the way of the spans, on services, and on what services are promised."""

"""Examples for lint/rules/object_store.py."""

from cases.base import GENERATOR, STACK, STORE, STORE_POD, Example, replaced

EXAMPLES = {
    "endpoint_without_scheme": Example(
        "error N13 Secret tracing-system/store: stringData.endpoint",
        wrong=GENERATOR + replaced(STORE, "http://", ""),
        right=GENERATOR + STORE,
    ),
    "region_beside_endpoint": Example(
        "error N13 Secret tracing-system/store: stringData.region",
        wrong=GENERATOR + replaced(STORE, "bucket: traces", "bucket: traces, region: eu-central-1"),
        right=GENERATOR + STORE,
    ),
    "tls_unlike_the_endpoint": Example(
        "error N13 TempoStack tracing-system/big: spec.storage.tls.enabled",
        wrong=STACK + replaced(STORE, "http://", "https://"),
        right=replaced(STACK, "enabled: false", "enabled: true") + replaced(STORE, "http://", "https://"),
    ),
    "authority_without_tls": Example(
        "error N13 TempoStack tracing-system/big: spec.storage.tls.caName",
        wrong=replaced(STACK, "enabled: false", "enabled: false, caName: ca"),
        right=replaced(STACK, "enabled: false", "enabled: true, caName: ca"),
    ),
    "bucket_that_nobody_creates": Example(
        "error N13 TempoMonolithic tracing-system/tempo: spec.storage.traces.s3.secret",
        wrong=GENERATOR,
        right=GENERATOR,
        facts={"bucket_is_created": False},
        facts_of_twin={"bucket_is_created": True},
    ),
    "image_of_minio": Example(
        "error N13 Deployment tracing-system/store: spec.template.spec.containers[0].image",
        wrong=replaced(STORE_POD, "chrislusf/seaweedfs:4.48", "minio/minio:RELEASE.2025-09-07T16-13-09Z"),
        right=STORE_POD,
    ),
}

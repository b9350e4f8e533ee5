"""Where proxies send spans by their own configuration, without a provider."""

from collections.abc import Iterator

from lint.facts import Facts
from lint.findings import Fault, Severity, warning
from lint.objects import Manifests, Path, at, mapping, text
from lint.rule import rule
from lint.views.mesh import is_plain, mesh_configs

_TRACING: Path = ("defaultConfig", "tracing")
_OWN_POD = "localhost"


@rule(
    code="N3",
    title="The address for the proxies' spans names no namespace",
    levels=(Severity.WARNING,),
    why=(
        "A proxy looks up the address in `defaultConfig.tracing` as every program of its Pod does: a name without a "
        "namespace is that of a Service in the Pod's own namespace, and proxies elsewhere send their spans nowhere."
    ),
    remedy="Write the Service in full, as `zipkin.tracing-system.svc.cluster.local:9411`.",
    example="""
        apiVersion: sailoperator.io/v1
        kind: Istio
        metadata: {name: default}
        spec:
          version: v1.31.0
          values:
            meshConfig:
              defaultConfig: {tracing: {zipkin: {address: "jaeger-collector:9411"}}}
    """,
    source="istio: tools/packaging/common/envoy_bootstrap.json, the cluster of the tracer is one of STRICT_DNS",
)
def address_of_spans_without_namespace(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for mesh in mesh_configs(manifests):
        for tracer, settings in mapping(at(mesh.values, *_TRACING)).items():
            address = text(at(settings, "address"))
            host, colon, _ = address.partition(":")
            # Not an IP address of either version, a variable, or what the proxy expands.
            if colon and is_plain(address) and host.replace("-", "").isalnum() and host != _OWN_POD:
                yield warning(
                    mesh.where(*_TRACING, tracer, "address"),
                    f"proxies look up {host} in the namespace of their own Pod",
                    f"write the Service in full, as {host}.<namespace>.svc.cluster.local",
                )

"""Where proxies send spans by their own configuration, without a provider."""

from collections.abc import Iterator

from lint.facts import Facts
from lint.findings import Fault, Severity, warning
from lint.lifecycle import lifecycle
from lint.objects import Manifests, Path, at, mapping, sequence, text
from lint.rule import rule
from lint.views.mesh import DEMO, PROVIDERS, MeshConfig, is_plain, mesh_configs, shared_config_elsewhere
from lint.views.telemetry import names_provider, telemetries
from lint.views.versions import Minor, minor

_TRACING: Path = ("defaultConfig", "tracing")
# istio/api: mesh/v1alpha1/proxy.proto, Tracing
_TRACERS = frozenset({"datadog", "lightstep", "openCensusAgent", "stackdriver", "zipkin"})
_OWN_POD = "localhost"
_WITHOUT_DEFAULT = lifecycle().first_release("proxies have no default address for spans")


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


@rule(
    code="N3",
    title="Tracing is switched on, and nothing says where spans go",
    levels=(Severity.WARNING,),
    why=(
        "Until Istio 1.21 proxies sent spans to `zipkin.istio-system` unless they were told otherwise. Since 1.22 "
        "there "
        "is no such address: `enableTracing` and a rate of sampling alone have no effect, without a provider in "
        "`extensionProviders` or an address in `defaultConfig.tracing`."
    ),
    remedy="Add a provider to `extensionProviders`, and a Telemetry that names it.",
    example="""
        apiVersion: sailoperator.io/v1
        kind: Istio
        metadata: {name: default}
        spec:
          version: v1.31.0
          values: {meshConfig: {enableTracing: true}}
    """,
    source="istio: releasenotes/notes/drop-default-tracing.yaml; the chart istiod, templates/configmap.yaml",
)
def tracing_without_destination(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    # A Telemetry that names a provider is of another rule.
    if shared_config_elsewhere(manifests) or any(map(names_provider, telemetries(manifests))):
        return
    for mesh in mesh_configs(manifests):
        release = _release(mesh)
        has_no_default = release is None or release >= _WITHOUT_DEFAULT
        if mesh.whole and has_no_default and mesh.profile != DEMO and not _says_where(mesh):
            for path in (("enableTracing",), (*_TRACING, "sampling")):
                asked = at(mesh.values, *path)
                # Of a text, another rule says more.
                if asked and not isinstance(asked, str):
                    yield warning(
                        mesh.where(*path),
                        "there is no provider and no address for spans, and since Istio 1.22 none by default: "
                        "nothing is traced",
                        "add a provider to extensionProviders, and a Telemetry that names it",
                    )
                    break


def _says_where(mesh: MeshConfig) -> bool:
    """Whether there is any place for spans: a provider, an address, or values that become one."""
    around = mapping(at(mesh.owner.raw, *mesh.path[:-1]))
    chart = mapping(around.get("values", around)) if mesh.path else {}
    return bool(
        sequence(mesh.values.get(PROVIDERS))
        or _TRACERS & mapping(at(mesh.values, *_TRACING)).keys()
        or at(chart, "global", "tracer")
        or at(chart, "global", "proxy", "tracer")
        or at(chart, "meshConfig", PROVIDERS)
        or _TRACERS & mapping(at(chart, "meshConfig", *_TRACING)).keys()
    )


def _release(mesh: MeshConfig) -> Minor | None:
    spec = mapping(mesh.owner.at("spec"))
    said = (spec.get("version"), spec.get("tag"), at(spec, "values", "global", "tag"))
    return next(filter(None, map(minor, map(text, said))), None)

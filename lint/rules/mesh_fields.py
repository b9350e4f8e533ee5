"""Fields of the mesh's configuration and of an IstioOperator that do not exist."""

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from lint.facts import Facts
from lint.findings import Fault, Severity, warning
from lint.objects import Manifests, Path, Place, at, mapping, sequence
from lint.rule import rule
from lint.views.mesh import INSTALL, is_plain, mesh_configs

# istio/api: mesh/v1alpha1/config.proto, MeshConfig.
_MESH = frozenset(
    [
        "proxyListenPort",
        "proxyInboundListenPort",
        "proxyHttpPort",
        "connectTimeout",
        "hboneIdleTimeout",
        "protocolDetectionTimeout",
        "tcpKeepalive",
        "ingressClass",
        "ingressService",
        "ingressControllerMode",
        "ingressSelector",
        "enableTracing",
        "accessLogFile",
        "accessLogFormat",
        "accessLogEncoding",
        "enableEnvoyAccessLogService",
        "disableEnvoyListenerLog",
        "defaultConfig",
        "outboundTrafficPolicy",
        "inboundTrafficPolicy",
        "configSources",
        "enableAutoMtls",
        "trustDomain",
        "trustDomainAliases",
        "caCertificates",
        "defaultServiceExportTo",
        "defaultVirtualServiceExportTo",
        "defaultDestinationRuleExportTo",
        "rootNamespace",
        "localityLbSetting",
        "zoneAwareLbSetting",
        "dnsRefreshRate",
        "h2UpgradePolicy",
        "inboundClusterStatName",
        "outboundClusterStatName",
        "certificates",
        "serviceSettings",
        "serviceScopeConfigs",
        "enablePrometheusMerge",
        "verifyCertificateAtClient",
        "ca",
        "extensionProviders",
        "defaultProviders",
        "discoverySelectors",
        "pathNormalization",
        "defaultHttpRetryPolicy",
        "meshMTLS",
        "tlsDefaults",
        "defaultTrafficPolicy",
        "serviceEntryVisibility",
    ]
)
# istio/api: mesh/v1alpha1/proxy.proto, Tracing.
_TRACING = frozenset(
    {
        "customTags",
        "datadog",
        "enableIstioTags",
        "lightstep",
        "maxPathTagLength",
        "openCensusAgent",
        "sampling",
        "stackdriver",
        "tlsSettings",
        "zipkin",
    }
)
_WITH_SERVICE = frozenset({"service", "port"})
# istio/api: mesh/v1alpha1/config.proto, MeshConfig.ExtensionProvider.
_PROVIDERS: Mapping[str, frozenset[str]] = {
    "datadog": _WITH_SERVICE | {"maxTagLength"},
    "opentelemetry": _WITH_SERVICE
    | {"dynatraceSampler", "grpc", "http", "maxTagLength", "resourceDetectors", "serviceAttributeEnrichment"},
    "skywalking": _WITH_SERVICE | {"accessToken"},
    "zipkin": _WITH_SERVICE
    | {"enable64bitTraceId", "headers", "maxTagLength", "path", "timeout", "traceContextOption"},
}
# istio: operator/pkg/apis/types.go; some are of releases before 1.24.
_OPERATOR = frozenset(
    [
        "profile",
        "installPackagePath",
        "hub",
        "tag",
        "namespace",
        "revision",
        "defaultRevision",
        "resourceSuffix",
        "compatibilityVersion",
        "meshConfig",
        "components",
        "values",
        "unvalidatedValues",
    ]
)
_COMPONENTS = frozenset(["base", "pilot", "cni", "ztunnel", "istiodRemote", "ingressGateways", "egressGateways"])


@rule(
    code="N3",
    title="A provider has a field that does not exist",
    levels=(Severity.WARNING,),
    why=(
        "istiod passes over fields of a provider that it does not know, and the API server drops them from an Istio. "
        "`opentelemetry`, for instance, has no `protocol`: it speaks gRPC unless `http` is set."
    ),
    remedy="Write the field as Istio calls it, or leave it out.",
    example="""
        apiVersion: sailoperator.io/v1
        kind: Istio
        metadata: {name: default}
        spec:
          version: v1.31.0
          values:
            meshConfig:
              extensionProviders:
                - name: otel
                  opentelemetry:
                    {service: otel-collector.istio-system.svc.cluster.local, port: 4317, protocol: grpc}
    """,
    source="istio/api: mesh/v1alpha1/config.proto; istio: pkg/util/protomarshal/protomarshal.go, ApplyJSON",
)
def provider_field_that_does_not_exist(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for mesh in mesh_configs(manifests):
        for index, entry in enumerate(sequence(mesh.values.get("extensionProviders"))):
            for kind, known in _PROVIDERS.items():
                path: Path = ("extensionProviders", index, kind)
                yield from _unknown(mesh.where(*path), mapping(at(entry, kind)), known)


@rule(
    code="N3",
    title="The mesh's configuration has a field that does not exist",
    levels=(Severity.WARNING,),
    why=(
        "istiod passes over fields of the mesh configuration, and of `defaultConfig.tracing` in it, that it does not "
        "know, and the API server drops them from an Istio; what they should set has no effect."
    ),
    remedy="Write the field as Istio calls it, at its place.",
    example="""
        apiVersion: sailoperator.io/v1
        kind: Istio
        metadata: {name: default}
        spec:
          version: v1.31.0
          values:
            meshConfig:
              enableTracing: true
              tracing: {sampling: 100}
    """,
    source="istio/api: mesh/v1alpha1/config.proto and proxy.proto",
)
def mesh_field_that_does_not_exist(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for mesh in mesh_configs(manifests):
        yield from _unknown(mesh.where(), mesh.values, _MESH)
        path: Path = ("defaultConfig", "tracing")
        yield from _unknown(mesh.where(*path), mapping(at(mesh.values, *path)), _TRACING)


@rule(
    code="N30",
    title="An IstioOperator has a field that does not exist",
    levels=(Severity.WARNING,),
    why=(
        "istioctl refuses a field of an IstioOperator that it does not know, or passes over it with `--force`. Add-ons "
        "such as Kiali, in `addonComponents`, were taken out in Istio 1.8."
    ),
    remedy="Leave the field out, or write it as Istio calls it; install add-ons by themselves.",
    example="""
        apiVersion: install.istio.io/v1alpha1
        kind: IstioOperator
        metadata: {name: default, namespace: istio-system}
        spec:
          profile: minimal
          addonComponents: {kiali: {enabled: true}}
    """,
    source="istio: operator/pkg/apis/types.go",
)
def operator_field_that_does_not_exist(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for obj in manifests.of(INSTALL, "IstioOperator"):
        yield from _unknown(obj.where("spec"), mapping(obj.at("spec")), _OPERATOR)
        components = mapping(obj.at("spec", "components"))
        yield from _unknown(obj.where("spec", "components"), components, _COMPONENTS)


def _unknown(place: Place, settings: Mapping[Any, Any], known: frozenset[str]) -> Iterator[Fault]:
    for field in settings:
        if isinstance(field, str) and is_plain(field) and _in_camel_case(field) not in known:
            near = difflib.get_close_matches(field, sorted(known), 1)
            yield warning(
                Place(place.owner, (*place.path, field)),
                "there is no such field, and what it should set has no effect",
                f"write {near[0]}" if near else "leave it out",
            )


def _in_camel_case(field: str) -> str:
    """The name by which Istio's API knows a field that is written with underscores."""
    return re.sub("_([a-z0-9])", lambda match: match[1].upper(), field)

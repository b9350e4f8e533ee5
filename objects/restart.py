"""The hash of what a sidecar reads only when it starts.

It goes into the annotations of the pod templates of the mesh's workloads, so that a change of it
restarts them. It is computed from plain values: were it taken from another resource's output, then
a replacement of that resource would make the whole pod template unknown, and Pulumi would replace
the Deployment instead of rolling it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from model import Mesh, Platform
from model.parts import value_at
from objects.addresses import COLLECTOR, OTLP_GRPC_PORT
from objects.context import Context, Object
from objects.digest import digest
from objects.mesh_config import active_revision, injection_labels, installs_cni, istio_version, mirrored_hub

ANNOTATION = "mesh-tracing/sidecar-config"

# The user's values that no sidecar has to restart for. All others count: a value that is missing here costs a restart,
# and one that is wrong here leaves proxies as they were. Read in Istio 1.30.
#
# Of istiod's own pods, their number and their Service (charts/istio-control/istio-discovery: deployment, autoscale,
# poddisruptionbudget, service). Its environment is not among them: some of it changes what istiod injects.
_OF_ISTIOD = (
    "affinity",
    "autoscaleBehavior",
    "autoscaleEnabled",
    "autoscaleMax",
    "autoscaleMin",
    "cpu",
    "deploymentAnnotations",
    "deploymentLabels",
    "ipFamilies",
    "ipFamilyPolicy",
    "keepaliveMaxServerConnectionAge",
    "memory",
    "nodeSelector",
    "pdb",
    "podAnnotations",
    "podLabels",
    "replicaCount",
    "resources",
    "rollingMaxSurge",
    "rollingMaxUnavailable",
    "serviceAccountAnnotations",
    "serviceAnnotations",
    "tolerations",
    "topologySpreadConstraints",
    "traceSampling",
)
_GLOBAL = ("configValidation", "defaultPodDisruptionBudget", "defaultResources", "networkPolicy", "priorityClassName")
# istiod reads these when it makes configuration for a proxy (pilot/pkg/model, networking, security), and makes it anew
# for every proxy when one changes (pilot/pkg/bootstrap, initMeshHandlers). Others are in the injector's template.
_OF_MESH_CONFIG = (
    "accessLogEncoding",
    "accessLogFile",
    "accessLogFormat",
    "connectTimeout",
    "defaultDestinationRuleExportTo",
    "defaultHttpRetryPolicy",
    "defaultProviders",
    "defaultServiceExportTo",
    "defaultVirtualServiceExportTo",
    "discoverySelectors",
    "dnsRefreshRate",
    "enableAutoMtls",
    "enableEnvoyAccessLogService",
    # Beside one switch, which counts by itself.
    "extensionProviders",
    "h2UpgradePolicy",
    "localityLbSetting",
    "meshMTLS",
    "outboundTrafficPolicy",
    "pathNormalization",
    "protocolDetectionTimeout",
    "serviceSettings",
    "tcpKeepalive",
    "tlsDefaults",
    "trustDomainAliases",
)
_ARRIVES_LIVE = frozenset(
    {
        # The chart takes the values of istiod with `pilot` before them and without.
        *_OF_ISTIOD,
        *(f"pilot.{name}" for name in _OF_ISTIOD),
        *(f"global.{name}" for name in _GLOBAL),
        *(f"meshConfig.{name}" for name in _OF_MESH_CONFIG),
        # Becomes `meshConfig.defaultProviders`.
        "telemetry",
    }
)


@dataclass(frozen=True, kw_only=True)
class SidecarConfig:
    """Everything that a sidecar reads only at its start, as plain values.

    Sampling is not among them: istiod pushes it to running proxies. The image is: a proxy keeps the version that it was
    injected with, whatever happens to its control plane.
    """

    revision: str
    injection_labels: Mapping[str, str]
    installation: Mapping[str, Any]
    proxy_image: Mapping[str, str | None]
    values: Mapping[str, Any]
    resource_attributes: bool
    provider: Mapping[str, Any]

    def restart_hash(self) -> str:
        """The hash; every field counts."""
        return digest(asdict(self))


def sidecar_config(mesh: Mesh, platform: Platform, context: Context) -> SidecarConfig:
    """What the sidecars of ``mesh`` read at their start."""
    return SidecarConfig(
        revision=active_revision(mesh),
        injection_labels=injection_labels(mesh.revision),
        # With the CNI plugin, pods get different init containers; platform and profile choose defaults of values.
        installation={"cni": installs_cni(mesh, platform), "platform": platform, "profile": mesh.sail.profile},
        proxy_image={"version": istio_version(mesh), "hub": mirrored_hub(mesh, context), "tag": mesh.tag},
        values=_read_at_start(mesh.values),
        resource_attributes=_injects_resource_attributes(mesh),
        provider={
            "namespace": mesh.namespace,
            "cluster_domain": context.cluster_domain,
            "name": mesh.provider,
            "collector": COLLECTOR,
            "port": OTLP_GRPC_PORT,
        },
    )


def _read_at_start(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """``values`` without those that arrive live."""
    kept = {}
    for key, value in values.items():
        path = f"{prefix}{key}"
        if path in _ARRIVES_LIVE:
            continue
        inner = _read_at_start(value, f"{path}.") if isinstance(value, Mapping) else value
        # A section of which nothing is left is one that is not there.
        if inner != {}:
            kept[key] = inner
    return kept


def _injects_resource_attributes(mesh: Mesh) -> bool:
    """Whether a tracing provider of the user's makes the injector write OpenTelemetry's attributes into pods."""
    providers = value_at(mesh.values, "meshConfig.extensionProviders") or []
    return any(
        value_at(provider, "opentelemetry.serviceAttributeEnrichment") == "OTEL_SEMANTIC_CONVENTIONS"
        for provider in providers
    )


def restart_annotation(mesh: Mesh, platform: Platform, context: Context) -> dict[str, str]:
    """The annotation of a pod with a sidecar; it changes when the pod has to restart."""
    return {ANNOTATION: sidecar_config(mesh, platform, context).restart_hash()}


def restarted_with(manifest: Object, annotation: Mapping[str, str], context: Context) -> Object:
    """A copy of a Deployment in the mesh, whose pods are rolled when ``annotation`` changes."""
    spec = manifest["spec"]
    template = spec["template"]
    metadata = template["metadata"]
    metadata = {
        **metadata,
        "labels": {**context.owner_labels(), **metadata["labels"]},
        "annotations": {**metadata.get("annotations", {}), **annotation},
    }
    return {**manifest, "spec": {**spec, "template": {**template, "metadata": metadata}}}

"""A Tempo with tenants: what its resource says of them, and what an exporter to it needs."""

import json
import shlex
from dataclasses import dataclass
from typing import Any

from verify.access.cluster import Object
from verify.deployment import Tempo
from verify.world import World

_HEADER = "X-Scope-OrgID"
# The gateway's port for spans over gRPC; its Service has it under different numbers (tempo-operator:
# internal/manifests/monolithic/services.go, internal/manifests/gateway/gateway.go).
_GRPC_PORT_NAME = "grpc-public"
# On OpenShift the gateway has a certificate of the cluster's, for which its Service asks; elsewhere it has none.
_OPENSHIFT = "openshift"
_CERTIFICATE = "service.beta.openshift.io/serving-cert-secret-name"


@dataclass(frozen=True)
class Tenancy:
    """``names`` are the tenants that are declared; with a gateway, nobody gets past it.

    ``away`` is the change of the resource's ``spec`` that takes them away; ``by_extra_config``: whether Tempo's own
    configuration switches them on too.
    """

    names: tuple[str, ...]
    mode: str
    has_gateway: bool
    away: dict[str, Any]
    by_extra_config: bool


def tenancy_of(resource: Object, mode: str) -> Tenancy:
    """What a TempoStack or a TempoMonolithic says of tenants (tempo-operator: api/tempo/v1alpha1)."""
    spec = resource["spec"]
    if mode == "stack":
        tenants = spec.get("tenants") or {}
        has_gateway = bool(((spec.get("template") or {}).get("gateway") or {}).get("enabled"))
        without: dict[str, Any] = {"tenants": None, "template": {"gateway": {"enabled": False}}}
        away = without if tenants or has_gateway else {}
    else:
        multitenancy = spec.get("multitenancy") or {}
        tenants = multitenancy if multitenancy.get("enabled") else {}
        has_gateway = bool(tenants.get("authentication"))
        away = {"multitenancy": None} if tenants else {}
    by_extra_config = bool(((spec.get("extraConfig") or {}).get("tempo") or {}).get("multitenancy_enabled"))
    names = tuple(str(one.get("tenantName", "")) for one in tenants.get("authentication") or [])
    return Tenancy(names, str(tenants.get("mode", "")), has_gateway, away, by_extra_config)


def gateway_service(tempo: Tempo) -> str:
    return f"tempo-{tempo.name}-gateway"


def needs(tenancy: Tenancy, tempo: Tempo, gateway: Object | None) -> str:
    """What an exporter has to have, for a person; ``gateway`` is the Service, as far as it exists."""
    header = f"the header {_HEADER} ({' or '.join(tenancy.names) or 'the tenant'})"
    if not tenancy.has_gateway:
        return header
    port = _port(gateway or {})
    address = f"{gateway_service(tempo)}.{tempo.namespace}.svc" + ("" if port is None else f":{port}")
    annotations = (gateway or {}).get("metadata", {}).get("annotations") or {}
    tls = "TLS, " if tenancy.mode == _OPENSHIFT or _CERTIFICATE in annotations else ""
    return f"the address {address}, {tls}a token and {header}"


def take_away(tenancy: Tenancy, resource: str, world: World) -> str:
    """The command after which Tempo has no tenants; ``resource`` is an argument of kubectl. Empty if none is known."""
    change = shlex.quote(json.dumps({"spec": tenancy.away}, separators=(",", ":")))
    steps = [f"kubectl patch {resource} --type merge --patch {change}"] if tenancy.away else []
    if tenancy.by_extra_config:
        # Where the settings do not say so, somebody has changed the resource: that is undone as well.
        setting = "tempo.extraConfig.multitenancy_enabled"
        steps += [f"pulumi config set --path {setting} false --stack {world.stack}", world.restore]
    return " && ".join(steps)


def _port(service: Object) -> int | None:
    ports = service.get("spec", {}).get("ports", [])
    return next((entry["port"] for entry in ports if entry.get("targetPort") == _GRPC_PORT_NAME), None)

"""How the collector's own Service and receiver take what proxies send."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

from verify.causes import Code
from verify.obstacles.obstacle import Obstacle
from verify.obstacles.surroundings import Surroundings, arguments, name_of
from verify.world import World

_HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_LOCAL = ("localhost", "127.", "[::1]")


def protocol(world: World, around: Surroundings, cluster: Mapping[str, Any]) -> Obstacle | None:
    """Return the port of the Service by which a proxy does not know that it takes gRPC, from ``cluster`` of the proxy.

    istiod takes the protocol from the port's appProtocol, or else from its name before the first dash (istio:
    pkg/config/kube/conversion.go). Where neither says it, a proxy speaks what it is spoken to, and to its tracer nobody
    speaks: that sends HTTP/1.1.
    """
    options = (cluster.get("typed_extension_protocol_options") or {}).get(_HTTP_OPTIONS) or {}
    speaks_http2 = "http2_protocol_options" in (options.get("explicit_http_config") or {})
    port = world.deployment.tracing.collector_port
    ports = [] if around.service is None else around.service["spec"].get("ports") or []
    index = next((index for index, one in enumerate(ports) if one["port"] == port), None)
    if speaks_http2 or "http2_protocol_options" in cluster or index is None or around.service is None:
        return None
    # The collector's operator writes its Service again from its resource, where a port may be spelled out.
    spelled = [] if around.resource is None else around.resource["spec"].get("ports") or []
    in_resource = next((index for index, one in enumerate(spelled) if one["port"] == port), None)
    if around.resource is not None and in_resource is not None:
        index, owner = in_resource, arguments("opentelemetrycollectors", around.resource)
    else:
        owner = arguments("service", around.service)
    patch = json.dumps([{"op": "add", "path": f"/spec/ports/{index}/appProtocol", "value": "grpc"}])
    name, application = ports[index].get("name"), ports[index].get("appProtocol")
    return Obstacle(
        Code.WRONG_PROTOCOL,
        f"Service {name_of(around.service)}: port {port} is called {name!r}, its appProtocol is {application!r}",
        "the proxies do not know that this port takes gRPC, and do not speak HTTP/2 to it",
        f"kubectl patch {owner} --type json --patch {shlex.quote(patch)}",
    )


def listener(world: World, around: Surroundings) -> Obstacle | None:
    """Return the collector's receiver, if it listens on another port than the provider's, or on localhost only."""
    config = {} if around.resource is None else around.resource["spec"].get("config") or {}
    receivers = {name: one for name, one in (config.get("receivers") or {}).items() if name.partition("/")[0] == "otlp"}
    found = {
        name: str(((one or {}).get("protocols") or {}).get("grpc", {}).get("endpoint") or "localhost:4317")
        for name, one in receivers.items()
        if "grpc" in ((one or {}).get("protocols") or {})
    }
    port = world.deployment.tracing.collector_port
    if around.resource is None or any(_is_open(endpoint, port) for endpoint in found.values()):
        return None
    endpoints = ", ".join(f"{name} at {endpoint}" for name, endpoint in found.items()) or "no receiver of OTLP by gRPC"
    name = next(iter(found), "otlp")
    patch = {"spec": {"config": {"receivers": {name: {"protocols": {"grpc": {"endpoint": f"0.0.0.0:{port}"}}}}}}}
    return Obstacle(
        Code.CONNECTION_REFUSED,
        f"OpenTelemetryCollector {name_of(around.resource)}: {endpoints}",
        f"nothing listens on port {port} of the collector's pods, so connections are refused",
        f"kubectl patch {arguments('opentelemetrycollectors', around.resource)} --type merge"
        f" --patch {shlex.quote(json.dumps(patch))}",
    )


def _is_open(endpoint: str, port: int) -> bool:
    host, _, number = endpoint.rpartition(":")
    # A variable is whatever the operator puts there, which is the pod's address.
    return "${" in endpoint or (number == str(port) and not host.startswith(_LOCAL))

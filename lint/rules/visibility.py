"""What hides the collector from the proxies: Sidecars, exports, and the namespaces that istiod looks at."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.objects import Manifests, Path, Place, at, number, sequence, text
from lint.rule import rule
from lint.views.destinations import Destination, destinations
from lint.views.mesh import NETWORKING, is_plain, mesh_configs, root_namespaces
from lint.views.namespaces import injected, selects_namespace
from lint.views.telemetry import is_for_all, is_switched_off, telemetries, tracing_entries

_EXPORT_TO = "networking.istio.io/exportTo"
_PUBLIC, _PRIVATE, _EXCLUDED = "*", ".", "~"


@rule(
    code="N28",
    title="A Sidecar's egress leaves out the collector",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "The proxies that a Sidecar is for know only the Services that its egress lists, and a tracing provider is no "
        "exception: without its Service they have nowhere to send spans to. It is a warning if nothing among the "
        "objects uses the provider."
    ),
    remedy="Add `<namespace>/<host>` of the provider's Service to the egress hosts.",
    example="""
        apiVersion: sailoperator.io/v1
        kind: Istio
        metadata: {name: default}
        spec:
          version: v1.30.4
          values:
            meshConfig:
              extensionProviders:
                - name: otel
                  opentelemetry: {service: otel-collector.tracing.svc.cluster.local, port: 4317}
              defaultProviders: {tracing: [otel]}
        ---
        apiVersion: networking.istio.io/v1
        kind: Sidecar
        metadata: {name: default, namespace: bookinfo}
        spec:
          egress: [{hosts: ["./*", "istio-system/*"]}]
    """,
    source="istio: pilot/pkg/model/sidecar.go",
)
def sidecar_that_hides_the_collector(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    roots = root_namespaces(manifests, facts)
    silent = {one.namespace for one in telemetries(manifests) if is_for_all(one) and is_switched_off(one)}
    for sidecar in manifests.of(NETWORKING, "Sidecar"):
        for_mesh = sidecar.namespace in roots
        listeners = sequence(sidecar.at("spec", "egress"))
        for to in _distinct(destinations(manifests, facts)):
            concerned = for_mesh or to.is_used_in(sidecar.namespace)
            if not listeners or not concerned or sidecar.namespace in silent - roots:
                continue
            # In the root namespace a dot stands for the namespace of each workload.
            own = "" if for_mesh else sidecar.namespace
            if not any(_lets_out(listener, to, own) for listener in listeners):
                yield (error if to.sure else warning)(
                    sidecar.where("spec", "egress"),
                    f"its hosts leave out {to.namespace}/{to.host}, so its proxies cannot send spans to provider "
                    f"{to.provider.name!r}",
                    f"add {to.namespace}/{to.host} to the hosts",
                )


def _distinct(found: Iterable[Destination]) -> Iterable[Destination]:
    """One of those that several meshes have in common."""
    return {(to.namespace, to.host, to.provider.name, to.provider.port, to.users, to.sure): to for to in found}.values()


def _lets_out(listener: object, to: Destination, own_namespace: str) -> bool:
    """Whether an egress listener imports the Service (istio: pilot/pkg/model/sidecar.go)."""
    port = number(at(listener, "port", "number"))
    if port is not None and to.provider.port not in (None, port):
        return False
    imported = False
    for host in map(text, sequence(at(listener, "hosts"))):
        if not is_plain(host):
            return True
        namespace, _, name = host.partition("/")
        excluded = namespace.startswith(_EXCLUDED)
        namespace = namespace.removeprefix(_EXCLUDED) or _PUBLIC
        namespace = own_namespace if namespace == _PRIVATE else namespace
        if namespace in (_PUBLIC, to.namespace) and _matches(name, to.host):
            if excluded:
                return False
            imported = True
    return imported


def _matches(pattern: str, host: str) -> bool:
    return host.endswith(pattern.removeprefix("*")) if pattern.startswith("*") else host == pattern


@rule(
    code="N28",
    title="Istio refuses the egress of a Sidecar",
    levels=(Severity.ERROR,),
    why=(
        "A host of an egress listener is written as `namespace/host`, where a star may stand for each of the two. The "
        "listener without a port is for all that the others leave, so there is one at most, and it is the last one. "
        "Istio's webhook refuses a Sidecar that is written otherwise, and the one before stays, if there is one."
    ),
    remedy='Write `"*/*"` for any host, and put the listener without a port behind the others.',
    example="""
        apiVersion: networking.istio.io/v1
        kind: Sidecar
        metadata: {name: default, namespace: bookinfo}
        spec:
          egress: [{hosts: ["*"]}]
    """,
    source="istio: pkg/config/validation/validation.go, ValidateSidecar",
)
def egress_that_istio_refuses(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for sidecar in manifests.of(NETWORKING, "Sidecar"):
        listeners = sequence(sidecar.at("spec", "egress"))
        for index, listener in enumerate(listeners):
            path: Path = ("spec", "egress", index)
            for place, host in enumerate(map(text, sequence(at(listener, "hosts")))):
                namespace, _, name = host.partition("/")
                if is_plain(host) and host and not (namespace and name):
                    yield error(
                        sidecar.where(*path, "hosts", place),
                        f"a host is namespace/host, and Istio refuses {host!r}",
                        f"write */{host}" if "/" not in host else "write both parts",
                    )
            if isinstance(listener, Mapping) and listener.get("port") is None and index < len(listeners) - 1:
                yield error(
                    sidecar.where(*path),
                    "Istio refuses a listener without a port that is not the last one",
                    "put it behind the others",
                )


@rule(
    code="N28",
    title="The collector's Service is not exported to the proxies",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "The annotation `networking.istio.io/exportTo` of a Service, the `exportTo` of a ServiceEntry, and "
        "`meshConfig.defaultServiceExportTo` for whatever has neither, say which namespaces know it. The proxies of "
        "all others cannot send spans there. It is a warning if nothing among the objects uses the provider."
    ),
    remedy='Export it to `"*"`, or to each namespace of the mesh.',
    example="""
        apiVersion: sailoperator.io/v1
        kind: Istio
        metadata: {name: default}
        spec:
          version: v1.30.4
          values:
            meshConfig:
              extensionProviders:
                - name: otel
                  opentelemetry: {service: agent.tracing.svc.cluster.local, port: 4317}
              defaultProviders: {tracing: [otel]}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: agent, namespace: tracing, annotations: {networking.istio.io/exportTo: "."}}
        spec: {ports: [{name: grpc-otlp, port: 4317}]}
    """,
    source=(
        "istio: pilot/pkg/model/push_context.go, IsServiceVisible; istio/api: annotation/annotations.yaml; "
        "istio/api: mesh/v1alpha1/config.proto"
    ),
)
def service_that_is_not_exported(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    in_mesh = injected(manifests)
    for to in destinations(manifests, facts):
        found = _export(to)
        if found is None:
            continue
        place, names = found
        if _PUBLIC in names or not all(map(is_plain, names)):
            continue
        reached = set() if _EXCLUDED in names else {to.namespace if name == _PRIVATE else name for name in names}
        # Without a list of the mesh's namespaces, only its own namespace is known to be too few.
        wanted = in_mesh - reached if in_mesh else reached <= {to.namespace}
        if wanted:
            yield (error if to.sure else warning)(
                place,
                f"{to.namespace}/{to.host} is exported to {', '.join(sorted(reached)) or 'no namespace'} only, so "
                f"other proxies cannot send spans to provider {to.provider.name!r}",
                'export it to "*", or to each namespace of the mesh',
            )


def _export(to: Destination) -> tuple[Place, tuple[str, ...]] | None:
    """Return to which namespaces the Service is exported, and what says so; None if that is not known."""
    if to.owner is None:
        return None
    if to.owner.kind == "ServiceEntry":
        place, own = to.owner.where("spec", "exportTo"), sequence(to.owner.at("spec", "exportTo"))
    else:
        # The collector's operator copies annotations to the Service (otel-op: internal/manifests/collector/service.go).
        path: Path = ("metadata", "annotations", _EXPORT_TO)
        place, own = to.owner.where(*path), text(to.owner.at(*path)).split(",")
    mesh = to.provider.mesh
    for where, names in (
        (place, own),
        (mesh.where("defaultServiceExportTo"), sequence(mesh.values.get("defaultServiceExportTo"))),
    ):
        stripped = [text(name).strip() for name in names]
        if any(stripped):
            return where, tuple(filter(None, stripped))
    return None


@rule(
    code="N28",
    title="The mesh does not look at the collector's namespace",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "With `discoverySelectors`, istiod knows only what is in the namespaces that they select. It does not find the"
        " Service of a provider in another one, and the proxies get no tracer. It is a warning if nothing among the "
        "objects uses the provider."
    ),
    remedy="Give the collector's namespace a label that one of the selectors asks for.",
    example="""
        apiVersion: sailoperator.io/v1
        kind: Istio
        metadata: {name: default}
        spec:
          version: v1.30.4
          values:
            meshConfig:
              discoverySelectors: [{matchLabels: {istio-discovery: enabled}}]
              extensionProviders:
                - name: otel
                  opentelemetry: {service: otel-collector.tracing.svc.cluster.local, port: 4317}
              defaultProviders: {tracing: [otel]}
        ---
        apiVersion: v1
        kind: Namespace
        metadata: {name: tracing}
    """,
    source="istio: pkg/kube/namespace/filter.go; istio: pilot/pkg/model/telemetry_logging.go, LookupCluster",
)
def namespace_that_is_not_discovered(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for to in destinations(manifests, facts):
        mesh = to.provider.mesh
        if _is_left_out(manifests, sequence(mesh.values.get("discoverySelectors")), to.namespace):
            yield (error if to.sure else warning)(
                mesh.where("discoverySelectors"),
                f"they leave out namespace {to.namespace}, so istiod does not find the Service of provider "
                f"{to.provider.name!r}",
                "give that namespace a label that they ask for",
            )


@rule(
    code="N28",
    title="The mesh does not look at a Telemetry",
    levels=(Severity.ERROR,),
    why=(
        "With `discoverySelectors`, istiod reads Telemetries, and all else that is its configuration, only in the "
        "namespaces that they select, the root namespace included."
    ),
    remedy="Give the Telemetry's namespace a label that one of the selectors asks for.",
    example="""
        apiVersion: sailoperator.io/v1
        kind: Istio
        metadata: {name: default}
        spec:
          version: v1.30.4
          values:
            meshConfig:
              discoverySelectors: [{matchLabels: {istio-discovery: enabled}}]
              extensionProviders: [{name: otel, opentelemetry: {service: otel.example.com, port: 4317}}]
        ---
        apiVersion: v1
        kind: Namespace
        metadata: {name: istio-system}
        ---
        apiVersion: telemetry.istio.io/v1
        kind: Telemetry
        metadata: {name: mesh-default, namespace: istio-system}
        spec:
          tracing: [{providers: [{name: otel}], randomSamplingPercentage: 100}]
    """,
    source="istio: pkg/kube/namespace/filter.go; istio: pilot/pkg/bootstrap/server.go",
)
def telemetry_that_is_not_discovered(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    meshes = [sequence(mesh.values.get("discoverySelectors")) for mesh in mesh_configs(manifests)]
    # A mesh without selectors looks at every namespace.
    if not meshes or not all(meshes):
        return
    distinct = {str(selectors): selectors for selectors in meshes}.values()
    for telemetry in telemetries(manifests):
        # One of several meshes may look at it.
        is_unseen = all(_is_left_out(manifests, selectors, telemetry.namespace) for selectors in distinct)
        if telemetry.namespace and any(tracing_entries(telemetry)) and is_unseen:
            yield error(
                telemetry.where("metadata", "namespace"),
                f"the mesh's discoverySelectors leave out namespace {telemetry.namespace}, so istiod does not read it",
                "give that namespace a label that they ask for",
            )


def _is_left_out(manifests: Manifests, selectors: Sequence[object], namespace: str) -> bool:
    answers = [selects_namespace(manifests, selector, namespace) for selector in selectors]
    return bool(answers) and all(answer is False for answer in answers)

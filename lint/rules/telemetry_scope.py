"""What a Telemetry applies to: one in a namespace counts, and a selector reaches no further than the namespace."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import PurePath

from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.objects import Manifests, Object, mapping
from lint.rule import rule
from lint.templates import is_unknown
from lint.views.mesh import is_plain, root_namespaces
from lint.views.services import OPENTELEMETRY
from lint.views.telemetry import is_for_all, telemetries, tracing_entries


@rule(
    code="N27",
    title="Two Telemetries without a selector are in one namespace",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "istiod takes only the oldest Telemetry without a selector of each namespace, with all that is in it; it does "
        "not merge them. The others have no effect, also if one sets metrics and the other one tracing. It is a "
        "warning if none of them traces, or if they come from different folders, which may be alternatives."
    ),
    remedy="Merge them into one Telemetry, or delete one of them.",
    example="""
        apiVersion: telemetry.istio.io/v1
        kind: Telemetry
        metadata: {name: metric-tags, namespace: istio-system}
        spec:
          metrics: [{providers: [{name: prometheus}]}]
        ---
        apiVersion: telemetry.istio.io/v1
        kind: Telemetry
        metadata: {name: mesh-default, namespace: istio-system}
        spec:
          tracing: [{providers: [{name: otel}], randomSamplingPercentage: 100}]
    """,
    source="istio: pilot/pkg/model/telemetry.go, namespaceWideTelemetryConfig; istio: pilot/pkg/model/config.go",
)
def second_telemetry_in_a_namespace(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    by_namespace: dict[tuple[str, str], dict[str, Object]] = defaultdict(dict)
    for obj in telemetries(manifests):
        # One that comes twice is the same object in different states, such as a base and an overlay.
        if is_for_all(obj) and is_plain(obj.name) and not is_unknown(obj.namespace):
            # What has no namespace goes to the same one as the rest of its file.
            of_file = obj.source.name if obj.source and not obj.namespace else ""
            by_namespace[obj.namespace, of_file].setdefault(obj.name, obj)
    for group in by_namespace.values():
        oldest, *others = sorted(group.values(), key=_age)
        traces = any(any(tracing_entries(one)) for one in group.values())
        for obj in others:
            yield (error if traces and _folder(obj) == _folder(oldest) else warning)(
                obj.where("metadata", "name"),
                f"{oldest.name} in the same namespace has no selector either, and istiod takes only the oldest of them",
                "merge them into one Telemetry, or delete one",
            )


@rule(
    code="N27",
    title="Two Telemetries for the same workloads contradict each other",
    levels=(Severity.WARNING,),
    why=(
        "Telemetries with the same selector are merged by istiod, the oldest first. Where both set a field of tracing,"
        " the value of the younger one counts, which depends on the order in which they were created."
    ),
    remedy="Merge them into one Telemetry.",
    example="""
        apiVersion: telemetry.istio.io/v1
        kind: Telemetry
        metadata: {name: web, namespace: bookinfo}
        spec:
          selector: {matchLabels: {app: web}}
          tracing: [{providers: [{name: otel}], randomSamplingPercentage: 100}]
        ---
        apiVersion: telemetry.istio.io/v1
        kind: Telemetry
        metadata: {name: web-in-production, namespace: bookinfo}
        spec:
          selector: {matchLabels: {app: web}}
          tracing: [{randomSamplingPercentage: 1}]
    """,
    source="istio: pilot/pkg/model/telemetry.go; istio: pilot/pkg/model/config.go",
)
def same_selector(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    alike: dict[tuple[str, PurePath, str], list[Object]] = {}
    for obj in telemetries(manifests):
        labels = mapping(obj.at("spec", "selector", "matchLabels"))
        if not labels or not is_plain(obj.namespace) or not is_plain(obj.name):
            continue
        others = alike.setdefault((obj.namespace, _folder(obj), repr(sorted(labels.items(), key=str))), [])
        others.append(obj)
        for other in others[:-1]:
            field = _contradiction(obj, other)
            if obj.name != other.name and field:
                yield warning(
                    obj.where("spec", "tracing", 0, field),
                    f"{other.name} has the same selector and another value, and the younger one of both counts",
                    "merge them into one Telemetry",
                )


def _contradiction(one: Object, other: Object) -> str:
    """Return a field of tracing that both set, each to another value; of one entry each, as nearly all have."""
    mine, theirs = mapping(one.at("spec", "tracing", 0)), mapping(other.at("spec", "tracing", 0))
    if mine.get("match") != theirs.get("match"):
        return ""
    return next(
        (field for field in mine if isinstance(field, str) and mine[field] != theirs.get(field, mine[field])), ""
    )


def _folder(obj: Object) -> PurePath:
    return PurePath(obj.source.name if obj.source else "").parent


def _age(telemetry: Object) -> tuple[bool, str, str]:
    """Order by age, as istiod does; what has no date is not created yet."""
    created = str(telemetry.at("metadata", "creationTimestamp") or "")
    return not created, created, telemetry.name


@rule(
    code="N27",
    title="A Telemetry with a selector in the root namespace reaches only the pods there",
    levels=(Severity.WARNING,),
    why=(
        "A Telemetry without a selector in the root namespace applies to the whole mesh, but a selector chooses among "
        "the pods of the Telemetry's own namespace, and in the root namespace there are gateways at most. One that "
        "selects gateways, or a collector there, is not reported."
    ),
    remedy="Put it into the namespace of the workloads, or leave the selector out.",
    example="""
        apiVersion: telemetry.istio.io/v1
        kind: Telemetry
        metadata: {name: web, namespace: istio-system}
        spec:
          selector: {matchLabels: {app: web}}
          tracing: [{providers: [{name: otel}], randomSamplingPercentage: 100}]
    """,
    source="istio: pilot/pkg/model/telemetry.go",
)
def selector_in_root_namespace(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    roots = root_namespaces(manifests, facts)
    for obj in telemetries(manifests):
        labels = mapping(obj.at("spec", "selector", "matchLabels"))
        if obj.namespace not in roots or not labels or not any(tracing_entries(obj)):
            continue
        for_gateways = any("gateway" in f"{key}={value}" or key == "istio" for key, value in labels.items())
        if not for_gateways and not _has_pods(manifests, obj.namespace, labels):
            yield warning(
                obj.where("spec", "selector"),
                f"a selector reaches the pods of the Telemetry's own namespace only, here {obj.namespace}",
                "put it into the namespace of the workloads, or leave the selector out",
            )


def _has_pods(manifests: Manifests, namespace: str, labels: object) -> bool:
    wanted = mapping(labels).items()
    return any(
        all(item in mapping(there).items() for item in wanted)
        for where, there in _labels_of_pods(manifests)
        if where == namespace
    )


def _labels_of_pods(manifests: Manifests) -> Iterator[tuple[str, object]]:
    """Namespace and labels of the pods of workloads, and of those that the collector's operator makes."""
    for obj in manifests.of("apps", "Deployment", "StatefulSet", "DaemonSet"):
        yield obj.namespace, obj.at("spec", "template", "metadata", "labels")
    for obj in manifests.of(OPENTELEMETRY, "OpenTelemetryCollector"):
        # opentelemetry-operator: internal/manifests/manifestutils/labels.go
        yield (
            obj.namespace,
            {
                "app.kubernetes.io/name": f"{obj.name}-collector",
                **obj.labels,
                "app.kubernetes.io/managed-by": "opentelemetry-operator",
                "app.kubernetes.io/instance": f"{obj.namespace}.{obj.name}",
                "app.kubernetes.io/part-of": "opentelemetry",
                "app.kubernetes.io/component": "opentelemetry-collector",
            },
        )

"""Whether applications send spans to a port of the protocol that they speak."""

from collections.abc import Iterator, Mapping
from typing import Any

from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.lifecycle import lifecycle
from lint.objects import Manifests, Object, Path, at, mapping, sequence, text
from lint.rule import rule
from lint.views.hosts import endpoint
from lint.views.services import OPENTELEMETRY
from lint.views.versions import image_tag, minor
from lint.views.workloads import WORKLOADS

_OVER_GRPC, _OVER_HTTP = 4317, 4318
# The languages whose images of the operator send OTLP over HTTP unless they are told otherwise; those for Apache and
# nginx speak gRPC (opentelemetry-operator: docs/rfcs/instrumentation-v1beta1.md and docs/auto-instrumentation).
_LANGUAGES = ("java", "nodejs", "python", "dotnet", "go")
_OVER_GRPC_BY_THEMSELVES = ("apacheHttpd", "nginx")
_SINCE = {
    language: lifecycle().first_release(f"the operator's image for {language} sends over HTTP")
    for language in ("java", "nodejs")
}
# For spans alone, and for all signals: the first one that is there counts.
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")


@rule(
    code="N24",
    title="The operator's instrumentation sends spans to the port of another protocol",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "The images that the OpenTelemetry operator injects for Java, Node.js, Python, .NET and Go send OTLP over HTTP,"
        " which belongs to port 4318. At 4317, the port for gRPC, every export fails. The image for Java does since "
        "2.0, and that for Node.js since 0.56. It is a warning where the instrumentation names no language: Apache "
        "and nginx speak gRPC."
    ),
    remedy=(
        "Set the port to 4318, or let the language speak gRPC by the variable `OTEL_EXPORTER_OTLP_PROTOCOL` where its "
        "image can."
    ),
    example="""
        apiVersion: opentelemetry.io/v1alpha1
        kind: Instrumentation
        metadata: {name: shop, namespace: shop}
        spec:
          exporter: {endpoint: "http://otel-collector.tracing:4317"}
          java: {env: [{name: OTEL_METRICS_EXPORTER, value: none}]}
    """,
    source=(
        "opentelemetry-operator: docs/auto-instrumentation/README.md and docs/rfcs/instrumentation-v1beta1.md; "
        "opentelemetry-operator: internal/instrumentation/python.go"
    ),
)
def instrumentation_to_the_port_of_grpc(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    path: Path = ("spec", "exporter", "endpoint")
    for obj in manifests.of(OPENTELEMETRY, "Instrumentation"):
        for_all = _variables(obj.at("spec", "env"))
        is_wrong = _port(text(obj.at(*path))) == _OVER_GRPC
        named = [
            language for language in (*_LANGUAGES, *_OVER_GRPC_BY_THEMSELVES) if obj.at("spec", language) is not None
        ]
        wrong = []
        for language in named:
            own = _variables(obj.at("spec", language, "env"))
            variables = {**for_all, **own}
            speaks_http = language in _LANGUAGES and _speaks_http(language, obj)
            if speaks_http and not any(name in variables for name in _PROTOCOLS):
                endpoint = next((name for name in _ENDPOINTS if name in variables), "")
                if not endpoint:
                    wrong.append(language)
                elif endpoint in own and _port(own[endpoint]) == _OVER_GRPC:
                    place: Path = ("spec", language, "env")
                    yield error(
                        obj.where(*place, _index(obj, place, endpoint), "value"),
                        f"what is injected for {language} sends OTLP over HTTP, and port {_OVER_GRPC} is for gRPC",
                        f"take port {_OVER_HTTP}, or set {_PROTOCOLS[1]} to grpc",
                    )
        if is_wrong and wrong:
            yield error(
                obj.where(*path),
                f"what is injected for {', '.join(wrong)} sends OTLP over HTTP, and port {_OVER_GRPC} is for gRPC",
                f"take port {_OVER_HTTP}",
            )
        elif is_wrong and not named and not _OF_OTLP & for_all.keys():
            yield warning(
                obj.where(*path),
                f"what is injected sends OTLP over HTTP in most languages, and port {_OVER_GRPC} is for gRPC",
                f"take port {_OVER_HTTP}",
            )


@rule(
    code="N24",
    title="An application sends spans to the port of another protocol",
    levels=(Severity.ERROR,),
    why=(
        "Its variables name a protocol of OTLP and a port that is for the other one: 4317 is for gRPC, and 4318 for "
        "HTTP. Every export of spans fails."
    ),
    remedy="Take the port of the protocol, or the protocol of the port.",
    example="""
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: shop, namespace: shop}
        spec:
          template:
            spec:
              containers:
                - name: shop
                  image: registry.example.com/shop:1.0
                  env:
                    - {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: "http://otel-collector.tracing:4317"}
                    - {name: OTEL_EXPORTER_OTLP_PROTOCOL, value: http/protobuf}
    """,
    source="https://opentelemetry.io/docs/specs/otel/protocol/exporter/",
)
def application_to_the_port_of_another_protocol(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for obj, path, variables in _environments(manifests):
        protocol = next((variables[name] for name in _PROTOCOLS if name in variables), "")
        name = next((name for name in _ENDPOINTS if name in variables), "")
        wrong = {"grpc": _OVER_HTTP, "http/protobuf": _OVER_GRPC, "http/json": _OVER_GRPC}.get(protocol)
        if wrong is not None and name and _port(variables[name]) == wrong:
            right = _OVER_GRPC + _OVER_HTTP - wrong
            yield error(
                obj.where(*path, _index(obj, path, name), "value"),
                f"it speaks {protocol}, and port {wrong} is for {'HTTP' if wrong == _OVER_HTTP else 'gRPC'}",
                f"take port {right}",
            )


_OF_OTLP = frozenset({*_ENDPOINTS, *_PROTOCOLS})


def _environments(manifests: Manifests) -> Iterator[tuple[Object, Path, Mapping[str, str]]]:
    """Yield the variables of each container, and where they stand; and those of an instrumentation."""
    for obj in manifests.of("apps", *WORKLOADS):
        around: Path = ("spec", "template", "spec", "containers")
        for index, container in enumerate(sequence(obj.at(*around))):
            yield obj, (*around, index, "env"), _variables(at(container, "env"))
    for obj in manifests.of(OPENTELEMETRY, "Instrumentation"):
        for part in mapping(obj.at("spec")):
            if isinstance(part, str):
                yield obj, ("spec", part, "env"), _variables(obj.at("spec", part, "env"))


def _variables(env: object) -> Mapping[str, str]:
    return {text(at(one, "name")): text(at(one, "value")) for one in sequence(env)}


def _index(obj: Object, path: Path, name: str) -> int:
    return next(index for index, one in enumerate(sequence(obj.at(*path))) if at(one, "name") == name)


def _port(url: str) -> int | None:
    target = endpoint(url)
    return target.port if target is not None else None


def _speaks_http(language: str, obj: Object) -> bool:
    """Whether its image does by itself: of one without a version, that of today's operator counts."""
    found: Any = minor(image_tag(text(obj.at("spec", language, "image"))))
    return found is None or language not in _SINCE or found >= _SINCE[language]

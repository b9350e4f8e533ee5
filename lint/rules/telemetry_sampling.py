"""How many of the requests are traced."""

from collections.abc import Iterator
from math import isfinite

from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.objects import Manifests, Object, Place, at, mapping, sequence
from lint.rule import rule
from lint.views.mesh import DEMO, INSTALL, SAIL, MeshConfig, knows_all, mesh_configs
from lint.views.telemetry import for_the_mesh, is_switched_off, names_provider, tracing, tracing_entries
from lint.views.values import values

_FIELD = "randomSamplingPercentage"
_ENV = "PILOT_TRACE_SAMPLING"
_OF_PROXIES = ("defaultConfig", "tracing", "sampling")
_MAX = 100


@rule(
    code="N27",
    title="Nothing says how many requests are traced",
    levels=(Severity.WARNING,),
    why=(
        "Without `randomSamplingPercentage`, `defaultConfig.tracing.sampling` and istiod's variable "
        "`PILOT_TRACE_SAMPLING`, Istio traces 1 % of the requests. The service graph counts what is traced: with little"
        " traffic it stays empty."
    ),
    remedy="Set `randomSamplingPercentage` in the entry of the Telemetry; 1 if that is what you want.",
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
                  opentelemetry: {service: otel-collector.istio-system.svc.cluster.local, port: 4317}
        ---
        apiVersion: telemetry.istio.io/v1
        kind: Telemetry
        metadata: {name: mesh-default, namespace: istio-system}
        spec:
          tracing:
            - providers: [{name: otel}]
    """,
    source="istio: pilot/pkg/networking/core/tracing.go; istio: pilot/pkg/features/telemetry.go",
)
def sampling_is_left_at_its_default(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    if not knows_all(manifests) or _is_sampling_set(manifests):
        return
    for telemetry in for_the_mesh(manifests, facts):
        if names_provider(telemetry) and not is_switched_off(telemetry):
            path = next(tracing_entries(telemetry))
            yield warning(
                telemetry.where(*path, _FIELD),
                "nothing says how many requests are traced, so it is one in a hundred",
                "set it to the percentage that you want",
            )


@rule(
    code="N27",
    title="A sampling rate is not a percentage",
    levels=(Severity.ERROR,),
    why=(
        "A rate is from 0 to 100. The API server refuses a Telemetry with another one; in the mesh configuration and in"
        " `PILOT_TRACE_SAMPLING`, istiod takes 1 % instead."
    ),
    remedy="Write a percentage from 0 to 100.",
    example="""
        apiVersion: sailoperator.io/v1
        kind: Istio
        metadata: {name: default}
        spec:
          version: v1.30.4
          values:
            meshConfig:
              defaultConfig: {tracing: {sampling: 1000, zipkin: {address: "zipkin.tools:9411"}}}
    """,
    source=(
        "istio/api: telemetry/v1alpha1/telemetry.proto; istio: pilot/pkg/networking/core/tracing.go; "
        "istio: pilot/pkg/features/telemetry.go"
    ),
)
def sampling_that_is_no_percentage(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for where, rate, outcome in _rates(manifests):
        if rate is not None and not 0 <= rate <= _MAX:
            yield error(where, f"{rate:g} is not from 0 to 100, so {outcome}", "write a percentage")


def _rates(manifests: Manifests) -> Iterator[tuple[Place, float | None, str]]:
    for telemetry, path in tracing(manifests):
        rate = _number(telemetry.at(*path, _FIELD))
        yield telemetry.where(*path, _FIELD), rate, "the API server refuses the Telemetry"
    for mesh in mesh_configs(manifests):
        rate = _number(at(mesh.values, *_OF_PROXIES))
        yield mesh.where(*_OF_PROXIES), rate, "istiod takes 1 % instead" if rate and rate > 0 else "proxies get no rate"
        yield mesh.owner.where(*mesh.env_path, _ENV), _number(mesh.env.get(_ENV)), "istiod takes 1 % instead"


def _is_sampling_set(manifests: Manifests) -> bool:
    """Whether anything sets a rate, at a place that works or that another rule reports."""
    return (
        any(telemetry.at(*path, _FIELD) is not None for telemetry, path in tracing(manifests))
        or any(
            _FIELD in mapping(provider)
            for telemetry, path in tracing(manifests)
            for provider in sequence(telemetry.at(*path, "providers"))
        )
        or any(map(_samples, mesh_configs(manifests)))
        or any(found.at("pilot", "traceSampling") is not None for found in values(manifests, "istiod"))
        or any(map(_has_variable, manifests.of("apps", "Deployment")))
    )


def _samples(mesh: MeshConfig) -> bool:
    owner, providers = mesh.owner, sequence(mesh.values.get("extensionProviders"))
    return (
        at(mesh.values, *_OF_PROXIES) is not None
        or _ENV in mesh.env
        # It traces everything (istio: profile-demo.yaml).
        or mesh.profile == DEMO
        or (owner.group in {SAIL, INSTALL} and owner.at("spec", "values", "pilot", "traceSampling") is not None)
        # Such a sampler decides itself (istio: pilot/pkg/networking/core/tracing.go).
        or any(at(provider, "opentelemetry", "dynatraceSampler") is not None for provider in providers)
    )


def _has_variable(deployment: Object) -> bool:
    containers = sequence(deployment.at("spec", "template", "spec", "containers"))
    return any(at(variable, "name") == _ENV for container in containers for variable in sequence(at(container, "env")))


def _number(value: object) -> float | None:
    """Return a number, also one in quotes as an environment variable has it."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        rate = float(value)
    except (ValueError, OverflowError):
        return None
    return rate if isfinite(rate) else None

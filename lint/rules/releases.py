"""Releases that are not maintained any more, or that have a fault that was published."""

import datetime
from collections.abc import Iterator
from functools import cache

from lint.facts import Facts
from lint.findings import Fault, Severity, advice, error, warning
from lint.lifecycle import EndOfSupport, lifecycle
from lint.objects import Manifests, strings
from lint.rule import rule
from lint.views.ingresses import ingress_classes
from lint.views.platform import with_platform
from lint.views.products import Use, uses
from lint.views.versions import Minor, minor, version

# The operator's argument or variable for its features, with the one that makes the policy switched off.
_NO_POLICY = "-operator.networkpolicy"


@cache
def recommended_istio(platform: str | None) -> str:
    """The version to name in a resource of the Sail operator, as the catalogs carry it."""
    known = lifecycle()
    red_hat, others = (f"v{known.newest_in_catalog(catalog, 'istio')}" for catalog in ("redhat", "operatorhub"))
    if platform is None:
        return f"{others}, or on OpenShift {red_hat}"
    return red_hat if platform == "openshift" else others


@rule(
    code="N18",
    title="Support of a release ends",
    levels=(Severity.ERROR, Severity.WARNING, Severity.ADVICE),
    why=(
        "Nobody patches it, newer operators refuse old releases of Istio, and what is still served today may be gone "
        "tomorrow. It is a warning in the 30 days before the end, and for a resource of the Sail operator if the "
        "platform is not known; advice in the 90 days before the end. "
        "The Istio of OpenShift Service Mesh is not reported, since Red Hat maintains its builds"
        " for longer; objects that only OpenShift has, such as a Route, show that it is one, and where nothing tells, a"
        " version that Red Hat's newest operator installs is taken for one of theirs. The days are in "
        "`lint/lifecycle.yaml`."
    ),
    remedy="Choose a release that is maintained.",
    example="""
        apiVersion: sailoperator.io/v1
        kind: Istio
        metadata: {name: default}
        spec: {version: v1.25.5}
    """,
    source="lint/lifecycle.yaml, with a source for each day",
    facts=Facts(today=datetime.date(2026, 4, 7)),
)
def end_of_support(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    facts = with_platform(manifests, facts)
    if facts.today is None:
        return
    for use in uses(manifests, facts):
        end = _end(use.product, minor(use.release))
        by_red_hat = use.by_red_hat(facts)
        if end is None or by_red_hat or not end.is_near(facts.today):
            continue
        happened = end.has_happened(facts.today)
        before = warning if end.is_in_last_days(facts.today) or end.release is None else advice
        yield (error if happened and by_red_hat is False else warning if happened else before)(
            use.where,
            f"{_what_ends(use, end)} {'ended' if happened else 'ends'} on {end.since}",
            _instead(use, end, facts),
        )


@cache
def _end(product: str, release: Minor | None) -> EndOfSupport | None:
    return lifecycle().end_of_support(product, release)


def _what_ends(use: Use, end: EndOfSupport) -> str:
    if end.release is None:
        return f"support of {use.name}"
    older = minor(use.release) != minor(end.release)
    return f"support of {use.name} {end.release}{' and older' if older else ''}"


def _instead(use: Use, end: EndOfSupport, facts: Facts) -> str:
    if end.instead is not None:
        return end.instead
    return f"take {recommended_istio(facts.platform) if use.by_sail else lifecycle().current_version(use.product)}"


@rule(
    code="N18",
    title="A release has a fault that was published",
    levels=(Severity.WARNING,),
    why=(
        "It is known to be vulnerable, or not to work where it is often run, and another release has no such fault. "
        "The Istio of OpenShift Service Mesh is not reported, since Red Hat repairs its own builds."
    ),
    remedy="Choose the release that the finding names.",
    example="""
        apiVersion: sailoperator.io/v1
        kind: Istio
        metadata: {name: default}
        spec: {version: v1.29.6}
    """,
    source="lint/lifecycle.yaml, with a source for each fault",
    facts=Facts(today=datetime.date(2026, 8, 26)),
)
def faulty_release(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    facts = with_platform(manifests, facts)
    if facts.today is None:
        return
    for use in uses(manifests, facts):
        number = version(use.release)
        if number is None or use.by_red_hat(facts) or _is_averted(use, facts):
            continue
        for faulty in lifecycle().faulty_releases:
            if faulty.product == use.product and faulty.has(number) and faulty.has_happened(facts.today):
                yield warning(
                    use.where,
                    f"{use.name} {'.'.join(map(str, number))} {faulty.fault}",
                    f"take {faulty.instead}",
                )


def _is_averted(use: Use, facts: Facts) -> bool:
    """Whether the fault does not show there: on OpenShift the operator's policy knows the API server's pods."""
    if use.product != "opentelemetry-operator":
        return False
    return facts.platform == "openshift" or any(_NO_POLICY in found for _, found in strings(use.owner.at("spec")))


@rule(
    code="N18",
    title="An Ingress has the class of a controller that is not maintained any more",
    levels=(Severity.WARNING,),
    why=(
        "The class `nginx` is that of ingress-nginx, which gets no patches any more. Other controllers use the name "
        "too, which only the IngressClass tells; where it is among the objects, it alone decides."
    ),
    remedy="Use a Gateway of the Gateway API, or another ingress controller, if that class is of ingress-nginx.",
    example="""
        apiVersion: networking.k8s.io/v1
        kind: Ingress
        metadata: {name: grafana, namespace: tracing-grafana}
        spec: {ingressClassName: nginx}
    """,
    source="https://kubernetes.io/blog/2025/11/11/ingress-nginx-retirement/",
    facts=Facts(today=datetime.date(2026, 3, 31)),
)
def ingress_class_of_ingress_nginx(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    end = lifecycle().end_of_support("ingress-nginx", None)
    if facts.today is None or end is None or not end.is_near(facts.today):
        return
    if any(obj.name == "nginx" for obj in manifests.of("networking.k8s.io", "IngressClass")):
        return
    ends = "ended" if end.has_happened(facts.today) else "ends"
    for place, name in ingress_classes(manifests):
        if name == "nginx":
            yield warning(
                place,
                f"support of ingress-nginx {ends} on {end.since}, and this is its class",
                f"{end.instead}, if that class is of ingress-nginx",
            )

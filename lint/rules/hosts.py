"""Hosts from which Istio's images and charts came, and which it gives up."""

import datetime
import re
from collections.abc import Iterator
from dataclasses import replace

from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.lifecycle import RetiredHost, lifecycle
from lint.objects import Manifests, Object, Path, Place
from lint.rule import rule
from lint.views.platform import with_platform
from lint.views.products import Use, uses
from lint.views.versions import minor

_LEVELS = (Severity.ERROR, Severity.WARNING)
# What the API server writes itself: the first is a copy of the object.
_NOT_OURS: tuple[Path, ...] = (
    ("metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"),
    ("metadata", "managedFields"),
    ("status",),
)
_PARTLY_OURS = {path[:1] for path in _NOT_OURS}


@rule(
    code="N22",
    title="Istio's images or charts come from a host that goes away",
    levels=_LEVELS,
    why=(
        "Istio leaves Google's cloud: `registry.istio.io`, `gcr.io/istio-release` and the bucket "
        "`istio-release.storage.googleapis.com`, also by its other address `storage.googleapis.com/istio-release`, are "
        "switched off in December 2026. From then on no new pod starts with an image from there, and no chart is "
        "found. It is a warning from the announcement on. The host is found wherever it stands: in an image, a chart "
        "repository, a value, a variable, an annotation, a document."
    ),
    remedy=(
        "Take images from `docker.io/istio`, and charts from `https://blob.istio.io/istio-release/charts` or "
        "`oci://ghcr.io/istio/release/charts`; or both from a registry of your own."
    ),
    example="""
        apiVersion: sailoperator.io/v1
        kind: Istio
        metadata: {name: default}
        spec: {version: v1.29.7, values: {global: {hub: gcr.io/istio-release}}}
    """,
    source="https://istio.io/latest/blog/2026/retirement-of-gcp/; https://github.com/istio/istio/issues/61467",
    facts=Facts(today=datetime.date(2026, 3, 23)),
)
def retired_host(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    hosts = {host.host: host for host in _of_istio(facts.today)}
    if not hosts:
        return
    pattern = re.compile(rf"(?<![\w.-])(?:{'|'.join(map(re.escape, hosts))})(?![\w.-])")
    for obj in manifests.objects:
        for path, found in _texts(obj):
            for host in dict.fromkeys(pattern.findall(found)):
                yield _fault(hosts[host], facts, obj.where(*path), host)


@rule(
    code="N22",
    title="A release of Istio takes its images from a host that goes away, unless it is told another one",
    levels=_LEVELS,
    why=(
        "The charts of Istio 1.30, and they alone, have `registry.istio.io` as their default, which is switched off in"
        " December 2026. OpenShift Service Mesh has images of its own: while the platform is not known, it is a warning"
        " for a resource of the Sail operator."
    ),
    remedy="Set `global.hub` to `docker.io/istio` or to a registry of your own, or take another release of Istio.",
    example="""
        apiVersion: sailoperator.io/v1
        kind: Istio
        metadata: {name: default}
        spec: {version: v1.30.4}
    """,
    source="https://istio.io/latest/blog/2026/retirement-of-gcr.io-follow-up/",
    facts=Facts(today=datetime.date(2026, 7, 23)),
)
def retired_default_hub(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    facts = with_platform(manifests, facts)
    hubs = {(one.product, minor(one.release)): one.hub for one in lifecycle().default_hubs}
    for host in _of_istio(facts.today):
        for use in uses(manifests, facts):
            by_red_hat = use.by_red_hat(facts)
            if by_red_hat or hubs.get((use.product, minor(use.release))) != host.host or not _takes_default(use):
                continue
            fault = _fault(host, facts, use.where, f"this release takes its images from {host.host}, which")
            yield fault if by_red_hat is False else replace(fault, severity=Severity.WARNING)


def _takes_default(use: Use) -> bool:
    """Whether what is installed is told no registry. An image has one of its own."""
    if not use.with_charts or use.path[-1] in {"image", "repository"}:
        return False
    return not any(path[-1] == "hub" or ".hub" in found or "hub:" in found for path, found in use.owner.strings)


def _of_istio(today: datetime.date | None) -> Iterator[RetiredHost]:
    for host in lifecycle().retired_hosts:
        if host.product == "istio" and today is not None and host.is_known(today):
            yield host


def _fault(host: RetiredHost, facts: Facts, where: Place, what: str) -> Fault:
    gone = facts.today is not None and host.has_happened(facts.today)
    remedy = f"take {host.instead}, or a registry of your own"
    return (error if gone else warning)(where, f"{what} {'went' if gone else 'goes'} away on {host.since}", remedy)


def _texts(obj: Object) -> Iterator[tuple[Path, str]]:
    """Every text of the object, with those that a Secret encodes; the message quotes none of them."""
    for path, found in obj.strings:
        if path[:1] not in _PARTLY_OURS or not any(path[: len(other)] == other for other in _NOT_OURS):
            yield path, found
    if obj.kind == "Secret":
        yield from obj.documents()

"""The user's own labels and annotations, which every object of the stack gets."""

from typing import Annotated

from pydantic import AfterValidator, Field

from model.scalars import LabelKey, expected

# Whoever owns one of these reads keys below it, also in objects that the stack makes.
_DOMAINS = ("mesh-tracing", "pulumi.com", "kubernetes.io", "k8s.io", "istio.io", "openshift.io")
# Keys without a domain by which objects of the stack are selected, or found.
_SELECTING = {
    "account",
    "app",
    "grafana_dashboard",
    "grafana_datasource",
    "istio",
    "istio-injection",
    "service",
    "version",
}


def _nobody_reads(key: str) -> str:
    domain, slash, _ = key.rpartition("/")
    owned = slash and any(domain == owner or domain.endswith(f".{owner}") for owner in _DOMAINS)
    if owned or key in _SELECTING:
        raise expected(f"a key that the program, Kubernetes and Istio do not use: {key} would change what they do")
    return key


CommonKey = Annotated[LabelKey, AfterValidator(_nobody_reads), Field(examples=["example.com/cost-center"])]

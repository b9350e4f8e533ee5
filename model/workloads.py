"""The sample application, and how long everything may take."""

from typing import Literal

from pydantic import Field, model_validator

from model.parts import Section
from model.scalars import Flag, Image, Name, Number, Registry, Seconds, Tag, expected

GatewayServiceType = Literal["ClusterIP", "NodePort", "LoadBalancer"]
BookinfoDeployment = Literal["details-v1", "productpage-v1", "ratings-v1", "reviews-v1", "reviews-v2", "reviews-v3"]


class Traffic(Section):
    """The requests that the client `sleep` sends to the sample."""

    enabled: Flag = Field(default=True, description="Whether the two clients run.")
    requests_per_second: Number = Field(
        default=1,
        ge=0.01,
        le=100,
        examples=[1],
        description="How many pages each of its loops requests at most.",
    )
    concurrency: int = Field(
        default=1, ge=1, le=20, strict=True, examples=[2], description="Number of its loops, one per pod."
    )


class Bookinfo(Section):
    """The sample application."""

    enabled: Flag = Field(default=True, description="Whether to deploy it.")
    namespace: Name = Field(default="bookinfo", description="Its namespace, which gets sidecars.")
    image_registry: Registry = Field(default="docker.io/istio", description="Registry of its images.")
    image_tag: Tag = Field(default="1.20.3", description="Tag of its images.")
    images: dict[BookinfoDeployment, Image] = Field(
        default={},
        examples=[{"productpage-v1": "registry.example.com/productpage@sha256:" + 64 * "0"}],
        description="Images of single Deployments of it, in place of one with that registry and tag.",
    )
    gateway: Literal["none", "istio", "gateway-api"] = Field(
        default="none",
        examples=["istio"],
        description="How requests from outside reach it: `istio`: an ingress gateway with Istio's Gateway and "
        "VirtualService; `gateway-api`: a Gateway and an HTTPRoute.",
    )
    gateway_service_type: GatewayServiceType = Field(
        default="ClusterIP",
        examples=["LoadBalancer"],
        description="Type of the gateway's Service. `ClusterIP` answers inside the cluster, where `exposure` leads to "
        "it; `LoadBalancer` needs a cluster that gives it an address.",
    )
    traffic: Traffic = Field(default=Traffic(), description="The traffic sent to it.")

    @model_validator(mode="after")
    def _type_of_a_gateway(self) -> "Bookinfo":
        if self.gateway == "none" and "gateway_service_type" in self.model_fields_set:
            raise expected("no gatewayServiceType without a gateway")
        return self


class Timeouts(Section):
    """Seconds that each part may take to become ready, to change and to be deleted."""

    operators: Seconds = Field(default=900, description="Each operator.")
    control_plane: Seconds = Field(default=600, description="Each part of Istio.")
    object_store: Seconds = Field(default=300, description="The object store, its volume, its bucket, a move to it.")
    prometheus: Seconds = Field(default=300, description="Prometheus.")
    tempo: Seconds = Field(default=600, description="Tempo.")
    collector: Seconds = Field(default=300, description="The collector.")
    bookinfo: Seconds = Field(default=600, description="Each Deployment of Bookinfo, and of other applications.")
    consoles: Seconds = Field(default=300, description="Grafana and Kiali.")

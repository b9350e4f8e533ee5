"""Somebody's Istio, by its charts with values of their own, of which nothing is mesh-tracing's."""

import pulumi
import pulumi_kubernetes as k8s

config = pulumi.Config()
options = pulumi.ResourceOptions(provider=k8s.Provider("cluster", context=config.require_object("cluster")["context"]))
base = k8s.helm.v3.Release(
    "istio-base", name="istio-base", chart="./.local/charts/base", namespace="istio-system", opts=options
)
k8s.helm.v3.Release(
    "control-plane",
    name="control-plane",
    chart="./.local/charts/istiod",
    namespace="istio-system",
    values=config.require_object("mesh")["values"],
    opts=pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(depends_on=[base])),
)

"""The releases of Istio's charts that the stand-in for the Sail operator has worked out."""

import pulumi
import pulumi_kubernetes as k8s

config = pulumi.Config()
options = pulumi.ResourceOptions(provider=k8s.Provider("cluster", context=config.require_object("cluster")["context"]))
for release in config.require_object("mesh")["releases"]:
    k8s.helm.v3.Release(
        release["name"],
        name=release["name"],
        chart=release["chart"],
        namespace=release["namespace"],
        values=release["values"],
        skip_await=release.get("skipAwait", False),
        opts=options,
    )

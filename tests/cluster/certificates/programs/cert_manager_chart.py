"""Renders cert-manager's chart into a folder, as its project makes the release manifest of it."""

import pulumi
import pulumi_kubernetes as k8s

config = pulumi.Config()
folder = k8s.Provider("folder", render_yaml_to_directory=config.require("folder"))
k8s.helm.v4.Chart(
    "cert-manager",
    chart=config.require("chart"),
    namespace="cert-manager",
    # A release manifest has no Job; the definitions lie beside the chart.
    values={"creator": "static", "startupapicheck": {"enabled": False}},
    opts=pulumi.ResourceOptions(provider=folder),
)

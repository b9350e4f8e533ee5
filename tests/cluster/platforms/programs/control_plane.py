"""A program of nothing but the control plane, for a cluster that has no more than the definitions that it needs."""

import pulumi
import pulumi_kubernetes as k8s

import components as mesh_tracing
import settings
from program import Plan

stack = settings.load(pulumi.Config())
cluster = k8s.Provider("cluster", context=stack.cluster.context)
mesh_tracing.MeshControlPlane("mesh", Plan(stack).control_plane(), pulumi.ResourceOptions(provider=cluster))

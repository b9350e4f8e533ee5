"""A program of nothing but the operators."""

import pulumi
import pulumi_kubernetes as k8s

import components as mesh_tracing
import settings
from program import Plan

stack = settings.load(pulumi.Config())
cluster = k8s.Provider("cluster", context=stack.cluster.context)
mesh_tracing.Operators("operators", Plan(stack).operators(), pulumi.ResourceOptions(provider=cluster))

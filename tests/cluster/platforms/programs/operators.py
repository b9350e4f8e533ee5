"""A program of nothing but the operators."""

import pulumi
import pulumi_kubernetes as k8s

import components as mesh_tracing
import kubeconfig
import settings
from program import Plan

stack = settings.load(pulumi.Config())
kubeconfig.require(stack.cluster)
cluster = k8s.Provider("cluster", context=stack.cluster.context)
mesh_tracing.Operators("operators", Plan(stack).operators(), pulumi.ResourceOptions(provider=cluster))

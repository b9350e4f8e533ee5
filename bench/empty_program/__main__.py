"""No resource but the provider that the whole program has."""

import pulumi_kubernetes as k8s

k8s.Provider("cluster", context="mesh-tracing-local", cluster_identifier="mesh-tracing-local")

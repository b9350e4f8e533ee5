#!/bin/sh
# Helm's post-renderer for Istio's base chart, used when mesh.keepCrds is false. Every CRD in that chart carries a fixed
# annotation that tells `helm uninstall` to leave it behind, and no chart value changes it. The annotation has to go, not
# to change: Helm 3 also leaves an object behind whose policy is any other word (action.filterManifestsToKeep).
exec sed 's|"\{0,1\}helm\.sh/resource-policy"\{0,1\}: *"\{0,1\}keep"\{0,1\}|mesh-tracing/crd-policy: delete|'

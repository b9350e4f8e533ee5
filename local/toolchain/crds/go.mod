// Nothing is compiled from these modules: they carry the definitions (CRDs) of kinds that the programs create on
// OpenShift or through an operator, and go.sum pins what they hold.
module local/toolchain/crds

go 1.25.0

require (
	github.com/grafana/grafana-operator/v5 v5.24.0
	github.com/openshift/api v0.0.0-20260501191448-a49973eaef53
	github.com/operator-framework/api v0.42.0
	github.com/prometheus-operator/prometheus-operator v0.85.0
)

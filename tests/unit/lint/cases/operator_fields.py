"""Examples for lint/rules/operator_fields.py."""

from cases.base import Example, replaced

_OPERATOR = """
apiVersion: install.istio.io/v1alpha1
kind: IstioOperator
metadata: {name: default, namespace: istio-system}
spec: {profile: minimal, tag: 1.31.0, FIELD}
"""

EXAMPLES = {
    "operator_field_that_does_not_exist": Example(
        "warning N30 IstioOperator istio-system/default: spec.addonComponents",
        wrong=replaced(_OPERATOR, "FIELD", "addonComponents: {kiali: {enabled: true}}"),
        right=replaced(_OPERATOR, "FIELD", "components: {cni: {enabled: true}}"),
    ),
    "operator_value_that_does_not_exist": Example(
        "warning N30 IstioOperator istio-system/default: spec.values.global.mtls",
        wrong=replaced(_OPERATOR, "FIELD", "values: {global: {mtls: {auto: true}}}"),
        right=replaced(_OPERATOR, "FIELD", "values: {global: {logAsJson: true}}"),
    ),
    "operator_value_of_another_form": Example(
        "error N30 IstioOperator istio-system/default: spec.components.pilot.k8s.env",
        wrong=replaced(_OPERATOR, "FIELD", "components: {pilot: {k8s: {env: {PILOT_TRACE_SAMPLING: '100'}}}}"),
        right=replaced(
            _OPERATOR, "FIELD", "components: {pilot: {k8s: {env: [{name: PILOT_TRACE_SAMPLING, value: '100'}]}}}"
        ),
    ),
}

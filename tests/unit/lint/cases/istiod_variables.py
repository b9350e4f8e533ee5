"""Examples for lint/rules/istiod_variables.py."""

from cases.base import MESH, Example, replaced


def with_variable(name: str) -> str:
    return replaced(MESH, "    meshConfig:", f'    pilot: {{env: {{{name}: "true"}}}}\n    meshConfig:')


EXAMPLES = {
    "variable_that_istiod_does_not_read": Example(
        "warning N3 Istio default: spec.values.pilot.env.PILOT_ENABLED_GATEWAY_API",
        wrong=with_variable("PILOT_ENABLED_GATEWAY_API"),
        right=with_variable("PILOT_ENABLE_GATEWAY_API"),
    ),
}

"""Mutants that may survive, each with the reason: the part that is left out changes nothing that the program does.

This is checked: with and without the mutant, the program has to ask the engine for the same, in the same order.
"""

_BY_ADDRESS = "Tempo's address, which it is given, waits for the same; the edge is there for a reader"
_BY_TELEMETRY = "the telemetry waits for the control plane; the edge is there for a reader"

ALLOWED: dict[str, str] = {
    "__main__.py: top: applications not after control_plane": _BY_TELEMETRY,
    "__main__.py: top: kiali not after namespaces": "the control plane waits for them; the edge is there for a reader",
    "__main__.py: top: kiali not after *operators": _BY_ADDRESS,
    "__main__.py: top: exposure not after namespaces": "what it leads to waits for them already",
}

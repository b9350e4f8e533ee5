"""Mutants that live, each with the reason: what is left out changes nothing that the program does."""

_BY_ADDRESS = "Tempo's address, which it is given, waits for the same; the edge is there for a reader"
_BY_TELEMETRY = "the telemetry waits for the control plane; the edge is there for a reader"
_BY_NOBODY = "no resource takes this output yet; whoever does will wait"

ALLOWED: dict[str, str] = {
    "__main__.py: top: telemetry not after namespaces": _BY_ADDRESS,
    "__main__.py: top: telemetry not after *operators": _BY_ADDRESS,
    "__main__.py: top: it not after control_plane": _BY_TELEMETRY,
    "__main__.py: top: bookinfo not after control_plane": _BY_TELEMETRY,
    "__main__.py: top: kiali not after namespaces": "the control plane waits for them; the edge is there for a reader",
    "__main__.py: top: kiali not after *operators": _BY_ADDRESS,
    "__main__.py: top: exposure not after namespaces": "what it leads to waits for them already",
    "components/_restart.py: SidecarConfig.restart_hash: without the field injection_labels": (
        "the labels follow from the revision, which is hashed too"
    ),
    "components/applications.py: Applications._bring_in: application.name without waiting for label": _BY_NOBODY,
    "components/applications.py: Applications._bring_in: application.name without waiting for *restarted": _BY_NOBODY,
    "components/bookinfo.py: Bookinfo.__init__: f'http://{host}:{PRODUCTPAGE.port}/productpage' without waiting for "
    "*application": _BY_NOBODY,
    "components/bookinfo_gateway.py: BookinfoGateway.__init__: host without waiting for *created": _BY_NOBODY,
    "components/grafana_tempo_datasource.py: GrafanaTempoDatasource.__init__: _dashboard.UID without waiting for "
    "*created": _BY_NOBODY,
}

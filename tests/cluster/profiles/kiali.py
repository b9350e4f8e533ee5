"""Kiali's operator, played by the test: it installs Kiali's real server 1.89 by the suite's chart of it.

Users log in with a token, as OpenShift's own login is not here; the certificate that OpenShift would make for Kiali's
port is of the embedded cluster's authority.
"""

import json
from typing import Any

from embedded import CHECKOUT, Host, Project
from standin import StandIn, condition

from local.run.pki import Authority
from local.state import State

CHART = CHECKOUT / "tests" / "cluster" / "shapes" / "kiali_chart"


class KialiOperator(StandIn):
    """Acts on every Kiali; ``charts`` is a project of `programs/releases.py`."""

    def __init__(self, host: Host, charts: Project) -> None:
        super().__init__(host)
        self._state = State(host.state)
        self._charts = charts
        self._installed: list[dict[str, Any]] = []

    def act(self) -> None:
        found = self.items("kialis.kiali.io", "--all-namespaces")
        wanted = [_release(kiali) for kiali in found]
        if wanted != self._installed:
            self._charts.configure({"mesh-tracing:mesh": {"releases": wanted}})
            self._charts.pulumi("up", "--yes", "--skip-preview")
            for kiali in found:
                self._complete(kiali)
            self._installed = wanted
        for kiali in found:
            self.write_status(kiali, {"conditions": [condition("Successful", "Successful")]})

    def _complete(self, kiali: dict[str, Any]) -> None:
        """Give the Deployment what the chart has no place for: the annotations of pods, and a certificate."""
        space = ("-n", kiali["metadata"]["namespace"])
        if "kiali-cert" not in self.kubectl("get", "secrets", *space, "-o", "name"):
            certificate, key = Authority.load(self._state.pki, "ca").issue("kiali", "kiali", hosts=["kiali"])
            self.kubectl("create", "secret", "tls", "kiali-cert", *space, f"--cert={certificate}", f"--key={key}")
        template = {
            "metadata": {"annotations": kiali["spec"]["deployment"].get("pod_annotations", {})},
            "spec": {
                "containers": [
                    {
                        "name": "kiali",
                        "readinessProbe": {"httpGet": {"scheme": "HTTPS", "path": "/healthz", "port": 20001}},
                        "volumeMounts": [{"name": "cert", "mountPath": "/kiali-cert"}],
                    }
                ],
                "volumes": [{"name": "cert", "secret": {"secretName": "kiali-cert"}}],
            },
        }
        self.kubectl("patch", "deployment", "kiali", *space, "--patch", json.dumps({"spec": {"template": template}}))


def _release(kiali: dict[str, Any]) -> dict[str, Any]:
    spec = json.loads(json.dumps(kiali["spec"]))
    spec["auth"] = {"strategy": "token"}
    spec["identity"] = {"cert_file": "/kiali-cert/tls.crt", "private_key_file": "/kiali-cert/tls.key"}
    restricted = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    spec["deployment"] = {**spec["deployment"], "security_context": restricted}
    return {
        "name": "kiali",
        "chart": str(CHART),
        "namespace": kiali["metadata"]["namespace"],
        "values": spec,
        # It starts only once it has its certificate.
        "skipAwait": True,
    }

"""The Sail operator, played by the test: it installs the real charts, and so a real istiod and a real CNI plugin run.

It does what the operator documents: an Istio is one IstioRevision of its own name, or one for each version, of which an
old one stays until no pod uses it; a revision is a release of the chart `istiod` with the resource's values over the
operator's; an IstioCNI is one of the chart `cni`; an IstioRevisionTag leads pods without a revision to the active one;
each says in its status how it is. What it does not play: profiles, ambient, validation, the grace period of old
revisions, and versions, of which only one is at hand: whatever version a resource asks for is that one, under another
tag of its images.
"""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from embedded import CHECKOUT, Host, Project
from standin import StandIn, condition

from local.build.tools import Toolbox
from local.progress import Progress
from local.run.blueprint import CONTAINERD_SOCKET
from local.run.cluster import EmbeddedCluster
from local.state import CHARTS, State
from objects.merge import merge

MESH = yaml.safe_load((CHECKOUT / "Pulumi.local.yaml").read_text())["config"]["mesh-tracing:mesh"]
API_VERSION = "sailoperator.io/v1"
IMAGES = ("pilot", "proxyv2", "install-cni")
# What the operator sets on OpenShift, but for Multus, which is no part of the embedded cluster's network.
_OPENSHIFT: Mapping[str, Any] = {"global": {"platform": "openshift"}, "pilot": {"cni": {"enabled": True}}}
_NO_MULTUS: Mapping[str, Any] = {
    "pilot": {"cni": {"provider": "default"}},
    "cni": {"provider": "default", "chained": True, "cniConfFileName": ""},
}

Release = dict[str, Any]
Object = dict[str, Any]


class Sail(StandIn):
    """Acts on every Istio, IstioCNI and IstioRevisionTag; ``charts`` is a project of `programs/releases.py`."""

    def __init__(self, host: Host, charts: Project) -> None:
        super().__init__(host)
        self._state = State(host.state)
        self._charts = charts
        module = Toolbox(self._state.logs, Progress()).module_folder("istio", "istio.io/istio")
        self._tag_chart = module / "manifests" / "charts" / "default"
        self._installed: list[Release] = []
        self._revisions: dict[str, Release] = {}
        self._tagged: set[str] = set()

    def act(self) -> None:
        istios = self.items("istios.sailoperator.io")
        plugins = self.items("istiocnis.sailoperator.io")
        tags = self.items("istiorevisiontags.sailoperator.io")
        active = {istio["metadata"]["name"]: revision_of(istio) for istio in istios}
        self._revisions |= {revision_of(istio): _revision(istio) for istio in istios}
        left = self._revisions.keys() - active.values()
        for old in left - self._used() if left else ():
            del self._revisions[old]
            self.kubectl("delete", "istiorevisions.sailoperator.io", old, "--wait=false", "--ignore-not-found")
        wanted = [
            *(_plugin(plugin) for plugin in plugins),
            *self._revisions.values(),
            *(_tag(tag, istio, self._tag_chart) for tag in tags for istio in istios if _leads_to(tag, istio)),
        ]
        if wanted != self._installed:
            self._install(wanted)
            for istio in istios:
                self._own(istio)
            self._installed = wanted
        for seen in (*istios, *plugins):
            self.write_status(seen, _status(seen))
        for tag in tags:
            for istio in (one for one in istios if _leads_to(tag, one)):
                self.write_status(tag, _status_of_tag(tag, istio))

    def _used(self) -> set[str]:
        """The revisions whose proxies run, as injection writes it into each pod."""
        pods = self.items("pods", "--all-namespaces", "-l", "service.istio.io/canonical-name")
        return {pod["metadata"].get("annotations", {}).get("istio.io/rev", "") for pod in pods}

    def _install(self, wanted: list[Release]) -> None:
        for release in wanted:
            self._give_images(release["values"].get("global", {}).get("tag"))
        self._charts.configure({"mesh-tracing:mesh": {"releases": wanted}})
        self._charts.pulumi("up", "--yes", "--skip-preview")

    def _own(self, istio: Object) -> None:
        """Make the IstioRevision, whose istiod is then told by its owner from one of Istio's charts."""
        name, spec = revision_of(istio), istio["spec"]
        made = {
            "apiVersion": API_VERSION,
            "kind": "IstioRevision",
            "metadata": {"name": name, "ownerReferences": [_owned_by(istio)]},
            "spec": {
                "version": spec["version"],
                "namespace": spec["namespace"],
                "values": {
                    "revision": _in_values(name),
                    "global": {"istioNamespace": spec["namespace"]},
                },
            },
        }
        self.kubectl("apply", "--server-side", "--field-manager=sail-operator", "-f", "-", stdin=made)
        found = self.kubectl("get", "istiorevisions.sailoperator.io", name, "-o", "json", "--ignore-not-found")
        if not found:
            # It went with its owner, which somebody has deleted meanwhile.
            return
        revision = json.loads(found)
        self.write_status(revision, _healthy(revision))
        self.kubectl(
            "patch", "deployment", f"istiod{_suffix(name)}", "-n", spec["namespace"], "--type=merge", "--patch",
            json.dumps({"metadata": {"ownerReferences": [_owned_by(revision)]}}),
        )  # fmt: skip

    def _give_images(self, tag: str | None) -> None:
        """Let every node know the images of Istio under another tag."""
        if tag is None or tag in self._tagged:
            return
        for machine in EmbeddedCluster(self._state).machines:
            socket = f"/proc/{machine.init_process()}/root{CONTAINERD_SOCKET}"
            ctr = [self._state.bin / "ctr", "--address", socket, "--namespace", "k8s.io"]
            for image in IMAGES:
                names = (f"{MESH['hub']}/{image}:{MESH['tag']}", f"{MESH['hub']}/{image}:{tag}")
                subprocess.run([*ctr, "images", "tag", "--force", *names], check=True, capture_output=True)
        self._tagged.add(tag)


def revision_of(istio: Object) -> str:
    """The name of the active revision, as the operator makes it."""
    name, spec = istio["metadata"]["name"], istio["spec"]
    in_place = spec.get("updateStrategy", {}).get("type", "InPlace") == "InPlace"
    return str(name) if in_place else f"{name}-{spec['version'].replace('.', '-')}"


def _in_values(revision: str) -> str:
    return "" if revision == "default" else revision


def _suffix(revision: str) -> str:
    return "" if revision == "default" else f"-{revision}"


def _images(spec: Object) -> Object:
    return {"global": {"hub": MESH["hub"], "tag": spec["version"]}}


def _merged(*layers: Mapping[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for layer in layers:
        result = merge(result, layer)
    return result


def _revision(istio: Object) -> Release:
    name, spec = revision_of(istio), istio["spec"]
    always = {"revision": _in_values(name), "global": {"istioNamespace": spec["namespace"]}}
    return {
        "name": f"{name}-istiod",
        "chart": str(CHARTS / "istiod"),
        "namespace": spec["namespace"],
        "values": _merged(_OPENSHIFT, _NO_MULTUS, MESH["values"], _images(spec), spec.get("values", {}), always),
    }


def _plugin(plugin: Object) -> Release:
    spec = plugin["spec"]
    return {
        "name": "istio-cni",
        "chart": str(CHARTS / "cni"),
        "namespace": spec["namespace"],
        "values": _merged(_OPENSHIFT, _NO_MULTUS, MESH["cniValues"], _images(spec), spec.get("values", {})),
    }


def _leads_to(tag: Object, istio: Object) -> bool:
    return bool(tag["spec"]["targetRef"]["name"] == istio["metadata"]["name"])


def _tag(tag: Object, istio: Object, chart: Path) -> Release:
    return {
        "name": f"{tag['metadata']['name']}-revisiontag",
        "chart": str(chart),
        "namespace": istio["spec"]["namespace"],
        "values": {"revision": _in_values(revision_of(istio))},
    }


def _owned_by(owner: Object) -> Object:
    metadata = owner["metadata"]
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _healthy(seen: Object) -> Object:
    return {
        "observedGeneration": seen["metadata"]["generation"],
        "state": "Healthy",
        "conditions": [condition("Reconciled", "Healthy"), condition("Ready", "Healthy")],
    }


def _status(seen: Object) -> Object:
    if seen["kind"] == "IstioCNI":
        return _healthy(seen)
    counted = {"total": 1, "ready": 1, "inUse": 1}
    return {**_healthy(seen), "activeRevisionName": revision_of(seen), "revisions": counted}


def _status_of_tag(tag: Object, istio: Object) -> Object:
    named = {"istioRevision": revision_of(istio), "istiodNamespace": istio["spec"]["namespace"]}
    # A tag has no condition Ready.
    conditions = [condition("Reconciled", "Healthy"), condition("InUse", "ReferencedByWorkloads")]
    return {**_healthy(tag), "conditions": conditions, **named}

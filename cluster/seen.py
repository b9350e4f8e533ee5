"""What was seen of a cluster: read from it, or from the facts that a stack keeps of it."""

import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster import istiod
from cluster.definitions import Shape, is_openapi, openapi_path, shapes_of
from cluster.reader import NotReadError, Object
from objects.context import OWNER

FACTS = Path("facts")
# The variable that names the stack whose facts a preview has to write.
WRITE_FACTS = "MESH_TRACING_WRITE_FACTS"

# What the status of a resource of Tempo's operator says of the program that it runs.
_VERSIONS = {"tempoVersion"}

KUBE_SYSTEM = "/api/v1/namespaces/kube-system"
DISCOVERY = "/apis"
VALIDATING_WEBHOOKS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"


@dataclass(frozen=True)
class Seen:
    """What the checks need of each API path that was looked at.

    ``unread`` says in one line each what could not be read; it is not ``live`` if the cluster was not reached at all.
    """

    answers: Mapping[str, Any]
    unread: tuple[str, ...] = ()
    live: bool = True

    @property
    def cluster_uid(self) -> str | None:
        """The UID of the cluster's namespace ``kube-system``, by which clusters are told apart; None if not known."""
        found = self.answers.get(KUBE_SYSTEM)
        return None if found is None else str(found["uid"])

    @property
    def kinds(self) -> frozenset[str] | None:
        """Every kind that the cluster serves beside the core ones, as ``group/version/Kind``; None if not known."""
        found = self.answers.get(DISCOVERY)
        return None if found is None else frozenset(found)

    def definition(self, api_version: str, kind: str) -> Shape:
        """The fields that the cluster's definition of a kind has below ``spec``; None if not known."""
        shape: Shape = (self.answers.get(openapi_path(api_version)) or {}).get(kind)
        return shape


def seen(answers: Mapping[str, Object | NotReadError | None], kinds: frozenset[str] = frozenset()) -> Seen:
    """What the checks need of what was read; of definitions, those of ``kinds``."""
    unread = tuple(str(answer) for answer in answers.values() if isinstance(answer, NotReadError))
    read = {path: found for path, found in answers.items() if not isinstance(found, NotReadError)}
    return Seen({path: _needed(path, found, kinds) for path, found in read.items()}, unread)


def facts_file(stack: str) -> Path:
    """The file in which a stack keeps what was seen of its cluster, for where the cluster cannot be reached."""
    return FACTS / f"{stack}.json"


def write_facts(found: Seen, stack: str, today: datetime.date) -> Path:
    """Write what was seen into the stack's facts, which are to be committed: they hold names and no secret."""
    path = facts_file(stack)
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        json.dumps({"read": today.isoformat(), "answers": dict(found.answers)}, indent=1, sort_keys=True) + "\n",
        encoding="utf-8",
    )
    return path


def read_facts(stack: str) -> tuple[str, Seen] | None:
    """The day on which a stack's facts were read, and the facts; None if it keeps none."""
    path = facts_file(stack)
    if not path.is_file():
        return None
    content = json.loads(path.read_text(encoding="utf-8"))
    return content["read"], Seen(content["answers"], live=False)


def _needed(path: str, found: Object | None, kinds: frozenset[str]) -> Any:
    if found is None:
        return None
    if is_openapi(path):
        return shapes_of(found, kinds)
    if path == DISCOVERY:
        # An older API server lists groups without their kinds, so it is not known which it has.
        return sorted(_kinds(found)) if "items" in found else None
    if "items" in found:
        # The items of a list do not say their kind.
        kind = str(found.get("kind", "")).removesuffix("List")
        return [_described({**item, "kind": kind}) for item in found["items"]]
    return _described(found)


def _selects(policy: Object) -> bool:
    """Whether one of Istio's policies is for some workloads only."""
    spec = policy.get("spec") or {}
    return any(spec.get(key) for key in ("selector", "targetRef", "targetRefs"))


def _kinds(discovery: Object) -> set[str]:
    """The kinds in an APIGroupDiscoveryList, in which a group has its versions and a version its resources."""
    return {
        f"{group['metadata']['name']}/{version['version']}/{resource['responseKind']['kind']}"
        for group in discovery.get("items", [])
        for version in group.get("versions", [])
        for resource in version.get("resources", [])
        if "responseKind" in resource
    }


def _described(obj: Object) -> dict[str, Any]:
    """What the checks need of an object: which it is, since when, whose, and a little more of some kinds."""
    metadata = obj["metadata"]
    described = {
        "name": metadata["name"],
        "uid": metadata.get("uid"),
        "created": metadata.get("creationTimestamp"),
        "owner": (metadata.get("annotations") or {}).get(OWNER),
    }
    versions = {key: text for key, text in (obj.get("status") or {}).items() if key in _VERSIONS}
    if versions:
        described["versions"] = versions
    if obj.get("kind") == "PackageManifest":
        channels = obj["status"]["channels"]
        described["channels"] = {one["name"]: one["currentCSVDesc"]["version"] for one in channels}
        described["entries"] = {one["name"]: [entry["name"] for entry in one.get("entries", [])] for one in channels}
        described["catalog"] = obj["status"].get("catalogSource")
    if obj.get("kind") == "CatalogSource":
        described["state"] = ((obj.get("status") or {}).get("connectionState") or {}).get("lastObservedState")
    if obj.get("kind") == "OperatorGroup":
        spec = obj.get("spec") or {}
        described["targets"] = bool(spec.get("targetNamespaces") or spec.get("selector"))
    if obj.get("kind") == "StorageClass":
        described["grows"] = bool(obj.get("allowVolumeExpansion"))
    if obj.get("kind") == "PersistentVolumeClaim":
        described["size"] = obj["spec"]["resources"]["requests"]["storage"]
        described["class"] = obj["spec"].get("storageClassName")
    if obj.get("kind") == "ValidatingWebhookConfiguration":
        described["webhooks"] = [one["name"] for one in obj.get("webhooks") or []]
    if obj.get("kind") == "Telemetry":
        described |= {"selects": _selects(obj), **istiod.of_telemetry(obj)}
    if obj.get("kind") == "MutatingWebhookConfiguration":
        described |= istiod.of_webhook(obj)
    if obj.get("kind") == "Deployment":
        described |= istiod.of_deployment(obj)
    if obj.get("kind") == "ConfigMap":
        described |= istiod.of_config_map(obj)
    return described

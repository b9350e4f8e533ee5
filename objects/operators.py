"""The operators' packages in their catalogs, what asks the Operator Lifecycle Manager (OLM) for them, and releases."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from model import OperatorName, Operators, OperatorSource
from model.platform import DEFAULT_CERT_MANAGER, DEFAULT_OPENTELEMETRY_OPERATOR, DEFAULT_TEMPO_OPERATOR
from model.scalars import Name
from objects.context import PART_OF, Args, Context, Object, wait_for
from objects.installation import OLM, Installation
from objects.namespaces import build_namespace
from objects.rollout import Admission

_Catalog = Literal["redhat", "community", "operatorhub"]

# The name of the ClusterServiceVersion is not known in advance. Pulumi waits until this expression selects one, that is
# until OLM reports a version in phase Succeeded.
_SUCCEEDED = (
    "jsonpath={.status.components.refs"
    '[?@.kind=="ClusterServiceVersion"].conditions[?@.type=="Succeeded" && @.status=="True"].type}'
)
# A catalog's name and namespace, and the namespace that its operators share unless they have their own.
_SOURCES: Mapping[_Catalog, tuple[str, str, str]] = {
    "redhat": ("redhat-operators", "openshift-marketplace", "openshift-operators"),
    "community": ("community-operators", "openshift-marketplace", "openshift-operators"),
    "operatorhub": ("operatorhubio-catalog", "olm", "operators"),
}
# An operator's package and its default channel.
_COMMUNITY: Mapping[OperatorName, tuple[str, str]] = {
    "mesh": ("sailoperator", "stable"),
    "tempo": ("tempo-operator", "alpha"),
    "opentelemetry": ("opentelemetry-operator", "alpha"),
    "kiali": ("kiali", "stable"),
    "grafana": ("grafana-operator", "v5"),
}
_REDHAT: Mapping[OperatorName, tuple[str, str]] = {
    "mesh": ("servicemeshoperator3", "stable"),
    "tempo": ("tempo-product", "stable"),
    "opentelemetry": ("opentelemetry-product", "stable"),
    "kiali": ("kiali-ossm", "stable"),
}
_OWN_NAMESPACES: Mapping[str, str] = {
    "tempo-product": "openshift-tempo-operator",
    "opentelemetry-product": "openshift-opentelemetry-operator",
}
# What is installed from release manifests: operators, and what gives their webhooks certificates.
Released = Literal["cert-manager", "tempo", "opentelemetry"]
_RELEASES: Mapping[Released, str] = {
    "cert-manager": "https://github.com/cert-manager/cert-manager/releases/download/v{version}/cert-manager.yaml",
    "tempo": "https://github.com/grafana/tempo-operator/releases/download/v{version}/tempo-operator.yaml",
    "opentelemetry": "https://github.com/open-telemetry/opentelemetry-operator/releases/download/v{version}"
    "/opentelemetry-operator.yaml",
}
# The namespace of each release, and what its webhooks can be asked about: an object that its definition allows.
_ASKED_ABOUT: Mapping[Released, tuple[str, Object]] = {
    "cert-manager": (
        "cert-manager",
        {"apiVersion": "cert-manager.io/v1", "kind": "Issuer", "spec": {"selfSigned": {}}},
    ),
    "tempo": (
        "tempo-operator-system",
        {
            "apiVersion": "tempo.grafana.com/v1alpha1",
            "kind": "TempoStack",
            "spec": {"storageSize": "1Gi", "storage": {"secret": {"name": PART_OF, "type": "s3"}}},
        },
    ),
    "opentelemetry": (
        "opentelemetry-operator-system",
        {
            "apiVersion": "opentelemetry.io/v1beta1",
            "kind": "OpenTelemetryCollector",
            "spec": {
                "config": {
                    "receivers": {"otlp": {"protocols": {"grpc": {}}}},
                    "exporters": {"debug": {}},
                    "service": {"pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["debug"]}}},
                }
            },
        },
    ),
}


# These make a NetworkPolicy for the operator itself that lets it reach the addresses of the API server's nodes, and not
# that of its Service: a network that looks at the latter, as Cilium or Amazon's VPC CNI, then cuts it off
# (opentelemetry-operator#5624).
_CLOSES_API_SERVER = ("0.158.", "0.159.")
_NO_POLICY = "--feature-gates=-operator.networkpolicy"
_MANAGER = "manager"


class OperatorsArgs(Args):
    """Arguments of ``Operators``."""

    operators: Operators = Field(default=Operators(source="olm"), description="Where the operators come from.")
    needed: list[OperatorName] = Field(description="The operators whose resources the deployment has.")
    existing_namespaces: list[Name] = Field(default=[], description="Namespaces that somebody else made.")

    @property
    def installed(self) -> list[OperatorName]:
        """The needed operators that do not exist already."""
        return [operator for operator in self.needed if self.operators.source_of(operator) != "existing"]

    def by(self, source: OperatorSource) -> list[OperatorName]:
        """The needed operators that come from ``source``."""
        return [operator for operator in self.needed if self.operators.source_of(operator) == source]


@dataclass(frozen=True, kw_only=True)
class Package:
    """One operator in one catalog."""

    name: str
    channel: str
    source: str
    source_namespace: str
    namespace: str
    # Whether the operator's documentation asks for a namespace of its own; the others share one that OLM brings.
    own_namespace: bool


def package(operator: OperatorName, operators: Operators) -> Package:
    """The package of ``operator`` in the catalog of the settings."""
    catalog = operators.catalog
    if catalog == "redhat" and operator not in _REDHAT:
        # Red Hat's catalog has no Grafana operator; every OpenShift has the community's catalog too.
        catalog = "community"
    packages = _REDHAT if catalog == "redhat" else _COMMUNITY
    source, source_namespace, shared_namespace = _SOURCES[catalog]
    name, channel = packages[operator]
    return Package(
        name=name,
        channel=operators.channels.get(operator, channel),
        source=source,
        source_namespace=source_namespace,
        namespace=_OWN_NAMESPACES.get(name, shared_namespace),
        own_namespace=name in _OWN_NAMESPACES,
    )


def installation(operator: OperatorName, args: OperatorsArgs) -> Installation:
    """How an update follows the installation of ``operator``."""
    found = package(operator, args.operators)
    return Installation(
        package=found.name,
        namespace=found.namespace,
        channel=found.channel,
        offer=f"/apis/packages.operators.coreos.com/v1/namespaces/{found.source_namespace}/packagemanifests/{found.name}",
        is_manual=args.operators.approval == "Manual",
        seconds=args.context.timeouts.operators,
    )


def catalog_source(found: Package) -> Object:
    """The catalog of a package, which is somebody else's."""
    return {
        "apiVersion": OLM,
        "kind": "CatalogSource",
        "metadata": {"name": found.source, "namespace": found.source_namespace},
    }


def package_manifest(found: Package) -> Object:
    """What the cluster lists of a package: its channels, and the versions in them."""
    return {
        "apiVersion": "packages.operators.coreos.com/v1",
        "kind": "PackageManifest",
        "metadata": {"name": found.name, "namespace": found.source_namespace},
    }


def build_operator(operator: OperatorName, args: OperatorsArgs) -> dict[str, Object]:
    """What makes OLM install the operator, and what OLM shows of the installation."""
    found, context = package(operator, args.operators), args.context
    built = {"subscription": _subscription(operator, args), "installed": _installed(found, context)}
    # An existing namespace has its OperatorGroup; with a second group OLM would stop installing there.
    if found.own_namespace and found.namespace not in args.existing_namespaces:
        built["namespace"] = build_namespace(found.namespace, context)
        built["group"] = _group(found, context)
    return built


def _group(found: Package, context: Context) -> Object:
    """The OperatorGroup; without one OLM installs nothing into a namespace."""
    return {
        "apiVersion": "operators.coreos.com/v1",
        "kind": "OperatorGroup",
        "metadata": context.metadata(found.namespace, found.namespace, app=found.name),
        # Empty means all namespaces. Not awaited: OLM reads it when it installs.
        "spec": {},
    }


def _subscription(operator: OperatorName, args: OperatorsArgs) -> Object:
    found, operators = package(operator, args.operators), args.operators
    spec: dict[str, Any] = {
        "name": found.name,
        "channel": found.channel,
        "source": found.source,
        "sourceNamespace": found.source_namespace,
        "installPlanApproval": operators.approval,
    }
    # OLM has no field for a priority class.
    where = args.context.scheduling.to_kubernetes("nodeSelector", "tolerations", "affinity")
    if where:
        spec["config"] = where
    if operator in operators.starting_versions:
        spec["startingCSV"] = operators.starting_versions[operator]
    return {
        "apiVersion": OLM,
        "kind": "Subscription",
        "metadata": args.context.metadata(found.name, found.namespace),
        "spec": spec,
    }


def _installed(found: Package, context: Context) -> Object:
    """The Operator that reports the installation; awaited until that has succeeded.

    OLM creates an object of this name too: whoever comes first creates it, and the other one adds fields to it.
    """
    name = f"{found.name}.{found.namespace}"
    return {
        "apiVersion": "operators.coreos.com/v1",
        "kind": "Operator",
        "metadata": context.metadata(name, app=found.name, annotations=wait_for(_SUCCEEDED)),
    }


def release_files(args: OperatorsArgs) -> dict[Released, str]:
    """Where each release manifest is: on its project's site, or in the folder that the settings name.

    The first is cert-manager's, if it is installed too: the others have resources of its kinds.
    """
    by_manifests = args.by("manifests")
    wanted: dict[Released, bool] = {
        "cert-manager": args.operators.cert_manager == "install",
        "tempo": "tempo" in by_manifests,
        "opentelemetry": "opentelemetry" in by_manifests,
    }
    return {released: _release_file(released, args.operators) for released, is_wanted in wanted.items() if is_wanted}


def admission(released: Released, context: Context) -> Admission:
    """What tells that the API server can ask the webhooks of a release."""
    namespace, asked_about = _ASKED_ABOUT[released]
    named = {**asked_about, "metadata": {"name": PART_OF, "namespace": namespace}}
    return Admission(title=released, namespace=namespace, object=named, seconds=context.timeouts.operators)


def reaches_api_server(released: Released, operators: Operators) -> bool:
    """Whether a release works on every network as it is; see ``with_api_server``."""
    version = operators.opentelemetry_version or DEFAULT_OPENTELEMETRY_OPERATOR
    return released != "opentelemetry" or not version.startswith(_CLOSES_API_SERVER)


def with_api_server(deployment: Object) -> Object:
    """A copy of the operator's Deployment that makes no NetworkPolicy for itself."""
    spec, template = deployment["spec"], deployment["spec"]["template"]
    containers = [
        {**container, "args": [*container.get("args", []), _NO_POLICY]} if container["name"] == _MANAGER else container
        for container in template["spec"]["containers"]
    ]
    pod = {**template["spec"], "containers": containers}
    return {**deployment, "spec": {**spec, "template": {**template, "spec": pod}}}


def _release_file(released: Released, operators: Operators) -> str:
    versions: dict[Released, str] = {
        "cert-manager": operators.cert_manager_version or DEFAULT_CERT_MANAGER,
        "tempo": operators.tempo_version or DEFAULT_TEMPO_OPERATOR,
        "opentelemetry": operators.opentelemetry_version or DEFAULT_OPENTELEMETRY_OPERATOR,
    }
    url = _RELEASES[released].format(version=versions[released])
    if operators.manifest_folder is None:
        return url
    return f"{operators.manifest_folder.rstrip('/')}/{url.rsplit('/', 1)[-1]}"

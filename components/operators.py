"""The operators that turn the deployment's custom resources into workloads, where somebody has to install them.

By the Operator Lifecycle Manager (OLM) each gets a Subscription. On plain Kubernetes, Tempo's and OpenTelemetry's come
from their release manifests, which need a cert-manager that exists; others are not installed that way.

It stops at what OLM itself makes: destroy takes Subscriptions and our own namespaces away, with all that is in them.
In a namespace that all operators share, OLM leaves the ClusterServiceVersion, and everywhere the CRDs.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pulumi
import pulumi_kubernetes as k8s
from pulumi_kubernetes.apiextensions import CustomResource

import model
from components._package import PACKAGE, labels, once_ready, wait_for, within
from components.namespaces import declare_namespace

Operator = Literal["mesh", "tempo", "opentelemetry", "kiali", "grafana"]
Catalog = Literal["redhat", "community", "operatorhub"]

# The ClusterServiceVersion's name is not known before. This selects nothing, and Pulumi waits, until there is one
# whose phase is Succeeded, which OLM shows here as a condition.
SUCCEEDED = (
    "jsonpath={.status.components.refs"
    '[?@.kind=="ClusterServiceVersion"].conditions[?@.type=="Succeeded" && @.status=="True"].type}'
)


@dataclass(frozen=True, kw_only=True)
class Package:
    """One operator in one catalog."""

    name: str
    channel: str
    source: str
    source_namespace: str
    namespace: str
    # Whether its product documents a namespace of its own; the others share one that comes with OLM.
    own_namespace: bool


@dataclass(frozen=True, kw_only=True)
class _CatalogSource:
    name: str
    namespace: str
    shared_namespace: str


_SOURCES: Mapping[Catalog, _CatalogSource] = {
    "redhat": _CatalogSource(
        name="redhat-operators", namespace="openshift-marketplace", shared_namespace="openshift-operators"
    ),
    "community": _CatalogSource(
        name="community-operators", namespace="openshift-marketplace", shared_namespace="openshift-operators"
    ),
    "operatorhub": _CatalogSource(name="operatorhubio-catalog", namespace="olm", shared_namespace="operators"),
}
# Name and channel.
_COMMUNITY: Mapping[Operator, tuple[str, str]] = {
    "mesh": ("sailoperator", "stable"),
    "tempo": ("tempo-operator", "alpha"),
    "opentelemetry": ("opentelemetry-operator", "alpha"),
    "kiali": ("kiali", "stable"),
    "grafana": ("grafana-operator", "v5"),
}
_REDHAT: Mapping[Operator, tuple[str, str]] = {
    "mesh": ("servicemeshoperator3", "stable"),
    "tempo": ("tempo-product", "stable"),
    "opentelemetry": ("opentelemetry-product", "stable"),
    "kiali": ("kiali-ossm", "stable"),
}
_OWN_NAMESPACES: Mapping[str, str] = {
    "tempo-product": "openshift-tempo-operator",
    "opentelemetry-product": "openshift-opentelemetry-operator",
}
_RELEASES: Mapping[Operator, str] = {
    "tempo": "https://github.com/grafana/tempo-operator/releases/download/v{version}/tempo-operator.yaml",
    "opentelemetry": "https://github.com/open-telemetry/opentelemetry-operator/releases/download/v{version}"
    "/opentelemetry-operator.yaml",
}


@dataclass(frozen=True, kw_only=True)
class OperatorsArgs:
    """``needed`` are the operators whose resources the deployment has; ``existing`` are namespaces of others."""

    operators: model.Operators
    needed: Sequence[Operator]
    existing: Collection[str]
    timeout_seconds: int


class Operators(pulumi.ComponentResource):
    """Operators that work, and whose CRDs the API server serves; ``names`` carries the wait for them.

    OLM begins an installation only when it has seen the Established condition of every CRD that the operator owns, and
    a Deployment that is available ends it (operator-lifecycle-manager, pkg/controller/operators/olm/requirements.go).
    So custom resources that depend on this component cannot come too early.
    """

    names: pulumi.Output[str]

    def __init__(self, name: str, args: OperatorsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"{PACKAGE}:Operators", name, None, opts)
        self._name = name
        self._args = args
        by_subscription = args.operators.source == "olm"
        installed = self._subscribe_to_all() if by_subscription else self._apply_releases()

        self.names = once_ready(", ".join(installed), *installed.values())
        self.register_outputs({"names": self.names})

    def _subscribe_to_all(self) -> dict[str, pulumi.Resource]:
        packages = {operator: package(operator, self._args.operators) for operator in self._args.needed}
        if self._args.operators.approval == "Manual":
            namespaces = ", ".join(sorted({found.namespace for found in packages.values()}))
            pulumi.log.info(
                "operators.approval Manual: an operator that is not installed yet waits "
                f"{self._args.timeout_seconds} s for you to approve its InstallPlan in {namespaces}: "
                'kubectl patch installplan <name> -n <namespace> --type merge -p \'{"spec":{"approved":true}}\'',
                resource=self,
            )
        return {found.name: self._subscribe(operator, found) for operator, found in packages.items()}

    def _subscribe(self, operator: Operator, found: Package) -> CustomResource:
        name = f"{self._name}-{operator}"
        subscription = CustomResource(
            f"{name}-subscription",
            api_version="operators.coreos.com/v1alpha1",
            kind="Subscription",
            metadata={"name": found.name, "namespace": found.namespace, "labels": labels(found.name)},
            spec=build_subscription(operator, self._args.operators),
            # OLM installs nothing into a namespace without a group.
            opts=pulumi.ResourceOptions(parent=self, depends_on=self._own_namespace(name, found)),
        )
        return CustomResource(
            f"{name}-installed",
            api_version="operators.coreos.com/v1",
            kind="Operator",
            metadata={
                # OLM makes it under this name; whoever of us is first, the other one adds to it.
                "name": f"{found.name}.{found.namespace}",
                "labels": labels(found.name),
                "annotations": wait_for(SUCCEEDED),
            },
            opts=pulumi.ResourceOptions(
                parent=self,
                # Without it OLM has nothing to install, and we would wait in vain.
                depends_on=[subscription],
                # It is OLM's: as long as a CRD of the operator is left, OLM makes it anew.
                retain_on_delete=True,
                custom_timeouts=within(self._args.timeout_seconds),
            ),
        )

    def _own_namespace(self, name: str, found: Package) -> list[pulumi.Resource]:
        """The namespace and the group of an operator that does not share them."""
        if not found.own_namespace:
            return []
        exists = found.namespace in self._args.existing
        namespace = declare_namespace(
            f"{name}-namespace",
            namespace=found.namespace,
            exists=exists,
            extra_labels={},
            opts=pulumi.ResourceOptions(parent=self),
        )
        if exists:
            # It has its group, and with a second one OLM would stop installing there.
            return [namespace]
        group = CustomResource(
            f"{name}-group",
            api_version="operators.coreos.com/v1",
            kind="OperatorGroup",
            metadata={"name": found.namespace, "namespace": found.namespace, "labels": labels(found.name)},
            # Empty means all namespaces. Not awaited: OLM reads it when it installs.
            spec={},
            # It lives in the namespace.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[namespace]),
        )
        return [namespace, group]

    def _apply_releases(self) -> dict[str, pulumi.Resource]:
        # Its objects are awaited one by one, each as long as the provider waits by itself.
        return {
            operator: k8s.yaml.v2.ConfigFile(
                f"{self._name}-{operator}",
                file=release_file(operator, self._args.operators),
                skip_await=False,
                opts=pulumi.ResourceOptions(parent=self),
            )
            for operator in self._args.needed
            if operator in _RELEASES
        }


def package(operator: Operator, operators: model.Operators) -> Package:
    """The package of ``operator`` in the catalog of the settings."""
    catalog = operators.catalog
    if catalog == "redhat" and operator not in _REDHAT:
        # Red Hat has no Grafana operator; the community's catalog is on every OpenShift as well.
        catalog = "community"
    packages = _REDHAT if catalog == "redhat" else _COMMUNITY
    source = _SOURCES[catalog]
    name, channel = packages[operator]
    return Package(
        name=name,
        channel=operators.channels.get(operator, channel),
        source=source.name,
        source_namespace=source.namespace,
        namespace=_OWN_NAMESPACES.get(name, source.shared_namespace),
        own_namespace=name in _OWN_NAMESPACES,
    )


def build_subscription(operator: Operator, operators: model.Operators) -> dict[str, Any]:
    """The spec of a Subscription."""
    found = package(operator, operators)
    spec: dict[str, Any] = {
        "name": found.name,
        "channel": found.channel,
        "source": found.source,
        "sourceNamespace": found.source_namespace,
        "installPlanApproval": operators.approval,
    }
    if operator in operators.starting_versions:
        spec["startingCSV"] = operators.starting_versions[operator]
    return spec


def release_file(operator: Operator, operators: model.Operators) -> str:
    """Where the release manifest of ``operator`` is: on its project's site, or in the settings' folder."""
    versions = {"tempo": operators.tempo_version, "opentelemetry": operators.opentelemetry_version}
    url = _RELEASES[operator].format(version=versions[operator])
    if operators.manifest_folder is None:
        return url
    return f"{operators.manifest_folder.rstrip('/')}/{url.rsplit('/', 1)[-1]}"

"""The operators that turn the deployment's custom resources into workloads, where somebody has to install them.

By the Operator Lifecycle Manager (OLM) each gets a Subscription. On plain Kubernetes, Tempo's and OpenTelemetry's come
from their release manifests; others are not installed that way. Those two have webhooks, which the API server asks
about each of their resources, and whose certificates come from cert-manager: one that exists, or its release manifest.

Release manifests have the CRDs too. They stay, because with a CRD go all resources of its kind, in every namespace and
whoever made them.

The component does not own what OLM creates. Destroy removes the Subscriptions, and our own namespaces with all that is
in them; OLM leaves the ClusterServiceVersions in namespaces that operators share, and all CRDs.
"""

from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from components._declare import PACKAGE, declare, declare_namespace, once_ready, waited_for, within
from components._revision import Watch
from model import OperatorName
from objects.operators import (
    OperatorsArgs,
    Package,
    Released,
    admission,
    build_operator,
    installation,
    package,
    reaches_api_server,
    release_files,
    with_api_server,
)
from objects.pods import from_mirror, pod_fields, scheduled

_DEFINITION = "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition"
_DEPLOYMENT = "kubernetes:apps/v1:Deployment"


class Operators(pulumi.ComponentResource):
    """Operators that work, and whose CRDs the API server serves.

    OLM begins an installation only when it has seen the Established condition of every CRD that the operator owns, and
    a Deployment that is available ends it (operator-lifecycle-manager, pkg/controller/operators/olm/requirements.go).
    So custom resources that depend on this component cannot come too early.
    """

    names: pulumi.Output[str]
    """What is installed, once all of it works."""

    working: Any
    """All of it, once it works, as one entry of ``depends_on``."""

    def __init__(
        self,
        name: str,
        args: OperatorsArgs,
        opts: pulumi.ResourceOptions | None = None,
        *,
        watch: Watch | None = None,
    ) -> None:
        """With ``watch``, why OLM does not install an operator is told while the update waits.

        The webhooks of release manifests then work once the API server trusts them.
        """
        super().__init__(f"{PACKAGE}:Operators", name, None, opts)
        self._name = name
        self._watch = watch
        self._args = args = OperatorsArgs.model_validate(args)
        subscribed = {name: once_ready(name, last) for name, last in self._subscribe_to_all().items()}
        installed = {**subscribed, **self._apply_releases()}

        self.names = pulumi.Output.all(*installed.values()).apply(", ".join)
        self.working = waited_for(self.names)
        self.register_outputs({"names": self.names})

    def _subscribe_to_all(self) -> dict[str, pulumi.Resource]:
        packages = {operator: package(operator, self._args.operators) for operator in self._args.by("olm")}
        if packages and self._args.operators.approval == "Manual":
            namespaces = ", ".join(sorted({found.namespace for found in packages.values()}))
            pulumi.log.info(
                "operators.approval Manual: an operator that is not installed yet waits "
                f"{self._args.context.timeouts.operators} s for you to approve its InstallPlan in {namespaces}: "
                'kubectl patch installplan <name> -n <namespace> --type merge -p \'{"spec":{"approved":true}}\'',
                resource=self,
            )
        return {found.name: self._subscribe(operator, found) for operator, found in packages.items()}

    def _subscribe(self, operator: OperatorName, found: Package) -> pulumi.CustomResource:
        name = f"{self._name}-{operator}"
        objects = build_operator(operator, self._args)
        child = pulumi.ResourceOptions(parent=self)
        before: list[pulumi.Resource] = []
        if found.own_namespace:
            namespace = objects.get("namespace")
            before.append(declare_namespace(f"{name}-namespace", found.namespace, namespace, child, self._args.context))
        if "group" in objects:
            # The group is created in that namespace.
            in_namespace = pulumi.ResourceOptions(parent=self, depends_on=list(before))
            before.append(declare(f"{name}-group", objects["group"], in_namespace))
        subscription = declare(
            f"{name}-subscription",
            objects["subscription"],
            # OLM installs nothing into a namespace without an OperatorGroup.
            pulumi.ResourceOptions(parent=self, depends_on=before),
        )
        installed = declare(
            f"{name}-installed",
            objects["installed"],
            pulumi.ResourceOptions(
                parent=self,
                # Without the Subscription OLM installs nothing, and this wait would run into its timeout.
                depends_on=[subscription],
                # The object belongs to OLM, which recreates it as long as a CRD of the operator exists.
                retain_on_delete=True,
                custom_timeouts=within(self._args.context.timeouts.operators),
            ),
        )
        if self._watch is not None:
            self._watch.follow(installation(operator, self._args), installed.urn)
        return installed

    def _apply_releases(self) -> dict[str, pulumi.Output[str]]:
        """The name of each release, known once it works."""
        applied: dict[str, pulumi.Output[str]] = {}
        for released, file in release_files(self._args).items():
            # Certificates are resources that cert-manager's own webhook is asked about.
            before = [waited_for(applied["cert-manager"])] if "cert-manager" in applied else []
            # Each object of the manifest is awaited by itself, for as long as the provider waits by default.
            objects = k8s.yaml.v2.ConfigFile(
                f"{self._name}-{released}",
                file=file,
                skip_await=False,
                opts=pulumi.ResourceOptions(parent=self, transforms=self._transforms(released), depends_on=before),
            )
            ready = once_ready(released, objects)
            applied[released] = (
                ready if self._watch is None else self._watch.admitted(admission(released, self._args.context), ready)
            )
        return applied

    def _transforms(self, released: Released) -> list[pulumi.ResourceTransform]:
        """The provider registers what is in a manifest; only a transform reaches these resources."""
        transforms: list[pulumi.ResourceTransform] = []
        context = self._args.context
        if self._args.operators.keep_crds:
            transforms.append(_stays)
        if context.images.has_mirrors or pod_fields(context):
            transforms.append(self._as_ours)
        if not reaches_api_server(released, self._args.operators):
            transforms.append(_reaches_api_server)
        return transforms

    def _as_ours(self, args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        """A workload of a release manifest, pulled and placed as pods of our own; it pulls from the mirrors too."""
        if args.type_ != _DEPLOYMENT:
            return None
        context = self._args.context
        return pulumi.ResourceTransformResult(scheduled(from_mirror(dict(args.props), context), context), args.opts)


def _stays(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
    """Leaves a CRD in the cluster when its resource goes; everything else goes."""
    if args.type_ != _DEFINITION:
        return None
    return pulumi.ResourceTransformResult(
        args.props, pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(retain_on_delete=True))
    )


def _reaches_api_server(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
    """Keeps the operator from closing the API server to itself."""
    if args.type_ != _DEPLOYMENT:
        return None
    return pulumi.ResourceTransformResult(with_api_server(dict(args.props)), args.opts)

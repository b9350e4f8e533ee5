"""How every component registers: objects, patches and releases, limits of time, and outputs that wait."""

import re
from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
from pulumi_kubernetes.apiextensions import CustomResource, CustomResourcePatch
from pulumi_kubernetes.helm.v3 import Release

from objects.charts import Chart
from objects.context import Object, Text

# The three-part type token of a component is f"{PACKAGE}:<Class>"; it is part of every URN and
# therefore never changes.
PACKAGE = "meshtracing:index"

# Kubernetes' own kinds, which Pulumi awaits each in its way. Any other is a custom resource.
_CLASSES: Mapping[tuple[str, str], type[pulumi.CustomResource]] = {
    ("apps/v1", "Deployment"): k8s.apps.v1.Deployment,
    ("batch/v1", "Job"): k8s.batch.v1.Job,
    ("networking.k8s.io/v1", "Ingress"): k8s.networking.v1.Ingress,
    ("rbac.authorization.k8s.io/v1", "Role"): k8s.rbac.v1.Role,
    ("rbac.authorization.k8s.io/v1", "RoleBinding"): k8s.rbac.v1.RoleBinding,
    ("v1", "ConfigMap"): k8s.core.v1.ConfigMap,
    ("v1", "Namespace"): k8s.core.v1.Namespace,
    ("v1", "PersistentVolumeClaim"): k8s.core.v1.PersistentVolumeClaim,
    ("v1", "Secret"): k8s.core.v1.Secret,
    ("v1", "Service"): k8s.core.v1.Service,
    ("v1", "ServiceAccount"): k8s.core.v1.ServiceAccount,
}
_PATCHES: Mapping[tuple[str, str], type[pulumi.CustomResource]] = {
    ("apps/v1", "Deployment"): k8s.apps.v1.DeploymentPatch,
    ("v1", "Namespace"): k8s.core.v1.NamespacePatch,
}


def declare(logical_name: str, obj: Object, opts: pulumi.ResourceOptions) -> pulumi.CustomResource:
    """Register a whole object."""
    return _register(_CLASSES, CustomResource, logical_name, obj, opts)


def declare_patch(logical_name: str, obj: Object, opts: pulumi.ResourceOptions) -> pulumi.CustomResource:
    """Register some fields of an object that is somebody else's; destroy takes them away again."""
    return _register(_PATCHES, CustomResourcePatch, logical_name, obj, opts)


def _register(
    classes: Mapping[tuple[str, str], type[pulumi.CustomResource]],
    custom: type[pulumi.CustomResource],
    logical_name: str,
    obj: Object,
    opts: pulumi.ResourceOptions,
) -> pulumi.CustomResource:
    arguments = {_snake_case(key): value for key, value in obj.items()}
    cls = classes.get((obj["apiVersion"], obj["kind"]))
    if cls is None:
        return custom(logical_name, opts=opts, **arguments)
    # The class knows them.
    del arguments["api_version"], arguments["kind"]
    return cls(logical_name, opts=opts, **arguments)


def declare_namespace(
    logical_name: str, namespace: str, obj: Object | None, opts: pulumi.ResourceOptions
) -> pulumi.CustomResource:
    """The namespace called ``namespace``: made as ``obj``, or, without, somebody else's, which has to be there."""
    if obj is not None:
        return declare(logical_name, obj, opts)
    # Only read. Server-side apply would not fail on one that is missing: it would make it.
    found: pulumi.CustomResource = k8s.core.v1.Namespace.get(logical_name, id=namespace, opts=opts)
    return found


def declare_labels(
    logical_name: str, namespace: str, labels: Object, opts: pulumi.ResourceOptions
) -> pulumi.CustomResource:
    """Labels on somebody else's namespace; destroy takes them from it again, and leaves the rest of it alone."""
    found = declare_namespace(logical_name, namespace, None, opts)
    after = pulumi.ResourceOptions(depends_on=[found])
    return declare_patch(f"{logical_name}-labels", labels, pulumi.ResourceOptions.merge(opts, after))


def declare_release(
    logical_name: str,
    chart: Chart,
    *,
    timeout: int,
    opts: pulumi.ResourceOptions,
    postrender: str | None = None,
) -> pulumi.CustomResource:
    """A release of ``chart``, awaited for ``timeout`` seconds."""
    release: pulumi.CustomResource = Release(
        logical_name,
        timeout=timeout,
        # A release that failed is rolled back, so that the next `up` starts from a state Helm accepts.
        atomic=True,
        cleanup_on_fail=True,
        postrender=postrender,
        opts=opts,
        **chart,
    )
    return release


def within(seconds: int) -> pulumi.CustomTimeouts:
    """Allow ``seconds`` for each of create, update and delete."""
    return pulumi.CustomTimeouts(create=f"{seconds}s", update=f"{seconds}s", delete=f"{seconds}s")


def once_ready(value: str, *resources: pulumi.Resource) -> pulumi.Output[str]:
    """``value`` as an Output: known in preview, and whoever uses it depends on ``resources``."""
    return pulumi.Output.all(value, *(resource.urn for resource in resources)).apply(lambda parts: str(parts[0]))


def waited_for(output: Text | None) -> Any:
    """All resources that ``output`` waits for, as one entry of ``depends_on``."""
    return pulumi.Output.from_input(output).apply(lambda _: None)


def _snake_case(key: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", key).lower()

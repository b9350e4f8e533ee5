"""How every component registers: objects, patches and releases, limits of time, and outputs that wait."""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import pulumi

from components._secrets import kept_secret
from objects.charts import Chart
from objects.context import OWNER, Context, Object, owner

# The three-part type token of a component is f"{PACKAGE}:<Class>"; it is part of every URN and
# therefore never changes.
PACKAGE = "meshtracing:index"

# The version of the provider's plugin, for programs that do not pass a provider.
_PLUGIN = pulumi.ResourceOptions(version=version("pulumi-kubernetes"))
# The API server returns as `data` what was written as `stringData`, so both are secret.
_SECRET_FIELDS = pulumi.ResourceOptions(additional_secret_outputs=["data", "stringData"])


def declare(logical_name: str, obj: Object, opts: pulumi.ResourceOptions) -> pulumi.CustomResource:
    """Register a whole object, marked as this stack's; the texts of a Secret are secrets in the state too."""
    metadata = obj["metadata"]
    # In the object's own metadata only: a selector or a template that differs makes an object or its pods anew.
    marked = {**(metadata.get("annotations") or {}), OWNER: owner()}
    obj = {**obj, "metadata": {**metadata, "annotations": marked}}
    if obj["kind"] == "Secret":
        obj = {**obj, "stringData": pulumi.Output.secret(obj["stringData"])}
        opts = pulumi.ResourceOptions.merge(opts, _SECRET_FIELDS)
    return _register(_token(obj), logical_name, obj, opts)


def declare_patch(logical_name: str, obj: Object, opts: pulumi.ResourceOptions) -> pulumi.CustomResource:
    """Register some fields of an object that the program did not create; destroy removes exactly these fields."""
    return _register(f"{_token(obj)}Patch", logical_name, obj, opts)


def read(
    logical_name: str, kind: Object, name: str, opts: pulumi.ResourceOptions, context: Context
) -> pulumi.CustomResource:
    """Read an object that the program did not create, and fail if it is missing; ``kind`` is any object of its kind.

    A preview that does not reach the cluster takes for granted that it is there.
    """
    if context.offline:
        urn = f"urn:pulumi:{pulumi.get_stack()}::{pulumi.get_project()}::{_token(kind)}::{logical_name}"
        return pulumi.resource.DependencyResource(urn)
    found = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(id=name))
    return _register(_token(kind), logical_name, {}, found)


def _token(obj: Object) -> str:
    """Pulumi's type token for ``obj``; Kubernetes' core group, which has no name, is called ``core``."""
    version = obj["apiVersion"]
    return f"kubernetes:{version if '/' in version else f'core/{version}'}:{obj['kind']}"


def _register(
    token: str, logical_name: str, properties: Mapping[str, Any], opts: pulumi.ResourceOptions
) -> pulumi.CustomResource:
    """Register by the type's name, with the properties as Kubernetes spells them.

    The provider's own classes say the same with a class for every nested object, which takes Python as long to import
    and to look through as everything else in a preview.
    """
    return pulumi.CustomResource(
        token, logical_name, kept_secret(dict(properties)), pulumi.ResourceOptions.merge(_PLUGIN, opts)
    )


def declare_namespace(
    logical_name: str, namespace: str, obj: Object | None, opts: pulumi.ResourceOptions, context: Context
) -> pulumi.CustomResource:
    """Create the namespace as ``obj`` says; without ``obj``, read the existing one and fail if it is missing."""
    if obj is not None:
        return declare(logical_name, obj, opts)
    # Read, not patched: server-side apply would create a missing namespace instead of failing.
    return read(logical_name, {"apiVersion": "v1", "kind": "Namespace"}, namespace, opts, context)


def declare_labels(
    logical_name: str, namespace: str, labels: Object, opts: pulumi.ResourceOptions, context: Context
) -> pulumi.CustomResource:
    """Label an existing namespace; destroy removes the labels and leaves the rest of the namespace alone."""
    found = declare_namespace(logical_name, namespace, None, opts, context)
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
    properties = {
        **chart,
        "timeout": timeout,
        # A release that failed is rolled back, so that the next `up` starts from a state Helm accepts.
        "atomic": True,
        "cleanupOnFail": True,
        "postrender": postrender,
        # The provider's own class sets this too; without it the release would show a difference.
        "compat": "true",
    }
    return _register("kubernetes:helm.sh/v3:Release", logical_name, properties, opts)


def within(seconds: int) -> pulumi.CustomTimeouts:
    """Allow ``seconds`` for each of create, update and delete."""
    return pulumi.CustomTimeouts(create=f"{seconds}s", update=f"{seconds}s", delete=f"{seconds}s")


def once_ready(value: str, *resources: pulumi.Resource) -> pulumi.Output[str]:
    """``value`` as an Output: known in preview, and whoever uses it depends on ``resources``."""
    return pulumi.Output.all(value, *(resource.urn for resource in resources)).apply(lambda parts: str(parts[0]))


def waited_for(output: pulumi.Input[Any] | None) -> Any:
    """All resources that ``output`` waits for, as one entry of ``depends_on``."""
    return pulumi.Output.from_input(output).apply(lambda _: None)

"""Istio's Telemetry, for the proxies' spans and access logs: one for all of the mesh, or one for each namespace."""

from collections.abc import Mapping
from typing import Any

from model import Mesh, Tracing
from objects.access_logs import logging_entry
from objects.context import PART_OF, Context, Object
from objects.mesh_config import active_revision, revision_suffix

# The label by which only the istiod of one revision reads a resource; it knows no tags (istio: pkg/config/model.go).
_REVISION = "istio.io/rev"


def mesh_telemetry_name(mesh: Mesh) -> str:
    """The name of the Telemetry for all of the mesh.

    In somebody else's mesh it is that of one revision: it goes only after what moves to another one has restarted.
    """
    suffix = revision_suffix(active_revision(mesh)) if mesh.installer == "existing" else ""
    return f"{PART_OF}{suffix}"


def build_mesh_telemetry(mesh: Mesh, tracing: Tracing, context: Context) -> Object:
    """The one of the root namespace, which applies to all of the mesh."""
    revision = mesh.existing.revision if mesh.installer == "existing" else None
    # Every istiod would read it, and one that does not know its provider stops the tracing that it had.
    labels = {} if revision is None else {_REVISION: revision}
    metadata = context.metadata(mesh_telemetry_name(mesh), mesh.namespace, labels=labels)
    return _telemetry(metadata, _entry(mesh, tracing), logged=_logged(mesh))


def namespace_telemetry_name(app: str | None = None) -> str:
    """The name of the Telemetry of a namespace, or of an application in it."""
    return PART_OF if app is None else f"{PART_OF}-{app}"


def build_namespace_telemetries(
    namespace: str, mesh: Mesh, tracing: Tracing, context: Context, *, in_mesh_telemetry: bool
) -> dict[str | None, Object]:
    """Those of a namespace, which win over what is said of the mesh, by the label ``app`` of the pods they are for.

    ``None`` is the one for all pods of the namespace: it is there where another percentage holds than that of the mesh,
    and wherever the mesh's Telemetry is not ours (``in_mesh_telemetry``).
    """
    apps: list[str | None] = [one.app for one in tracing.sampling.exceptions if one.namespace == namespace]
    if not in_mesh_telemetry:
        apps = list(dict.fromkeys([None, *apps]))
    # What one of them does not say of access logs is that of the wider one.
    logged = {} if in_mesh_telemetry else _logged(mesh)
    return {
        app: _of_namespace(namespace, app, mesh, tracing, context, logged=logged if app is None else {}) for app in apps
    }


def _of_namespace(  # noqa: PLR0913  each is a part of it
    namespace: str, app: str | None, mesh: Mesh, tracing: Tracing, context: Context, *, logged: Mapping[str, Any]
) -> Object:
    # A field that it does not set is that of the mesh's Telemetry, by which others may report no spans.
    entry = {**_entry(mesh, tracing, (namespace, app)), "disableSpanReporting": False}
    selector = {} if app is None else {"selector": {"matchLabels": {"app": app}}}
    return _telemetry(context.metadata(namespace_telemetry_name(app), namespace), entry, selector, logged)


def _logged(mesh: Mesh) -> dict[str, Any]:
    """The part of a Telemetry that switches access logs on, if the settings do."""
    if not mesh.access_logs.enabled:
        return {}
    return {"accessLogging": [logging_entry(mesh.access_logs, mesh.access_logs_provider)]}


def _entry(mesh: Mesh, tracing: Tracing, place: tuple[str, str | None] | None = None) -> dict[str, Any]:
    percentages = {(one.namespace, one.app): one.percentage for one in tracing.sampling.exceptions}
    tags = {name: tag.to_istio() for name, tag in tracing.custom_tags.items()}
    return {
        "providers": [{"name": mesh.provider}],
        # Beside `providers`: inside the provider's entry the API server drops it without an error, and one request in a
        # hundred is traced.
        "randomSamplingPercentage": tracing.sampling_percentage
        if place is None
        else percentages.get(place, tracing.sampling_percentage),
        # In each of them: the tags of a narrower one replace those of a wider one.
        **({"customTags": tags} if tags else {}),
    }


def _telemetry(
    metadata: Mapping[str, Any],
    entry: Mapping[str, Any],
    selector: Mapping[str, Any] | None = None,
    logged: Mapping[str, Any] | None = None,
) -> Object:
    # Not awaited: a Telemetry has no status to wait for. Only the spans show that proxies trace.
    return {
        "apiVersion": "telemetry.istio.io/v1",
        "kind": "Telemetry",
        "metadata": metadata,
        "spec": {**(selector or {}), "tracing": [entry], **(logged or {})},
    }

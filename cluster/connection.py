"""One API server, asked with the credentials of an ``Access``."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cluster.access import Access
from objects.context import PART_OF

# The library takes a third of a second to import, for which a program that reads nothing need not wait.
if TYPE_CHECKING:
    from kubernetes.client import ApiClient, Configuration


def configuration_of(access: Access) -> "Configuration":
    """What ``kubernetes`` needs to know; it raises whatever a login plugin or a certificate makes it raise."""
    import kubernetes.config  # noqa: PLC0415
    from kubernetes.client import Configuration  # noqa: PLC0415

    configuration = Configuration()
    kubernetes.config.load_kube_config_from_dict(  # type: ignore[no-untyped-call]
        dict(access.kubeconfig), client_configuration=configuration
    )
    return configuration


def get(
    client: "ApiClient", path: str, *, seconds: float, accept: str, query: Mapping[str, str] | None = None
) -> tuple[int, bytes]:
    """Status and body of the answer; raises what ``urllib3`` raises where there is none."""
    parameters = {"query_params": list((query or {}).items()), "header_params": {"Accept": accept}}
    return _send(client, seconds, method="GET", resource_path=path, **parameters)


def dry_run(client: "ApiClient", path: str, obj: Mapping[str, Any], *, seconds: float) -> tuple[int, bytes]:
    """As ``get``, of applying an object that is not kept."""
    return _send(
        client,
        seconds,
        method="PATCH",
        resource_path=path,
        query_params=[("dryRun", "All"), ("fieldManager", PART_OF)],
        header_params={"Accept": "application/json", "Content-Type": "application/apply-patch+yaml"},
        body=json.dumps(obj),
    )


def _send(client: "ApiClient", seconds: float, **request: Any) -> tuple[int, bytes]:
    serialized = client.param_serialize(auth_settings=["BearerToken"], **request)
    response = client.call_api(*serialized, _request_timeout=seconds)
    return response.status, bytes(response.read())  # type: ignore[no-untyped-call]

"""One API server, asked with the credentials of an ``Access``."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cluster.access import Access

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
    method, url, headers, *_ = client.param_serialize(
        method="GET",
        resource_path=path,
        query_params=list((query or {}).items()),
        header_params={"Accept": accept},
        auth_settings=["BearerToken"],
    )
    response = client.call_api(method, url, headers, _request_timeout=seconds)
    return response.status, bytes(response.read())  # type: ignore[no-untyped-call]

"""The profile `restricted` of Kubernetes' Pod Security Standards (1.34), control by control, for pods on Linux.

Written from the standard, and used on what the program builds; the API server's own judgement is the life suite's.
"""

from collections.abc import Callable, Iterator
from typing import Any

# A pod's spec, and one of its containers.
Pod = dict[str, Any]
Container = dict[str, Any]

VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret",
}  # fmt: skip
SYSCTLS = {
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range",
    "net.ipv4.ip_unprivileged_port_start", "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
}  # fmt: skip
SELINUX_TYPES = {None, "", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}


def violations(pod: Pod) -> list[str]:
    """What the API server would refuse in ``pod``, where `restricted` is enforced."""
    of_the_pod = [text for control in _POD_CONTROLS for text in control(pod)]
    of_containers = [
        f"container {container.get('name')}: {text}"
        for container in _containers(pod)
        for control in _CONTAINER_CONTROLS
        for text in control(pod, container)
    ]
    return [*of_the_pod, *of_containers]


def _containers(pod: Pod) -> Iterator[Container]:
    for kind in ("initContainers", "containers", "ephemeralContainers"):
        yield from pod.get(kind, [])


def _security(part: dict[str, Any]) -> dict[str, Any]:
    return part.get("securityContext") or {}


def _either(pod: Pod, container: Container, field: str) -> Any:
    """The value that a container has: its own, or the pod's."""
    return _security(container).get(field, _security(pod).get(field))


def _host_namespaces(pod: Pod) -> Iterator[str]:
    yield from (field for field in ("hostNetwork", "hostPID", "hostIPC") if pod.get(field))


def _volume_types(pod: Pod) -> Iterator[str]:
    for volume in pod.get("volumes", []):
        yield from (f"volume of type {source}" for source in sorted(volume.keys() - {"name"} - VOLUMES))


def _sysctls(pod: Pod) -> Iterator[str]:
    used = {sysctl["name"] for sysctl in _security(pod).get("sysctls", [])}
    yield from (f"sysctl {name}" for name in sorted(used - SYSCTLS))


def _user_of_the_pod(pod: Pod) -> Iterator[str]:
    if _security(pod).get("runAsUser") == 0:
        yield "runAsUser 0"


def _options_of_the_host(part: dict[str, Any]) -> Iterator[str]:
    """What both a pod and a container may set."""
    security = _security(part)
    selinux = security.get("seLinuxOptions") or {}
    if selinux.get("type") not in SELINUX_TYPES or selinux.get("user") or selinux.get("role"):
        yield "seLinuxOptions"
    if (security.get("appArmorProfile") or {}).get("type") == "Unconfined":
        yield "appArmorProfile Unconfined"
    if (security.get("windowsOptions") or {}).get("hostProcess"):
        yield "hostProcess"


def _options_of_the_container(_pod: Pod, container: Container) -> Iterator[str]:
    yield from _options_of_the_host(container)
    security = _security(container)
    if security.get("privileged"):
        yield "privileged"
    if security.get("procMount") not in {None, "Default"}:
        yield "procMount"
    if security.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation is not false"
    if security.get("runAsUser") == 0:
        yield "runAsUser 0"


def _capabilities(_pod: Pod, container: Container) -> Iterator[str]:
    capabilities = _security(container).get("capabilities") or {}
    if "ALL" not in capabilities.get("drop", []):
        yield "capabilities.drop without ALL"
    yield from (f"capability {name}" for name in capabilities.get("add", []) if name != "NET_BIND_SERVICE")


def _non_root(pod: Pod, container: Container) -> Iterator[str]:
    if _either(pod, container, "runAsNonRoot") is not True:
        yield "runAsNonRoot is not true"


def _seccomp(pod: Pod, container: Container) -> Iterator[str]:
    profile = _either(pod, container, "seccompProfile") or {}
    if profile.get("type") not in {"RuntimeDefault", "Localhost"}:
        yield "no seccompProfile"


def _host_ports(_pod: Pod, container: Container) -> Iterator[str]:
    yield from (f"hostPort {port['hostPort']}" for port in container.get("ports", []) if port.get("hostPort"))


def _hosts_of_probes(_pod: Pod, container: Container) -> Iterator[str]:
    lifecycle = container.get("lifecycle") or {}
    probes = [container.get(f"{kind}Probe") for kind in ("liveness", "readiness", "startup")]
    for probe in [*probes, lifecycle.get("postStart"), lifecycle.get("preStop")]:
        actions = [(probe or {}).get(action) or {} for action in ("httpGet", "tcpSocket")]
        yield from (f"a probe of host {action['host']}" for action in actions if action.get("host"))


_POD_CONTROLS: list[Callable[[Pod], Iterator[str]]] = [
    _host_namespaces, _volume_types, _sysctls, _user_of_the_pod, _options_of_the_host,
]  # fmt: skip
_CONTAINER_CONTROLS: list[Callable[[Pod, Container], Iterator[str]]] = [
    _options_of_the_container, _capabilities, _non_root, _seccomp, _host_ports, _hosts_of_probes,
]  # fmt: skip

"""The design of the one node: its addresses, its programs with their flags, and their configuration files.

Pure but for ``write_files``. The values are those of a kubeadm cluster where there is no reason to differ.
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.run.node import Program, Spec
from local.run.pki import IDENTITIES, Authority, signing_key, write_kubeconfig
from local.state import CONTEXT, State

NODE = "node1"
NODE_ADDRESS = "10.245.0.2"
POD_CIDR = "10.244.0.0/24"
SERVICE_CIDR = "10.96.0.0/16"
API_SERVICE_ADDRESS = "10.96.0.1"
DNS_ADDRESS = "10.96.0.10"
PAUSE_IMAGE = "registry.k8s.io/pause:3.10"
CONTAINERD_SOCKET = "/run/containerd/containerd.sock"
API_PORT = 6443
ETCD = "http://127.0.0.1:2379"
ETCD_HEALTH = f"{ETCD}/health"
API_HEALTH = f"https://127.0.0.1:{API_PORT}/readyz"


@dataclass(frozen=True)
class Forward:
    """A port of 127.0.0.1 on the host that leads to ``target`` inside the cluster."""

    name: str
    preferred_port: int
    target: str
    path: str = ""


# What a person opens or queries from the host. The stack's outputs name the same Services; a test compares them.
FORWARDS = (
    Forward("kubernetes", 16443, f"{NODE_ADDRESS}:{API_PORT}"),
    Forward("productpage", 19080, "productpage.bookinfo.svc.cluster.local:9080", "/productpage"),
    Forward("prometheus", 19090, "prometheus.istio-system.svc.cluster.local:9090"),
    Forward("tempo", 13200, "tempo-tempo.tracing-system.svc.cluster.local:3200", "/api/search"),
)


def write_pki(state: State) -> None:
    """Make every certificate, key and component kubeconfig; all of them or, when interrupted, none."""
    scratch = state.pki.with_name("pki-unfinished")
    authority = Authority(scratch, "ca")
    front_proxy = Authority(scratch, "front-proxy-ca")
    authority.issue(
        "apiserver",
        "kube-apiserver",
        hosts=[
            "kubernetes", "kubernetes.default", "kubernetes.default.svc",
            "kubernetes.default.svc.cluster.local", "localhost",
            "127.0.0.1", API_SERVICE_ADDRESS, NODE_ADDRESS,
        ],
    )  # fmt: skip
    # Bound to system:kubelet-api-admin in manifests/node-access.yaml: logs, exec and port-forward go through it.
    authority.issue("apiserver-kubelet-client", "kube-apiserver-kubelet-client")
    front_proxy.issue("front-proxy-client", "front-proxy-client")
    kubelet = authority.issue("kubelet", f"system:node:{NODE}", ["system:nodes"], [NODE, NODE_ADDRESS])
    inside = f"https://127.0.0.1:{API_PORT}"
    write_kubeconfig(scratch / "kubelet.conf", CONTEXT, inside, authority.path, kubelet)
    for name, (user, groups) in IDENTITIES.items():
        client = authority.issue(name, user, groups)
        write_kubeconfig(scratch / f"{name}.conf", CONTEXT, inside, authority.path, client)
    signing_key(scratch)
    scratch.rename(state.pki)


def write_files(state: State, control_group: str, cni_plugins: Path) -> None:
    """Write the configuration files that the programs are given by name."""
    folder = state.cluster / "etc"
    (folder / "cni").mkdir(parents=True, exist_ok=True)
    (folder / "cni" / "10-pods.conflist").write_text(json.dumps(_cni(), indent=1))
    (folder / "containerd.toml").write_text(_containerd(folder / "cni", cni_plugins))
    (folder / "kubelet.yaml").write_text(json.dumps(_kubelet(state.pki, control_group), indent=1))
    (folder / "kube-proxy.yaml").write_text(json.dumps(_kube_proxy(state.pki), indent=1))


def spec(state: State, sockets: Mapping[str, int]) -> Spec:
    """Return the node; ``sockets`` maps each forward's name to its inherited listening socket."""
    for folder in ("etcd", "containerd", "kubelet", "volumes"):
        (state.cluster / folder).mkdir(parents=True, exist_ok=True)
    (state.logs / "pods").mkdir(parents=True, exist_ok=True)
    return Spec(
        node_name=NODE,
        node_address=NODE_ADDRESS,
        service_cidr=SERVICE_CIDR,
        dns_address=DNS_ADDRESS,
        binds={
            "/var/lib/etcd": str(state.cluster / "etcd"),
            "/var/lib/containerd": str(state.cluster / "containerd"),
            "/var/lib/kubelet": str(state.cluster / "kubelet"),
            "/var/lib/volumes": str(state.cluster / "volumes"),
            "/var/log/pods": str(state.logs / "pods"),
        },
        programs=_programs(state, sockets),
        authority=str(state.pki / "ca.crt"),
        status=str(state.root / "starts.json"),
    )


def _programs(state: State, sockets: Mapping[str, int]) -> list[Program]:
    pki, etc = state.pki, state.cluster / "etc"

    def program(name: str, flags: list[str], after: str = "") -> Program:
        command = [str(state.bin / name), *flags]
        return Program(name, command, str(state.logs / f"{name}.log"), after)

    forward = Program(
        "forward",
        [
            sys.executable, "-m", "local.run.forward",
            *(f"{sockets[entry.name]}={entry.target}" for entry in FORWARDS),
        ],
        str(state.logs / "forward.log"),
        descriptors=tuple(sockets.values()),
    )  # fmt: skip
    return [
        program("containerd", ["--config", f"{etc}/containerd.toml"]),
        program(
            "etcd",
            [
                "--data-dir=/var/lib/etcd",
                f"--listen-client-urls={ETCD}",
                f"--advertise-client-urls={ETCD}",
                "--listen-peer-urls=http://127.0.0.1:2380",
                "--log-level=warn",
                "--unsafe-no-fsync",  # a cluster that `down` deletes needs no durability
            ],
        ),
        forward,
        program("kube-apiserver", _apiserver_flags(pki), after=ETCD_HEALTH),
        program(
            "kube-controller-manager",
            [
                f"--kubeconfig={pki}/controller-manager.conf",
                f"--authentication-kubeconfig={pki}/controller-manager.conf",
                f"--authorization-kubeconfig={pki}/controller-manager.conf",
                f"--service-account-private-key-file={pki}/service-account.key",
                f"--root-ca-file={pki}/ca.crt",
                f"--cluster-signing-cert-file={pki}/ca.crt",
                f"--cluster-signing-key-file={pki}/ca.key",
                "--use-service-account-credentials",
                "--leader-elect=false",
            ],
            after=API_HEALTH,
        ),
        program(
            "kube-scheduler",
            [
                f"--kubeconfig={pki}/scheduler.conf",
                f"--authentication-kubeconfig={pki}/scheduler.conf",
                f"--authorization-kubeconfig={pki}/scheduler.conf",
                "--leader-elect=false",
            ],
        ),
        program(
            "kubelet",
            [f"--config={etc}/kubelet.yaml", f"--kubeconfig={pki}/kubelet.conf",
             f"--hostname-override={NODE}", f"--node-ip={NODE_ADDRESS}"],
        ),
        program("kube-proxy", [f"--config={etc}/kube-proxy.yaml", f"--hostname-override={NODE}"]),
        program("provisioner", [f"--kubeconfig={pki}/provisioner.conf", "--root=/var/lib/volumes"]),
    ]  # fmt: skip


def _apiserver_flags(pki: Path) -> list[str]:
    return [
        f"--etcd-servers={ETCD}",
        f"--advertise-address={NODE_ADDRESS}",
        f"--secure-port={API_PORT}",
        f"--service-cluster-ip-range={SERVICE_CIDR}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        f"--client-ca-file={pki}/ca.crt",
        f"--tls-cert-file={pki}/apiserver.crt",
        f"--tls-private-key-file={pki}/apiserver.key",
        f"--service-account-key-file={pki}/service-account.pub",
        f"--service-account-signing-key-file={pki}/service-account.key",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--kubelet-certificate-authority={pki}/ca.crt",
        f"--kubelet-client-certificate={pki}/apiserver-kubelet-client.crt",
        f"--kubelet-client-key={pki}/apiserver-kubelet-client.key",
        "--kubelet-preferred-address-types=InternalIP",
        f"--requestheader-client-ca-file={pki}/front-proxy-ca.crt",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-username-headers=X-Remote-User",
        f"--proxy-client-cert-file={pki}/front-proxy-client.crt",
        f"--proxy-client-key-file={pki}/front-proxy-client.key",
    ]


def _cni() -> dict[str, object]:
    """Return the pod network. Every packet between pods is routed, so no bridge netfilter is needed for Services."""
    return {
        "cniVersion": "0.4.0",
        "name": "pods",
        "plugins": [
            {
                "type": "ptp",
                "ipam": {
                    "type": "host-local",
                    "ranges": [[{"subnet": POD_CIDR}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }


def _containerd(cni: Path, cni_plugins: Path) -> str:
    return f"""version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
]
[grpc]
  address = "{CONTAINERD_SOCKET}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  # Where CAP_SYS_RESOURCE is missing, a pod's OOM score cannot be set below containerd's own.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{cni_plugins}"
    conf_dir = "{cni}"
"""


def _kubelet(pki: Path, control_group: str) -> dict[str, object]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{pki}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{pki}/kubelet.crt",
        "tlsPrivateKeyFile": f"{pki}/kubelet.key",
        "clusterDomain": "cluster.local",
        "clusterDNS": [DNS_ADDRESS],
        "resolvConf": "/run/resolv.conf",
        "cgroupDriver": "cgroupfs",  # no systemd answers inside the namespaces
        "cgroupRoot": control_group,
        "enforceNodeAllocatable": [],
        "failCgroupV1": False,
        "failSwapOn": False,
        "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
        # An image that no registry serves cannot be pulled again, so none is ever garbage-collected.
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
    }  # fmt: skip


def _kube_proxy(pki: Path) -> dict[str, object]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": f"{pki}/proxy.conf"},
        "mode": "iptables",
        "clusterCIDR": POD_CIDR,
        # These limits belong to the host, not to the namespace: 0 leaves them as they are.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }  # fmt: skip

"""The design of the nodes: their addresses, their programs with their flags, and their configuration files.

Pure but for what is called ``write``. The values are those of a kubeadm cluster where there is no reason to differ.
"""

import json
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.run.node import Program, Spec
from local.run.pki import IDENTITIES, Authority, signing_key, write_kubeconfig
from local.state import CONTEXT, State

MAX_NODES = 9
POD_CIDR = "10.244.0.0/16"
SERVICE_CIDR = "10.96.0.0/16"
API_SERVICE_ADDRESS = "10.96.0.1"
DNS_ADDRESS = "10.96.0.10"
PAUSE_IMAGE = "registry.k8s.io/pause:3.10"
CONTAINERD_SOCKET = "/run/containerd/containerd.sock"
# Where a node has the configuration of its pod network, and the plugins. Istio's plugin adds itself to both, so they
# are the node's own; `mesh.cniValues` of Pulumi.local.yaml says the same.
CNI_CONFIGURATION = "/var/lib/cni/net.d"
CNI_PLUGINS = "/var/lib/cni/bin"
API_PORT = 6443
ETCD = "http://127.0.0.1:2379"
ETCD_HEALTH = f"{ETCD}/health"
# Clouds set both labels; Istio reads them as the locality of a proxy.
REGION = "local"
# The program that enforces NetworkPolicies, what it is asked for by, and its user.
POLICIES = "policies"
# How long pods stay bound to a node that no longer answers. Kubernetes waits five minutes, for networks that come back.
LOST_NODE_SECONDS = 30


@dataclass(frozen=True)
class Node:
    """A node by its number, which counts from 1. All are made alike; the first one also carries the control plane."""

    number: int

    @property
    def name(self) -> str:
        """Its name in Kubernetes, and that of the device by which other nodes reach it."""
        return f"node{self.number}"

    @property
    def address(self) -> str:
        """Its one address, on every device that leads to another node."""
        return f"10.245.0.{self.number + 1}"

    @property
    def pod_cidr(self) -> str:
        """The addresses of its pods, which are routed to it."""
        return f"10.244.{self.number - 1}.0/24"

    @property
    def zone(self) -> str:
        """Its failure zone: each node is one of its own."""
        return f"zone{self.number}"

    @property
    def has_control_plane(self) -> bool:
        """Whether etcd, the API server and its controllers run on it."""
        return self.number == 1

    def log(self, state: State, program: str) -> Path:
        """Return the log of one of its programs."""
        return state.logs / (f"{program}.log" if self.has_control_plane else f"{program}-{self.name}.log")

    def folder(self, state: State) -> Path:
        """Return where its files, its images and its kubelet's state lie."""
        return state.cluster / "nodes" / self.name


FIRST = Node(1)
API_SERVER = f"https://{FIRST.address}:{API_PORT}"
API_HEALTH = f"{API_SERVER}/readyz"


@dataclass(frozen=True)
class Forward:
    """A port of 127.0.0.1 on the host that leads to ``target`` inside the cluster."""

    name: str
    preferred_port: int
    target: str
    path: str = ""


# What a person opens or queries from the host. The stack's outputs name the same Services; a test compares them.
FORWARDS = (
    Forward("kubernetes", 16443, f"{FIRST.address}:{API_PORT}"),
    Forward("productpage", 19080, "productpage.bookinfo.svc.cluster.local:9080", "/productpage"),
    Forward("prometheus", 19090, "prometheus.istio-system.svc.cluster.local:9090"),
    Forward("tempo", 13200, "tempo-tempo.tracing-system.svc.cluster.local:3200", "/api/search"),
)


def write_pki(state: State) -> None:
    """Make every certificate, key and kubeconfig but the nodes' own; all of them or, when interrupted, none."""
    scratch = state.pki.with_name("pki-unfinished")
    authority = Authority.create(scratch, "ca")
    front_proxy = Authority.create(scratch, "front-proxy-ca")
    authority.issue(
        "apiserver",
        "kube-apiserver",
        hosts=[
            "kubernetes", "kubernetes.default", "kubernetes.default.svc",
            "kubernetes.default.svc.cluster.local", "localhost",
            "127.0.0.1", API_SERVICE_ADDRESS, FIRST.address,
        ],
    )  # fmt: skip
    # Bound to system:kubelet-api-admin in manifests/node-access.yaml: logs, exec and port-forward go through it.
    authority.issue("apiserver-kubelet-client", "kube-apiserver-kubelet-client")
    front_proxy.issue("front-proxy-client", "front-proxy-client")
    for name, (user, groups) in IDENTITIES.items():
        client = authority.issue(name, user, groups)
        write_kubeconfig(scratch / f"{name}.conf", CONTEXT, API_SERVER, authority.path, client)
    signing_key(scratch)
    scratch.rename(state.pki)


def write_node(state: State, node: Node, control_group: str, cni_plugins: Path) -> None:
    """Write the kubelet's certificate and kubeconfig, and the files that the node's programs are given by name."""
    authority = Authority.load(state.pki, "ca")
    kubelet = authority.issue(
        _kubelet_name(node), f"system:node:{node.name}", ["system:nodes"], [node.name, node.address]
    )
    write_kubeconfig(state.pki / f"{_kubelet_name(node)}.conf", CONTEXT, API_SERVER, authority.path, kubelet)
    folder = _etc(state, node)
    folder.mkdir(parents=True, exist_ok=True)
    _write_cni(state, node, cni_plugins)
    (folder / "containerd.toml").write_text(_containerd())
    (folder / "kubelet.yaml").write_text(json.dumps(_kubelet(state.pki, node, control_group), indent=1))
    (folder / "kube-proxy.yaml").write_text(json.dumps(_kube_proxy(state.pki), indent=1))


def _write_cni(state: State, node: Node, cni_plugins: Path) -> None:
    """Write the pod network's configuration and link its plugins, as if no pod had ever added to them."""
    folders = _cni_folders(state, node)
    for folder in folders.values():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    (folders[CNI_CONFIGURATION] / "10-pods.conflist").write_text(json.dumps(_cni(node), indent=1))
    # Links, which lead nowhere in a pod: what it may add to is the node's, and not the plugins themselves.
    for plugin in cni_plugins.iterdir():
        (folders[CNI_PLUGINS] / plugin.name).symlink_to(plugin)


def _cni_folders(state: State, node: Node) -> dict[str, Path]:
    cni = node.folder(state) / "cni"
    return {CNI_CONFIGURATION: cni / "net.d", CNI_PLUGINS: cni / "bin"}


def _kubelet_name(node: Node) -> str:
    return f"kubelet-{node.name}"


def _etc(state: State, node: Node) -> Path:
    return node.folder(state) / "etc"


def spec(state: State, node: Node, sockets: Mapping[str, int], *, policies: bool = False) -> Spec:
    """Return one node; ``sockets`` maps each forward's name to the listening socket that the first one inherits.

    With ``policies``, NetworkPolicies are enforced on it.
    """
    binds = {
        "/var/lib/containerd": node.folder(state) / "containerd",
        "/var/lib/kubelet": node.folder(state) / "kubelet",
        # One folder for all, as one provisioner makes the volumes; their node affinity is what keeps pods elsewhere.
        "/var/lib/volumes": state.cluster / "volumes",
        "/var/log/pods": state.logs / "pods" / node.name,
        **_cni_folders(state, node),
    }
    if node.has_control_plane:
        binds["/var/lib/etcd"] = state.cluster / "etcd"
    for folder in binds.values():
        folder.mkdir(parents=True, exist_ok=True)
    return Spec(
        node_name=node.name,
        node_address=node.address,
        service_cidr=SERVICE_CIDR,
        dns_address=DNS_ADDRESS,
        binds={place: str(folder) for place, folder in binds.items()},
        programs=_programs(state, node, sockets, policies=policies),
        authority=str(state.pki / "ca.crt"),
        status=str(node.folder(state) / "starts.json"),
    )


def _programs(state: State, node: Node, sockets: Mapping[str, int], *, policies: bool) -> list[Program]:
    pki, etc = state.pki, _etc(state, node)

    def program(name: str, flags: list[str], after: str = "") -> Program:
        command = [str(state.bin / name), *flags]
        return Program(name, command, str(node.log(state, name)), after)

    labels = f"topology.kubernetes.io/region={REGION},topology.kubernetes.io/zone={node.zone}"
    containerd = program("containerd", ["--config", f"{etc}/containerd.toml"])
    # Before the kubelet, so that no pod is there without it.
    enforcer = program(POLICIES, [f"--kubeconfig={pki}/{POLICIES}.conf", f"--node={node.name}"], after=API_HEALTH)
    joining = [
        *([enforcer] if policies else []),
        program(
            "kubelet",
            [f"--config={etc}/kubelet.yaml", f"--kubeconfig={pki}/{_kubelet_name(node)}.conf",
             f"--hostname-override={node.name}", f"--node-ip={node.address}", f"--node-labels={labels}"],
            after=API_HEALTH,
        ),
        program("kube-proxy", [f"--config={etc}/kube-proxy.yaml", f"--hostname-override={node.name}"]),
    ]  # fmt: skip
    if not node.has_control_plane:
        return [containerd, *joining]
    forward = Program(
        "forward",
        [
            sys.executable, "-m", "local.run.forward",
            *(f"{sockets[entry.name]}={entry.target}" for entry in FORWARDS),
        ],
        str(node.log(state, "forward")),
        descriptors=tuple(sockets.values()),
    )  # fmt: skip
    return [
        containerd,
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
        *joining,
        program("provisioner", [f"--kubeconfig={pki}/provisioner.conf", "--root=/var/lib/volumes"]),
    ]


def _apiserver_flags(pki: Path) -> list[str]:
    return [
        f"--etcd-servers={ETCD}",
        f"--advertise-address={FIRST.address}",
        f"--secure-port={API_PORT}",
        f"--service-cluster-ip-range={SERVICE_CIDR}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        f"--default-not-ready-toleration-seconds={LOST_NODE_SECONDS}",
        f"--default-unreachable-toleration-seconds={LOST_NODE_SECONDS}",
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


def _cni(node: Node) -> dict[str, object]:
    """Return the pod network. Every packet between pods is routed, so no bridge netfilter is needed for Services."""
    return {
        "cniVersion": "0.4.0",
        "name": "pods",
        "plugins": [
            {
                "type": "ptp",
                "ipam": {
                    "type": "host-local",
                    "ranges": [[{"subnet": node.pod_cidr}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }


def _containerd() -> str:
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
    bin_dir = "{CNI_PLUGINS}"
    conf_dir = "{CNI_CONFIGURATION}"
"""


def _kubelet(pki: Path, node: Node, control_group: str) -> dict[str, object]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{pki}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{pki}/{_kubelet_name(node)}.crt",
        "tlsPrivateKeyFile": f"{pki}/{_kubelet_name(node)}.key",
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

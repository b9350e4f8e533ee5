"""What can break on a span's path, each as an administrator might break it by mistake, and how ``verify`` is run."""

import json
import shlex
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bucket
import clock
import yaml
from embedded import CHECKOUT, Host, eventually

from local.run.cluster import EmbeddedCluster
from local.state import State
from verify.causes import Code

MESH, TRACING, BOOKINFO = "istio-system", "tracing-system", "bookinfo"
TEMPO_PODS = "app.kubernetes.io/name=tempo-monolithic"
# Longer than a restart of Tempo, and than the pauses between a collector's retries, which grow.
PATIENCE = ("--wait", "240s")
PYTHON = str(CHECKOUT / ".venv" / "bin" / "python")


@dataclass(frozen=True)
class Fault:
    """``hop`` is the one that has to be named as the cause, with ``code``.

    ``after_remedy`` speeds up what a remedy has started; ``clean`` removes what a remedy rightly leaves behind. A
    ``telling`` fault stands for many others.
    """

    name: str
    hop: str
    code: Code
    inject: Callable[[Host], None]
    after_remedy: Callable[[Host], None] = lambda _: None
    clean: Callable[[Host], None] = lambda _: None
    telling: bool = False


@dataclass(frozen=True)
class Stack:
    """A stack, and the folder of its program, in which remedies are run."""

    name: str
    folder: Path

    @property
    def settings(self) -> Path:
        return self.folder / f"Pulumi.{self.name}.yaml"

    @property
    def restore(self) -> str:
        return f"PULUMI_K8S_ENABLE_PATCH_FORCE=true pulumi up --refresh --stack {self.name}"


LOCAL = Stack("local", CHECKOUT)


def verify(host: Host, *arguments: str, offset: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run ``python -m verify`` on the stack, as a person would, or on a machine whose clock is off."""
    words = ("verify", "--stack", "local", *arguments)
    command = [PYTHON, "-m", *words] if offset is None else clock.at(offset, PYTHON, *words)
    return host.with_exports(*command, check=False)


def report(host: Host, *arguments: str, offset: str | None = None) -> dict[str, Any]:
    """The report of one run, which has to have printed one."""
    done = verify(host, "--json", "--no-report", *arguments, offset=offset)
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found | {"exit": done.returncode}


def run_remedy(host: Host, command: str, folder: Path = CHECKOUT) -> None:
    """Run the printed command as a person would type it; Pulumi skips its confirmation."""
    line = f"cd {shlex.quote(str(folder))} && {command}"
    done = host.with_exports("env", "PULUMI_SKIP_CONFIRMATIONS=true", "bash", "-c", line, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


def patch(host: Host, namespace: str, what: str, change: object, kind: str = "merge") -> None:
    host.kubectl("patch", what, "-n", namespace, "--type", kind, "--patch", json.dumps(change))


def gone(host: Host, namespace: str, labels: str) -> None:
    """Wait until no pod with these labels is left."""
    left = eventually(lambda: host.objects("pods", "-n", namespace, "-l", labels), lambda pods: not pods, 60)
    assert left == []


def change_mesh(host: Host, change: Callable[[dict[str, Any]], None]) -> None:
    """Edit the mesh configuration, and let istiod read it at once."""
    config_map = json.loads(host.kubectl("get", "configmap", "-n", MESH, "istio", "-o", "json"))
    mesh = yaml.safe_load(config_map["data"]["mesh"])
    change(mesh)
    patch(host, MESH, "configmap/istio", {"data": {"mesh": yaml.safe_dump(mesh)}})
    host.kubectl("rollout", "restart", "-n", MESH, "deployment/istiod")
    host.kubectl("rollout", "status", "-n", MESH, "deployment/istiod", "--timeout=120s")


def name_another_provider(host: Host) -> None:
    spec = {"tracing": [{"providers": [{"name": "otel-tracing"}], "randomSamplingPercentage": 100}]}
    patch(host, MESH, "telemetry/mesh-tracing", {"spec": spec})


def sample_nothing(host: Host) -> None:
    spec = {"tracing": [{"providers": [{"name": "otel"}], "randomSamplingPercentage": 0}]}
    patch(host, MESH, "telemetry/mesh-tracing", {"spec": spec})


def lead_the_provider_elsewhere(host: Host) -> None:
    def change(mesh: dict[str, Any]) -> None:
        mesh["extensionProviders"][0]["opentelemetry"]["service"] = "otel-collector.observability.svc.cluster.local"

    change_mesh(host, change)


def scale_the_collector_to_0(host: Host) -> None:
    patch(host, MESH, "opentelemetrycollector/otel", {"spec": {"replicas": 0}})
    gone(host, MESH, "app.kubernetes.io/instance=istio-system.otel")


def export_to_a_wrong_port(host: Host) -> None:
    endpoint = "tempo-tempo.tracing-system.svc.cluster.local:4319"
    patch(
        host,
        MESH,
        "opentelemetrycollector/otel",
        {"spec": {"config": {"exporters": {"otlp_grpc": {"endpoint": endpoint}}}}},
    )
    host.kubectl("wait", "-n", MESH, "deployment/otel-collector", "--for=condition=Progressing=True", "--timeout=60s")
    host.kubectl("rollout", "status", "-n", MESH, "deployment/otel-collector", "--timeout=120s")


def stop_tempo(host: Host) -> None:
    patch(host, TRACING, "tempomonolithic/tempo", {"spec": {"management": "Unmanaged"}})
    host.kubectl("scale", "statefulset", "-n", TRACING, "tempo-tempo", "--replicas=0")
    end_tempo(host)
    gone(host, TRACING, TEMPO_PODS)


def change_tempo(host: Host, config: dict[str, Any]) -> None:
    """Merge into Tempo's configuration, and wait until it runs with it."""
    before = tempo_pods(host)
    patch(host, TRACING, "tempomonolithic/tempo", {"spec": {"extraConfig": {"tempo": config}}})
    assert eventually(lambda: outdated(host) or tempo_pods(host) != before, bool, 60)
    start_tempo(host)


def replace_tempo(host: Host) -> None:
    """Give the operator 10 s to write a new version of Tempo, then start the newest version."""
    eventually(lambda: outdated(host), bool, 10)
    start_tempo(host)


def tempo_pods(host: Host) -> set[str]:
    return {pod["metadata"]["uid"] for pod in host.objects("pods", "-n", TRACING, "-l", TEMPO_PODS)}


def outdated(host: Host) -> bool:
    """Whether Tempo's pod is older than the current revision of its StatefulSet."""
    wanted = json.loads(host.kubectl("get", "statefulset", "-n", TRACING, "tempo-tempo", "-o", "json"))["status"]
    pods = host.objects("pods", "-n", TRACING, "-l", TEMPO_PODS)
    return any(pod["metadata"]["labels"]["controller-revision-hash"] != wanted["updateRevision"] for pod in pods)


def end_tempo(host: Host) -> None:
    """Delete Tempo's pod without its grace period of half a minute, which no test has to wait for."""
    host.kubectl("delete", "pod", "-n", TRACING, "tempo-tempo-0", "--grace-period=1", "--ignore-not-found")


def start_tempo(host: Host) -> None:
    """Wait until a new Tempo serves, and restart the collector, so that it sends at once.

    A collector that could not reach Tempo for a while waits longer and longer between its tries.
    """
    end_tempo(host)
    assert eventually(lambda: host.objects("pods", "-n", TRACING, "-l", TEMPO_PODS), bool, 60)
    host.kubectl("wait", "-n", TRACING, "pod/tempo-tempo-0", "--for=condition=Ready", "--timeout=180s")
    host.kubectl("rollout", "restart", "-n", MESH, "deployment/otel-collector")
    host.kubectl("rollout", "status", "-n", MESH, "deployment/otel-collector", "--timeout=120s")


def switch_processors_off(host: Host) -> None:
    change_tempo(host, {"overrides": {"defaults": {"metrics_generator": {"processors": None}}}})


def forget_the_generators_path(host: Host) -> None:
    change_tempo(host, {"metrics_generator": {"storage": {"path": None}}})


def write_to_another_url(host: Host) -> None:
    url = "http://prometheus.istio-system.svc.cluster.local:9090/api/v1/push"
    change_tempo(host, {"metrics_generator": {"storage": {"remote_write": [{"url": url}]}}})


def close_the_receiver(host: Host) -> None:
    deployment = json.loads(host.kubectl("get", "deployment", "-n", MESH, "prometheus", "-o", "json"))
    arguments = deployment["spec"]["template"]["spec"]["containers"][0]["args"]
    index = arguments.index("--web.enable-remote-write-receiver")
    path = f"/spec/template/spec/containers/0/args/{index}"
    patch(host, MESH, "deployment/prometheus", [{"op": "remove", "path": path}], "json")
    host.kubectl("rollout", "status", "-n", MESH, "deployment/prometheus", "--timeout=120s")


def take_the_label(host: Host) -> None:
    host.kubectl("label", "namespace", BOOKINFO, "istio-injection-")
    host.kubectl("rollout", "restart", "deployment", "-n", BOOKINFO)
    for name in ("productpage-v1", "details-v1", "reviews-v1", "reviews-v2", "reviews-v3", "ratings-v1", "sleep"):
        host.kubectl("rollout", "status", "-n", BOOKINFO, f"deployment/{name}", "--timeout=120s")


def speak_mtls_to_everyone(host: Host) -> None:
    def change(mesh: dict[str, Any]) -> None:
        mesh["enableAutoMtls"] = False

    apply(
        host,
        {
            "apiVersion": "security.istio.io/v1",
            "kind": "PeerAuthentication",
            "metadata": {"name": "default", "namespace": MESH},
            "spec": {"mtls": {"mode": "STRICT"}},
        },
    )
    apply(
        host,
        {
            "apiVersion": "networking.istio.io/v1",
            "kind": "DestinationRule",
            "metadata": {"name": "everyone", "namespace": MESH},
            "spec": {"host": "*.local", "trafficPolicy": {"tls": {"mode": "ISTIO_MUTUAL"}}},
        },
    )
    change_mesh(host, change)


def speak_as_before(host: Host) -> None:
    def change(mesh: dict[str, Any]) -> None:
        mesh.pop("enableAutoMtls", None)

    rules = ("everyone", "tracing-collector-plain-text")
    host.kubectl("delete", "destinationrule", "-n", MESH, *rules, "--ignore-not-found")
    host.kubectl("delete", "peerauthentication", "-n", MESH, "default", "--ignore-not-found")
    change_mesh(host, change)


def apply(host: Host, content: dict[str, Any]) -> None:
    host.with_exports("bash", "-c", 'kubectl apply --server-side -f - <<< "$1"', "bash", json.dumps(content))


OUR_POLICY = "networkpolicy/mesh-tracing-collector"
COLLECTOR_PODS = {
    "app.kubernetes.io/component": "opentelemetry-collector",
    "app.kubernetes.io/name": "otel-collector",
}


def _point_our_policy_at(host: Host, labels: dict[str, str]) -> None:
    """Have the stack's own policy for the collector select pods with these labels."""
    change = [{"op": "replace", "path": "/spec/podSelector", "value": {"matchLabels": labels}}]
    patch(host, MESH, OUR_POLICY, change, "json")


def drop_packets(host: Host) -> None:
    """Drop packets as a network plugin would for a policy that denies all ingress: this cluster enforces none.

    The stack's own policy, which lets spans in whatever others deny, is led astray.
    """
    _point_our_policy_at(host, {"app": "nobody"})
    policy = {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "otel-collector"}}, "policyTypes": ["Ingress"]}
    apply(
        host,
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": "nothing-in", "namespace": MESH},
            "spec": policy,
        },
    )
    in_node(host, "iptables", "-I", "FORWARD", *_packets(host))


def obey_the_policies(host: Host) -> None:
    """Stop dropping packets once a policy allows the collector's port, as a network plugin would."""
    policies = host.objects("networkpolicies", "-n", MESH)
    ports = [
        port["port"]
        for policy in policies
        for rule in policy["spec"].get("ingress", [])
        for port in rule.get("ports", [])
        if selects_the_collector(host, policy)
    ]
    assert 4317 in ports
    in_node(host, "iptables", "-D", "FORWARD", *_packets(host))


def selects_the_collector(host: Host, policy: dict[str, Any]) -> bool:
    wanted = policy["spec"]["podSelector"].get("matchLabels", {}).items()
    pods = host.objects("pods", "-n", MESH, "-l", "app.kubernetes.io/name=otel-collector")
    return any(wanted <= pod["metadata"]["labels"].items() for pod in pods)


def forget_the_policies(host: Host) -> None:
    policies = ("nothing-in", "tracing-collector-otlp")
    host.kubectl("delete", "networkpolicy", "-n", MESH, *policies, "--ignore-not-found")
    _point_our_policy_at(host, COLLECTOR_PODS)


def _packets(host: Host) -> list[str]:
    (pod,) = host.objects("pods", "-n", MESH, "-l", "app.kubernetes.io/name=otel-collector")
    return ["--protocol", "tcp", "--destination", pod["status"]["podIP"], "--dport", "4317", "--jump", "DROP"]


def in_node(host: Host, *command: str) -> None:
    """Run a command of the host inside the cluster's network namespace."""
    process = EmbeddedCluster(State(host.state)).init_process()
    subprocess.run(["nsenter", f"--net=/proc/{process}/ns/net", *command], check=True, capture_output=True)


def delete_the_bucket(host: Host) -> None:
    """Delete the bucket with its content, and restart Tempo."""
    bucket.delete(host)
    end_tempo(host)


def confuse_the_datasources(host: Host) -> None:
    found = json.loads(host.kubectl("get", "configmap", "-n", MESH, "grafana-datasources-tracing", "-o", "json"))
    content = yaml.safe_load(found["data"]["datasources.yaml"])
    content["datasources"][0]["jsonData"]["serviceMap"]["datasourceUid"] = "prometheus-of-the-cluster"
    patch(host, MESH, "configmap/grafana-datasources-tracing", {"data": {"datasources.yaml": yaml.safe_dump(content)}})


FAULTS = (
    Fault(
        "the Telemetry names another provider", "provider", Code.PROVIDER_UNKNOWN, name_another_provider, telling=True
    ),
    Fault("nothing is sampled", "provider", Code.NOT_SAMPLED, sample_nothing),
    Fault(
        "the provider's service is in a wrong namespace",
        "provider",
        Code.PROVIDER_ELSEWHERE,
        lead_the_provider_elsewhere,
    ),
    Fault("the collector is scaled to 0", "collector", Code.COLLECTOR_STOPPED, scale_the_collector_to_0),
    Fault(
        "the collector's exporter has a wrong port",
        "collector",
        Code.COLLECTOR_ELSEWHERE,
        export_to_a_wrong_port,
        telling=True,
    ),
    Fault("Tempo is stopped", "tempo", Code.TEMPO_STOPPED, stop_tempo, after_remedy=start_tempo),
    Fault(
        "the generator's processors are switched off",
        "generator",
        Code.PROCESSOR_OFF,
        switch_processors_off,
        after_remedy=replace_tempo,
    ),
    Fault(
        "the generator has no path",
        "generator",
        Code.NO_GENERATOR_PATH,
        forget_the_generators_path,
        after_remedy=replace_tempo,
    ),
    Fault(
        "the remote-write URL is wrong",
        "generator",
        Code.WRITES_ELSEWHERE,
        write_to_another_url,
        after_remedy=replace_tempo,
    ),
    Fault("Prometheus runs without the receiver", "prometheus", Code.NO_RECEIVER, close_the_receiver, telling=True),
    Fault("the namespace has lost its label", "sidecars", Code.NAMESPACE_WITHOUT_LABEL, take_the_label, telling=True),
    Fault(
        "mTLS is spoken to a collector outside the mesh",
        "proxies",
        Code.MUTUAL_TLS,
        speak_mtls_to_everyone,
        clean=speak_as_before,
    ),
    Fault(
        "packets to the collector are dropped",
        "proxies",
        Code.POLICY_DROPS_SPANS,
        drop_packets,
        after_remedy=obey_the_policies,
        clean=forget_the_policies,
    ),
    Fault("the bucket is gone", "object-store", Code.NO_BUCKET, delete_the_bucket, after_remedy=start_tempo),
    Fault(
        "the service map leads to another Prometheus", "grafana", Code.SERVICE_MAP_ELSEWHERE, confuse_the_datasources
    ),
)

# The ones that are proven each time; CONTRIBUTING.md says why these.
TELLING = tuple(fault for fault in FAULTS if fault.telling)


def prove(host: Host, fault: Fault, stack: Stack = LOCAL) -> None:
    """Assert that ``verify`` names exactly the cause of ``fault``, and that the remedy it prints repairs it.

    What a remedy has written into the stack's settings is taken back in the end.
    """
    settings = stack.settings.read_text()
    fault.inject(host)
    proven = False
    try:
        found = report(host, "--stack", stack.name)
        broken = [hop for hop in found["hops"] if hop["status"] == "broken" and not hop["follows_from"]]
        assert (found["exit"], [(hop["hop"], hop["code"]) for hop in broken]) == (1, [(fault.hop, fault.code)]), found
        run_remedy(host, broken[0]["remedy"], stack.folder)
        fault.after_remedy(host)
        repaired = report(host, "--stack", stack.name, *PATIENCE)
        assert repaired["exit"] == 0, repaired["hops"]
        proven = True
    finally:
        fault.clean(host)
        # The next fault needs a healthy stack to start from.
        if not proven or stack.settings.read_text() != settings:
            stack.settings.write_text(settings)
            run_remedy(host, stack.restore, stack.folder)
            fault.after_remedy(host)

"""The findings for the cluster's DNS."""

from typing import Any

import pytest
from verify_world import StubCluster, assert_broken, looks, pod, service, world

from verify.causes import Code
from verify.findings import Because, Status
from verify.hops import dns


def cluster(*, ready: bool, replicas: int | None = 1, namespace: str = "kube-system", name: str = "kube-dns") -> Any:
    """A cluster whose DNS has one pod; without ``replicas`` no Deployment stands behind it."""
    labels = {"k8s-app": "kube-dns"}
    found = StubCluster()
    found.api.put("/api/v1/services", service(name, namespace, labels, {"port": 53}))
    found.api.put(
        "/api/v1/pods", pod("coredns-1", namespace, ready=ready, labels=labels, waiting="" if ready else "OOM")
    )
    if replicas is not None:
        spec = {"replicas": replicas, "template": {"metadata": {"labels": labels}}}
        deployment = {"metadata": {"name": "coredns", "namespace": namespace}, "spec": spec}
        other = {"metadata": {"name": "metrics-server", "namespace": namespace}, "spec": {"template": {"metadata": {}}}}
        found.api.put("/apis/apps/v1/deployments", other, deployment)
    return found


def judged(found: StubCluster) -> Any:
    stack = world(cluster=found)
    return dns.judge(stack, looks(dns.look(stack)))


@pytest.mark.parametrize(("namespace", "name"), [("kube-system", "kube-dns"), ("openshift-dns", "dns-default")])
def test_dns_with_a_ready_pod_is_ok(namespace: str, name: str) -> None:
    finding = judged(cluster(ready=True, namespace=namespace, name=name))
    assert (finding.status, finding.evidence) == (Status.OK, (f"Service {namespace}/{name} has 1 ready pods",))


@pytest.mark.parametrize(
    ("replicas", "remedy"),
    [
        (0, "kubectl scale deployment/coredns -n kube-system --replicas=2"),
        (2, "kubectl rollout restart deployment/coredns -n kube-system"),
        (None, "kubectl describe pods -n kube-system -l k8s-app=kube-dns"),
    ],
)
def test_dns_without_a_ready_pod_is_a_fault(replicas: int | None, remedy: str) -> None:
    finding = judged(cluster(ready=False, replicas=replicas))
    assert_broken(finding, Because.FAULT, remedy=remedy)
    assert finding.code is Code.DNS_DOWN


def test_a_cluster_whose_dns_has_another_name_is_not_judged() -> None:
    assert judged(StubCluster()).status is Status.ABSENT

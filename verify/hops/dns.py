"""The cluster's DNS: by it applications find each other, and the collector, Tempo and the generator their next hop."""

import shlex
from dataclasses import dataclass

from verify.access.cluster import Object, is_ready, trouble
from verify.causes import Code
from verify.findings import Finding, absent, fault, ok
from verify.obstacles.selectors import labels_of, selects
from verify.world import Looks, World

NAME = "dns"
TITLE = "Cluster DNS"

# Its Service on Kubernetes (whatever the program, by https://kubernetes.io/docs/tasks/administer-cluster/coredns/) and
# on OpenShift (cluster-dns-operator: pkg/operator/controller/names.go).
_SERVICES = (("kube-system", "kube-dns"), ("openshift-dns", "dns-default"))


@dataclass(frozen=True)
class Seen:
    """``service`` is None if neither exists; ``deployments`` are those whose pods it selects."""

    service: Object | None
    pods: list[Object]
    deployments: list[Object]


def look(world: World) -> Seen:
    for namespace, name in _SERVICES:
        service = world.cluster.read(f"/api/v1/namespaces/{namespace}/services/{name}")
        selector = (service or {}).get("spec", {}).get("selector")
        if service is not None and selector:
            made = world.cluster.items(f"/apis/apps/v1/namespaces/{namespace}/deployments")
            templates = [(one, one["spec"].get("template")) for one in made]
            return Seen(
                service,
                world.cluster.pods(namespace, selector),
                [one for one, template in templates if selects({"matchLabels": selector}, labels_of(template))],
            )
    return Seen(None, [], [])


def judge(world: World, looks: Looks[Seen]) -> Finding:
    after = looks.after
    if after.service is None:
        return absent(NAME, "no Service of the cluster's DNS is known here")
    meta = after.service["metadata"]
    ready = [pod for pod in after.pods if is_ready(pod)]
    evidence = f"Service {meta['namespace']}/{meta['name']} has {len(ready)} ready pods"
    if ready:
        return ok(NAME, evidence)
    return fault(
        NAME,
        evidence,
        *(f"Pod {pod['metadata']['name']}: {trouble(pod)}" for pod in after.pods),
        code=Code.DNS_DOWN,
        cause="no name of the cluster is resolved: applications, collector and Tempo do not find what they call",
        remedy=_remedy(after),
    )


def _remedy(after: Seen) -> str:
    meta = (after.service or {})["metadata"]
    if not after.deployments:
        labels = ",".join(f"{key}={value}" for key, value in (after.service or {})["spec"]["selector"].items())
        return f"kubectl describe pods -n {meta['namespace']} -l {shlex.quote(labels)}"
    deployment = after.deployments[0]
    name = f"deployment/{deployment['metadata']['name']} -n {meta['namespace']}"
    stopped = deployment["spec"].get("replicas") == 0
    return f"kubectl scale {name} --replicas=2" if stopped else f"kubectl rollout restart {name}"

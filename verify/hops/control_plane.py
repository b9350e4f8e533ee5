"""The control plane: istiod is ready, and the webhook by which it injects sidecars leads to it."""

from dataclasses import dataclass

from verify.causes import Code
from verify.cluster import Object, condition, is_ready, trouble
from verify.findings import Finding, fault, ok
from verify.world import Looks, World

NAME = "control-plane"
TITLE = "Control plane"


@dataclass(frozen=True)
class Seen:
    """``istio`` is the Sail operator's resource, if there is one; ``webhooks`` are those that lead to istiod."""

    deployment: Object | None
    pods: list[Object]
    istio: Object | None
    webhooks: list[str]


def look(world: World) -> Seen:
    cluster, mesh = world.cluster, world.deployment.mesh
    deployment = cluster.read(f"/apis/apps/v1/namespaces/{mesh.namespace}/deployments/{mesh.istiod}")
    labels = (deployment or {}).get("spec", {}).get("selector", {}).get("matchLabels")
    configurations = cluster.items("/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations")
    return Seen(
        deployment=deployment,
        pods=cluster.pods(mesh.namespace, labels) if labels else [],
        istio=None if mesh.by_charts else _istio(world),
        webhooks=[one["metadata"]["name"] for one in configurations if _leads_to(one, mesh.namespace, mesh.istiod)],
    )


def judge(world: World, looks: Looks[Seen]) -> Finding:
    after = looks.after
    mesh = world.deployment.mesh
    place = f"Deployment {mesh.namespace}/{mesh.istiod}"
    if after.deployment is None:
        return fault(NAME, f"no {place}", code=Code.NO_ISTIOD, cause="istiod is not installed", remedy=world.restore)
    ready = [pod for pod in after.pods if is_ready(pod)]
    evidence = [f"{place} has {len(ready)} ready pods", *(trouble(pod) for pod in after.pods if not is_ready(pod))]
    if not ready:
        name = f"deployment/{mesh.istiod} -n {mesh.namespace}"
        stopped = after.deployment["spec"].get("replicas") == 0
        return fault(
            NAME,
            *evidence,
            code=Code.ISTIOD_DOWN,
            cause="no istiod is ready, so no pod gets a sidecar and no proxy gets new configuration",
            remedy=f"kubectl scale {name} --replicas=1" if stopped else f"kubectl rollout restart {name}",
        )
    state = after.istio and condition(after.istio, "Ready")
    if state and state["status"] != "True":
        return fault(
            NAME,
            *evidence,
            f"Istio {after.istio['metadata']['name']}: Ready is {state['status']}: {state.get('message', '')}",  # type: ignore[index]
            code=Code.ISTIO_NOT_READY,
            cause="the Sail operator could not apply the Istio resource",
            remedy=f"kubectl describe istio {after.istio['metadata']['name']}",  # type: ignore[index]
        )
    if not after.webhooks:
        return fault(
            NAME,
            *evidence,
            f"no MutatingWebhookConfiguration leads to {mesh.istiod}",
            code=Code.NO_INJECTOR,
            cause="the injector's webhook is missing, so no new pod gets a sidecar",
            remedy=f"kubectl rollout restart deployment/{mesh.istiod} -n {mesh.namespace}",
        )
    return ok(NAME, *evidence, f"webhook {after.webhooks[0]}")


def _istio(world: World) -> Object | None:
    """The Istio resource whose control plane is in the mesh's namespace."""
    found = world.cluster.items("/apis/sailoperator.io/v1/istios")
    return next((one for one in found if one["spec"].get("namespace") == world.deployment.mesh.namespace), None)


def _leads_to(configuration: Object, namespace: str, service: str) -> bool:
    services = [webhook.get("clientConfig", {}).get("service") or {} for webhook in configuration.get("webhooks", [])]
    return any((one.get("namespace"), one.get("name")) == (namespace, service) for one in services)

"""The control plane: istiod is ready, and the webhook by which it injects sidecars leads to it."""

from collections.abc import Sequence
from dataclasses import dataclass

from verify.access.cluster import Listed, Object, condition, is_ready, trouble
from verify.causes import Code
from verify.findings import Finding, fault, ok, warning
from verify.world import Looks, World

NAME = "control-plane"
TITLE = "Control plane"


@dataclass(frozen=True)
class Seen:
    """``istio`` is the Sail operator's resource, if there is one; ``webhooks`` are those that lead to istiod.

    ``unseen`` says, in a line each, what may not be looked at.
    """

    deployment: Object | None
    pods: list[Object]
    istio: Object | None
    webhooks: list[str]
    unseen: Sequence[str] = ()


def look(world: World) -> Seen:
    cluster, mesh = world.cluster, world.deployment.mesh
    deployment = cluster.read(f"/apis/apps/v1/namespaces/{mesh.namespace}/deployments/{mesh.istiod}")
    labels = (deployment or {}).get("spec", {}).get("selector", {}).get("matchLabels")
    configurations = cluster.allowed(
        "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations", "the injector's webhook"
    )
    istios = Listed([]) if mesh.by_charts else cluster.allowed("/apis/sailoperator.io/v1/istios", "the Istio resource")
    return Seen(
        deployment=deployment,
        pods=cluster.pods(mesh.namespace, labels) if labels else [],
        # The one whose control plane is in the mesh's namespace.
        istio=next((one for one in istios.items if one["spec"].get("namespace") == mesh.namespace), None),
        webhooks=[
            one["metadata"]["name"] for one in configurations.items if _leads_to(one, mesh.namespace, mesh.istiod)
        ],
        unseen=(*configurations.unseen, *istios.unseen),
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
    if after.unseen:
        return warning(
            NAME,
            *evidence,
            *after.unseen,
            code=Code.NOT_ALLOWED,
            cause="not all of the control plane may be looked at; istiod itself is ready",
            remedy=world.grant,
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


def _leads_to(configuration: Object, namespace: str, service: str) -> bool:
    services = [webhook.get("clientConfig", {}).get("service") or {} for webhook in configuration.get("webhooks", [])]
    return any((one.get("namespace"), one.get("name")) == (namespace, service) for one in services)

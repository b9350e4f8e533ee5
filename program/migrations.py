"""Changes that an update would carry out by deleting what holds traces, metrics or a mesh: each is a migration by hand.

What is compared is what the stack has made, so a refusal ends when the old part has been removed by its owner.
"""

from collections.abc import Iterable, Iterator

from cluster.paths import path_of
from cluster.recorded import Recorded
from cluster.seen import Seen
from model.parts import value_at
from model.scalars import amount
from objects.addresses import TEMPO
from objects.context import Object, identity
from objects.object_store import COPY_JOB
from objects.stores import STORES
from objects.tempo_storage import object_stores
from program.plan import Plan

_GUIDE = 'docs/operations.md, "Changes that are migrations"'
# Where an object says the class and the size of its volume, below its spec.
_VOLUMES = {
    "PersistentVolumeClaim": ("storageClassName", "resources.requests.storage"),
    "TempoMonolithic": ("storage.traces.storageClassName", "storage.traces.size"),
    "TempoStack": ("storageClassName", "storageSize"),
}


def migrations(plan: Plan, objects: Iterable[Object], before: Recorded) -> Iterator[str]:
    """One line for each change that is refused, with where its steps are."""
    settings = plan.settings
    yield from _changed("tempo.mode", settings.tempo.mode, _tempo_mode(before))
    yield from _changed("mesh.installer", settings.mesh.installer, _mesh_installer(before))
    yield from _changed("kiali.installer", settings.kiali.installer, _kiali_installer(before))
    yield from _left_stores(plan, before)
    made = {identity(obj): obj for obj in before.objects()}
    for obj in objects:
        earlier = made.get(identity(obj))
        if earlier is not None:
            yield from _changed_volume(obj, earlier, plan.seen)


def _storage_class(name: str) -> str:
    """The API path of a storage class."""
    return path_of({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name}})


def volumes_to_look_at(before: Recorded) -> Iterator[str]:
    """The API paths of the stack's storage classes, which say whether volumes grow, and of the claims of Tempo's."""
    for made in before.objects():
        if made["kind"] in _VOLUMES:
            name = value_at(made["spec"], _VOLUMES[made["kind"]][0])
            if name is not None:
                yield _storage_class(name)
            yield from (path_of(claim) for claim in _claims_of_operator(made))


def _changed(setting: str, now: str, earlier: str | None) -> Iterator[str]:
    if earlier is not None and now != earlier:
        yield f"{setting} was {earlier} and is now {now}: an update would delete the old one first; the steps: {_GUIDE}"


def _left_stores(plan: Plan, before: Recorded) -> Iterator[str]:
    """The object stores of ours that would go, with traces in them that are nowhere else."""
    made = {(one["kind"], one["metadata"]["name"]): one for one in before.objects()}
    copied = value_at(made.get(("Job", COPY_JOB), {}), "status.succeeded") == 1
    kept = {args.store for args in object_stores(plan.tempo())}
    for store in STORES:
        if store in kept or ("PersistentVolumeClaim", store) not in made:
            continue
        if store == "seaweedfs" or "seaweedfs" not in kept:
            yield f"{store} has traces and is not in the settings: an update would delete it; the steps: {_GUIDE}"
        elif not copied:
            yield (
                "tempo.storage.s3.source was minio and is now seaweedfs: set it to minio to stay, or set "
                f"tempo.storage.s3.moveFrom to minio to move, and the traces are copied; the steps: {_GUIDE}"
            )


def _tempo_mode(before: Recorded) -> str | None:
    kinds = {"TempoMonolithic": "monolithic", "TempoStack": "stack"}
    ours = (made for made in before.objects() if made["metadata"]["name"] == TEMPO)
    return next((kinds[made["kind"]] for made in ours if made["kind"] in kinds), None)


def _mesh_installer(before: Recorded) -> str | None:
    if any(str(release.get("name", "")).startswith("istiod") for release in before.releases()):
        return "helm"
    if any(resource["type"].endswith(":IstioPatch") for resource in before.resources.values()):
        return "existing"
    return "sail" if any(made["kind"] == "Istio" for made in before.objects()) else None


def _kiali_installer(before: Recorded) -> str | None:
    if any(release.get("name") == "kiali" for release in before.releases()):
        return "helm"
    return "operator" if any(made["kind"] == "Kiali" for made in before.objects()) else None


def _changed_volume(obj: Object, earlier: Object, seen: Seen) -> Iterator[str]:
    """The volume of a claim of ours, or the one that Tempo's operator makes."""
    if obj["kind"] not in _VOLUMES or value_at(obj["spec"], "storage.traces.backend") == "memory":
        return
    name = f"{obj['kind']} {obj['metadata']['namespace']}/{obj['metadata']['name']}"
    class_at, size_at = _VOLUMES[obj["kind"]]
    now, then = value_at(obj["spec"], class_at), value_at(earlier["spec"], class_at)
    if now is not None and then is not None and now != then:
        yield f"the volume of {name} has storage class {then}, not {now}: its data would be lost; the steps: {_GUIDE}"
    wanted, has = value_at(obj["spec"], size_at), value_at(earlier["spec"], size_at)
    if wanted is None or has is None or amount(wanted) == amount(has):
        return
    if amount(wanted) < amount(has):
        yield f"the volume of {name} has {has}, not {wanted}: a volume does not shrink; the steps: {_GUIDE}"
    elif then is not None and (seen.answers.get(_storage_class(then)) or {}).get("grows") is False:
        yield f"the volume of {name} has {has}, not {wanted}: class {then} does not let it grow; the steps: {_GUIDE}"
    else:
        yield from _claims_that_stay_behind(earlier, wanted, seen)


def _claims_that_stay_behind(tempo: Object, wanted: str, seen: Seen) -> Iterator[str]:
    """The operator makes a StatefulSet anew for another size, which takes the claims as they are."""
    for claim in _claims_of_operator(tempo):
        name, namespace = claim["metadata"]["name"], claim["metadata"]["namespace"]
        found = seen.answers.get(path_of(claim))
        if found is not None and amount(found["size"]) < amount(wanted):
            patch = '{"spec":{"resources":{"requests":{"storage":"' + wanted + '"}}}}'
            yield (
                f"PersistentVolumeClaim {namespace}/{name} has {found['size']}, and Tempo's operator leaves it so: "
                f"first `kubectl patch pvc {name} -n {namespace} --type merge -p '{patch}'`"
            )


def _claims_of_operator(obj: Object) -> list[Object]:
    """The claims that Tempo's operator makes for a resource (tempo-operator, internal/manifests)."""
    name = obj["metadata"]["name"]
    if obj["kind"] == "TempoMonolithic":
        names = [f"tempo-storage-tempo-{name}-0"]
    elif obj["kind"] == "TempoStack":
        replicas = value_at(obj["spec"], "template.ingester.replicas") or 1
        names = [f"data-tempo-{name}-ingester-{number}" for number in range(int(replicas))]
    else:
        names = []
    namespace = obj["metadata"].get("namespace")
    return [
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": one, "namespace": namespace}}
        for one in names
    ]

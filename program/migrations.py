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
from objects.tempo_claims import claims_of
from program.plan import Plan

STORAGE_CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
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
    mode = settings.tempo.mode if settings.tempo.is_deployed else "existing"
    yield from _changed("tempo.mode", mode, _tempo_mode(before))
    yield from _changed("mesh.installer", settings.mesh.installer, _mesh_installer(before))
    yield from _changed("kiali.installer", settings.kiali.installer, _kiali_installer(before))
    yield from _left_stores(plan, before)
    made = {identity(obj): obj for obj in before.objects()}
    for obj in objects:
        earlier = made.get(identity(obj))
        changed = [] if earlier is None else list(_changed_volume(obj, earlier))
        # A claim that is not the stack's is refused as somebody else's, whatever its size.
        if earlier is not None or obj["kind"] != "PersistentVolumeClaim":
            yield from changed or _unfit_claims(obj, plan.seen)


def volumes_to_look_at(objects: Iterable[Object]) -> Iterator[str]:
    """The API paths of the claims that hold the stack's data, and of the classes, which say whether they may grow."""
    claims = [path_of(claim) for obj in objects for claim in _claims(obj)]
    if claims:
        yield STORAGE_CLASSES
    yield from claims


def _changed(setting: str, now: str, earlier: str | None) -> Iterator[str]:
    if earlier is not None and now != earlier:
        yield f"{setting} was {earlier} and is now {now}: an update would delete the old one first; the steps: {_GUIDE}"


def _left_stores(plan: Plan, before: Recorded) -> Iterator[str]:
    """The object stores of ours that would go, with traces in them that are nowhere else."""
    made = {(one["kind"], one["metadata"]["name"]): one for one in before.objects()}
    copied = value_at(made.get(("Job", COPY_JOB), {}), "status.succeeded") == 1
    kept = set(plan.deployed_stores)
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


def _claims(obj: Object) -> list[Object]:
    """The claims that ``obj`` is, or that Tempo's operator makes for it, with the size that is asked for."""
    if obj["kind"] == "PersistentVolumeClaim":
        return [obj]
    return claims_of(obj) if obj["kind"] in _VOLUMES else []


def _changed_volume(obj: Object, earlier: Object) -> Iterator[str]:
    """Another class, or less, than the stack asked for before."""
    if obj["kind"] not in _VOLUMES or value_at(obj["spec"], "storage.traces.backend") == "memory":
        return
    class_at, size_at = _VOLUMES[obj["kind"]]
    now, then = value_at(obj["spec"], class_at), value_at(earlier["spec"], class_at)
    if now is not None and then is not None and now != then:
        yield (
            f"the volume of {_title(obj)} has storage class {then}, not {now}: its data would be lost; the steps: "
            f"{_GUIDE}"
        )
    wanted, has = value_at(obj["spec"], size_at), value_at(earlier["spec"], size_at)
    if wanted is not None and has is not None and amount(wanted) < amount(has):
        yield f"the volume of {_title(obj)} has {has}, not {wanted}: a volume does not shrink; the steps: {_GUIDE}"


def _unfit_claims(obj: Object, seen: Seen) -> Iterator[str]:
    """The claims that the cluster has, and that cannot become as large as ``obj`` asks for."""
    for claim in _claims(obj):
        found = seen.answers.get(path_of(claim))
        wanted = claim["spec"]["resources"]["requests"]["storage"]
        if found is None or amount(found["size"]) == amount(wanted):
            continue
        if amount(found["size"]) > amount(wanted):
            yield (
                f"{_title(claim)} has {found['size']}, not {wanted}: a volume does not shrink; set its size to "
                f"{found['size']}"
            )
        elif found.get("class") in _classes_that_do_not_grow(seen):
            yield (
                f"{_title(claim)} has {found['size']}, not {wanted}: class {found['class']} does not let it grow; the "
                f"steps: {_GUIDE}"
            )


def _classes_that_do_not_grow(seen: Seen) -> set[str]:
    return {one["name"] for one in seen.answers.get(STORAGE_CLASSES) or () if not one["grows"]}


def _title(obj: Object) -> str:
    return f"{obj['kind']} {obj['metadata']['namespace']}/{obj['metadata']['name']}"

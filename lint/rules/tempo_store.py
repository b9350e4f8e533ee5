"""Tempo's store for blocks of traces on a local disk."""

from collections.abc import Iterator

from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.objects import Manifests, Path, Place, at, mapping, number, sequence, text
from lint.rule import rule
from lint.templates import is_unknown
from lint.views.tempos import Workload, tempos
from lint.views.values import Values, values

_DISTRIBUTED = "tempo-distributed"
_OTHER_PLACES: tuple[Path, ...] = (
    ("tempo", "structuredConfig"),
    ("tempo", "storage"),
    ("minio", "enabled"),
    ("useExternalConfig",),
)
_BACKEND: Path = ("storage", "trace", "backend")
_BLOCKS: Path = ("storage", "trace", "local", "path")
# Where Tempo writes, whichever the backend is.
_WRITTEN: tuple[Path, ...] = (
    _BLOCKS,
    ("storage", "trace", "wal", "path"),
    ("metrics_generator", "storage", "path"),
    ("metrics_generator", "traces_storage", "path"),
)
_READ_ONLY = ("configMap", "secret", "downwardAPI", "projected")


@rule(
    code="N31",
    title="Several pods of Tempo have a local store each",
    levels=(Severity.WARNING,),
    why=(
        "With the backend `local`, a pod writes traces to its own disk, where no other one finds them. In the chart "
        "tempo-distributed the queriers are pods of their own and see none of the ingesters' blocks; of several "
        "replicas each one knows its part of the traces. That chart has this backend unless another one is named."
    ),
    remedy="Use an object store, or one Tempo of a single replica.",
    example="""
        apiVersion: helm.toolkit.fluxcd.io/v2
        kind: HelmRelease
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          chart: {spec: {chart: tempo-distributed}}
          values:
            storage: {trace: {backend: local}}
            traces: {otlp: {grpc: {enabled: true}}}
    """,
    source="tempo: tempodb/backend/local/local.go; the Deployments and StatefulSets of the chart tempo-distributed",
)
def local_store_of_several_pods(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for place, pods in _local_stores(manifests, facts):
        yield warning(
            place,
            f"each pod has a disk of its own, and {pods}",
            "use an object store, or one Tempo of a single replica",
        )


@rule(
    code="N31",
    title="A local store of Tempo has no path",
    levels=(Severity.ERROR,),
    why="With the backend `local` Tempo makes the folder `storage.trace.local.path`. It has none by itself, and stops.",
    remedy="Set `storage.trace.local.path`, such as to `/var/tempo/blocks`, where a volume is mounted.",
    example="""
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: tempo, namespace: tracing-system}
        data:
          tempo.yaml: |
            distributor: {receivers: {otlp: {protocols: {grpc: {endpoint: "0.0.0.0:4317"}}}}}
            storage: {trace: {backend: local, wal: {path: /var/tempo/wal}}}
    """,
    source="tempo: tempodb/backend/local/config.go and local.go, NewBackend",
)
def local_store_without_path(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for tempo in tempos(manifests, facts):
        told = any("trace.local.path" in runs.command for runs in tempo.workloads)
        if tempo.written_by == "nobody" and tempo.at(*_BACKEND) == "local" and not tempo.at(*_BLOCKS) and not told:
            yield error(
                tempo.where(*_BLOCKS),
                "Tempo has no folder for its blocks by itself, and stops",
                "set it, such as to /var/tempo/blocks",
            )


@rule(
    code="N31",
    title="Tempo writes where nothing can be written",
    levels=(Severity.ERROR,),
    why=(
        "A ConfigMap or a Secret is mounted to be read only. If Tempo's folders for blocks or for its log of writes "
        "are below such a mount, it cannot make them, and stops."
    ),
    remedy="Name a folder on a volume of its own, such as `/var/tempo`.",
    example="""
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: tempo, namespace: tracing-system}
        data:
          tempo.yaml: |
            distributor: {receivers: {otlp: {protocols: {grpc: {endpoint: "0.0.0.0:4317"}}}}}
            storage: {trace: {backend: local, local: {path: /etc/tempo/blocks}}}
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          template:
            spec:
              containers:
                - name: tempo
                  image: docker.io/grafana/tempo:2.10.8
                  volumeMounts: [{name: conf, mountPath: /etc/tempo}]
              volumes: [{name: conf, configMap: {name: tempo}}]
    """,
    source="https://kubernetes.io/docs/concepts/storage/volumes/#configmap; tempo: tempodb/backend/local/local.go",
)
def store_that_is_read_only(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for tempo in tempos(manifests, facts):
        for path in _WRITTEN:
            folder = text(tempo.at(*path)).rstrip("/")
            mounts = [_mount(runs, folder) for runs in tempo.workloads if folder and not is_unknown(folder)]
            for mount in mounts[:1]:
                if mount:
                    yield error(
                        tempo.where(*path),
                        f"{folder} is on the volume that is mounted to be read only at {mount}, so Tempo cannot write",
                        "name a folder on a volume of its own, such as /var/tempo",
                    )


def _mount(runs: Workload, folder: str) -> str:
    """The mount that the folder is on, if it is one that nothing can be written to; empty otherwise."""
    volumes = {text(at(one, "name")): one for one in sequence(runs.owner.at(*runs.path[:-2], "volumes"))}
    around = [
        (path, volumes.get(text(at(one, "name"))))
        for one in sequence(runs.container.get("volumeMounts"))
        if f"{folder}/".startswith(f"{(path := text(at(one, 'mountPath')).rstrip('/'))}/")
    ]
    path, volume = max(around, key=lambda one: len(one[0]), default=("", None))
    return path if any(at(volume, kind) is not None for kind in _READ_ONLY) else ""


def _local_stores(manifests: Manifests, facts: Facts) -> Iterator[tuple[Place, str]]:
    for one in values(manifests, _DISTRIBUTED):
        # It is the chart's default, where nothing is said in any place that people take for the right one.
        is_default = _are_of_a_whole_release(one) and not any(
            one.at(*path) for path in (_BACKEND, ("config",), *_OTHER_PLACES)
        )
        if one.at(*_BACKEND) == "local" or is_default:
            yield one.where(*_BACKEND), "the queriers find none of the blocks that the ingesters write"
    for one in values(manifests, "tempo"):
        if one.at("tempo", *_BACKEND) == "local" and (number(one.at("replicas")) or 1) > 1:
            yield one.where("tempo", *_BACKEND), "none of the replicas finds the traces of another one"
    for tempo in tempos(manifests, facts):
        if any(map(_has_several_disks, tempo.workloads)) and tempo.at(*_BACKEND) == "local":
            yield tempo.where(*_BACKEND), "none of the replicas finds the traces of another one"


def _are_of_a_whole_release(one: Values) -> bool:
    """Whether nothing else says more: of a file that one who installs it wrote, it has what receives spans too."""
    if one.are_all is not None:
        return one.are_all
    receivers = [
        protocol for kind in mapping(one.at("traces")).values() for protocol in (kind, *mapping(kind).values())
    ]
    return any(at(protocol, "enabled") is True for protocol in receivers)


def _has_several_disks(runs: Workload) -> bool:
    """Whether there are several pods; those of a Deployment may share a claim."""
    volumes = sequence(runs.owner.at("spec", "template", "spec", "volumes"))
    is_shared = runs.owner.kind == "Deployment" and any(at(one, "persistentVolumeClaim") for one in volumes)
    return (number(runs.owner.at("spec", "replicas")) or 1) > 1 and not is_shared

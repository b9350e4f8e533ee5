"""Tempo's store for blocks of traces on a local disk."""

from collections.abc import Iterator

from lint.facts import Facts
from lint.findings import Fault, Severity, warning
from lint.objects import Manifests, Path, Place, at, number, sequence
from lint.rule import rule
from lint.views.tempos import Workload, tempos
from lint.views.values import values

_DISTRIBUTED = "tempo-distributed"
_BACKEND: Path = ("storage", "trace", "backend")


@rule(
    code="N31",
    title="Several pods of Tempo have a local store each",
    levels=(Severity.WARNING,),
    why=(
        "With the backend `local`, a pod writes traces to its own disk, where no other one finds them. In the chart "
        "tempo-distributed the queriers are pods of their own and see none of the ingesters' blocks; of several "
        "replicas each one knows its part of the traces."
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


def _local_stores(manifests: Manifests, facts: Facts) -> Iterator[tuple[Place, str]]:
    for one in values(manifests, _DISTRIBUTED):
        if one.at(*_BACKEND) == "local":
            yield one.where(*_BACKEND), "the queriers find none of the blocks that the ingesters write"
    for one in values(manifests, "tempo"):
        if one.at("tempo", *_BACKEND) == "local" and (number(one.at("replicas")) or 1) > 1:
            yield one.where("tempo", *_BACKEND), "none of the replicas finds the traces of another one"
    for tempo in tempos(manifests, facts):
        if any(map(_has_several_disks, tempo.workloads)) and tempo.at(*_BACKEND) == "local":
            yield tempo.where(*_BACKEND), "none of the replicas finds the traces of another one"


def _has_several_disks(runs: Workload) -> bool:
    """Whether there are several pods; those of a Deployment may share a claim."""
    volumes = sequence(runs.owner.at("spec", "template", "spec", "volumes"))
    is_shared = runs.owner.kind == "Deployment" and any(at(one, "persistentVolumeClaim") for one in volumes)
    return (number(runs.owner.at("spec", "replicas")) or 1) > 1 and not is_shared

"""Amounts of CPU and memory."""

import re
from collections.abc import Iterator

from lint.chart_values import CHARTS
from lint.facts import Facts
from lint.findings import Fault, Severity, error
from lint.objects import Manifests, Object, Path, strings
from lint.rule import rule
from lint.templates import is_unknown
from lint.views.values import values

# kubernetes: apimachinery/pkg/api/resource/quantity.go.
_QUANTITY = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+|[numkMGTPE]|[KMGTPE]i)?")
_AROUND = ("resources",)
_AMOUNTS = frozenset({"limits", "requests"})
_OF = frozenset({"cpu", "ephemeral-storage", "memory", "storage"})
_MOST_LETTERS = 24


@rule(
    code="N30",
    title="An amount of CPU or memory is not written as Kubernetes has it",
    levels=(Severity.ERROR,),
    why=(
        "A quantity is a number with a unit such as `m`, `M`, `Mi` or `Gi`. The API server refuses an object with "
        "another one, such as `512i`, `1GB` or `512mb`, and no pod starts."
    ),
    remedy="Write it with a unit of Kubernetes, such as `512Mi`.",
    example="""
        apiVersion: v1
        kind: Pod
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          containers:
            - name: tempo
              image: docker.io/grafana/tempo:2.10.8
              resources: {limits: {memory: 512MB}}
    """,
    source="kubernetes: staging/src/k8s.io/apimachinery/pkg/api/resource/quantity.go",
)
def quantity_that_does_not_exist(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for obj, path, found in _texts(manifests):
        is_amount = path[-1] in _OF and path[-2:-1] and path[-2] in _AMOUNTS and path[-3:-2] == _AROUND
        if is_amount and not is_unknown(found) and not _QUANTITY.fullmatch(found) and len(found) < _MOST_LETTERS:
            yield error(
                obj.where(*path),
                f"{found!r} is no quantity, and the API server refuses it",
                "write a number with a unit such as Mi, or m for CPU",
            )


def _texts(manifests: Manifests) -> Iterator[tuple[Object, Path, str]]:
    """Of objects, and of values of charts that are known: files of other tools have units of their own."""
    for obj in manifests.objects:
        if obj.kind and obj.group is not None:
            yield from ((obj, path, found) for path, found in obj.strings)
    for one in values(manifests, *CHARTS, "istiod", "kiali-server"):
        if not one.owner.kind:
            yield from ((one.owner, path, found) for path, found in strings(one.content, one.path))

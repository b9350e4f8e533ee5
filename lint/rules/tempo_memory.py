"""The memory of a Tempo that its operator makes."""

from collections.abc import Iterator

from lint.facts import Facts
from lint.findings import Fault, Severity, advice, warning
from lint.objects import Manifests, Object, Path
from lint.rule import rule
from lint.views.quantities import bytes_of
from lint.views.services import TEMPO
from lint.views.versions import minor

_MIB = 2**20
# What the operator starts Tempo with, `-mem-ballast-size-mbs`, and what it needs itself to have a pause between two
# collections. Measured with a TempoMonolithic: with a limit of 1 GiB it took 0.39 processors at rest, with 1.25 GiB
# 0.17; with 1.5 GiB 0.01, but a few searches 34 s of a processor, for which 2 GiB needed 4 s. A query frontend takes
# nothing at rest.
_BALLAST, _TEMPO = 1024 * _MIB, 512 * _MIB
_LEAST = "2Gi"
# The share of a container's memory that the operator makes GOMEMLIMIT, since the first release that does.
_GOMEMLIMIT, _SETS_GOMEMLIMIT = 0.8, (0, 16)
_FRONTEND: Path = ("spec", "template", "queryFrontend", "component", "resources", "limits", "memory")
_GATEWAY: Path = ("spec", "template", "gateway", "enabled")
_TOTAL: Path = ("spec", "resources", "total", "limits", "memory")
# The query frontend's part of all.
_SHARE, _SHARE_BESIDE_GATEWAY = 0.025, 0.02


@rule(
    code="N32",
    title="A Tempo has too little memory to pause between two garbage collections",
    levels=(Severity.WARNING, Severity.ADVICE),
    why=(
        "The operator starts a TempoMonolithic, and the query frontend of a TempoStack, with a ballast of 1024 MiB, "
        "and since its release 0.16 with a GOMEMLIMIT of four fifths of the container's memory. Where that is hardly "
        "more than the ballast, Go collects garbage all the time: an idle TempoMonolithic takes half of a processor, "
        "and searches end without an answer. Without resources of its own a query frontend has "
        "2.5 % of `spec.resources`, or 2 % beside the gateway; it is advice for one."
    ),
    remedy=f"Set the limit to {_LEAST} or more; of a TempoStack in `spec.template.queryFrontend.component.resources`.",
    example="""
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoMonolithic
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          resources: {limits: {memory: 1Gi}}
    """,
    source=(
        "tempo-operator: internal/manifests/monolithic/statefulset.go, internal/manifests/queryfrontend/"
        "query_frontend.go, internal/manifests/manifestutils/gomemlimit.go and resources.go"
    ),
)
def garbage_without_pause(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    operator = minor(facts.tempo_operator_version)
    if operator is not None and operator < _SETS_GOMEMLIMIT:
        return
    for obj in manifests.of(TEMPO, "TempoMonolithic", "TempoStack"):
        path, memory = _limit(obj)
        if memory is not None and memory * _GOMEMLIMIT < _BALLAST + _TEMPO:
            say = warning if obj.kind == "TempoMonolithic" else advice
            yield say(
                obj.where(*path),
                f"{_of(obj)} has {round(memory / _MIB)} MiB, four fifths of which are hardly more than its ballast of "
                f"{_BALLAST // _MIB} MiB, so Go collects garbage all the time",
                f"set {'.'.join(map(str, _FRONTEND)) if path == _TOTAL else 'it'} to {_LEAST} or more",
            )


def _limit(obj: Object) -> tuple[Path, float | None]:
    """Where the limit of the container with the ballast stands, or follows from, and how many bytes it is."""
    if obj.kind == "TempoMonolithic":
        path: Path = ("spec", "resources", "limits", "memory")
        return path, bytes_of(obj.at(*path))
    if obj.at(*_FRONTEND[:-2]) is not None:
        return _FRONTEND, bytes_of(obj.at(*_FRONTEND))
    # A size is preferred to the total.
    total = None if obj.at("spec", "size") else bytes_of(obj.at(*_TOTAL))
    share = _SHARE_BESIDE_GATEWAY if obj.at(*_GATEWAY) is True else _SHARE
    return _TOTAL, None if total is None else total * share


def _of(obj: Object) -> str:
    return "Tempo" if obj.kind == "TempoMonolithic" else "the query frontend"

"""The classes of Ingresses: in Ingresses, in values of charts, and in resources whose operators make one."""

from collections.abc import Iterator

from lint.chart_values import CHARTS, keys
from lint.objects import Manifests, Path, Place, at, strings, text
from lint.tempo_keys import knows
from lint.views.grafana import GRAFANA
from lint.views.services import OPENTELEMETRY, TEMPO
from lint.views.values import every_chart, values

_ANNOTATION = "kubernetes.io/ingress.class"
_OF_INGRESS: tuple[Path, ...] = (("spec", "ingressClassName"), ("metadata", "annotations", _ANNOTATION))
_NAMES = frozenset({"ingressClassName", "className", "class_name"})
_OPERATORS = (
    (GRAFANA, ("Grafana",)),
    ("jaegertracing.io", ("Jaeger",)),
    ("kiali.io", ("Kiali",)),
    (OPENTELEMETRY, ("OpenTelemetryCollector",)),
    (TEMPO, ("TempoMonolithic", "TempoStack")),
)
# The operators of these make no Ingress unless they are told to.
_WITH_SWITCH = frozenset({"Kiali", "TempoMonolithic"})


def ingress_classes(manifests: Manifests) -> Iterator[tuple[Place, str]]:
    """Yield each class that an Ingress has or will have, and the place where it is written."""
    for obj in manifests.of("networking.k8s.io", "Ingress"):
        for path in _OF_INGRESS:
            if text(obj.at(*path)):
                yield obj.where(*path), text(obj.at(*path))
    yield from _of_operators(manifests)
    yield from _of_charts(manifests)


def _of_operators(manifests: Manifests) -> Iterator[tuple[Place, str]]:
    for group, kinds in _OPERATORS:
        for obj in manifests.of(group, *kinds):
            for path, found in strings(obj.at("spec"), ("spec",)):
                section = obj.at(*_section(path))
                enabled = at(section, "enabled")
                is_made = enabled is True if obj.kind in _WITH_SWITCH else enabled is not False
                if _section(path) and is_made and at(section, "type") != "route":
                    yield obj.where(*path), found


def _of_charts(manifests: Manifests) -> Iterator[tuple[Place, str]]:
    charts = {(id(one.owner), one.path): one.chart for one in values(manifests, *CHARTS)}
    for one in every_chart(manifests):
        chart = charts.get((id(one.owner), one.path))
        for path, found in strings(one.content):
            section = _section(path)
            # Charts make no Ingress unless they are told to.
            is_read = chart is None or knows(keys(chart), section)
            if section and at(one.content, *section, "enabled") is True and is_read:
                manifests.recognise(one.owner)
                yield one.where(*path), found


def _section(path: Path) -> Path:
    """The path to the part about an Ingress whose class stands at ``path``; empty if it is no class.

    Below it there may be a part of the Ingress as it is made, such as Kiali's ``override_yaml``.
    """
    is_class = path[-1:] and (path[-1] in _NAMES or path[-2:] == ("annotations", _ANNOTATION))
    around = [number for number, key in enumerate(path[:-1]) if "ingress" in str(key).lower()]
    return path[: around[-1] + 1] if is_class and around else ()

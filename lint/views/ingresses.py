"""The classes of Ingresses, in Ingresses, in values of charts, and in what Grafana's operator makes one of."""

from collections.abc import Iterator

from lint.chart_values import CHARTS, keys
from lint.objects import Manifests, Path, Place, at, strings, text
from lint.tempo_keys import knows
from lint.views.grafana import GRAFANA
from lint.views.values import every_chart, values

_ANNOTATION = "kubernetes.io/ingress.class"
_OF_INGRESS: tuple[Path, ...] = (("spec", "ingressClassName"), ("metadata", "annotations", _ANNOTATION))
# An Ingress that Grafana's operator makes has the same fields.
_OF_GRAFANA: tuple[Path, ...] = tuple(("spec", "ingress", *path) for path in _OF_INGRESS)
_IN_VALUES = frozenset({"ingressClassName", "className"})


def ingress_classes(manifests: Manifests) -> Iterator[tuple[Place, str]]:
    """Yield each class that an Ingress has or will have, and the place where it is written."""
    made = [(obj, _OF_INGRESS) for obj in manifests.of("networking.k8s.io", "Ingress")]
    made += [(obj, _OF_GRAFANA) for obj in manifests.of(GRAFANA, "Grafana")]
    for obj, paths in made:
        for path in paths:
            if text(obj.at(*path)):
                yield obj.where(*path), text(obj.at(*path))
    yield from _of_charts(manifests)


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
    """The path to the part about an Ingress whose class stands at ``path``; empty if it is no class."""
    if path[-1:] and path[-1] in _IN_VALUES:
        section = path[:-1]
    elif path[-2:] == ("annotations", _ANNOTATION):
        section = path[:-2]
    else:
        return ()
    return section if section and "ingress" in str(section[-1]).lower() else ()

"""The Service that the chart tempo makes, and the port at which it answers queries."""

from lint.lifecycle import lifecycle
from lint.objects import Manifests, text
from lint.views.charts import Chart, charts, release_name
from lint.views.hosts import ServiceName
from lint.views.values import Values, values
from lint.views.versions import Minor, minor

_CHART = "tempo"
_CHANGE = lifecycle().first_release("the chart tempo serves queries at 3200")
_OLD, _NEW = 3100, 3200


def ports_of_queries(manifests: Manifests) -> dict[ServiceName, int]:
    """Return the port of each Service of the chart whose name and whose version are known."""
    known: dict[ServiceName, int] = {}
    for chart in charts(manifests):
        release = minor(chart.version)
        port = port_of_queries(release)
        if chart.name == _CHART and release is not None and port is not None:
            service = _service(manifests, chart)
            if service is not None:
                known[service] = port
    return known


def port_of_queries(release: Minor | None) -> int | None:
    """Return the port of a release of the chart, without one that of today's; the chart of the change itself has both,
    by its patch."""
    if release == _CHANGE:
        return None
    return _NEW if release is None or release > _CHANGE else _OLD


def _service(manifests: Manifests, chart: Chart) -> ServiceName | None:
    """The Service, which other values in a file may call otherwise: then no data source asks this one."""
    release = release_name(chart.owner)
    given = next((one for one in values(manifests, _CHART) if one.owner is chart.owner), None)
    one = given or Values(chart.owner, (), _CHART, {})
    if not (one.namespace and release):
        return None
    default = release if _CHART in release else f"{release}-{_CHART}"
    # grafana-community/helm-charts: charts/tempo/templates/_helpers.tpl
    return ServiceName(one.namespace, text(one.at("fullnameOverride")) or default)

"""The template of Tempo's configuration in the values of its charts."""

import re
import textwrap
from collections.abc import Iterator

import yaml

from lint.facts import Facts
from lint.findings import Fault, Severity, error
from lint.objects import Manifests, parsed, text
from lint.rule import rule
from lint.templates import with_holes
from lint.views.tempo_values import CHARTS
from lint.views.values import Values, values

_CONFIG = "config"
# The whole of a value, indented: {{- toYaml .Values.tempo.overrides | nindent 6 }}.
_INSERTED = re.compile(
    r"^[ ]*\{\{-\s*toYaml\s+\.Values\.(?P<path>[\w.]+)\s*\|\s*nindent\s+(?P<depth>\d+)\s*\}\}", re.MULTILINE
)
_CONDITION = re.compile(r"\{\{-?\s*if\s+(?P<what>[^}]*?)\s*-?\}\}")
_VALUE = re.compile(r"\.Values\.([\w.]+)")


@rule(
    code="N31",
    title="Tempo's configuration in a chart is not YAML once it is filled in",
    levels=(Severity.ERROR,),
    why=(
        "The charts of Tempo take `config` as a template, and put other values into it. What is indented otherwise "
        "than the value before it belongs to that value, or to nothing: Tempo does not start, or Helm refuses it."
    ),
    remedy="Indent the lines behind an inserted value as its own keys are, by the number behind `nindent`.",
    example="""
        apiVersion: helm.toolkit.fluxcd.io/v2
        kind: HelmRelease
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          chart: {spec: {chart: tempo}}
          values:
            tempo: {server: {http_listen_port: 3200}}
            config: |
              server:
                {{- toYaml .Values.tempo.server | nindent 2 }}
                  grpc_listen_port: 9095
    """,
    source="grafana-community/helm-charts: charts/tempo/templates/configmap-tempo.yaml",
    # The text as a whole is known, be there variables in it.
    reads_variables=True,
)
def configuration_that_is_no_yaml_when_filled_in(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for one in values(manifests, *CHARTS):
        template = text(one.at(_CONFIG))
        if _INSERTED.search(template) and _conditions_hold(one, template) and parsed(with_holes(template)) is not None:
            filled = _INSERTED.sub(lambda found, one=one: _inserted(one, found), template)  # type: ignore[misc]
            if parsed(with_holes(filled)) is None:
                yield error(
                    one.where(_CONFIG),
                    "with the values that it inserts, it is not YAML",
                    "indent what follows an inserted value as that value's keys are",
                )


def _conditions_hold(one: Values, template: str) -> bool:
    """Whether all parts of the template are there: each condition is a value that is set."""
    conditions = [_VALUE.fullmatch(found["what"]) for found in _CONDITION.finditer(template)]
    return all(found is not None and one.at(*found[1].split(".")) for found in conditions)


def _inserted(one: Values, found: re.Match[str]) -> str:
    value = one.at(*found["path"].split("."))
    # Of what stands in the chart's own values nothing is known.
    if not value:
        return found[0]
    return "\n" + textwrap.indent(yaml.safe_dump(value), " " * int(found["depth"])).rstrip()

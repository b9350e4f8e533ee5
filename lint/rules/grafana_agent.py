"""Grafana Agent in its static mode, whose configuration may send spans to Tempo."""

import re
from collections.abc import Iterator

from lint.facts import Facts
from lint.findings import Fault, Severity, warning
from lint.objects import Manifests, Object, Path, at, mapping, parsed, sequence, strings
from lint.rule import rule

# The form in which Kubernetes has variables in the fields of a container.
_OF_KUBERNETES = re.compile(r"\$\([\w.-]+\)")


@rule(
    code="N25",
    title="Grafana Agent does not replace a variable",
    levels=(Severity.WARNING,),
    why=(
        "`$(NAME)` is Kubernetes' form of a variable, for `args` and `env` of a container. Grafana Agent replaces "
        "`${NAME}` in its configuration, and that only with the argument `-config.expand-env`: it sends `$(NAME)` "
        "as it is, for instance as the password."
    ),
    remedy="Write `${NAME}`, start the agent with `-config.expand-env`, and set the variable in its container.",
    example="""
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: agent, namespace: tracing-system}
        data:
          agent.yaml: |
            traces:
              configs:
                - name: default
                  receivers: {otlp: {protocols: {grpc: {}}}}
                  remote_write: [{endpoint: "tempo.example.com:443", basic_auth: {password: $(PASSWORD)}}]
    """,
    source="https://grafana.com/docs/agent/latest/static/configuration/#variable-substitution",
    reads_variables=True,
)
def variable_that_the_agent_does_not_replace(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for obj, path, config in _agents(manifests):
        for place, found in strings(at(config, "traces"), ("traces",)):
            variable = _OF_KUBERNETES.search(found)
            if variable:
                yield warning(
                    obj.where(*path, *place),
                    "this form is Kubernetes' own, and the agent takes it as it is",
                    "write ${NAME}, and start the agent with -config.expand-env",
                )


def _agents(manifests: Manifests) -> Iterator[tuple[Object, Path, object]]:
    for obj in manifests.of("", "ConfigMap", "Secret"):
        for path, content in obj.documents():
            # Parsing each text of each ConfigMap would take long.
            config = parsed(content) if "remote_write" in content and "traces" in content else None
            if _is_agent(config):
                yield obj, path, config
    for obj in manifests.documents():
        if _is_agent(obj.raw):
            manifests.recognise(obj)
            yield obj, (), obj.raw


def _is_agent(config: object) -> bool:
    entries = [mapping(one) for one in sequence(at(config, "traces", "configs"))]
    return any("receivers" in one and "remote_write" in one for one in entries)

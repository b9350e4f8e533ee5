"""Examples for lint/rules/grafana_agent.py."""

from cases.base import Example, replaced

_AGENT = """
apiVersion: v1
kind: ConfigMap
metadata: {name: agent, namespace: tracing-system}
data:
  agent.yaml: |
    traces:
      configs:
        - name: default
          receivers: {otlp: {protocols: {grpc: {}}}}
          remote_write: [{endpoint: "tempo.example.com:443", basic_auth: {username: $(USER), password: secret}}]
"""

EXAMPLES = {
    "variable_that_the_agent_does_not_replace": Example(
        'warning N25 ConfigMap tracing-system/agent: data["agent.yaml"].traces.configs[0].remote_write[0]'
        ".basic_auth.username",
        wrong=_AGENT,
        right=replaced(_AGENT, "$(USER)", "${USER}"),
    ),
}

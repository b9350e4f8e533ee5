"""Where Tempo listens, and where several of its pods keep traces."""

from collections.abc import Callable

import pytest
from tempo_manifests import config_map, release

Codes = Callable[..., list[str]]

LOCAL = "storage: {trace: {backend: local, local: {path: /var/tempo/blocks}}}\n"
WORKLOAD = """
apiVersion: apps/v1
kind: {kind}
metadata: {{name: tempo, namespace: obs}}
spec:
  replicas: {replicas}
  template:
    spec:
      containers: [{{name: tempo, image: "grafana/tempo:2.10.8"}}]
      volumes: [{{name: conf, configMap: {{name: tempo}}}}{volume}]
"""


@pytest.mark.parametrize(
    ("server", "receivers", "expected"),
    [
        ("http_listen_port: 3200", "otlp: {protocols: {grpc: {endpoint: '0.0.0.0:3200'}}}", ["error N31"]),
        ("grpc_listen_port: 4317", "otlp: {protocols: {grpc: {endpoint: ':4317'}}}", ["error N31"]),
        ("", "otlp: {protocols: {grpc: {endpoint: ':4317'}, http: {endpoint: ':4317'}}}", ["error N31"]),
        ("http_listen_port: 3200", "otlp: {protocols: {grpc: {endpoint: ':4317'}, http: {endpoint: ':4318'}}}", []),
        ("http_listen_port: 6831", "jaeger: {protocols: {thrift_compact: {endpoint: ':6831'}}}", []),
        ("http_listen_port: 3200", "otlp: {protocols: {grpc: {endpoint: '${HOST}'}}}", []),
        ("http_listen_port: 3200", "otlp: {protocols: {grpc: {}}}", ["warning N31"]),
    ],
)
def test_each_listener_of_tempo_has_a_port_of_its_own(
    codes: Codes, server: str, receivers: str, expected: list[str]
) -> None:
    assert codes(f"server: {{{server}}}\ndistributor: {{receivers: {{{receivers}}}}}\n{LOCAL}") == expected


@pytest.mark.parametrize(
    ("receivers", "expected"),
    [
        ("zipkin:", ["warning N31"]),
        ("otlp: {protocols: {grpc: {}, http: {endpoint: '0.0.0.0:4318'}}}", ["warning N31"]),
        ("otlp: {protocols: {grpc: {endpoint: '127.0.0.1:4317'}}}", ["warning N31"]),
        ("otlp: {protocols: {grpc: {endpoint: '0.0.0.0:4317'}}}, opencensus:", ["warning N31"]),
    ],
)
def test_a_file_of_its_own_is_judged_by_the_newest_tempo(codes: Codes, receivers: str, expected: list[str]) -> None:
    assert codes(f"distributor: {{receivers: {{{receivers}}}}}\n{LOCAL}") == expected


@pytest.mark.parametrize(
    ("kind", "replicas", "volume", "expected"),
    [
        ("StatefulSet", 1, "", []),
        ("StatefulSet", 3, "", ["warning N31"]),
        ("Deployment", 2, "", ["warning N31"]),
        ("Deployment", 2, ", {name: data, persistentVolumeClaim: {claimName: tempo}}", []),
        ("Deployment", "'${REPLICAS}'", "", []),
    ],
)
def test_a_local_store_is_one_of_a_single_pod(
    codes: Codes, kind: str, replicas: object, volume: str, expected: list[str]
) -> None:
    runs = WORKLOAD.format(kind=kind, replicas=replicas, volume=volume)
    assert codes(f"{config_map(LOCAL)}\n---\n{runs}") == expected


@pytest.mark.parametrize(
    ("chart", "values", "expected"),
    [
        ("tempo", "tempo: {storage: {trace: {backend: local}}}", []),
        ("tempo", "{replicas: 2, tempo: {storage: {trace: {backend: local}}}}", ["warning N31"]),
        ("tempo", "{replicas: 2, tempo: {storage: {trace: {backend: s3}}}}", []),
        (
            "tempo-distributed",
            "{storage: {trace: {backend: local}}, traces: {otlp: {grpc: {enabled: true}}}}",
            ["warning N31"],
        ),
    ],
)
def test_the_pods_of_a_chart_do_not_share_a_disk(codes: Codes, chart: str, values: str, expected: list[str]) -> None:
    assert codes(release(chart, values)) == expected


PROBED = """
apiVersion: v1
kind: ConfigMap
metadata: {{name: tempo, namespace: obs}}
data:
  tempo.yaml: |
    server: {{http_listen_port: 3200}}
    internal_server: {internal}
    distributor: {{receivers: {{otlp: {{protocols: {{grpc: {{endpoint: ":4317"}}}}}}}}}}
    storage: {{trace: {{backend: local, local: {{path: /var/tempo/blocks}}}}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: tempo, namespace: obs}}
spec:
  template:
    spec:
      containers:
        - name: tempo
          image: grafana/tempo:2.10.8
          readinessProbe: {{httpGet: {{path: /ready, port: {port}}}}}
      volumes: [{{name: conf, configMap: {{name: tempo}}}}]
"""


@pytest.mark.parametrize(
    ("internal", "port", "expected"),
    [
        ("{enable: true}", 3101, []),
        ("{enable: true, http_listen_port: 3102}", 3102, []),
        ("{enable: true}", 3200, []),
        ("{enable: true}", 3100, ["error N31"]),
        ("{enable: false}", 3101, ["error N31"]),
    ],
)
def test_a_probe_may_ask_the_server_that_is_meant_for_it(
    codes: Codes, internal: str, port: int, expected: list[str]
) -> None:
    assert codes(PROBED.format(internal=internal, port=port)) == expected

"""Tempo and Grafana's view of it, beside a Prometheus that is there already."""

import sys
from pathlib import Path

import pulumi
import pulumi_kubernetes as k8s

sys.path.append(str(Path(__file__).resolve().parents[2]))

from components import GrafanaTempoDatasource, GrafanaTempoDatasourceArgs, TempoStack, TempoStackArgs
from model import Grafana, Storage, Tempo

prometheus = pulumi.Config().require("prometheusUrl")
namespace = k8s.core.v1.Namespace("traces", metadata={"name": "traces"})
inside = pulumi.ResourceOptions(depends_on=[namespace])

storage = Storage(backend="memory", size="100Mi")
settings = Tempo(namespace="traces", storage=storage, retention="1h")
write_url = f"{prometheus}/api/v1/write"
tempo = TempoStack("tempo", TempoStackArgs(tempo=settings, remote_write_url=write_url), inside)

args = GrafanaTempoDatasourceArgs(
    grafana=Grafana(namespace="traces"), tempo_url=tempo.query_url, prometheus_url=prometheus
)
datasource = GrafanaTempoDatasource("datasource", args, inside)

pulumi.export("tempo_url", tempo.query_url)
pulumi.export("dashboard_uid", datasource.dashboard_uid)

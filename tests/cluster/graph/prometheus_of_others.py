"""A Prometheus that somebody else runs, in a namespace of its own; what it has lives as long as its pod."""

from collections.abc import Mapping
from typing import Any

import yaml
from embedded import Host
from faults import apply

MONITORING = "monitoring"
URL = f"http://prometheus.{MONITORING}.svc.cluster.local:9090"
RECEIVER = "--web.enable-remote-write-receiver"
_LABELS = {"app": "prometheus"}
_META = {"name": "prometheus", "namespace": MONITORING, "labels": _LABELS}


def deploy(host: Host, config: Mapping[str, Any], *flags: str) -> None:
    """Start it with ``config`` and further ``flags``, or start it anew with them, and wait until it serves."""
    apply(host, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": MONITORING}})
    text = yaml.safe_dump(dict(config))
    apply(host, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": _META, "data": {"prometheus.yml": text}})
    ports = {"selector": _LABELS, "ports": [{"port": 9090}]}
    apply(host, {"apiVersion": "v1", "kind": "Service", "metadata": _META, "spec": ports})
    apply(host, {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": _META, "spec": _deployment(text, flags)})
    serves(host)


def serves(host: Host) -> None:
    host.kubectl("rollout", "status", "-n", MONITORING, "deployment/prometheus", "--timeout=120s")


def remove(host: Host) -> None:
    host.kubectl("delete", "namespace", MONITORING)


def _deployment(config: str, flags: tuple[str, ...]) -> dict[str, Any]:
    container = {
        "name": "prometheus",
        "image": "quay.io/prometheus/prometheus:v3.13.5",
        "args": ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus", *flags],
        "ports": [{"name": "http", "containerPort": 9090}],
        "readinessProbe": {"httpGet": {"path": "/-/ready", "port": "http"}, "periodSeconds": 2},
        "volumeMounts": [
            {"name": "config", "mountPath": "/etc/prometheus"},
            {"name": "data", "mountPath": "/prometheus"},
        ],
    }
    pod = {
        "terminationGracePeriodSeconds": 1,
        "containers": [container],
        "volumes": [{"name": "config", "configMap": {"name": "prometheus"}}, {"name": "data", "emptyDir": {}}],
    }
    return {
        "selector": {"matchLabels": _LABELS},
        "strategy": {"type": "Recreate"},
        # It reads its configuration when it starts.
        "template": {"metadata": {"labels": _LABELS, "annotations": {"config": config}}, "spec": pod},
    }

"""A Prometheus that takes the service graph from Tempo by remote write, with exemplars, and scrapes the hops."""

import re
from collections.abc import Mapping
from typing import Any

import yaml
from pydantic import Field

from model import Mesh, Platform, Prometheus
from model.scalars import Name
from objects import manifests
from objects.addresses import CERT_MANAGER, GRAPH_JOB, PROMETHEUS, PROMETHEUS_PORT
from objects.alerts.rules import build_rules
from objects.alerts.watched import Watched
from objects.context import PART_OF, Args, Object
from objects.digest import digest
from objects.metrics import BUCKETS_AS_WRITTEN, JOB_AS_SCRAPED, SERVICE_AS_COUNTED
from objects.pod_security import run_as
from objects.rollout import Rollout

# Beside prometheus.yml.
_RULES = "rules.yml"
# That of the image, which gives only its name.
_USER = 65534
# From this release on native histograms need no feature flag, and scraping them is a setting that older ones refuse.
_HISTOGRAMS_WITHOUT_FLAG = (3, 9)
_RELEASE = re.compile(r":v?(?P<major>\d+)\.(?P<minor>\d+)")
# What an existing Prometheus scrapes from ours: what graph, dashboard and alerts ask for; and what the check in the
# cluster writes, if there is one.
_FEDERATED = [
    '{__name__=~"traces_.+"}',
    '{__name__=~"otelcol_.+"}',
    '{__name__=~"tempo_(discarded|distributor|metrics_generator)_.+"}',
    '{__name__=~"prometheus_remote_storage_samples_(failed|retried)_total",job=~"tempo.*"}',
    '{__name__=~"mesh_tracing_verify_.+"}',
]


class PrometheusArgs(Args):
    """Arguments of ``Prometheus``."""

    prometheus: Prometheus = Field(default=Prometheus(), description="Prometheus and its volume.")
    namespace: Name = Field(default=Mesh().namespace, description="Its namespace.")
    scrape: dict[str, str] = Field(
        default={}, description="By each scrape job's name, the DNS name of an SRV record that lists its pods."
    )
    encrypted: list[str] = Field(default=[], description="Those jobs whose pods serve TLS, by a private authority.")
    sample_limit: int | None = Field(
        default=None, description="How many series of the graph it takes from a collector; none means any number."
    )
    cert_manager: str | None = Field(
        default=None, description="Host and port at which the cert-manager of the program tells of its certificates."
    )
    watched: Watched | None = Field(default=None, description="What it alerts about; none: nothing.")
    platform: Platform = Field(default="kubernetes", description="What the cluster is.")
    protect_data: bool = Field(default=False, description="Refuse to delete the volume, if there is one.")


def build_prometheus(args: PrometheusArgs) -> dict[str, Object]:
    """The objects of ``manifests/prometheus.yaml`` as the settings want them."""
    files = _files(args)
    built = {}
    for manifest in manifests.load("prometheus.yaml"):
        labels = args.context.labels(PROMETHEUS)
        placed = manifests.place(manifest, namespace=args.namespace, labels=labels, context=args.context)
        if placed["kind"] == "ConfigMap":
            placed = {**placed, "data": {name: yaml.safe_dump(content) for name, content in files.items()}}
        elif placed["kind"] == "Deployment":
            placed = _complete_deployment(run_as(placed, _USER, args.platform), args, digest(files))
        elif placed["kind"] == "PersistentVolumeClaim":
            if args.prometheus.storage is None:
                continue
            placed = manifests.sized(placed, args.prometheus.storage)
        built[manifests.role(placed)] = placed
    existing = args.prometheus.existing
    if existing is not None and existing.method == "scrape":
        built["monitor"] = _monitor(existing.monitor_labels, args)
    return built


def _monitor(labels: Mapping[str, str], args: PrometheusArgs) -> Object:
    """What makes the operator of an existing Prometheus scrape from ours what the graph and the dashboard show."""
    endpoint = {
        "port": "http",
        "path": "/federate",
        "params": {"match[]": _FEDERATED},
        "interval": args.prometheus.scrape_interval,
        "honorLabels": True,
        "metricRelabelings": [*SERVICE_AS_COUNTED, *JOB_AS_SCRAPED],
    }
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "ServiceMonitor",
        "metadata": args.context.metadata(PROMETHEUS, args.namespace, labels=labels),
        "spec": {
            "selector": {"matchLabels": {"app.kubernetes.io/name": PROMETHEUS, "app.kubernetes.io/part-of": PART_OF}},
            "endpoints": [endpoint],
        },
    }


def prometheus_rollout(args: PrometheusArgs) -> Rollout:
    """Its Deployment. Between the old pod and the new one it has none, which the provider takes for the end."""
    return Rollout(
        title="Prometheus",
        namespace=args.namespace,
        workloads=(PROMETHEUS,),
        seconds=args.context.timeouts.prometheus,
        annotation=None,
    )


def _files(args: PrometheusArgs) -> dict[str, Any]:
    """The content of its files: beside its configuration, the rules, if it has any."""
    config = _config(args)
    if args.watched is None:
        return {"prometheus.yml": config}
    return {"prometheus.yml": {**config, "rule_files": [_RULES]}, _RULES: build_rules(args.watched)}


def _config(args: PrometheusArgs) -> dict[str, Any]:
    """The content of prometheus.yml, without its rules."""
    prometheus = args.prometheus
    interval = prometheus.scrape_interval
    # Asked as often as scraped: by default a new pod is found after half a minute.
    pods = [
        {
            "job_name": job,
            "dns_sd_configs": [{"names": [record], "refresh_interval": interval}],
            # Each pod is scraped at its address, for which it has no certificate.
            **({"scheme": "https", "tls_config": {"insecure_skip_verify": True}} if job in args.encrypted else {}),
            **(_of_graph(args) if job == GRAPH_JOB else {}),
        }
        for job, record in args.scrape.items()
    ]
    certificates = (
        [{"job_name": CERT_MANAGER, "static_configs": [{"targets": [args.cert_manager]}]}] if args.cert_manager else []
    )
    itself = {"job_name": PROMETHEUS, "static_configs": [{"targets": [f"localhost:{PROMETHEUS_PORT}"]}]}
    settings: dict[str, Any] = {"scrape_interval": interval}
    if prometheus.native_histograms and not _needs_flag(prometheus.image):
        settings["scrape_native_histograms"] = True
    return {
        "global": settings,
        "scrape_configs": [itself, *pods, *certificates],
    }


def _of_graph(args: PrometheusArgs) -> dict[str, Any]:
    """How the graph is scraped that collectors have made; whatever they do, a scrape with more series is refused."""
    limited = {} if args.sample_limit is None else {"sample_limit": args.sample_limit}
    return {"metric_relabel_configs": [BUCKETS_AS_WRITTEN], **limited}


def _needs_flag(image: str) -> bool:
    """Whether native histograms need the feature flag; a tag without a release may; it never hurts."""
    match = _RELEASE.search(image)
    return match is None or (int(match["major"]), int(match["minor"])) < _HISTOGRAMS_WITHOUT_FLAG


def _complete_deployment(manifest: Object, args: PrometheusArgs, config_hash: str) -> Object:
    """``manifest`` as the settings want it; the hash restarts the pod for a new configuration."""
    prometheus = args.prometheus
    spec = manifest["spec"]
    template = spec["template"]
    pod = template["spec"]
    (container,) = pod["containers"]
    flags = [*container["args"], f"--storage.tsdb.retention.time={prometheus.retention}"]
    if prometheus.native_histograms and _needs_flag(prometheus.image):
        # Without this feature the receiver answers a write that has native histograms with an error.
        flags.append("--enable-feature=native-histograms")
    container = {
        **container,
        "image": args.context.image(prometheus.image),
        "args": flags,
        "resources": prometheus.resources.to_kubernetes(),
    }
    pod = {**pod, "containers": [container]}
    if prometheus.storage is None:
        pod["volumes"] = [
            {"name": volume["name"], "emptyDir": {}} if "persistentVolumeClaim" in volume else volume
            for volume in pod["volumes"]
        ]
    elif prometheus.storage.fs_group is not None:
        pod["securityContext"] = {**pod["securityContext"], "fsGroup": prometheus.storage.fs_group}
    template = {
        "metadata": {
            **template["metadata"],
            "annotations": {"checksum/config": config_hash},
        },
        "spec": pod,
    }
    return {**manifest, "spec": {**spec, "template": template}}

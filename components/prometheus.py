"""A Prometheus that takes the service graph from Tempo by remote write, with exemplars.

It also scrapes the hops on the way (istiod, the collector, Tempo), so that a broken one can be told
from a slow one. It is not a monitoring system for the cluster.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import yaml

import model
from components import _manifests
from components._addresses import PROMETHEUS, PrometheusAddress
from components._package import PACKAGE, labels, once_ready, within
from components._restart import digest

_SELF = "localhost:9090"


@dataclass(frozen=True, kw_only=True)
class PrometheusArgs:
    """``scrape`` maps a job's name to the address of its only target.

    ``protect_data`` keeps the volume, if there is one, from being deleted.
    """

    prometheus: model.Prometheus
    address: PrometheusAddress
    scrape: Mapping[str, str]
    protect_data: bool
    timeout_seconds: int


class Prometheus(pulumi.ComponentResource):
    """A Prometheus that is serving; its URLs carry the wait for it."""

    query_url: pulumi.Output[str]
    write_url: pulumi.Output[str]

    def __init__(self, name: str, args: PrometheusArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"{PACKAGE}:Prometheus", name, None, opts)

        before_the_pod: list[pulumi.Resource] = []
        for manifest in build_manifests(args):
            if manifest["kind"] == "Deployment":
                deployment = manifest
                continue
            # CRITICAL: another logical name for the claim would delete every sample.
            protect = args.protect_data and manifest["kind"] == "PersistentVolumeClaim"
            opts = pulumi.ResourceOptions(parent=self, protect=protect, custom_timeouts=within(args.timeout_seconds))
            before_the_pod.append(_manifests.create(manifest, prefix=name, opts=opts))
        self._deployment = _manifests.create(
            deployment,
            prefix=name,
            opts=pulumi.ResourceOptions(
                parent=self,
                # The pod mounts the configuration and the volume, and runs as the account.
                depends_on=before_the_pod,
                custom_timeouts=within(args.timeout_seconds),
            ),
        )

        self.query_url = once_ready(args.address.query_url, self._deployment)
        self.write_url = once_ready(args.address.write_url, self._deployment)
        self.register_outputs({"query_url": self.query_url, "write_url": self.write_url})


def build_manifests(args: PrometheusArgs) -> list[_manifests.Manifest]:
    """The objects of ``manifests/prometheus.yaml`` as the settings want them."""
    config = build_config(args.scrape, args.prometheus.scrape_interval)
    placed = [
        _manifests.place(obj, namespace=args.address.namespace, labels=labels(PROMETHEUS))
        for obj in _manifests.load("prometheus.yaml")
    ]
    completed = []
    for obj in placed:
        if obj["kind"] == "ConfigMap":
            completed.append({**obj, "data": {"prometheus.yml": yaml.safe_dump(config)}})
        elif obj["kind"] == "Deployment":
            completed.append(complete_deployment(obj, args.prometheus, digest(config)))
        elif obj["kind"] == "PersistentVolumeClaim":
            if args.prometheus.storage is not None:
                completed.append(_manifests.sized(obj, args.prometheus.storage))
        else:
            completed.append(obj)
    return completed


def build_config(scrape: Mapping[str, str], interval: str) -> dict[str, Any]:
    """The content of prometheus.yml."""
    jobs = {PROMETHEUS: _SELF, **scrape}
    return {
        "global": {"scrape_interval": interval},
        "scrape_configs": [
            {"job_name": job, "static_configs": [{"targets": [target]}]} for job, target in jobs.items()
        ],
    }


def complete_deployment(
    manifest: _manifests.Manifest, prometheus: model.Prometheus, config_hash: str
) -> _manifests.Manifest:
    """``manifest`` as the settings want it; the hash restarts it for a new configuration."""
    spec = manifest["spec"]
    template = spec["template"]
    pod = template["spec"]
    (container,) = pod["containers"]
    args = [*container["args"], f"--storage.tsdb.retention.time={prometheus.retention}"]
    if prometheus.native_histograms:
        # Without it the receiver answers a write that has any with an error.
        args.append("--enable-feature=native-histograms")
    container = {
        **container,
        "image": prometheus.image,
        "args": args,
        "resources": prometheus.resources.to_kubernetes(),
    }
    pod = {**pod, "containers": [container]}
    if prometheus.storage is None:
        pod["volumes"] = [
            {"name": volume["name"], "emptyDir": {}} if "persistentVolumeClaim" in volume else volume
            for volume in pod["volumes"]
        ]
    elif prometheus.storage.fs_group is not None:
        pod["securityContext"] = {"fsGroup": prometheus.storage.fs_group}
    template = {
        "metadata": {
            **template["metadata"],
            "annotations": {"checksum/config": config_hash},
        },
        "spec": pod,
    }
    return {**manifest, "spec": {**spec, "template": template}}

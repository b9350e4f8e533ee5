"""What is known about the cluster beyond the objects."""

import datetime
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Facts:
    """``None`` is unknown: a check that depends on it then reports nothing, or only a warning.

    ``istio_revisions`` are the control planes and tags that exist already; ``root_namespace`` is read from the objects
    when it is not given; ``today`` is the day for which releases and hosts are judged.
    """

    platform: Literal["openshift", "kubernetes"] | None = None
    tempo_operator_version: str | None = None
    opentelemetry_operator_version: str | None = None
    collector_version: str | None = None
    root_namespace: str | None = None
    istio_revisions: frozenset[str] | None = None
    cluster_domain: str = "cluster.local"
    prometheus_remote_write_receiver: bool | None = None
    prometheus_native_histograms: bool | None = None
    prometheus_uid: str | None = None
    bucket_is_created: bool | None = None
    today: datetime.date | None = None

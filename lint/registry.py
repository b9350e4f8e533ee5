"""All checks, and the loop that runs them."""

from collections.abc import Sequence
from dataclasses import dataclass

from lint import (
    collector,
    control_plane,
    grafana,
    hosts,
    injection,
    kiali,
    monitors,
    object_store,
    providers,
    releases,
    remote_write,
    telemetry,
    tempo,
)
from lint._objects import Manifests, printable
from lint.facts import Facts
from lint.findings import Finding, Severity
from lint.rule import Rule


@dataclass(frozen=True)
class Check:
    """A rule under the code that its findings have; a code may have several rules."""

    code: str
    rule: Rule


CHECKS: tuple[Check, ...] = (
    Check("N1", telemetry.sampling_inside_provider),
    Check("N2", telemetry.provider_that_the_mesh_lacks),
    Check("N3", providers.service_without_full_name),
    Check("N3", providers.service_that_is_not_there),
    Check("N3", providers.port_that_is_not_served),
    Check("N4", providers.port_that_is_not_http2),
    Check("N4", collector.route_ingress),
    Check("N5", tempo.generator_without_path),
    Check("N5", tempo.generator_outside_its_volume),
    Check("N5", tempo.processors_not_switched_on),
    Check("N6", tempo.mixed_overrides),
    Check("N7", remote_write.prometheus_without_receiver),
    Check("N8", remote_write.port_closed_by_network_policy),
    Check("N9", kiali.grpc_to_monolithic_tempo),
    Check("N10", injection.label_without_default_revision),
    Check("N10", injection.contradicting_labels),
    Check("N11", control_plane.openshift_without_cni),
    Check("N11", control_plane.cni_with_another_name),
    Check("N11", control_plane.cni_of_another_version),
    Check("N12", collector.metrics_address),
    Check("N13", object_store.endpoint_without_scheme),
    Check("N13", object_store.region_beside_endpoint),
    Check("N13", object_store.tls_unlike_the_endpoint),
    Check("N13", object_store.authority_without_tls),
    Check("N13", object_store.bucket_that_nobody_creates),
    Check("N13", object_store.image_of_minio),
    Check("N14", telemetry.mesh_wide_outside_root_namespace),
    Check("N15", grafana.service_map_without_prometheus),
    Check("N15", grafana.traces_to_metrics_without_prometheus),
    Check("N15", grafana.exemplars_without_tempo),
    Check("N16", remote_write.native_histograms_only),
    Check("N16", remote_write.feature_flag_without_effect),
    Check("N17", tempo.variable_that_stays_literal),
    Check("N18", control_plane.unpinned_version),
    Check("N18", releases.end_of_support),
    Check("N18", releases.faulty_release),
    Check("N18", releases.ingress_class_of_ingress_nginx),
    Check("N19", injection.sidecar_in_collector),
    Check("N20", tempo.generator_that_the_operator_ignores),
    Check("N21", monitors.doubled_backslash),
    Check("N22", hosts.retired_host),
    Check("N22", hosts.retired_default_hub),
    Check("N23", providers.service_names_by_semantic_conventions),
)


def examine(manifests: Manifests, facts: Facts, checks: Sequence[Check] = CHECKS) -> list[Finding]:
    """Return what ``checks`` find in ``cluster``: errors first, then by code and place."""
    found = {
        Finding(check.code, fault.severity, printable(fault.where), printable(fault.why), printable(fault.remedy))
        for check in checks
        for fault in check.rule.find(manifests, facts)
    }
    return sorted(found, key=_order)


def _order(finding: Finding) -> tuple[bool, int, str, str, str]:
    number = int(finding.code.removeprefix("N"))
    return finding.severity is not Severity.ERROR, number, finding.where, finding.why, finding.remedy

"""Faults that people really made: small manifests outside the project, each with what is right to say of it."""

from pathlib import Path

import pytest
import yaml

import lint

CASES = Path(__file__).parents[4] / "shared" / "cases"
# The codes that are right, beside what dates say of the releases in the manifests.
RIGHT: dict[str, set[str]] = {
    "00_base_ok": set(),
    "01_two_root_telemetries": {"N27"},
    "02_namespace_disables": set(),
    "03_sidecar_hides_collector": {"N28"},
    "03b_exportto": {"N28"},
    "04_discovery_selectors": {"N28"},
    "05_exporter_without_insecure": {"N24"},
    "05b_receiver_tls_exporter_plain": {"N24"},
    "06a_exporter_9095": {"N24"},
    "06c_stack_without_distributor": {"N24"},
    "06d_otlphttp_on_grpc_port": {"N24"},
    "07_undefined_processor": {"N25"},
    "09_tail_sampling": {"N26"},
    "10_generator_tmp": {"N5"},
    "11b_processor_misplaced": {"N31"},
    "12_tempo3_compactor": {"N31"},
    # Its receiver is bound to localhost, too.
    "13_plain_tempo_generator": {"N5", "N7", "N31"},
    # Prometheus 3 has no such flag, too.
    "14_prometheus_feature_flag": {"N7", "N16"},
    "15_multitenant_monolithic": {"N24"},
    "15b_multitenant_stack": {"N24"},
    "17_two_defaults": {"N33"},
    "18_grafana_other_namespace": {"N33"},
    "19_datasource_port": {"N33"},
    "20_ambient_without_waypoint": {"N29"},
    "21_other_provider_short_host": {"N3"},
    "22_port_named_otlp": {"N4"},
    "23_wildcard_mutual": {"N28"},
    "24_provider_lost": {"N2", "N3"},
    "25_kiali_old_key": set(),
    # It names two components that are not configured.
    "27_plain_collector_address": {"N12", "N25"},
    "30_nulls": set(),
    "31_flux_helmrelease": {"N2", "N3"},
    "32_values": {"N3"},
    "35_root_selector": {"N27"},
    "36_only_debug": {"N25"},
    # Unwise at most, which is advice.
    "37_limiter_last": set(),
    "38_provider_not_for_tracing": {"N27"},
    "38b_builtin_envoy": {"N27"},
    "39_minio_docker_hub": {"N13"},
    "41_name_in_other_case": set(),
}


@pytest.mark.skipif(not CASES.is_dir(), reason=f"{CASES} is not there: the cases from the field are not checked")
@pytest.mark.parametrize("name", RIGHT)
def test_a_case_from_the_field_is_judged_as_is_right(name: str) -> None:
    documents = yaml.safe_load_all((CASES / f"{name}.yaml").read_text())
    findings = lint.check([document for document in documents if document is not None])
    assert {finding.code for finding in findings if finding.severity is not lint.Severity.ADVICE} - {
        "N18",
        "N22",
    } == RIGHT[name]


@pytest.mark.skipif(not CASES.is_dir(), reason=f"{CASES} is not there: the cases from the field are not checked")
def test_no_case_from_the_field_is_left_out() -> None:
    assert {file.stem for file in CASES.glob("*.yaml")} == RIGHT.keys()

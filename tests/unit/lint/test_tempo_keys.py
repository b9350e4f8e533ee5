"""The keys that a release of Tempo knows."""

from collections.abc import Callable

import pytest
from tempo_manifests import PLAIN, config_map, together, workload

import lint
from lint.tempo_keys import knows, nearest_place, releases

Codes = Callable[..., list[str]]
CheckYaml = Callable[..., list[lint.Finding]]


@pytest.mark.parametrize(
    ("config", "remedy"),
    [
        ("metrics_generator: {storge: {path: /wal}}", "write storage"),
        ("metrics_generator: {service_graphs: {}}", "move it to metrics_generator.processor.service_graphs"),
        ("receivers: {otlp: {}}", "move it to distributor.receivers"),
        ("distributor: {xyz: 1}", "leave it out"),
        ("memberlist: {join_memberz: [a]}", "write join_members"),
    ],
)
def test_a_refused_key_has_a_remedy(check_yaml: CheckYaml, config: str, remedy: str) -> None:
    storage = 'storage: {trace: {backend: s3, s3: {endpoint: "https://s3.example.com", bucket: traces}}}\n'
    (finding,) = check_yaml(storage + config)
    assert (finding.code, finding.remedy) == ("N31", remedy)


def test_what_is_below_a_receiver_is_not_tempos(codes: Codes) -> None:
    assert codes(config_map(PLAIN.replace("grpc: {", "grpc: {max_recv_msg_size_mib: 8, "))) == []


def test_a_key_that_is_put_in_later_is_not_judged(codes: Codes) -> None:
    assert codes(config_map(PLAIN + '"${SECTION}": {}\n')) == []


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("grafana/tempo:2.10.1", []),
        ("registry.example.com/mirror/tempo:v2.6.0", []),
        ("grafana/tempo:3.0.3", ["error N31"]),
        ("grafana/tempo:3.7.0", ["warning N31"]),
        ("grafana/tempo:latest", ["error N31"]),
        ("grafana/tempo:main-abcdef", []),
        ("grafana/tempo@sha256:0000", []),
        ("grafana/tempo-query:3.0.3", []),
    ],
)
def test_the_image_decides_which_keys_are_known(codes: Codes, image: str, expected: list[str]) -> None:
    assert codes(together(config_map(PLAIN + "compactor: {}\n"), workload(image))) == expected


def test_a_configuration_without_a_namespace_is_that_of_the_tempo_that_mounts_it(codes: Codes) -> None:
    nowhere = config_map(PLAIN + "compactor: {}\n").replace(", namespace: obs", "")
    assert codes(together(nowhere, workload("grafana/tempo:2.10.1"))) == []
    assert codes(together(nowhere, workload("grafana/tempo:3.0.3"))) == ["error N31"]


def test_a_configuration_for_a_release_that_is_not_known_is_right_if_one_takes_it(codes: Codes) -> None:
    assert codes(config_map(PLAIN + "ingester: {max_block_duration: 5m}\n")) == []
    assert codes(config_map(PLAIN + "live_store: {}\nbackend_worker: {}\n")) == []


def test_keys_that_no_release_has_together_are_a_warning(codes: Codes) -> None:
    assert codes(config_map(PLAIN + "ingester: {}\nlive_store: {}\nmemory: {}\nspan_profiling: true\n")) == [
        "warning N31"
    ]


def test_of_two_tempos_that_mount_it_none_decides(codes: Codes) -> None:
    two = (workload("grafana/tempo:3.0.3", "new"), workload("grafana/tempo:2.10.8", "old"))
    assert codes(together(config_map(PLAIN + "compactor: {}\n"), *two)) == []


def test_another_tempo_of_the_namespace_does_not_decide(codes: Codes) -> None:
    other = workload("grafana/tempo:3.0.3", "other", "{configMap: {name: another}}")
    both = together(config_map(PLAIN + "compactor: {}\n"), workload("grafana/tempo:2.10.8"), other)
    assert codes(both) == []


@pytest.mark.parametrize(("version", "expected"), [("0.21.0", []), ("0.16.0", ["error N31"]), (None, [])])
def test_a_release_of_the_operator_installs_one_of_tempo(
    codes: Codes, version: str | None, expected: list[str]
) -> None:
    tempo = """
apiVersion: tempo.grafana.com/v1alpha1
kind: TempoMonolithic
metadata: {name: tempo}
spec: {extraConfig: {tempo: {backend_worker: {}}}}
"""
    assert codes(tempo, tempo_operator_version=version) == expected


def test_the_enterprise_edition_has_further_keys(codes: Codes) -> None:
    assert codes(config_map(PLAIN + "license: {path: /license}\nadmin_api: {}\nauth: {type: enterprise}\n")) == []


def test_older_overrides_are_a_fault_of_tempo_3_only(codes: Codes) -> None:
    older = config_map(PLAIN + "overrides: {max_bytes_per_trace: 1}\n")
    accepted = config_map(PLAIN + "overrides: {max_bytes_per_trace: 1, enable_legacy_overrides: true}\n")
    flag = workload("grafana/tempo:3.0.3", more="args: [-config.enable-legacy-overrides=true]")
    assert codes(together(older, workload("grafana/tempo:3.0.3"))) == ["error N31"]
    assert codes(together(older, workload("grafana/tempo:2.10.8"))) == []
    assert codes(together(accepted, workload("grafana/tempo:3.0.3"))) == []
    assert codes(together(older, flag)) == []


def test_forwarders_are_a_key_of_both_formats_of_overrides(codes: Codes) -> None:
    assert codes(config_map(PLAIN + "overrides: {defaults: {forwarders: [a]}}\n")) == []


def test_the_recorded_releases_know_what_their_notes_say() -> None:
    known = {release for release, keys in releases().items() if knows(keys, ("overrides", "defaults"))}
    assert min(known) == (2, 3), "the newer format of overrides came with 2.3"
    with_ingester = {release for release, keys in releases().items() if knows(keys, ("ingester",))}
    assert max(with_ingester) == (2, 10), "Tempo 3 has live stores instead"


def test_a_key_belongs_where_its_parent_is_the_same() -> None:
    keys = releases()[(2, 10)]
    misplaced = ("overrides", "defaults", "metrics_generator", "storage")
    assert nearest_place(keys, misplaced) == ("metrics_generator", "storage")
    assert nearest_place(keys, ("distributor", "path")) is None, "there are many"

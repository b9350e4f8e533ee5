"""A stack on MinIO: an update does not take it away, it works as before, and it moves to SeaweedFS with its traces."""

import json
from typing import Any

import bucket
from embedded import OPTIONS, STACK, Host, eventually, prometheus_query, uids
from faults import FAULTS, PATIENCE, prove, report, start_tempo
from requests_with_traces import requests_with_traces, traced
from stages import Moved, Variant

BUCKET_IS_GONE = next(fault for fault in FAULTS if fault.name == "the bucket is gone")


def test_an_update_that_would_take_minio_away_is_refused_with_the_choices(refused: str) -> None:
    (line,) = (line for line in refused.splitlines() if "tempo.storage.s3.source was minio" in line)
    assert "set it to minio to stay" in line
    assert "tempo.storage.s3.moveFrom to minio" in line


def test_a_stack_that_stays_moves_over_with_updates_only(plan_of_staying: list[dict[str, Any]]) -> None:
    replaced = [step["urn"] for step in plan_of_staying if "replace" in step["op"] or "delete" in step["op"]]
    assert replaced == []


def test_every_object_of_it_is_still_the_same_one(on_minio: Variant, old_stack: dict[str, str]) -> None:
    now = uids(on_minio.host)
    assert {name: now.get(name) for name in old_stack} == old_stack


def test_afterwards_there_is_nothing_to_do_on_minio(on_minio: Variant) -> None:
    on_minio.project.pulumi("preview", "--stack", STACK, "--expect-no-changes", "--diff")


def test_a_trace_outlives_tempo_and_minio(on_minio: Variant) -> None:
    host = on_minio.host
    trace = bucket.stored_trace(host)
    bucket.restart(host, "minio")
    start_tempo(host)
    assert eventually(lambda: bucket.is_in_the_bucket(host, trace), bool, 60)


def test_new_keys_of_minio_are_in_use_after_one_update_and_no_span_is_lost(on_minio: Variant) -> None:
    new_keys_without_a_lost_span(on_minio)


def test_a_bucket_that_is_gone_from_minio_is_named_and_made_again(on_minio: Variant) -> None:
    found = report(on_minio.host, *PATIENCE)
    assert found["exit"] == 0, found["hops"]
    prove(on_minio.host, BUCKET_IS_GONE)


def test_a_move_copies_the_traces(moving: Moved) -> None:
    host = moving.variant.host
    assert bucket.secret_of_tempo(host) == "tempo-seaweedfs"
    # Or it finds the copies when it next looks.
    start_tempo(host)
    assert eventually(lambda: bucket.is_in_the_bucket(host, moving.trace), bool, 60)


def test_minio_stays_as_it_was_until_the_setting_is_taken_out(moving: Moved) -> None:
    now = uids(moving.variant.host)
    assert {name: now.get(name) for name in moving.minio} == moving.minio


def test_a_move_leaves_nothing_to_do(moving: Moved) -> None:
    moving.variant.project.pulumi("preview", "--stack", STACK, "--expect-no-changes", "--diff")


def test_without_the_setting_minio_goes_and_its_traces_stay(moving: Moved, moved: Host) -> None:
    assert [name for name in uids(moved) if "minio" in name or "tempo-copy" in name] == []
    assert bucket.is_in_the_bucket(moved, moving.trace)


def test_afterwards_there_is_nothing_to_do(moved: Host) -> None:
    moved.with_exports("pulumi", "preview", "--stack", STACK, "--expect-no-changes", "--diff")


def test_the_state_names_no_kubeconfig_of_a_person(moved: Host) -> None:
    state = moved.with_exports("pulumi", "stack", "export", "--stack", STACK).stdout
    (provider,) = (
        resource
        for resource in json.loads(state)["deployment"]["resources"]
        if resource["type"] == "pulumi:providers:kubernetes"
    )
    uid = json.loads(moved.kubectl("get", "namespace", "kube-system", "-o", "json"))["metadata"]["uid"]
    assert provider["inputs"]["kubeconfig"] == f".kubeconfig/{uid}"
    assert "context" not in provider["inputs"]


def test_new_keys_of_seaweedfs_are_in_use_after_one_update_and_no_span_is_lost(moving: Moved, moved: Host) -> None:
    moving.variant.configure()
    new_keys_without_a_lost_span(moving.variant)
    # As the checkout has it again.
    moved.local("deploy")


def new_keys_without_a_lost_span(variant: Variant) -> None:
    host, old = variant.host, variant.password()
    variant.password("another password")
    with requests_with_traces(host) as sent:
        variant.project.pulumi("up", *OPTIONS)
    assert len(sent) > 10
    # What the collector could not deliver at once, it sends again.
    assert eventually(lambda: traced(host, sent), lambda found: found == set(sent), 120) == set(sent)
    assert (bucket.status(host), bucket.status(host, PASSWORD=old)) == ("200", "403")
    lost = prometheus_query(host.address("prometheus"), 'sum({__name__=~"otelcol_exporter_send_failed_spans.*"})')
    assert [float(series["value"][1]) for series in lost if float(series["value"][1])] == []

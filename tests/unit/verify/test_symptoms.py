"""Each error of an exporter, and each reason for a discard, has one cause and one remedy that repairs it."""

import pytest
from verify_world import DEPLOYMENT, assert_is_command, deployment, part, restore, world

from verify.causes import Code
from verify.programs.exporters import Failure
from verify.programs.symptoms import of_discards, of_failure

RATE = (
    "rpc error: code = ResourceExhausted desc = RATE_LIMITED: ingestion rate limit (local: 40000000 bytes/s, global: "
    "40000000 bytes/s, burst: 20000000 bytes) exceeded while adding 1200 bytes for user single-tenant."
)
OVERRIDES = "pulumi config set --path tempo.extraConfig.overrides"
EXPORTER = "pulumi config set --path tracing.collector.extraConfig.exporters.otlp_grpc"


@pytest.mark.parametrize(
    ("error", "code", "remedy"),
    [
        (RATE, Code.RATE_LIMITED, f"{OVERRIDES}.defaults.ingestion.rate_limit_bytes 80000000 --stack local && "),
        ("desc = TRACE_TOO_LARGE: max size of trace", Code.TRACE_TOO_LARGE, f"{OVERRIDES}.defaults.global.max_bytes_"),
        ("LIVE_TRACES_EXCEEDED: max live", Code.SPANS_DISCARDED, f"{OVERRIDES}.defaults.ingestion.max_traces_per_user"),
        (
            "rpc error: code = Unknown desc = no org id",
            Code.NO_TENANT,
            "pulumi config set --path tempo.extraConfig.multitenancy_enabled false ",
        ),
        (
            'transport: authentication handshake failed: tls: first record does not look like a TLS handshake"',
            Code.TLS_MISMATCH,
            f"{EXPORTER}.tls.insecure true ",
        ),
        (
            'connection error: desc = "error reading server preface: http2: frame too large"',
            Code.TLS_MISMATCH,
            restore(),
        ),
        ('connection error: desc = "error reading server preface: EOF"', Code.TLS_MISMATCH, restore()),
        (
            "tls: failed to verify certificate: x509: certificate is valid for tempo.example.com, not tempo-tempo",
            Code.CERTIFICATE_UNKNOWN,
            f"{EXPORTER}.tls.server_name_override tempo.example.com ",
        ),
        ("x509: certificate signed by unknown authority", Code.CERTIFICATE_UNKNOWN, ""),
        ("remote error: tls: certificate required", Code.CERTIFICATE_UNKNOWN, restore()),
        ('name resolver error: produced zero addresses"', Code.NAME_NOT_RESOLVED, restore()),
        ("dial tcp: lookup tempo on 10.96.0.10:53: no such host", Code.NAME_NOT_RESOLVED, restore()),
        (
            "dns: A record lookup error: lookup tempo on 10.96.0.10:53: read udp 10.1.0.1:3->10.96.0.10: i/o timeout",
            Code.DNS_DOWN,
            "kubectl rollout restart deployment/coredns -n kube-system",
        ),
        (
            "lookup tempo on 10.96.0.10:53: read udp 10.1.0.1:3->10.96.0.10:53: read: connection refused",
            Code.DNS_DOWN,
            "kubectl rollout restart deployment/coredns -n kube-system",
        ),
        ("dial tcp 10.96.229.186:4317: connect: connection refused", Code.CONNECTION_REFUSED, restore()),
    ],
)
def test_an_error_has_its_cause(error: str, code: Code, remedy: str) -> None:
    found = of_failure(world(), Failure("otlp_grpc", error))
    assert found is not None
    assert found.code is code
    assert found.remedy.startswith(remedy), found.remedy
    assert "deployment/otel-collector" not in found.remedy
    assert_is_command(found.remedy)


@pytest.mark.parametrize("error", ["context deadline exceeded", "dial tcp 10.0.0.1:4317: i/o timeout", ""])
def test_an_error_that_says_nothing_about_its_cause_has_none(error: str) -> None:
    assert of_failure(world(), Failure("otlp_grpc", error)) is None


def test_a_side_that_does_not_speak_tls_is_named() -> None:
    client = of_failure(world(), Failure("otlp_grpc", "tls: first record does not look like a TLS handshake"))
    server = of_failure(world(), Failure("otlp_grpc", "error reading server preface: EOF"))
    assert client is not None
    assert server is not None
    assert "the exporter has to" in client.words
    assert "the receiver has to" in server.words


def test_the_burst_is_raised_with_the_rate() -> None:
    found = of_failure(world(), Failure("otlp_grpc", RATE))
    assert found is not None
    assert f"{OVERRIDES}.defaults.ingestion.burst_size_bytes 40000000 " in found.remedy


def test_a_limit_that_was_far_too_low_is_not_only_doubled() -> None:
    tiny = RATE.replace("40000000", "1000")
    found = of_failure(world(), Failure("otlp_grpc", tiny))
    assert found is not None
    assert "rate_limit_bytes 30000000 " in found.remedy


def test_a_tempo_of_several_parts_has_its_limits_in_the_older_format() -> None:
    stack = world(deployment(tempo=part(DEPLOYMENT.tempo, mode="stack")))
    found = of_failure(stack, Failure("otlp_grpc", RATE))
    assert found is not None
    assert found.remedy.startswith(f"{OVERRIDES}.ingestion_rate_limit_bytes 80000000 ")


def test_openshifts_own_authority_is_known() -> None:
    stack = world(deployment(platform="openshift"))
    found = of_failure(stack, Failure("otlp_grpc", "x509: certificate signed by unknown authority"))
    assert found is not None
    assert found.remedy.startswith(f"{EXPORTER}.tls.ca_file /var/run/secrets/")


@pytest.mark.parametrize(
    ("discarded", "code"),
    [
        ({"rate_limited": 3.0}, Code.RATE_LIMITED),
        ({"trace_too_large": 3.0, "rate_limited": 0.0}, Code.TRACE_TOO_LARGE),
        ({"live_traces_exceeded": 3.0}, Code.SPANS_DISCARDED),
        ({"rate_limited": 0.0}, None),
        ({"invalid_trace_id": 3.0}, None),
        ({}, None),
    ],
)
def test_a_reason_for_discards_has_its_cause(discarded: dict[str, float], code: Code | None) -> None:
    found = of_discards(world(), discarded)
    assert (found and found.code) is code
    assert found is None or found.remedy.startswith(OVERRIDES)

"""What the words of an exporter's error, and Tempo's reasons for discarding spans, mean, and what repairs it.

The words are those of Tempo's receiver (tempo: modules/overrides/config.go, modules/distributor/distributor.go), of
gRPC in Go (internal/transport, resolver/dns) and of Go's packages net and crypto.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from verify.causes import Code
from verify.programs import limits
from verify.programs.exporters import Failure
from verify.world import World


@dataclass(frozen=True)
class Cause:
    """What is behind a failure; ``remedy`` is a command, or empty where none repairs it."""

    code: Code
    words: str
    remedy: str


@dataclass(frozen=True)
class _Symptom:
    """``words`` says what an error that ``pattern`` finds means."""

    pattern: re.Pattern[str]
    code: Code
    words: str
    remedy: Callable[[World, Failure], str]


def of_failure(world: World, failure: Failure) -> Cause | None:
    """What the error of an exporter means; None if it says nothing about the cause."""
    for exceeded in _EXCEEDED:
        if exceeded.said in failure.error:
            return Cause(exceeded.code, exceeded.words, _raised(world, exceeded, failure.error))
    for symptom in _OF_EXPORTERS:
        if symptom.pattern.search(failure.error):
            return Cause(symptom.code, symptom.words, symptom.remedy(world, failure))
    return None


def is_silence(failure: Failure) -> bool:
    """Whether an exporter got no answer at all, as where its packets are dropped."""
    return _SILENCE.search(failure.error) is not None


def of_discards(world: World, discarded: Mapping[str, float]) -> Cause | None:
    """Which limit of Tempo's makes it discard spans; None if none does.

    ``discarded`` is how many it has discarded for each reason, the label of ``tempo_discarded_spans_total``
    (tempo: modules/overrides/discarded_spans.go).
    """
    for exceeded in _EXCEEDED:
        if discarded.get(exceeded.reason):
            return Cause(exceeded.code, exceeded.words, limits.raised(world, *exceeded.limits))
    return None


@dataclass(frozen=True)
class _Exceeded:
    """A limit of Tempo's, by what it calls it in an error and in the reason for a discard."""

    said: str
    reason: str
    code: Code
    words: str
    limits: tuple[limits.Limit, ...]


def _restore(world: World, _: Failure) -> str:
    return world.restore


def _raised(world: World, exceeded: _Exceeded, error: str) -> str:
    # Where there are several distributors, each has its share of the limit, which is called the local one.
    found = {
        limit: float(number[1])
        for limit, name in ((limits.RATE, "global"), (limits.BURST, "burst"))
        if (number := re.search(rf"{name}: (\d+) bytes", error))
    }
    return limits.raised(world, *exceeded.limits, now=found)


def _of_exporter(world: World, failure: Failure, key: str, value: object) -> str:
    if not failure.exporter:
        return ""
    return world.change({f"tracing.collector.extraConfig.exporters.{failure.exporter}.{key}": value})


def _expect_another_name(world: World, failure: Failure) -> str:
    has = re.search(r"certificate is valid for ([\w.-]+)", failure.error)
    return _of_exporter(world, failure, "tls.server_name_override", has[1]) if has else ""


def _trust_the_authority(world: World, failure: Failure) -> str:
    # OpenShift's service CA signs what Services ask for, and every pod there has its certificate. Elsewhere nobody
    # knows which authority it is.
    if world.deployment.platform != "openshift":
        return ""
    return _of_exporter(world, failure, "tls.ca_file", "/var/run/secrets/kubernetes.io/serviceaccount/service-ca.crt")


def _start_dns(world: World, _: Failure) -> str:
    if world.deployment.platform == "openshift":
        return "kubectl rollout restart daemonset/dns-default -n openshift-dns"
    return "kubectl rollout restart deployment/coredns -n kube-system"


_EXCEEDED = (
    _Exceeded(
        "RATE_LIMITED",
        "rate_limited",
        Code.RATE_LIMITED,
        "Tempo takes no more spans in a second than its limit: raise it, or trace fewer requests",
        (limits.RATE, limits.BURST),
    ),
    _Exceeded(
        "TRACE_TOO_LARGE",
        "trace_too_large",
        Code.TRACE_TOO_LARGE,
        "a trace has more bytes than Tempo's limit: raise it, or find what adds spans to one trace without end",
        (limits.TRACE_SIZE,),
    ),
    _Exceeded(
        "LIVE_TRACES_EXCEEDED",
        "live_traces_exceeded",
        Code.SPANS_DISCARDED,
        "Tempo holds as many unfinished traces as its limit: raise it, or trace fewer requests",
        (limits.LIVE_TRACES,),
    ),
)
# Of gRPC and of Go's package net; a name may have been asked for in vain, too.
_SILENCE = re.compile("DeadlineExceeded|context deadline exceeded|i/o timeout|Client.Timeout exceeded")
_OF_EXPORTERS = (
    _Symptom(
        re.compile("no org id"),
        Code.NO_TENANT,
        "Tempo has several tenants, and the collector sends no X-Scope-OrgID: this deployment has one tenant",
        lambda world, _: world.change({"tempo.extraConfig.multitenancy_enabled": False}),
    ),
    _Symptom(
        re.compile(r"x509: certificate is (?:valid for|not valid for any)|x509: cannot validate certificate for"),
        Code.CERTIFICATE_UNKNOWN,
        "Tempo's certificate is for another name than the one that the collector's exporter expects",
        _expect_another_name,
    ),
    _Symptom(
        re.compile("x509: certificate signed by unknown authority"),
        Code.CERTIFICATE_UNKNOWN,
        "the collector's exporter does not trust the authority that has signed Tempo's certificate: give it that "
        "authority's certificate",
        _trust_the_authority,
    ),
    _Symptom(
        re.compile("x509: certificate has expired or is not yet valid"),
        Code.CERTIFICATE_UNKNOWN,
        "Tempo's certificate has expired, or is not valid yet: whoever issues it has to renew it",
        lambda _world, _failure: "",
    ),
    _Symptom(
        re.compile(r"tls: (?:certificate required|bad certificate)"),
        Code.CERTIFICATE_UNKNOWN,
        "Tempo asks the collector for a client certificate, and does not accept what it gets",
        _restore,
    ),
    _Symptom(
        re.compile("first record does not look like a TLS handshake"),
        Code.TLS_MISMATCH,
        "the collector's exporter speaks TLS and Tempo's receiver does not: the exporter has to speak plain text",
        lambda world, failure: _of_exporter(world, failure, "tls.insecure", value=True) or world.restore,
    ),
    _Symptom(
        # The answer to plain text is a TLS alert, which is no frame of HTTP/2, or the end of the connection.
        re.compile("error reading server preface: (?!.*HTTP/1)"),
        Code.TLS_MISMATCH,
        "Tempo's receiver speaks TLS and the collector's exporter does not: the receiver has to take plain text",
        _restore,
    ),
    _Symptom(
        re.compile(r"lookup .*(?:i/o timeout|server misbehaving|connection refused)"),
        Code.DNS_DOWN,
        "the cluster's DNS does not answer the collector",
        _start_dns,
    ),
    _Symptom(
        re.compile("no such host|produced zero addresses"),
        Code.NAME_NOT_RESOLVED,
        "Tempo's address is no name that the cluster's DNS knows: its Service is missing",
        _restore,
    ),
    _Symptom(
        re.compile("connection refused"),
        Code.CONNECTION_REFUSED,
        "nothing listens on Tempo's port for spans",
        _restore,
    ),
)

"""Real proxies, and requests full of secrets: none is in a store or in a log, and a line of a log finds its trace."""

import json
import subprocess
from base64 import b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path
from secrets import token_hex, token_urlsafe
from typing import Any

import bucket
import httpx
import pytest
import yaml
from embedded import Host, Project, eventually
from faults import BOOKINFO, MESH
from recording import stack_config, with_settings

STACK = "private"
OPTIONS = ("--yes", "--skip-preview")
CHANGES = {
    "tracing.resource": {"cluster": "embedded", "kubernetes": True},
    "tracing.customTags": {"marker": {"header": {"name": "x-marker"}}},
    "mesh.accessLogs.enabled": True,
    # How often Tempo looks which blocks its bucket has, which it does every five minutes else.
    "tempo.extraConfig": {"storage": {"trace": {"blocklist_poll": "5s"}}},
}
# What somebody else makes tags of.
THEIRS = {
    "apiVersion": "telemetry.istio.io/v1",
    "kind": "Telemetry",
    "metadata": {"name": "tags-of-others", "namespace": BOOKINFO},
    "spec": {
        "tracing": [
            {
                "customTags": {
                    "marker": {"header": {"name": "x-marker"}},
                    "authorization": {"header": {"name": "authorization"}},
                    "http.request.header.cookie": {"header": {"name": "cookie"}},
                    "x-api-key": {"header": {"name": "x-api-key"}},
                }
            }
        ]
    },
}


class Request:
    """A request of a pod in the mesh for the product page, with a secret in each place that proxies see."""

    def __init__(self) -> None:
        self.trace_id = token_hex(16)
        # No secret: by it one sees that a span has been written.
        self.marker = token_urlsafe(24)
        self.secrets = {place: token_urlsafe(24) for place in ("query", "authorization", "cookie", "key")}

    def send(self, cluster: Host) -> None:
        headers = {
            "traceparent": f"00-{self.trace_id}-{token_hex(8)}-01",
            "x-marker": self.marker,
            "authorization": f"Bearer {self.secrets['authorization']}",
            "cookie": f"session={self.secrets['cookie']}",
            "x-api-key": self.secrets["key"],
        }
        options = [word for name, value in headers.items() for word in ("--header", f"{name}: {value}")]
        url = f"http://productpage:9080/productpage?token={self.secrets['query']}"
        curl = ("curl", "--silent", "--fail", "--output", "/dev/null", *options, url)
        cluster.kubectl("exec", "-n", BOOKINFO, "deploy/sleep", "-c", "sleep", "--", *curl)

    def found_in(self, text: str) -> set[str]:
        return {place for place, secret in self.secrets.items() if secret in text}


@pytest.fixture(scope="module")
def project(cluster: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    project = Project.copy(cluster, tmp_path_factory.mktemp(STACK) / "project", STACK)
    yield project
    project.pulumi("destroy", *OPTIONS)


@pytest.fixture(scope="module")
def redacted(cluster: Host, project: Project, tmp_path_factory: pytest.TempPathFactory) -> Request:
    """A request whose trace is stored, while the collector redacts as it does by default."""
    project.configure(with_settings(stack_config("local"), CHANGES))
    project.pulumi("up", *OPTIONS)
    file = tmp_path_factory.mktemp("telemetry") / "theirs.yaml"
    file.write_text(yaml.safe_dump(THEIRS))
    cluster.kubectl("apply", "-f", str(file))
    return stored(cluster)


@pytest.fixture(scope="module")
def as_it_is(cluster: Host, project: Project, redacted: Request) -> Request:
    """The same with redaction switched off."""
    assert redacted
    project.configure(with_settings(stack_config("local"), {**CHANGES, "tracing.redaction.enabled": False}))
    project.pulumi("up", *OPTIONS)
    return stored(cluster)


def stored(cluster: Host) -> Request:
    """A request with the spans of both ends in Tempo's bucket."""

    def sent() -> Request | None:
        # The proxies may not have the tags yet: then the next one is taken.
        request = Request()
        request.send(cluster)
        ends = eventually(
            lambda: trace(cluster, request), lambda text: text.count(request.marker) > 1 and "productpage.b" in text, 30
        )
        return request if request.marker in ends else None

    request = eventually(sent, lambda found: found is not None, 180)
    assert request is not None
    httpx.post(f"{cluster.address('tempo')}/flush", trust_env=False, timeout=30).raise_for_status()
    assert eventually(lambda: bucket.is_in_the_bucket(cluster, request.trace_id), bool, 90)
    return request


def trace(cluster: Host, request: Request, **parameters: str) -> str:
    """What Tempo answers."""
    url = f"{cluster.address('tempo')}/api/traces/{request.trace_id}"
    answer = httpx.get(url, params=parameters, trust_env=False, timeout=10)
    return answer.text if answer.is_success else ""


def spans(answer: str) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    """The attributes of each span's resource and of the span."""
    for batch in json.loads(answer)["batches"]:
        for scope in batch["scopeSpans"]:
            for span in scope["spans"]:
                yield attributes(batch["resource"]), attributes(span)


def attributes(of: Mapping[str, Any]) -> dict[str, str]:
    return {one["key"]: one["value"]["stringValue"] for one in of["attributes"] if "stringValue" in one["value"]}


def log(cluster: Host, namespace: str, workload: str, container: str) -> str:
    return cluster.kubectl("logs", "-n", namespace, workload, "-c", container, "--since=30m")


def lines(cluster: Host, workload: str) -> list[dict[str, Any]]:
    """The lines of the access log of a workload's proxy."""
    printed = log(cluster, BOOKINFO, workload, "istio-proxy").splitlines()
    return [json.loads(line) for line in printed if line.startswith("{") and '"trace_id"' in line]


def line_of(cluster: Host, request: Request, workload: str) -> dict[str, Any]:
    """The line of this request."""

    def found() -> list[dict[str, Any]]:
        return [line for line in lines(cluster, workload) if line["trace_id"] == request.trace_id]

    (line,) = eventually(found, bool, 60)
    return line


def files_with(cluster: Host, text: str) -> list[str]:
    """The files of pods, volumes and logs of pods that have ``text``."""
    folders = [cluster.state / "cluster" / "volumes", cluster.state / "logs" / "pods"]
    folders += (cluster.state / "cluster" / "nodes").glob("*/kubelet/pods")
    found = [*map(str, filter(Path.exists, folders))]
    command = ["grep", "--recursive", "--files-with-matches", "--no-messages", "--fixed-strings", "--", text, *found]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()


def test_the_trace_has_no_secret_of_its_request(cluster: Host, redacted: Request) -> None:
    for where in ({}, {"mode": "blocks"}):
        answer = trace(cluster, redacted, **where)
        assert redacted.marker in answer
        assert redacted.found_in(answer) == set()


def test_of_a_url_its_path_stays(cluster: Host, redacted: Request) -> None:
    urls = {span.get("http.url", "") for _, span in spans(trace(cluster, redacted))}
    assert "http://productpage:9080/productpage" in urls


def test_no_file_of_a_store_or_of_a_log_has_a_secret(cluster: Host, redacted: Request) -> None:
    assert eventually(lambda: files_with(cluster, redacted.marker), bool, 60)
    assert {place: files_with(cluster, secret) for place, secret in redacted.secrets.items()} == {
        place: [] for place in redacted.secrets
    }


def test_prometheus_has_no_series_with_a_secret(cluster: Host, redacted: Request) -> None:
    answer = httpx.get(
        f"{cluster.address('prometheus')}/api/v1/series",
        params={"match[]": '{__name__=~"traces_.+"}'},
        trust_env=False,
        timeout=30,
    )
    assert answer.raise_for_status().json()["data"]
    assert redacted.found_in(answer.text) == set()


def test_neither_the_collector_s_log_nor_a_proxy_s_has_a_secret(cluster: Host, redacted: Request) -> None:
    assert redacted.found_in(log(cluster, MESH, "deploy/otel-collector", "otc-container")) == set()
    for workload in ("deploy/sleep", "deploy/productpage-v1"):
        printed = log(cluster, BOOKINFO, workload, "istio-proxy")
        assert redacted.trace_id in printed
        assert redacted.found_in(printed) == set()


def test_the_id_in_a_line_of_the_access_log_finds_its_trace(cluster: Host, redacted: Request) -> None:
    for workload, service in (("deploy/sleep", "sleep.bookinfo"), ("deploy/productpage-v1", "productpage.bookinfo")):
        line = line_of(cluster, redacted, workload)
        found = httpx.get(f"{cluster.address('tempo')}/api/traces/{line['trace_id']}", trust_env=False, timeout=10)
        assert service in {resource["service.name"] for resource, _ in spans(found.raise_for_status().text)}
        assert line["path"] == "/productpage"
        _, trace_id, span_id, _ = line["traceparent"].split("-")
        assert trace_id == line["trace_id"]
        assert b64encode(bytes.fromhex(span_id)).decode() in found.text


def test_each_span_tells_the_pod_that_sent_it_and_the_cluster(cluster: Host, redacted: Request) -> None:
    pods = {pod["metadata"]["name"]: pod for pod in cluster.pods("-n", BOOKINFO)}
    told = [resource for resource, _ in spans(trace(cluster, redacted))]
    assert told
    for resource in told:
        pod = pods[resource["k8s.pod.name"]]
        application = pod["metadata"]["labels"]["app"]
        assert resource["service.name"] == f"{application}.{BOOKINFO}"
        assert resource["k8s.pod.uid"] == pod["metadata"]["uid"]
        assert resource["k8s.node.name"] == pod["spec"]["nodeName"]
        assert resource["k8s.namespace.name"] == BOOKINFO
        assert resource["k8s.deployment.name"] == pod["metadata"]["generateName"].rsplit("-", 2)[0]
        assert resource["k8s.cluster.name"] == "embedded"


def test_without_redaction_every_secret_is_in_the_trace_and_on_a_disk(cluster: Host, as_it_is: Request) -> None:
    every_place = set(as_it_is.secrets)
    assert as_it_is.found_in(trace(cluster, as_it_is, mode="blocks")) == every_place
    assert {place for place, secret in as_it_is.secrets.items() if files_with(cluster, secret)} == every_place

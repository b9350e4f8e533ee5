"""Which application a pod is, in which language, and what to do about it."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from simulated_mesh import App, pod
from verify_world import assert_is_command

from verify.propagation import advice
from verify.propagation.workload import Language, Workload, workload_of

DOCS = (Path(__file__).parents[3] / "docs" / "propagation.md").read_text()
WEB = App("web")


def workload(**container: Any) -> Workload:
    return workload_of(pod(WEB, 0, **container))


def test_the_application_is_the_deployment_and_not_its_sidecar() -> None:
    found = workload()
    assert (found.place, found.container, found.image) == ("Deployment shop/web", "web", "registry.example/web:1")


@pytest.mark.parametrize(
    ("owners", "place"),
    [
        ([{"kind": "StatefulSet", "name": "web", "controller": True}], "StatefulSet shop/web"),
        ([{"kind": "Job", "name": "report-28", "controller": True}], "Job shop/report-28"),
        ([{"kind": "ReplicaSet", "name": "alone", "controller": True}], "ReplicaSet shop/alone"),
        ([{"kind": "Node", "name": "n"}], "Pod shop/web-5d9c7b8f4d-00000"),
        ([], "Pod shop/web-5d9c7b8f4d-00000"),
    ],
)
def test_it_is_named_after_what_keeps_its_pods(owners: list[dict[str, Any]], place: str) -> None:
    one = pod(WEB, 0)
    one["metadata"]["ownerReferences"] = owners
    assert workload_of(one).place == place


@pytest.mark.parametrize(
    ("container", "language"),
    [
        ({"command": ["python3", "-m", "shop"]}, Language.PYTHON),
        ({"command": ["/usr/local/bin/gunicorn"], "args": ["shop:app"]}, Language.PYTHON),
        ({"command": ["sh", "-c", "exec java -jar /app/shop.jar"]}, Language.JAVA),
        ({"args": ["/app/server.mjs"]}, Language.NODE),
        ({"command": ["dotnet", "Shop.dll"]}, Language.DOTNET),
        ({"command": ["bundle", "exec", "puma"]}, Language.RUBY),
        ({"command": ["php-fpm"]}, Language.PHP),
        ({"env": [{"name": "JAVA_TOOL_OPTIONS", "value": "-Xmx1g"}]}, Language.JAVA),
        ({"env": [{"name": "SPRING_PROFILES_ACTIVE"}]}, Language.JAVA),
        ({"env": [{"name": "NODE_ENV"}]}, Language.NODE),
        ({"env": [{"name": "NODE_NAME"}]}, None),
        ({"env": [{"name": "GOMAXPROCS"}]}, Language.GO),
        ({"env": [{"name": "ASPNETCORE_URLS"}]}, Language.DOTNET),
        ({"image": "registry.example:5000/shop/web-python:3"}, Language.PYTHON),
        ({"image": "eclipse-temurin:21"}, Language.JAVA),
        ({"image": "node:22@sha256:00"}, Language.NODE),
        ({"image": "prom/node-exporter:v1"}, None),
        ({"image": "mcr.microsoft.com/dotnet/aspnet:9.0"}, Language.DOTNET),
        ({"image": "golang:1.26"}, Language.GO),
        ({"image": "javascript-minifier"}, None),
        ({}, None),
        ({"command": ["python3"], "env": [{"name": "JAVA_HOME"}]}, Language.PYTHON),
    ],
)
def test_the_language_is_told_by(container: dict[str, Any], language: Language | None) -> None:
    assert workload(**container).language is language


def test_what_somebody_wrote_down_is_believed_first() -> None:
    one = pod(WEB, 0, command=["python3"])
    one["metadata"]["labels"]["app.kubernetes.io/language"] = "Kotlin"
    assert workload_of(one).language is Language.JAVA


@pytest.mark.parametrize("language", Language)
def test_the_documentation_has_the_same_example_for(language: Language) -> None:
    section = re.search(rf"### {re.escape(language)}\n\n```\w+\n(.*)\n", DOCS)
    assert section
    assert section[1] == advice.example(language, advice.W3C)


def test_every_header_of_zipkin_is_in_its_example() -> None:
    assert all(f'"{header}"' in advice.example(Language.GO, advice.B3) for header in advice.B3)


def objects(command: str) -> tuple[dict[str, Any], list[str], dict[str, Any]]:
    """The Instrumentation, the words of the command that patches, and the annotations that it sets."""
    assert_is_command(command)
    words = shlex.split(command)
    patch = json.loads(words[words.index("--patch") + 1])
    return json.loads(words[1]), words, patch["spec"]["template"]["metadata"]["annotations"]


def test_an_instrumentation_is_applied_and_asked_for() -> None:
    made, words, annotations = objects(advice.instrument(workload(command=["python3"]), advice.W3C))
    assert (made["kind"], made["metadata"]["namespace"]) == ("Instrumentation", "shop")
    assert annotations == {
        "instrumentation.opentelemetry.io/inject-python": made["metadata"]["name"],
        "instrumentation.opentelemetry.io/container-names": "web",
    }
    at = words.index("patch")
    assert words[at : at + 5] == ["patch", "deployment", "web", "-n", "shop"]


def test_it_speaks_the_headers_of_the_provider() -> None:
    made, *_ = objects(advice.instrument(workload(command=["java"]), advice.B3))
    assert made["spec"]["propagators"] == ["b3multi", "baggage"]


@pytest.mark.parametrize("container", [{"command": ["ruby"]}, {"env": [{"name": "GOGC"}]}, {"command": ["php"]}, {}])
def test_what_the_operator_cannot_instrument_has_no_command(container: dict[str, Any]) -> None:
    assert advice.instrument(workload(**container), advice.W3C) == ""


def test_what_is_instrumented_already_is_not_instrumented_again() -> None:
    one = pod(WEB, 0, command=["java"])
    one["metadata"]["annotations"] = {"instrumentation.opentelemetry.io/inject-java": "true"}
    assert advice.instrument(workload_of(one), advice.W3C) == ""


def test_what_cannot_be_patched_has_no_command() -> None:
    one = pod(WEB, 0, command=["java"])
    one["metadata"]["ownerReferences"] = []
    assert advice.instrument(workload_of(one), advice.W3C) == ""

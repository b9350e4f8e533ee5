"""The forms in which findings are written, what is chosen of them, and what an annotation accepts."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as xml

import jsonschema
import pytest
from cases.base import MESH

from lint.output.json import schema

PROJECT = Path(__file__).parents[3]
TELEMETRY = """\
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata:
  name: mesh-default
  namespace: istio-system
  annotations: {}
spec:
  tracing:
    - providers: [{name: otel, randomSamplingPercentage: 100}]
"""
ISTIO = "{apiVersion: sailoperator.io/v1, kind: Istio, metadata: {name: default}, spec: {version: latest}}\n"
RIGHT = "{apiVersion: v1, kind: Namespace, metadata: {name: shop}}\n"


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lint", *map(str, arguments)], cwd=PROJECT, capture_output=True, text=True, check=False
    )


def write(folder: Path, text: str) -> Path:
    file = folder / "a.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def as_json(*arguments: str | Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(run(*arguments, "--format", "json").stdout)
    jsonschema.validate(content, json.loads(schema()))
    return content


def codes(*arguments: str | Path) -> list[str]:
    return [finding["code"] for finding in as_json(*arguments)["findings"]]


class TestText:
    @pytest.mark.parametrize("name", ["a", "b" * 70, "c" * 200])
    def test_a_finding_is_a_paragraph_without_broken_words(self, tmp_path: Path, name: str) -> None:
        paragraph, _, _ = run(write(tmp_path, TELEMETRY.replace("mesh-default", name))).stdout.partition("\n\n")
        in_one_line = " ".join(paragraph.split())
        assert paragraph.splitlines() == textwrap.wrap(
            in_one_line, 80, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
        )


class TestJson:
    def test_the_parts_of_a_finding_are_separate(self, tmp_path: Path) -> None:
        file = write(tmp_path, TELEMETRY)
        (finding,) = as_json(file)["findings"]
        assert {key: value for key, value in finding.items() if key not in {"why", "remedy"}} == {
            "code": "N1",
            "severity": "error",
            "file": str(file),
            "line": 9,
            "column": 32,
            "kind": "Telemetry",
            "namespace": "istio-system",
            "name": "mesh-default",
            "field": "spec.tracing[0].providers[0].randomSamplingPercentage",
            "page": "docs/checks/N1.md",
        }

    def test_the_summary_counts_what_was_read(self, tmp_path: Path) -> None:
        summary = as_json(write(tmp_path, f"{TELEMETRY}---\n{ISTIO}---\n{{kind: Gadget}}\n"))["summary"]
        assert (summary["objects"], summary["read"], summary["notRead"]) == (3, 2, {"Gadget": 1})

    def test_the_schema_is_printed_without_a_file(self) -> None:
        assert json.loads(run("--schema").stdout) == json.loads(schema())

    def test_every_page_that_is_linked_is_there(self, tmp_path: Path) -> None:
        for finding in as_json(write(tmp_path, f"{TELEMETRY}---\n{ISTIO}"))["findings"]:
            assert (PROJECT / finding["page"]).is_file()


class TestOtherForms:
    def test_sarif_has_the_rule_and_the_line(self, tmp_path: Path) -> None:
        file = write(tmp_path, TELEMETRY)
        (report,) = json.loads(run(file, "--format", "sarif").stdout)["runs"]
        (result,) = report["results"]
        assert [rule["id"] for rule in report["tool"]["driver"]["rules"]] == ["N1"]
        place = result["locations"][0]["physicalLocation"]
        assert (result["ruleId"], result["level"]) == ("N1", "error")
        assert place == {"artifactLocation": {"uri": str(file)}, "region": {"startLine": 9, "startColumn": 32}}

    def test_sarif_says_what_was_accepted_and_why(self, tmp_path: Path) -> None:
        text = TELEMETRY.replace("{}", '{lint.mesh-tracing/ignore: "N1: a test"}')
        (report,) = json.loads(run(write(tmp_path, text), "--format", "sarif").stdout)["runs"]
        assert [one.get("suppressions") for one in report["results"]] == [
            [{"kind": "inSource", "justification": "a test"}]
        ]

    def test_junit_has_a_failed_test_for_a_finding(self, tmp_path: Path) -> None:
        suites = xml.fromstring(run(write(tmp_path, TELEMETRY), "--format", "junit").stdout)  # noqa: S314
        (case,) = suites.iter("testcase")
        assert (suites.get("failures"), case.get("line")) == ("1", "9")
        assert str(case.get("name")).startswith("N1 Telemetry istio-system/mesh-default")

    def test_junit_has_a_test_that_passed_if_nothing_is_wrong(self, tmp_path: Path) -> None:
        suites = xml.fromstring(run(write(tmp_path, RIGHT), "--format", "junit").stdout)  # noqa: S314
        assert (suites.get("tests"), suites.get("failures")) == ("1", "0")

    def test_github_gets_a_command_for_each_finding(self, tmp_path: Path) -> None:
        file = tmp_path / "a,b.yaml"
        file.write_text(TELEMETRY, encoding="utf-8")
        (line,) = run(file, "--format", "github").stdout.splitlines()
        escaped = str(file).replace(",", "%2C")
        assert line.startswith(f"::error title=N1,file={escaped},line=9,col=32::")

    def test_several_forms_are_written_at_once(self, tmp_path: Path) -> None:
        file, report = write(tmp_path, TELEMETRY), tmp_path / "report.sarif"
        done = run(file, "--format", "text", "--format", f"sarif={report}")
        assert "error N1" in done.stdout
        assert json.loads(report.read_text())["version"] == "2.1.0"

    @pytest.mark.parametrize("option", ["html", "json="])
    def test_an_unknown_form_is_one_line(self, option: str) -> None:
        done = run("-", "--format", option)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)

    def test_the_terminal_has_room_for_one_form(self) -> None:
        done = run("-", "--format", "json", "--format", "text")
        assert (
            done.stderr
            == "lint: argument --format: only one format goes to the terminal; write the others as FORMAT=FILE\n"
        )


class TestChoice:
    def test_codes_are_selected_and_left_out(self, tmp_path: Path) -> None:
        file = write(tmp_path, f"{TELEMETRY}---\n{ISTIO}")
        assert set(codes(file)) > {"N1", "N18"}
        assert codes(file, "--select", "n1") == ["N1"]
        assert codes(file, "--select", "N1,N18", "--ignore", "N1") == ["N18"]

    def test_only_what_is_severe_enough_is_reported(self, tmp_path: Path) -> None:
        file = write(tmp_path, f"{TELEMETRY}---\n{ISTIO}")
        assert "N18" not in codes(file, "--severity", "error")

    def test_advice_is_shown_to_those_who_ask(self, tmp_path: Path) -> None:
        file = write(tmp_path, MESH)
        assert codes(file) == []
        assert [one["severity"] for one in as_json(file, "--severity", "advice")["findings"]] == ["advice"]


class TestAcceptance:
    def accepted(self, tmp_path: Path, entry: str) -> dict[str, Any]:
        return as_json(write(tmp_path, TELEMETRY.replace("{}", json.dumps({"lint.mesh-tracing/ignore": entry}))))

    def test_an_accepted_finding_is_not_counted_and_its_reason_is_told(self, tmp_path: Path) -> None:
        found = self.accepted(tmp_path, "N1: nobody traces here")
        assert found["findings"] == []
        assert [(one["code"], one["reason"]) for one in found["accepted"]] == [("N1", "nobody traces here")]

    @pytest.mark.parametrize("separator", ["; ", "\n"])
    def test_several_codes_may_be_accepted(self, tmp_path: Path, separator: str) -> None:
        found = self.accepted(tmp_path, f"N1: nobody traces here{separator}N18: neither")
        assert [one["code"] for one in found["accepted"]] == ["N1"]
        assert [one["why"] for one in found["findings"]] == ["nothing is wrong here that N18 would report"]

    @pytest.mark.parametrize(
        ("entry", "told"),
        [
            ("N1", "N1 is ignored without a reason"),
            ("N1:", "N1 is ignored without a reason"),
            ("whatever", "'whatever' is no code with a reason"),
        ],
    )
    def test_without_a_code_and_a_reason_nothing_is_accepted(self, tmp_path: Path, entry: str, told: str) -> None:
        found = self.accepted(tmp_path, entry)
        assert [one["code"] for one in found["findings"]] == ["N1", "N0"]
        assert found["findings"][1]["why"] == told

    def test_what_two_deployments_share_is_accepted_once(self, tmp_path: Path) -> None:
        write(tmp_path, TELEMETRY.replace("{}", '{lint.mesh-tracing/ignore: "N1: a test"}'))
        for name in ("dev", "prod"):
            (tmp_path / name).mkdir()
            write(tmp_path / name, TELEMETRY.replace("mesh-default", "own").replace("otel", name))
        found = as_json(tmp_path, "--select", "N1")
        assert (found["summary"]["deployments"], len(found["accepted"]), len(found["findings"])) == (2, 1, 2)

    def test_what_is_not_looked_for_is_not_said_to_be_unused(self, tmp_path: Path) -> None:
        text = RIGHT.replace("{name: shop}", '{name: shop, annotations: {lint.mesh-tracing/ignore: "N1: a test"}}')
        assert codes(write(tmp_path, text), "--select", "N18") == []
        assert codes(write(tmp_path, text)) == ["N0"]


class TestFacts:
    @pytest.mark.parametrize("option", ["--prometheus-receiver", "--prometheus-native-histograms", "--bucket-created"])
    def test_a_fact_is_yes_or_no(self, option: str) -> None:
        done = run("-", option, "maybe")
        assert done.stderr == f"lint: argument {option}: expected yes or no, found 'maybe'\n"

    def test_a_revision_that_exists_may_be_named(self, tmp_path: Path) -> None:
        text = "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {istio.io/rev: canary}}}\n"
        assert run(write(tmp_path, text), "--istio-revision", "canary").returncode == 0

"""What ``python -m lint`` reads: folders, forms, templates, rendered trees; and that it says what it did not read."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from lint.documents import load
from lint.objects import Manifests, view
from lint.reading import read
from lint.reading.content import UnreadableError, parse
from lint.reading.deployments import deployments

PROJECT = Path(__file__).parents[3]
TELEMETRY = """\
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: mesh-default, namespace: istio-system}
spec:
  tracing:
    - providers: [{name: otel, randomSamplingPercentage: 100}]
"""
NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"
UNKNOWN_KIND = "apiVersion: example.com/v1\nkind: Gadget\nmetadata: {name: a}\n"


def run(*arguments: str | Path, path: str | None = None, **options: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **({"PATH": path} if path else {})}
    return subprocess.run(
        [sys.executable, "-m", "lint", *map(str, arguments)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        **options,  # type: ignore[call-overload]
    )


def write(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def names_in(*files: Path) -> list[str]:
    return [obj.name for obj in read(map(str, files)).objects]


class TestForms:
    def test_values_follow_each_other_in_json_lines(self, tmp_path: Path) -> None:
        lines = '{"kind": "A", "metadata": {"name": "a"}}\n{"kind": "B", "metadata": {"name": "b"}}\n'
        assert names_in(write(tmp_path / "all.jsonl", lines)) == ["a", "b"]

    def test_json_may_be_indented_with_tabs(self, tmp_path: Path) -> None:
        text = '{\n\t"kind": "A",\n\t"metadata": {\n\t\t"name": "a"\n\t}\n}\n'
        assert names_in(write(tmp_path / "a.json", text)) == ["a"]

    def test_a_typed_list_is_replaced_by_its_items(self, tmp_path: Path) -> None:
        text = "kind: TelemetryList\nitems: [{kind: Telemetry, metadata: {name: a}}]\n"
        assert names_in(write(tmp_path / "a.yaml", text)) == ["a"]

    def test_a_mark_of_the_byte_order_may_stand_before_each_document(self, tmp_path: Path) -> None:
        file = write(
            tmp_path / "a.yaml", "\ufeffkind: A\nmetadata: {name: a}\n---\n\ufeffkind: A\nmetadata: {name: b}\n"
        )
        assert names_in(file) == ["a", "b"]

    def test_a_text_of_windows_may_be_utf_16(self, tmp_path: Path) -> None:
        file = tmp_path / "a.yaml"
        file.write_bytes(NAMESPACE.encode("utf-16"))
        assert names_in(file) == ["shop"]

    @pytest.mark.parametrize(
        ("written", "value"),
        [
            ("=", "="),
            ("2026-11-27", "2026-11-27"),
            ("2026-13-45", "2026-13-45"),
            ("12:30:45", "12:30:45"),
            ("2001:db8::1", "2001:db8::1"),
            ("::1", "::1"),
            ("0o17", 15),
            ("yes", True),
            ("1e3", 1000.0),
            ("9" * 6000, "9" * 6000),
        ],
        ids=["equals", "day", "no-day", "time", "address", "short-address", "octal", "yes", "exponent", "digits"],
    )
    def test_a_plain_value_is_what_kubernetes_takes_it_for(self, written: str, value: object) -> None:
        assert load(f"a: {written}") == {"a": value}

    def test_a_key_that_a_merge_brings_too_is_not_there_twice(self, tmp_path: Path) -> None:
        text = "base: &base {a: 1}\nkind: A\nmetadata: {name: a}\nspec: &spec {<<: *base, a: 2}\nagain: {<<: *spec}\n"
        assert names_in(write(tmp_path / "a.yaml", text)) == ["a"]

    def test_a_key_that_is_there_twice_is_refused_beside_a_merge_too(self, tmp_path: Path) -> None:
        file = write(tmp_path / "a.yaml", "kind: A\nbase: &base {a: 1}\nspec: {<<: *base, b: 1, b: 2}\n")
        assert read([str(file)]).unreadable == [f"{file}:3:25: not YAML: the key 'b' is there twice"]

    def test_a_list_may_lie_as_deep_as_libyaml_reads(self) -> None:
        value = load("[" * 1500 + "]" * 1500)
        for _ in range(1499):
            (value,) = value
        assert value == []


class TestTemplates:
    TEMPLATE = """\
{{- if .Values.tracing }}
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata:
  name: mesh-default
  namespace: {{ .Values.namespace }}
  labels:
    {{- include "labels" . | nindent 4 }}
spec:
  tracing:
    - providers: [{name: otel, randomSamplingPercentage: 100}]
{{- end }}
"""

    def test_what_is_around_an_action_is_checked_in_its_place(self, tmp_path: Path) -> None:
        done = run(write(tmp_path / "telemetry.yaml", self.TEMPLATE))
        assert "telemetry.yaml:11:32: Telemetry {{…}}/mesh-default" in " ".join(done.stdout.split())

    @pytest.mark.parametrize("value", ["{{ .x }}", "${NAMESPACE}", "$(NAMESPACE)", "<your-namespace>", "{% x %}"])
    def test_a_value_that_is_still_to_be_put_in_is_not_judged(self, tmp_path: Path, value: str) -> None:
        text = TELEMETRY.replace("istio-system", f"'{value}'").replace(", randomSamplingPercentage: 100", "")
        assert "N14" not in run(write(tmp_path / "a.yaml", text)).stdout
        elsewhere = text.replace(value, "shop")
        assert "N14" in run(write(tmp_path / "a.yaml", elsewhere)).stdout


class TestPositions:
    def test_a_field_of_a_document_in_a_config_map_has_its_line(self, tmp_path: Path) -> None:
        text = (
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\n"
            "data:\n  mesh: |-\n"
            "    extensionProviders:\n    - name: otel\n"
            "      opentelemetry:\n        service: otel\n        port: 4317\n"
        )
        assert "a.yaml:9:9: ConfigMap" in " ".join(run(write(tmp_path / "a.yaml", text)).stdout.split())

    def test_an_item_of_a_list_has_its_line(self, tmp_path: Path) -> None:
        item = "".join(f"  {line}\n" for line in TELEMETRY.splitlines())
        text = f"apiVersion: v1\nkind: List\nitems:\n-{item[1:]}"
        assert "a.yaml:9:34: Telemetry" in " ".join(run(write(tmp_path / "a.yaml", text)).stdout.split())

    def test_a_field_that_is_missing_has_the_line_of_what_is_around_it(self, tmp_path: Path) -> None:
        text = NAMESPACE + "---\napiVersion: sailoperator.io/v1\nkind: Istio\nmetadata: {name: default}\nspec: {}\n"
        assert "a.yaml:8:1: Istio default: spec" in " ".join(run(write(tmp_path / "a.yaml", text)).stdout.split())

    def test_a_field_of_json_with_tabs_has_its_line(self, tmp_path: Path) -> None:
        text = json.dumps({"kind": "List", "items": [yaml.safe_load(TELEMETRY)]}, indent="\t")
        line = text.splitlines().index('\t\t\t\t\t\t\t\t"randomSamplingPercentage": 100') + 1
        assert f"a.json:{line}:9: Telemetry" in " ".join(run(write(tmp_path / "a.json", text)).stdout.split())

    def test_a_field_that_a_merge_brings_has_the_line_of_the_map_that_gets_it(self, tmp_path: Path) -> None:
        merging = TELEMETRY.replace("randomSamplingPercentage: 100", "<<: *sampling")
        text = f"sampling: &sampling {{randomSamplingPercentage: 100}}\n{merging}"
        done = run(write(tmp_path / "a.yaml", text))
        assert "a.yaml:7:19: Telemetry" in " ".join(done.stdout.split())

    def test_what_is_wrong_in_a_text_in_quotes_has_the_line_of_the_text(self, tmp_path: Path) -> None:
        text = (
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\ndata:\n"
            '  mesh: "extensionProviders: [{name: otel, opentelemetry: {service: otel, port: 4317}}]"\n'
        )
        assert "a.yaml:5:9: ConfigMap" in " ".join(run(write(tmp_path / "a.yaml", text)).stdout.split())


class TestFolders:
    def test_one_unreadable_file_is_told_and_the_rest_is_checked(self, tmp_path: Path) -> None:
        write(tmp_path / "broken.yaml", "a: [")
        write(tmp_path / "telemetry.yaml", TELEMETRY)
        done = run(tmp_path)
        assert done.returncode == 2
        assert "broken.yaml:2:1: not YAML" in done.stderr
        assert "error N1" in done.stdout

    def test_what_is_fetched_or_hidden_is_left_out(self, tmp_path: Path) -> None:
        for folder in (".git", "node_modules"):
            write(tmp_path / folder / "a.yaml", TELEMETRY)
        write(tmp_path / "a.yaml", NAMESPACE)
        assert names_in(tmp_path) == ["shop"]

    def test_what_no_check_has_read_is_counted_and_named(self, tmp_path: Path) -> None:
        write(tmp_path / "a.yaml", f"{NAMESPACE}---\n{UNKNOWN_KIND}---\n{UNKNOWN_KIND.replace('a}', 'b}')}")
        assert "in 3 objects of 1 file, 1 read by a check; not read: 2 Gadget\n" in run(tmp_path).stdout

    def test_if_nothing_was_read_nothing_is_said_to_be_right(self, tmp_path: Path) -> None:
        file = write(tmp_path / "a.yaml", UNKNOWN_KIND)
        assert (run(file).returncode, run(file, "--allow-empty").returncode) == (2, 0)

    def test_two_deployments_in_one_tree_are_kept_apart(self, tmp_path: Path) -> None:
        for name, sampled in (("dev", "otel"), ("prod", "other")):
            write(tmp_path / name / "telemetry.yaml", TELEMETRY.replace("otel", sampled))
            write(tmp_path / name / "namespace.yaml", NAMESPACE.replace("shop", "other"))
        write(tmp_path / "common" / "namespace.yaml", NAMESPACE)
        parts = deployments(read([str(tmp_path)]).objects)
        assert [[obj.name for obj in part] for part in parts] == 2 * [["shop", "other", "mesh-default"]]

    def test_what_several_parts_of_one_deployment_repeat_does_not_part_them(self, tmp_path: Path) -> None:
        for name in ("tempo", "grafana"):
            write(tmp_path / name / "namespace.yaml", f"{NAMESPACE.rstrip()}\n# of {name}\n")
            write(tmp_path / name / "telemetry.yaml", TELEMETRY)
        assert len(deployments(read([str(tmp_path)]).objects)) == 1

    def test_deployments_may_be_files_of_one_folder_and_lie_in_one_another(self, tmp_path: Path) -> None:
        for name in ("eu/dev.yaml", "eu/prod.yaml", "us/dev.yaml"):
            write(tmp_path / name, TELEMETRY.replace("otel", name))
        assert len(deployments(read([str(tmp_path)]).objects)) == 3


class TestRendering:
    def tool(self, folder: Path, name: str, text: str) -> str:
        """A folder with a program called ``name`` that prints ``text``."""
        file = write(folder / name, f"#!{sys.executable}\nprint({text!r})\n")
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
        return str(folder)

    def tree(self, folder: Path) -> Path:
        write(folder / "base" / "kustomization.yaml", "resources: [telemetry.yaml]\n")
        write(folder / "base" / "telemetry.yaml", TELEMETRY)
        write(folder / "prod" / "kustomization.yaml", "resources: [../base]\npatches: [{path: patch.yaml}]\n")
        write(folder / "prod" / "patch.yaml", TELEMETRY)
        return folder

    def test_a_kustomization_is_rendered_and_its_files_are_not_read_again(self, tmp_path: Path) -> None:
        path = self.tool(tmp_path / "bin", "kustomize", TELEMETRY)
        done = run(self.tree(tmp_path / "tree"), path=path)
        assert "(kustomize): Telemetry istio-system/mesh-default" in " ".join(done.stdout.split())
        assert "in 1 object of 1 file" in done.stdout

    def test_without_the_tool_its_files_are_read_as_they_are(self, tmp_path: Path) -> None:
        done = run(self.tree(tmp_path / "tree"), path=str(tmp_path))
        assert "not rendered, since kustomize is not installed" in done.stdout
        assert "error N1" in done.stdout

    def test_nothing_is_fetched_from_the_network(self, tmp_path: Path) -> None:
        path = self.tool(tmp_path / "bin", "kustomize", "text: this would be an error")
        write(tmp_path / "tree" / "kustomization.yaml", "resources: ['https://example.com/a']\n")
        write(tmp_path / "tree" / "telemetry.yaml", TELEMETRY)
        done = run(tmp_path / "tree", path=path)
        assert "since it names something in the network" in done.stdout

    def test_a_chart_is_rendered_by_helm(self, tmp_path: Path) -> None:
        path = self.tool(tmp_path / "bin", "helm", TELEMETRY)
        write(tmp_path / "chart" / "Chart.yaml", "name: a\n")
        write(tmp_path / "chart" / "templates" / "a.yaml", "{{ nothing }} that: {is: [yaml\n")
        done = run(tmp_path / "chart", path=path)
        assert "(helm): Telemetry istio-system/mesh-default" in " ".join(done.stdout.split())


class TestNamespaces:
    def test_an_object_that_names_none_is_in_the_one_that_is_given(self, tmp_path: Path) -> None:
        text = TELEMETRY.replace(", namespace: istio-system", "")
        assert "Telemetry mesh/mesh-default" in " ".join(
            run(write(tmp_path / "a.yaml", text), "--namespace", "mesh").stdout.split()
        )

    def test_what_belongs_to_the_whole_cluster_has_none(self, tmp_path: Path) -> None:
        file = write(tmp_path / "a.yaml", NAMESPACE)
        (obj,) = read([str(file)], default_namespace="mesh").objects
        assert obj.namespace == ""

    @pytest.mark.parametrize("namespace", ["", ", namespace: istio-system"])
    def test_a_service_that_names_none_is_found_by_its_name(self, tmp_path: Path, namespace: str) -> None:
        mesh = (
            "apiVersion: sailoperator.io/v1\nkind: Istio\nmetadata: {name: default}\nspec:\n  version: v1.31.4\n"
            "  values: {meshConfig: {extensionProviders: [{name: otel, opentelemetry: "
            "{service: otel.istio-system.svc.cluster.local, port: 4317}}]}}\n"
        )
        service = (
            f"apiVersion: v1\nkind: Service\nmetadata: {{name: otel{namespace}}}\nspec: {{ports: [{{port: 9}}]}}\n"
        )
        assert "error N3" in run(write(tmp_path / "a.yaml", f"{mesh}---\n{service}")).stdout


class TestStreams:
    def test_a_closed_standard_input_is_one_line(self) -> None:
        done = run("-", preexec_fn=lambda: os.close(0))
        assert (done.returncode, done.stderr.splitlines()[0]) == (2, "lint: stdin: it is closed")

    def test_an_empty_name_is_one_line(self) -> None:
        done = run("")
        assert (done.returncode, done.stderr.splitlines()[0]) == (
            2,
            "lint: a file has to be named, and one of the names is empty",
        )

    def test_a_terminal_that_is_not_utf_8_gets_escapes(self, tmp_path: Path) -> None:
        file = write(tmp_path / "mesh-größe.yaml", TELEMETRY)
        environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
        done = subprocess.run(
            [sys.executable, "-m", "lint", str(file)], cwd=PROJECT, capture_output=True, check=False, env=environment
        )
        assert done.returncode == 1
        assert b"mesh-gr\\xf6\\xdfe.yaml" in done.stdout


def test_a_view_is_made_once() -> None:
    made = []

    @view
    def names(manifests: Manifests, kind: str) -> list[str]:
        made.append(kind)
        return [obj.name for obj in manifests.objects if obj.kind == kind]

    manifests = Manifests(())
    assert names(manifests, "A") is names(manifests, "A")
    names(manifests, "B")
    assert made == ["A", "B"]


def test_the_json_output_is_json(tmp_path: Path) -> None:
    assert json.loads(run(write(tmp_path / "a.yaml", TELEMETRY), "--json").stdout)["version"] == 1


def test_values_of_a_chart_may_have_a_key_twice_and_the_last_one_counts() -> None:
    _, ((_, values),) = parse("values.yaml", "mode: a\nmode: b\n")
    assert values == {"mode": "b"}
    with pytest.raises(UnreadableError):
        parse("collector.yaml", "receivers: {}\nreceivers: {}\n")


def test_of_a_file_with_a_key_twice_and_a_broken_document_everything_else_is_read(tmp_path: Path) -> None:
    file = tmp_path / "several.yaml"
    file.write_text("kind: A\nkind: B\n---\nkind: [\n---\nkind: C\n")
    reading = read([str(file)])
    assert [(obj.kind, obj.line) for obj in reading.objects] == [("B", 0), ("C", 5)]
    assert [line.removeprefix(f"{file}:").partition(":")[0] for line in reading.unreadable] == ["2", "5"]

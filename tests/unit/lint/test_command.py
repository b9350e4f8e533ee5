"""``python -m lint`` as a person in a terminal, or a pipeline, runs it."""

import subprocess
import sys
from pathlib import Path

import pytest

import lint

PROJECT = Path(__file__).parents[3]

ERROR = """\
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: mesh-default, namespace: istio-system}
spec:
  tracing:
    - providers: [{name: otel, randomSamplingPercentage: 100}]
"""
WARNING = "{apiVersion: sailoperator.io/v1, kind: Istio, metadata: {name: default}, spec: {version: latest}}"
RIGHT = "{apiVersion: v1, kind: Namespace, metadata: {name: shop}}"


def run(*arguments: str | Path, stdin: str | bytes = "") -> subprocess.CompletedProcess[str]:
    given = stdin if isinstance(stdin, bytes) else stdin.encode()
    done = subprocess.run(
        [sys.executable, "-m", "lint", *map(str, arguments)], cwd=PROJECT, input=given, capture_output=True, check=False
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def write(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def test_an_error_is_printed_with_its_file_and_exits_1(tmp_path: Path) -> None:
    file = write(tmp_path, "telemetry.yaml", ERROR)
    done = run(file)
    assert done.returncode == 1
    assert done.stderr == ""
    words = " ".join(done.stdout.split())
    assert words.startswith(f"error N1 {file}:6:32: Telemetry istio-system/mesh-default: spec.tracing[0].providers[0].")
    assert "(docs/checks/N1.md)" in words
    assert done.stdout.endswith("1 error, 0 warnings in 1 object of 1 file, 1 read by a check\n")


def test_without_a_finding_it_exits_0(tmp_path: Path) -> None:
    done = run(write(tmp_path, "namespace.yaml", RIGHT))
    assert (done.returncode, done.stdout) == (0, "0 errors, 0 warnings in 1 object of 1 file, 1 read by a check\n")


def test_a_warning_alone_exits_0_and_with_strict_1(tmp_path: Path) -> None:
    file = write(tmp_path, "istio.yaml", WARNING)
    assert run(file).returncode == 0
    assert "warning N18" in run(file).stdout
    assert run(file, "--strict").returncode == 1


def test_several_documents_of_several_files_are_checked_together(tmp_path: Path) -> None:
    telemetry = write(tmp_path, "telemetry.yaml", f"{RIGHT}\n---\n---\n{ERROR}")
    istio = write(tmp_path, "istio.yaml", WARNING)
    done = run(telemetry, istio, telemetry)
    assert "2 errors, 1 warning in 3 objects of 2 files" in done.stdout, "N1, and N2 for want of a provider"


def test_stdin_is_a_file_called_stdin() -> None:
    done = run("-", stdin=ERROR)
    assert done.returncode == 1
    assert "stdin:6:32: Telemetry" in " ".join(done.stdout.split())


def test_a_folder_is_every_manifest_in_it(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", RIGHT)
    write(tmp_path, "b.yml", ERROR)
    write(tmp_path, "notes.txt", "not: [yaml")
    (tmp_path / "below" / "further").mkdir(parents=True)
    write(tmp_path / "below" / "further", "c.json", '{"apiVersion": "v1", "kind": "Namespace"}')
    assert "in 3 objects of 3 files" in run(tmp_path).stdout


def test_a_list_is_replaced_by_its_items() -> None:
    telemetry = " ".join(line.strip() for line in ['{"apiVersion": "telemetry.istio.io/v1", "kind": "Telemetry",'])
    telemetry += ' "metadata": {"name": "a"}, "spec": {"tracing": [{"providers": [{"randomSamplingPercentage": 1}]}]}}'
    inner = f'{{"apiVersion": "v1", "kind": "List", "items": [{telemetry}]}}'
    done = run("-", stdin=f'{{"apiVersion": "v1", "kind": "List", "items": [{RIGHT}, {inner}]}}')
    assert done.returncode == 1
    assert "in 2 objects of 1 file" in done.stdout


def test_the_options_are_the_facts() -> None:
    istio = WARNING.replace("latest", "v1.99.0")
    assert "warning N11" in run("-", "--platform", "openshift", stdin=istio).stdout
    stack = "{apiVersion: tempo.grafana.com/v1alpha1, kind: TempoStack, spec: {template: {metricsGenerator: {}}}}"
    assert "error N20" in run("-", "--tempo-operator-version", "0.21.0", stdin=stack).stdout
    moved = ERROR.replace(", randomSamplingPercentage: 100", "")
    assert run("-", stdin=moved).stdout.startswith("0 errors, 0 warnings")
    assert "warning N14" in run("-", "--root-namespace", "mesh", stdin=moved).stdout


def test_the_day_for_which_releases_are_judged_can_be_asked_for() -> None:
    istio = WARNING.replace("latest", "v1.28.10")
    assert "0 errors, 0 warnings" in run("-", "--as-of", "2026-04-01", stdin=istio).stdout
    assert "warning N18" in run("-", "--as-of", "2026-06-01", "--platform", "kubernetes", stdin=istio).stdout
    assert "error N18" in run("-", "--as-of", "2026-07-01", "--platform", "kubernetes", stdin=istio).stdout
    assert "error N18" in run("-", "--platform", "kubernetes", stdin=istio).stdout, "today"


def test_the_output_fits_80_columns_where_words_allow_it() -> None:
    lines = run("-", stdin=ERROR).stdout.splitlines()
    assert len(lines) > 3
    assert all(len(line) <= 80 or " " not in line.strip() for line in lines)


def test_nothing_is_coloured_in_a_pipe() -> None:
    assert "\x1b" not in run("-", stdin=ERROR).stdout


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: [b", "lint: stdin:2:1: not YAML: did not find expected ',' or ']'"),
        ("a: b\n c: d", "lint: stdin:2:3: not YAML: mapping values are not allowed in this context"),
        ("a: !!int ''", "lint: stdin: not YAML: string index out of range"),
        ("kind: a\nb: 2\nkind: c", "lint: stdin:3:1: not YAML: the key 'kind' is there twice"),
        (f"{RIGHT}\n---\n- a", "lint: stdin: document 2: expected an object, found a list"),
        ("text", "lint: stdin: document 1: expected an object, found text"),
        (b"\xc3\x28", "lint: stdin: not UTF-8"),
        ("[" * 100_000 + "]" * 100_000, "lint: stdin: nested too deeply"),
    ],
    ids=["flow", "block", "tag", "doubled", "list", "text", "bytes", "deep"],
)
def test_what_cannot_be_checked_is_one_line_and_exits_2(text: str | bytes, expected: str) -> None:
    done = run("-", stdin=text)
    assert (done.returncode, done.stderr.splitlines()[0]) == (2, expected)


def test_an_absent_file_and_an_empty_folder_exit_2(tmp_path: Path) -> None:
    absent = run(tmp_path / "absent.yaml")
    assert absent.returncode == 2
    assert absent.stderr.startswith(f"lint: {tmp_path}/absent.yaml: No such file or directory\n")
    empty = run(tmp_path)
    assert empty.returncode == 2
    assert empty.stderr.startswith(f"lint: {tmp_path}: a folder without manifests (*.yaml, *.yml, *.json)\n")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "the following arguments are required: FILE"),
        (["-", "--colour"], "unrecognized arguments: --colour"),
        (["-", "--platform", "mainframe"], "argument --platform: invalid choice: 'mainframe'"),
        (
            ["-", "--collector-version", "new"],
            "argument --collector-version: expected a version such as 0.22.0, found 'new'",
        ),
        (["-", "--as-of", "soon"], "argument --as-of: expected a day such as 2026-12-01, found 'soon'"),
        (["--explain", "N99"], "argument --explain: expected a code from N1 to N"),
    ],
)
def test_a_bad_option_is_one_line_and_exits_2(arguments: list[str], expected: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(f"lint: {expected}")
    assert done.stderr.count("\n") == 1


def test_a_list_that_contains_itself_ends() -> None:
    done = run("-", stdin=f"&loop {{kind: List, items: [*loop, {RIGHT}]}}")
    assert (done.returncode, done.stdout) == (0, "0 errors, 0 warnings in 1 object of 1 file, 1 read by a check\n")


def test_a_code_is_explained_with_every_check_that_has_it_and_without_a_file() -> None:
    done = run("--explain", "n19")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("N19 warning: The collector gets a sidecar\n\n")
    assert "\n\nRemedy: Set the label" in done.stdout
    assert "\n\nExample:\n\n    apiVersion: v1\n    kind: Namespace\n" in done.stdout
    titles = [line for line in run("--explain", "N11").stdout.splitlines() if line.startswith("N11 ")]
    assert len(titles) == 4


def test_what_an_example_depends_on_is_named() -> None:
    assert "Example, where platform = openshift:" in run("--explain", "N11").stdout


def test_the_list_has_a_line_for_each_check() -> None:
    lines = run("--list").stdout.splitlines()
    assert len(lines) == len(lint.RULES)
    assert lines[0].split(maxsplit=2) == ["N1", "error", "Sampling is set inside a provider's entry"]

"""What lint says of a labelled file is counted as right, as a false alarm or as missed."""

import datetime
import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.corpus import __main__ as command
from tests.corpus import labels as _labels
from tests.corpus.labels import Fault, Label, Labels
from tests.corpus.scoring import Report, count, is_known, judge, known_codes, speaks_of

DAY = datetime.date(2026, 11, 27)
COMMIT = "0" * 40

# N1, and nothing else: an entry of `providers` has no other field than its name.
SAMPLING_IN_THE_PROVIDER = """
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: mesh-default, namespace: istio-system}
spec:
  tracing:
    - providers: [{name: a, randomSamplingPercentage: 1}, {name: b, randomSamplingPercentage: 1}]
"""
RIGHT = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"
MESH = """
apiVersion: install.istio.io/v1alpha1
kind: IstioOperator
metadata: {name: mesh, namespace: istio-system}
spec:
  meshConfig:
    extensionProviders:
      - {name: a, opentelemetry: {service: collector.tracing.svc.cluster.local, port: 4317}}
"""
SAMPLING = Fault(
    "sampling in the provider",
    "error",
    "it is dropped",
    ("Telemetry istio-system/mesh-default",),
    "spec.tracing[0].providers",
    ("N1",),
)


def labelled(root: Path, content: str, *faults: Fault, **together: str) -> Labels:
    """Write one file, and those that are checked with it, and return their label."""
    others = {f"{name}.yaml": text for name, text in together.items()}
    label = Label("owner/name", COMMIT, "a.yaml", "mesh", faults, tuple(others))
    folder = label.folder(root)
    folder.mkdir(parents=True)
    for name, text in {"a.yaml": content, **others}.items():
        (folder / name).write_text(text)
    return Labels(DAY, (label,))


def test_a_report_on_a_labelled_fault_is_right_and_the_fault_is_found(tmp_path: Path) -> None:
    counted = count(judge(labelled(tmp_path, SAMPLING_IN_THE_PROVIDER, SAMPLING), tmp_path))
    assert (counted.reports, counted.right, counted.faults, counted.found) == (1, 1, 1, 1)


def test_a_report_on_a_right_file_is_a_false_alarm(tmp_path: Path) -> None:
    (verdict,) = judge(labelled(tmp_path, SAMPLING_IN_THE_PROVIDER), tmp_path)
    fields = tuple(f"spec.tracing[0].providers[{index}].randomSamplingPercentage" for index in (0, 1))
    assert verdict.false_alarms == [Report("N1", "Telemetry istio-system/mesh-default", "error", fields)]


def test_a_report_on_another_object_than_the_labelled_one_is_a_false_alarm(tmp_path: Path) -> None:
    elsewhere = Fault("a", "error", "b", ("Telemetry shop/mesh-default",), "spec", ("N1",))
    counted = count(judge(labelled(tmp_path, SAMPLING_IN_THE_PROVIDER, elsewhere), tmp_path))
    assert (counted.right, counted.found) == (0, 0)


def test_a_report_on_another_field_of_the_object_is_a_false_alarm_and_does_not_find_the_fault(tmp_path: Path) -> None:
    elsewhere = replace(SAMPLING, field="spec.selector")
    counted = count(judge(labelled(tmp_path, SAMPLING_IN_THE_PROVIDER, elsewhere), tmp_path))
    assert (counted.right, counted.found) == (0, 0)


@pytest.mark.parametrize(
    ("reported", "labelled_field"),
    [
        ("spec.tag", "spec.tag"),
        ("spec.values.global", "spec.values"),
        ("spec.values", "spec.values.global.tag"),
        ("spec.sources[0].helm.values.storage", "storage.trace"),
        ('data["otel.yaml"]', "exporters.logging"),
        ('data["otel.yaml"].exporters.jaeger', "exporters.logging, exporters.jaeger"),
        ("exporters.jaeger", "exporters.logging and exporters.jaeger"),
        ("spec.config.exporters.otlp.endpoint", "spec.config exporters.otlp"),
        ("spec.tag", "?"),
        ("", "kind"),
        ("kind", ""),
    ],
)
def test_a_report_speaks_of_a_field_and_of_what_is_around_it_or_in_it(reported: str, labelled_field: str) -> None:
    assert speaks_of([reported], labelled_field)


@pytest.mark.parametrize(
    ("reported", "labelled_field"),
    [
        ("spec.version", "spec.tracing.type"),
        ("dependencies[0].repository", "dependencies[0].version"),
        ('data["otel.yaml"].exporters.otlp', "exporters.logging, exporters.jaeger"),
    ],
)
def test_a_report_does_not_speak_of_a_field_beside_it(reported: str, labelled_field: str) -> None:
    assert not speaks_of([reported], labelled_field)


def test_a_check_that_speaks_twice_of_one_object_makes_one_report(tmp_path: Path) -> None:
    (verdict,) = judge(labelled(tmp_path, SAMPLING_IN_THE_PROVIDER, SAMPLING), tmp_path)
    assert len(verdict.reports) == 1


def test_a_fault_of_which_nothing_is_said_is_missed(tmp_path: Path) -> None:
    (verdict,) = judge(labelled(tmp_path, RIGHT, SAMPLING), tmp_path)
    assert verdict.reports_of(SAMPLING) == []


def test_a_file_that_is_not_yaml_is_a_report_of_its_own(tmp_path: Path) -> None:
    broken = Fault("not YAML", "error", "a tab", codes=("unreadable",))
    counted = count(judge(labelled(tmp_path, "a: [", broken), tmp_path))
    assert (counted.right, counted.found) == (1, 1)


def test_files_that_belong_together_are_checked_together(tmp_path: Path) -> None:
    telemetry = SAMPLING_IN_THE_PROVIDER.replace("name: a, randomSamplingPercentage: 1", "name: c").replace(
        "name: b, randomSamplingPercentage: 1", "name: c"
    )
    (alone,) = judge(labelled(tmp_path / "alone", telemetry), tmp_path / "alone")
    (together,) = judge(labelled(tmp_path / "both", telemetry, mesh=MESH), tmp_path / "both")
    assert "N2" not in {report.code for report in alone.reports}
    assert "N2" in {report.code for report in together.reports}


def test_a_plain_document_is_called_by_a_question_mark(tmp_path: Path) -> None:
    telemetry = "values:\n  hub: gcr.io/istio-release\n"
    (verdict,) = judge(labelled(tmp_path, telemetry), tmp_path)
    assert [report.object for report in verdict.reports] == ["?"]


def test_a_file_that_is_not_there_is_not_judged(tmp_path: Path) -> None:
    missing = Labels(DAY, (Label("owner/name", COMMIT, "a.yaml", "mesh"),))
    assert judge(missing, tmp_path) == []


def test_a_fault_without_a_check_counts_among_all_faults_only(tmp_path: Path) -> None:
    strange = Fault("no check is about this", "error", "b", ("Namespace shop",), "x")
    verdicts = judge(labelled(tmp_path, RIGHT, strange), tmp_path)
    assert not is_known(strange, known_codes())
    assert (count(verdicts).recall, count(verdicts, known_codes()).recall) == (0.0, 1.0)


@pytest.fixture
def one_right_and_one_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    missed = Fault("no check is about this", "error", "b", ("Telemetry istio-system/mesh-default",), "x")
    everything = labelled(tmp_path, SAMPLING_IN_THE_PROVIDER, SAMPLING, missed)
    monkeypatch.setattr(_labels, "read", lambda _file: everything)
    return tmp_path


def test_the_command_prints_precision_recall_and_what_was_missed(
    one_right_and_one_missed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["score", "--files", str(one_right_and_one_missed)]) == 0
    printed = capsys.readouterr().out
    assert "precision 100.0%: 1 of 1 reports are right" in printed
    assert "50.0% of all: 1 of 2 faults" in printed
    assert "owner/name a.yaml: no check: no check is about this" in printed


def test_the_command_prints_json(one_right_and_one_missed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["score", "--files", str(one_right_and_one_missed), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["codes"]["N1"] == {
        "reports": 1,
        "right": 1,
        "faults": 1,
        "found": 1,
        "precision": 1.0,
        "recall": 1.0,
    }


def test_without_any_file_the_command_says_that_they_have_to_be_fetched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["score", "--files", str(tmp_path)]) == 1
    assert "fetch them first" in capsys.readouterr().err


def test_the_command_reads_the_labels_that_it_is_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = Label("owner/name", COMMIT, "a.yaml", "mesh").folder(tmp_path)
    folder.mkdir(parents=True)
    (folder / "a.yaml").write_text(RIGHT)
    entry = f'{{repository: owner/name, commit: "{COMMIT}", path: a.yaml, subject: mesh, verdict: right}}'
    others = tmp_path / "others.yaml"
    others.write_text(f"{{day: {DAY}, files: [{entry}]}}")
    assert command.main(["score", "--files", str(tmp_path), "--labels", str(others)]) == 0
    assert "1 files, 0 of the labelled ones are not there" in capsys.readouterr().out

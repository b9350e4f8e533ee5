"""What is wrong with a public manifest is written down so that it can be fetched, checked and compared."""

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.corpus.labels import LABELS, UNREADABLE, Label, read

FILES = read().files
HOLDOUT = read(LABELS.with_name("holdout.yaml")).files
THIRD = read(LABELS.with_name("third.yaml")).files
FOURTH = read(LABELS.with_name("fourth.yaml")).files
FIFTH = read(LABELS.with_name("fifth.yaml")).files
SIXTH = read(LABELS.with_name("sixth.yaml")).files
SEVENTH = read(LABELS.with_name("seventh.yaml")).files
EIGHTH = read(LABELS.with_name("eighth.yaml")).files
NINTH = read(LABELS.with_name("ninth.yaml")).files
ALL = (*FILES, *HOLDOUT, *THIRD, *FOURTH, *FIFTH, *SIXTH, *SEVENTH, *EIGHTH, *NINTH)


def test_the_labels_are_many_of_many_repositories() -> None:
    assert len(FILES) >= 220
    assert len({label.repository for label in FILES}) >= 80


def test_no_repository_has_more_than_its_share() -> None:
    assert max(Counter(label.repository for label in FILES).values()) <= 4


def test_the_second_measure_is_of_other_repositories() -> None:
    assert len(HOLDOUT) >= 120
    assert not {label.repository for label in HOLDOUT} & {label.repository for label in FILES}
    assert max(Counter(label.repository for label in HOLDOUT).values()) <= 3


def test_the_third_measure_is_of_other_repositories_than_both() -> None:
    assert len(THIRD) >= 100
    assert not {label.repository for label in THIRD} & {label.repository for label in (*FILES, *HOLDOUT)}
    assert max(Counter(label.repository for label in THIRD).values()) <= 2


def test_the_fourth_measure_is_of_other_repositories_than_the_others() -> None:
    assert len(FOURTH) >= 110
    assert len({label.repository for label in FOURTH}) >= 60
    assert not {label.repository for label in FOURTH} & {label.repository for label in (*FILES, *HOLDOUT, *THIRD)}
    assert max(Counter(label.repository for label in FOURTH).values()) <= 4


def test_the_fifth_measure_is_of_other_repositories_than_the_others() -> None:
    before = {label.repository for label in (*FILES, *HOLDOUT, *THIRD, *FOURTH)}
    assert len(FIFTH) >= 70
    assert len({label.repository for label in FIFTH}) >= 40
    assert not {label.repository for label in FIFTH} & before
    assert max(Counter(label.repository for label in FIFTH).values()) <= 4


def test_the_sixth_measure_is_of_other_repositories_than_the_others() -> None:
    before = {label.repository for label in (*FILES, *HOLDOUT, *THIRD, *FOURTH, *FIFTH)}
    assert len(SIXTH) >= 70
    assert len({label.repository for label in SIXTH}) >= 35
    assert not {label.repository for label in SIXTH} & before
    assert max(Counter(label.repository for label in SIXTH).values()) <= 3


def test_the_seventh_measure_is_of_other_repositories_than_the_others() -> None:
    before = {label.repository for label in (*FILES, *HOLDOUT, *THIRD, *FOURTH, *FIFTH, *SIXTH)}
    assert len(SEVENTH) >= 70
    assert len({label.repository for label in SEVENTH}) >= 35
    assert not {label.repository for label in SEVENTH} & before
    assert max(Counter(label.repository for label in SEVENTH).values()) <= 3


def test_the_eighth_measure_is_of_other_repositories_than_the_others() -> None:
    before = {label.repository for label in (*FILES, *HOLDOUT, *THIRD, *FOURTH, *FIFTH, *SIXTH, *SEVENTH)}
    assert len(EIGHTH) >= 60
    assert len({label.repository for label in EIGHTH}) >= 35
    assert not {label.repository for label in EIGHTH} & before
    assert max(Counter(label.repository for label in EIGHTH).values()) <= 3


def test_the_ninth_measure_is_of_other_repositories_than_the_others() -> None:
    before = {label.repository for label in (*FILES, *HOLDOUT, *THIRD, *FOURTH, *FIFTH, *SIXTH, *SEVENTH, *EIGHTH)}
    assert len(NINTH) >= 110
    assert len({label.repository for label in NINTH}) >= 70
    assert not {label.repository for label in NINTH} & before
    assert max(Counter(label.repository for label in NINTH).values()) <= 3


def test_a_file_is_labelled_once() -> None:
    assert len({(label.repository, label.path) for label in ALL}) == len(ALL)


@pytest.mark.parametrize("label", ALL, ids=str)
def test_a_label_names_a_commit_and_a_path_that_stays_below_it(label: Label) -> None:
    assert re.fullmatch(r"[0-9a-f]{40}", label.commit)
    assert re.fullmatch(r"[\w.-]+/[\w.-]+", label.repository)
    for path in label.paths:
        assert not path.startswith("/")
        assert ".." not in path.split("/")


@pytest.mark.parametrize("label", [label for label in ALL if label.faults], ids=str)
def test_a_fault_says_where_it_is_and_which_checks_are_about_it(label: Label) -> None:
    for fault in label.faults:
        assert fault.severity in {"error", "warning"}
        assert all(re.fullmatch(rf"N[1-9]\d*|{UNREADABLE}", code) for code in fault.codes)
        assert fault.codes == (UNREADABLE,) or (fault.objects and fault.field)


@pytest.mark.parametrize(
    ("verdict", "faults"), [("right", "[{fault: a, severity: error, reason: b}]"), ("wrong", "[]")]
)
def test_a_verdict_that_contradicts_the_faults_is_refused(verdict: str, faults: str, tmp_path: Path) -> None:
    file = tmp_path / "labels.yaml"
    entry = f"{{repository: a/b, commit: c, path: d, subject: mesh, verdict: {verdict}, faults: {faults}}}"
    file.write_text(f"{{day: 2026-11-27, files: [{entry}]}}")
    with pytest.raises(ValueError, match="a/b d"):
        read(file)

"""The labelled files are brought from where they are, and what could not be had is said."""

import subprocess
from pathlib import Path

import pytest

from tests.corpus import fetching
from tests.corpus.fetching import AbsentError, fetch, from_mirror
from tests.corpus.labels import Label


def label(*together: str, commit: str = "0" * 40) -> Label:
    return Label("owner/name", commit, "deploy/a.yaml", "mesh", together=together)


def content(one: Label, path: str) -> bytes:
    return f"{one.repository} {path}".encode()


def nothing(_label: Label, _path: str) -> bytes:
    raise AbsentError("not found")


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    repository = tmp_path / "mirror" / "owner+name" / "repo"
    repository.mkdir(parents=True)
    (repository / "deploy").mkdir()
    (repository / "deploy" / "a.yaml").write_text("kind: Pod\n")
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    for command in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "first"]):
        subprocess.run(["git", "-C", str(repository), *command], check=True)
    return tmp_path / "mirror"


def head(mirror: Path) -> str:
    command = ["git", "-C", str(mirror / "owner+name" / "repo"), "rev-parse", "HEAD"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_a_file_and_those_that_belong_to_it_are_put_below_repository_and_commit(tmp_path: Path) -> None:
    assert fetch([label("b.yaml")], tmp_path, content, seconds=60) == []
    folder = tmp_path / "owner+name" / ("0" * 40)
    assert (folder / "deploy" / "a.yaml").read_text() == "owner/name deploy/a.yaml"
    assert (folder / "b.yaml").read_text() == "owner/name b.yaml"


def test_a_file_that_is_there_is_not_brought_again(tmp_path: Path) -> None:
    fetch([label()], tmp_path, content, seconds=60)
    assert fetch([label()], tmp_path, nothing, seconds=60) == []


def test_a_file_that_cannot_be_had_is_named_and_the_others_come(tmp_path: Path) -> None:
    def some(one: Label, path: str) -> bytes:
        return content(one, path) if path == "b.yaml" else nothing(one, path)

    assert fetch([label("b.yaml")], tmp_path, some, seconds=60) == ["owner/name deploy/a.yaml: not found"]
    assert (tmp_path / "owner+name" / ("0" * 40) / "b.yaml").exists()


def test_nothing_is_brought_when_the_time_is_over(tmp_path: Path) -> None:
    assert fetch([label()], tmp_path, content, seconds=-1) == ["owner/name deploy/a.yaml: no time was left"]


def test_a_mirror_gives_a_file_at_its_commit(mirror: Path) -> None:
    assert from_mirror(mirror)(label(commit=head(mirror)), "deploy/a.yaml") == b"kind: Pod\n"


def test_a_mirror_without_the_commit_says_so(mirror: Path) -> None:
    with pytest.raises(AbsentError, match=r"owner\+name"):
        from_mirror(mirror)(label(), "deploy/a.yaml")


def test_the_host_is_asked_for_the_file_at_its_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def refuse(address: str, timeout: float) -> None:
        asked.append(address)
        raise TimeoutError("timed out")

    monkeypatch.setattr(fetching.urllib.request, "urlopen", refuse)
    with pytest.raises(AbsentError, match="timed out"):
        fetching.from_host(label(), "a file.yaml")
    assert asked == [f"https://raw.githubusercontent.com/owner/name/{'0' * 40}/a%20file.yaml"]

"""The intended deployment is read from Pulumi, or from a file."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from verify_world import DEPLOYMENT, assert_is_command

from verify import outputs
from verify.access.cluster import CannotCheckError
from verify.access.deadline import Deadline

OUTPUTS = {"deployment": DEPLOYMENT.model_dump(), "objectStoreSecretKey": "[secret]", "tempo_query_url": "http://tempo"}

Fake = Callable[..., Path]


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Puts a ``pulumi`` on PATH that prints ``printed`` for ``stack output``, and records its arguments."""

    def install(
        printed: str = json.dumps(OUTPUTS), *, failure: str = "", selected: str = "dev", shown: str = ""
    ) -> Path:
        (tmp_path / "printed").write_text(printed)
        (tmp_path / "shown").write_text(shown)
        (tmp_path / "failure").write_text(failure)
        script = tmp_path / "pulumi"
        script.write_text(
            "#!/bin/sh\n"
            f'echo "$@" >> {tmp_path}/calls\n'
            f"if [ -s {tmp_path}/failure ]; then cat {tmp_path}/failure >&2; exit 255; fi\n"
            f'case "$*" in *--show-name*) echo {selected} ;; *--show-secrets*) cat {tmp_path}/shown ;; '
            f"*) cat {tmp_path}/printed ;; esac\n"
        )
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        return tmp_path / "calls"

    return install


def test_the_outputs_of_a_stack_are_asked_of_pulumi(pulumi: Fake) -> None:
    calls = pulumi()
    assert outputs.of_stack("local", Deadline()) == ("local", DEPLOYMENT)
    project = Path(outputs.__file__).resolve().parents[1]
    assert calls.read_text() == f"--non-interactive --cwd {project} stack output --json --stack local\n"


def test_without_a_name_it_is_the_stack_that_is_selected(pulumi: Fake) -> None:
    pulumi(selected="prod")
    assert outputs.of_stack(None, Deadline()) == ("prod", DEPLOYMENT)


def refusal(ask: Callable[[], Any]) -> CannotCheckError:
    with pytest.raises(CannotCheckError) as caught:
        ask()
    assert "\n" not in str(caught.value)
    assert_is_command(caught.value.remedy)
    return caught.value


def test_a_stack_that_was_never_deployed_says_how_to_deploy_it(pulumi: Fake) -> None:
    pulumi("{}")
    error = refusal(lambda: outputs.of_stack("local", Deadline()))
    assert "stack 'local' has no output 'deployment'" in str(error)
    assert error.remedy == "pulumi up --stack local"


@pytest.mark.parametrize(
    ("deployed", "named"),
    [
        ({key: value for key, value in OUTPUTS["deployment"].items() if key != "tempo"}, "tempo"),
        (OUTPUTS["deployment"] | {"jaeger": {}}, "jaeger"),
        (OUTPUTS["deployment"] | {"platform": "mainframe"}, "platform"),
        (None, "another version"),
    ],
    ids=["a key too few", "a key too many", "an unknown value", "nothing"],
)
def test_a_deployment_of_another_version_is_deployed_again(pulumi: Fake, deployed: Any, named: str) -> None:
    pulumi(json.dumps(OUTPUTS | {"deployment": deployed}))
    error = refusal(lambda: outputs.of_stack("local", Deadline()))
    assert "another version of the program" in str(error)
    assert named in str(error)
    assert error.remedy == "pulumi up --stack local"


SECRET_OUTPUTS = OUTPUTS | {"deployment": "[secret]"}


def test_a_deployment_that_is_a_secret_is_asked_for_as_such(pulumi: Fake) -> None:
    pulumi(json.dumps(SECRET_OUTPUTS), shown=json.dumps(OUTPUTS))
    assert outputs.of_stack("local", Deadline()) == ("local", DEPLOYMENT)


def test_a_file_without_the_secret_says_how_to_write_one_that_has_it(tmp_path: Path) -> None:
    path = tmp_path / "outputs.json"
    path.write_text(json.dumps(SECRET_OUTPUTS))
    error = refusal(lambda: outputs.of_file(str(path), "prod"))
    assert "--show-secrets" in str(error)
    assert error.remedy == "umask 077; pulumi stack output --json --show-secrets --stack prod > outputs.json"


def test_the_content_of_a_deployment_of_another_version_is_not_printed(pulumi: Fake) -> None:
    pulumi(json.dumps(OUTPUTS | {"deployment": OUTPUTS["deployment"] | {"password": "sentinel"}}))
    assert "sentinel" not in str(refusal(lambda: outputs.of_stack("local", Deadline())))


@pytest.mark.parametrize("printed", ["", "Updating (local):", "[1, 2]", '"deployment"', "null"])
def test_pulumi_may_print_something_other_than_outputs(pulumi: Fake, printed: str) -> None:
    pulumi(printed)
    refusal(lambda: outputs.of_stack("local", Deadline()))


def test_why_pulumi_failed_is_the_last_line_of_what_it_said(pulumi: Fake) -> None:
    pulumi(failure="warning: a new version is there\nerror: no stack named 'lokal' found\n")
    error = refusal(lambda: outputs.of_stack("lokal", Deadline()))
    assert str(error) == "pulumi stack output failed: no stack named 'lokal' found"


def test_without_pulumi_a_file_will_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "--outputs" in str(refusal(lambda: outputs.of_stack("local", Deadline())))


def test_outputs_are_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "outputs.json"
    path.write_text(json.dumps(OUTPUTS))
    assert outputs.of_file(str(path), "prod") == ("prod", DEPLOYMENT)


def test_outputs_are_read_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(OUTPUTS)))
    assert outputs.of_file("-", "prod") == ("prod", DEPLOYMENT)


def test_without_the_stacks_name_the_remedy_has_a_placeholder_that_a_shell_accepts(tmp_path: Path) -> None:
    path = tmp_path / "outputs.json"
    path.write_text("{}")
    assert refusal(lambda: outputs.of_file(str(path), None)).remedy == "pulumi up --stack STACK"


@pytest.mark.parametrize("text", [None, "", "token: sentinel", b"\xff\xfe"])
def test_a_file_without_outputs_says_how_to_write_it(tmp_path: Path, text: str | bytes | None) -> None:
    path = tmp_path / "outputs.json"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    error = refusal(lambda: outputs.of_file(str(path), None))
    assert "does not contain the outputs of a stack" in str(error)
    assert "sentinel" not in str(error)
    assert error.remedy == f"pulumi stack output --json > {path}"


def test_a_path_with_spaces_stays_one_word_of_the_command(tmp_path: Path) -> None:
    assert refusal(lambda: outputs.of_file(str(tmp_path / "the outputs.json"), None)).remedy.endswith("outputs.json'")

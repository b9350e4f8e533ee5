"""``python -m verify``: its exit codes, what it prints on which stream, and that it prints no secret."""

import datetime
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from typer.testing import CliRunner, Result
from verify_world import (
    COLLECTOR_CONFIG,
    DATASOURCES,
    DEPLOYMENT,
    GRAFANA_MANAGED,
    KIALI,
    MESH_CONFIG,
    PRODUCTPAGE_URL,
    config_map,
    deployment,
    healthy,
    istio,
    part,
    pod,
    resource,
    service,
)

from verify import __main__ as command
from verify.access.cluster import CannotCheckError
from verify.access.deadline import Deadline
from verify.causes import Code
from verify.check import Wanted
from verify.findings import Finding, fault, ok, unknown, warning
from verify.hops import HOPS, grafana
from verify.output import terminal, unexpected
from verify.output.report import Report
from verify.traffic.service_graph import Edge

FINE = ok("collector", "3 pods are ready")
BROKEN = fault("collector", "failed +3", code=Code.NO_COLLECTOR, cause="Tempo is slow", remedy="kubectl get pods")
WARNING = warning("operators", code=Code.OPERATOR_STOPPED, cause="the operator does not run")
UNCLEAR = unknown("collector", "not allowed", code=Code.NO_COLLECTOR, cause="it could not be looked at")

VERSION = re.escape(
    tomllib.loads((Path(command.__file__).parents[1] / "pyproject.toml").read_text())["project"]["version"]
)

Run = Callable[..., Result]


def report(finding: Finding) -> Report:
    moment = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)
    return Report("local", "test", moment, (finding,), {}, None, {}, frozenset(), None)


class Checks:
    """Replaces ``check``: each call returns the next of ``findings``, and then always the last one."""

    def __init__(self, *findings: Finding) -> None:
        self._findings = list(findings)
        self.wanted: list[Wanted] = []
        self.worlds: list[Any] = []
        self.fails: BaseException | None = None
        self.after = 0

    def __call__(self, world: Any, wanted: Wanted, say: Callable[[str], None]) -> Report:
        self.wanted.append(wanted)
        self.worlds.append(world)
        say("looking at every hop")
        if self.fails is not None and len(self.wanted) > self.after:
            raise self.fails
        return report(self._findings.pop(0) if len(self._findings) > 1 else self._findings[0])


@pytest.fixture
def clusters(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str | None]]:
    """The contexts and servers with which a cluster was opened."""
    asked: list[tuple[str, str | None]] = []

    def cluster(context: str, server: str | None, deadline: Deadline) -> Any:
        asked.append((context, server))
        made = healthy()
        made.deadline = deadline
        return made

    monkeypatch.setattr(command, "Cluster", cluster)
    monkeypatch.setattr(command.outputs, "of_stack", lambda stack, _: (stack or "local", DEPLOYMENT))
    return asked


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The seconds of each sleep; time does not pass otherwise."""
    times: list[float] = []
    stand_in = type("Time", (), {"monotonic": lambda: sum(times), "sleep": times.append})
    monkeypatch.setattr(command, "time", stand_in)
    return times  # type: ignore[return-value]


@pytest.fixture
def run(clusters: Any, slept: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)

    def invoke(checks: Checks, *arguments: str) -> Result:
        monkeypatch.setattr(command, "check", checks)
        return CliRunner().invoke(command.app, list(arguments))

    return invoke


@pytest.mark.parametrize(("finding", "code"), [(FINE, 0), (WARNING, 0), (BROKEN, 1), (UNCLEAR, 2)])
def test_the_verdict_is_the_exit_code(run: Run, finding: Finding, code: int) -> None:
    assert run(Checks(finding)).exit_code == code


@pytest.mark.parametrize(
    ("finding", "code"),
    [(FINE, 0), (WARNING, 1), (BROKEN, 1), (UNCLEAR, 2)],
)
def test_to_be_strict_is_to_fail_on_a_warning(run: Run, finding: Finding, code: int) -> None:
    assert run(Checks(finding), "--strict").exit_code == code


def test_the_report_is_on_standard_output_and_progress_is_not(run: Run) -> None:
    result = run(Checks(FINE))
    assert "Tracing works" in result.stdout
    assert ("looking" in result.stdout, "looking" in result.stderr) == (False, True)


def test_json_is_one_document_and_nothing_else(run: Run) -> None:
    result = run(Checks(BROKEN), "--json", "--verbose")
    assert json.loads(result.stdout) == report(BROKEN).to_json()


def test_json_after_waiting_is_still_one_document(run: Run) -> None:
    result = run(Checks(BROKEN, BROKEN, FINE), "--json", "--wait", "60s")
    assert json.loads(result.stdout)["verdict"] == "works"


def test_files_are_written_and_named(run: Run, tmp_path: Path) -> None:
    result = run(Checks(FINE))
    assert {path.name for path in (tmp_path / "verify-report").iterdir()} == {"report.html", "graph.svg"}
    assert "written: verify-report/report.html, verify-report/graph.svg" in result.stderr


def test_files_go_where_it_was_asked_for(run: Run, tmp_path: Path) -> None:
    run(Checks(FINE), "--report", "a/b")
    assert {path.name for path in (tmp_path / "a" / "b").iterdir()} == {"report.html", "graph.svg"}


def test_no_files_are_written_when_none_are_wanted(run: Run, tmp_path: Path) -> None:
    run(Checks(FINE), "--no-report")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_does_not_change_the_verdict(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = run(Checks(FINE), "--report", "file/below")
    assert (result.exit_code, "not written: file/below (Not a directory)" in result.stderr) == (0, True)


# What is checked.


def test_without_a_choice_every_hop_is_checked(run: Run) -> None:
    checks = Checks(FINE)
    run(checks)
    assert checks.wanted == [Wanted(list(HOPS), frozenset(), None)]


def test_only_the_hops_that_are_named_are_checked_in_their_order(run: Run) -> None:
    checks = Checks(FINE)
    run(checks, "--only", "tempo", "--only", "collector")
    assert [hop.name for hop in checks.wanted[0].hops] == ["collector", "tempo"]


def one_line(result: Result) -> str:
    """The one line on standard error of a check that could not be made."""
    assert result.exit_code == 2
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    return line


def test_help_is_shown_without_importing_a_large_library() -> None:
    project = Path(command.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "verify", "--help"],
        cwd=project, capture_output=True, text=True, check=True,
    )  # fmt: skip
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "verify.access.cluster" in imported
    assert not {name for name in imported if name.partition(".")[0] in {"kubernetes", "pulumi"}}


def test_an_unknown_hop_is_refused_with_the_known_ones(run: Run) -> None:
    said = one_line(run(Checks(FINE), "--only", "colector"))
    assert "'colector'" in said
    assert all(hop.name in said for hop in HOPS)


def test_additional_edges_are_expected(run: Run) -> None:
    checks = Checks(FINE)
    run(checks, "--edge", "cart.shop=web.shop", "--edge", "a=b")
    assert checks.wanted[0].edges == {Edge("cart.shop", "web.shop"), Edge("a", "b")}


@pytest.mark.parametrize("text", ["cart.shop", "=web.shop", "cart.shop=", "="])
def test_a_malformed_edge_is_refused(run: Run, text: str) -> None:
    assert f"CLIENT=SERVER, found {text!r}" in one_line(run(Checks(FINE), "--edge", text))


def test_requests_go_to_the_address_that_is_named(run: Run) -> None:
    checks = Checks(FINE)
    run(checks, "--probe", "http://web.shop.svc:8080/path")
    assert checks.wanted[0].probe == "http://web.shop.svc:8080/path"


@pytest.mark.parametrize(
    "url", ["web.shop:8080", "/path", "http://", "http://web.shop.svc:port/", "ftp://web.shop.svc", ""]
)
def test_a_malformed_address_is_refused(run: Run, url: str) -> None:
    assert repr(url) in one_line(run(Checks(FINE), "--probe", url))


@pytest.mark.parametrize(
    ("text", "seconds"), [("0s", 0), ("90", 90), ("120s", 120), ("2m", 120), ("1.5m", 90), ("1h", 3600)]
)
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert command._seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "-5s", "5 s", "5d", "1e3", "5s\n"])
def test_a_malformed_duration_is_refused(run: Run, text: str) -> None:
    assert repr(text) in one_line(run(Checks(FINE), "--wait", text))


# Where it is checked.


def test_the_current_context_has_to_lead_to_the_stacks_cluster(
    run: Run, clusters: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command.outputs, "of_stack", lambda *_: ("prod", deployment(cluster_uid="the-cluster")))
    run(Checks(FINE))
    assert clusters == [(None, "the-cluster")]


def test_so_does_a_context_that_is_named(run: Run, clusters: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command.outputs, "of_stack", lambda *_: ("prod", deployment(cluster_uid="the-cluster")))
    run(Checks(FINE), "--context", "mine")
    assert clusters == [("mine", "the-cluster")]


def test_the_stack_that_is_named_is_checked(run: Run) -> None:
    checks = Checks(FINE)
    run(checks, "--stack", "prod")
    assert checks.worlds[0].stack == "prod"


def test_outputs_may_come_from_a_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "outputs.json").write_text(json.dumps({"deployment": DEPLOYMENT.model_dump()}))
    checks = Checks(FINE)
    run(checks, "--outputs", "outputs.json", "--stack", "dev")
    assert (checks.worlds[0].stack, checks.worlds[0].deployment) == ("dev", DEPLOYMENT)


def test_what_cannot_be_checked_is_two_lines_the_reason_and_the_remedy(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> Any:
        raise CannotCheckError(
            "stack 'local' has no output [deployment]: deploy [/it] first", "pulumi up [x]", code=Code.NO_OUTPUTS
        )

    monkeypatch.setattr(command.outputs, "of_stack", refuse)
    result = run(Checks(FINE))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines() == [
        "verify: stack 'local' has no output [deployment]: deploy [/it] first",
        "  pulumi up [x]",
    ]


def test_a_login_that_expires_meanwhile_ends_the_check(run: Run) -> None:
    checks = Checks(FINE)
    checks.fails = CannotCheckError("log in again", code=Code.LOGIN_REFUSED)
    result = run(checks)
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (2, "verify: log in again")


# For how long.


def test_it_is_checked_once(run: Run) -> None:
    checks = Checks(BROKEN)
    run(checks)
    assert len(checks.wanted) == 1


def test_waiting_ends_as_soon_as_everything_works(run: Run) -> None:
    checks = Checks(BROKEN, UNCLEAR, FINE, BROKEN)
    result = run(checks, "--wait", "10m")
    assert (result.exit_code, len(checks.wanted)) == (0, 3)


def test_waiting_ends_when_the_time_is_over(run: Run, slept: list[float]) -> None:
    result = run(Checks(BROKEN), "--wait", "60s")
    assert result.exit_code == 1
    assert 60 <= sum(slept) < 70


def test_only_the_last_report_is_shown_after_waiting(run: Run) -> None:
    result = run(Checks(BROKEN, FINE), "--wait", "60s")
    assert ("Tracing works" in result.stdout, "Tracing is broken" in result.stdout) == (True, False)


def test_the_reason_for_trying_again_is_printed(run: Run) -> None:
    assert "broken: trying again" in run(Checks(BROKEN, FINE), "--wait", "60s").stderr


def test_watching_shows_every_report_until_it_is_interrupted(run: Run) -> None:
    checks = Checks(FINE, BROKEN, FINE)
    checks.fails, checks.after = KeyboardInterrupt(), 3
    result = run(checks, "--watch")
    assert result.stdout.count("Tracing works") == 2
    assert result.stdout.count("Tracing is broken") == 1


@pytest.mark.parametrize("option", ["--watch", "--json"])
def test_an_interruption_is_no_verdict_and_no_traceback(run: Run, option: str) -> None:
    checks = Checks(FINE)
    checks.fails = KeyboardInterrupt()
    result = run(checks, option)
    assert result.exit_code == 130
    assert "Traceback" not in result.output


# Failures.


def test_what_cannot_be_checked_is_json_too_if_that_was_asked_for(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> Any:
        raise CannotCheckError("stack 'prod' has no output", "pulumi up --stack prod", code=Code.NO_OUTPUTS)

    monkeypatch.setattr(command.outputs, "of_stack", refuse)
    result = run(Checks(FINE), "--json", "--stack", "prod")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["schema"], found["verdict"]) == (2, "mesh-tracing.verify/1", "cannot tell")
    assert (found["stack"], found["hops"]) == ("prod", [])
    assert found["error"] == {
        "code": "no-outputs", "message": "stack 'prod' has no output", "remedy": "pulumi up --stack prod",
    }  # fmt: skip


@pytest.mark.parametrize(
    "arguments", [["--wait", "soon"], ["--timeout", "0"], ["--edge", "a"], ["--probe", "x"], ["--only", "x"]]
)
def test_a_wrong_value_of_an_option_has_its_code(run: Run, arguments: list[str]) -> None:
    found = json.loads(run(Checks(FINE), "--json", *arguments).stdout)
    assert found["error"]["code"] == "wrong-option"


def test_watching_in_json_is_one_document_on_each_line(run: Run) -> None:
    checks = Checks(FINE, BROKEN, FINE)
    checks.fails, checks.after = CannotCheckError("log in again", code=Code.LOGIN_REFUSED), 2
    lines = run(checks, "--watch", "--json").stdout.splitlines()
    documents = [json.loads(line) for line in lines]
    assert [one["verdict"] for one in documents] == ["works", "broken", "cannot tell"]
    assert [(one["error"] or {}).get("code") for one in documents] == [None, None, "login-refused"]


def raised_here() -> None:
    raise ZeroDivisionError("password=hunt" + "er2\nand more\x1b[2J")


def fail_in_our_code(*_: Any) -> Any:
    terminal.show(cast("Report", None), cast("Any", None))


@pytest.mark.parametrize("option", [[], ["--json"]])
def test_an_unexpected_error_is_one_line_that_can_be_reported(
    run: Run, monkeypatch: pytest.MonkeyPatch, option: list[str]
) -> None:
    monkeypatch.setattr(command.outputs, "of_stack", fail_in_our_code)
    result = run(Checks(FINE), *option)
    assert (result.exit_code, "Traceback" in result.output) == (2, False)
    (line,) = result.stderr.splitlines()
    what = r"AttributeError: 'NoneType' object has no attribute '\w+' at verify/output/terminal\.py:\d+"
    version = rf"\(mesh-tracing {VERSION}, Python 3\.\d+\.\d+; --debug shows more\)"
    prefix = "verify: an error in verify itself; please report this line to its maintainers: "
    assert re.fullmatch(f"{prefix}{what} {version}", line), line
    if option:
        error = json.loads(result.stdout)["error"]
        assert (error["code"], line) == ("unexpected", f"verify: {error['message']}")


def test_an_unexpected_error_shows_no_secret_and_no_control_sequence() -> None:
    try:
        raised_here()
    except ZeroDivisionError as error:
        said = unexpected.described(error)
    assert "ZeroDivisionError: password=*** and more\\x1b[2J at tests/unit/verify/test_command.py:" in said


def test_debugging_prints_the_traceback(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command.outputs, "of_stack", fail_in_our_code)
    try:
        result = run(Checks(FINE), "--debug")
    finally:
        unexpected._LOG.handlers = []
    assert "Traceback (most recent call last)" in result.stderr
    assert "verify/output/terminal.py" in result.stderr


def test_an_error_in_drawing_does_not_change_the_verdict(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command.pictures, "write", fail_in_our_code)
    result = run(Checks(FINE))
    assert result.exit_code == 0
    assert "not written: verify-report (an error in verify itself" in result.stderr


def test_the_schema_is_printed_without_a_stack(run: Run) -> None:
    result = run(Checks(FINE), "--schema")
    assert (result.exit_code, json.loads(result.stdout)["properties"]["schema"]["const"]) == (
        0,
        "mesh-tracing.verify/1",
    )


def test_each_of_several_checks_has_the_time_anew(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[float] = []
    restart = Deadline.restart

    def note(deadline: Deadline) -> None:
        restart(deadline)
        begun.append(deadline.left)

    monkeypatch.setattr(Deadline, "restart", note)
    run(Checks(BROKEN, BROKEN, FINE), "--wait", "60s", "--timeout", "7m")
    # Before the first, and before and after each pause. Those of the stub's own cluster have no end.
    assert len([left for left in begun if 400 < left <= 420]) == 5


# Secrets.

SENTINEL = "sentinel" + "-of-a-secret"


def in_tempos_configuration(cluster: Any) -> None:
    answer = cluster.answers["tempo-tempo-0", 3200]

    def leak(request: httpx.Request) -> httpx.Response:
        found = answer(request)
        if request.url.path != "/status/config":
            return found
        return httpx.Response(200, text=found.text.replace("http://prom", f"http://me:{SENTINEL}@prom"))

    cluster.answers["tempo-tempo-0", 3200] = leak


def in_the_generators_log(cluster: Any) -> None:
    in_tempos_configuration(cluster)
    line = f'level=WARN msg="retrying" component=remote err="Post http://me:{SENTINEL}@prometheus: refused"'
    cluster.api.logs["tempo-tempo-0", "tempo"] = line


def in_an_error_about_the_store(cluster: Any) -> None:
    line = f'level=error err="AccessDenied" header="Authorization: Bearer {SENTINEL}" password={SENTINEL}'
    cluster.api.logs["tempo-tempo-0", "tempo"] = line


def in_the_collectors_log(cluster: Any) -> None:
    error = f"dial me:{SENTINEL}@tempo: password={SENTINEL}"
    cluster.api.logs["otc-container-1", "otc-container"] = f'info Exporting failed. {{"error": "{error}"}}'


def in_the_collectors_exporter(cluster: Any) -> None:
    in_the_collectors_log(cluster)
    exporters = {"otlp": {"endpoint": f"https://me:{SENTINEL}@elsewhere:4317"}}
    cluster.api.put(
        "/apis/opentelemetry.io/v1beta1/opentelemetrycollectors",
        resource("otel", "istio-system", replicas=1, config=COLLECTOR_CONFIG | {"exporters": exporters}),
    )


def in_a_data_source(cluster: Any) -> None:
    text = DATASOURCES.replace("http://prom", f"http://me:{SENTINEL}@prom")
    cluster.api.put(
        "/api/v1/configmaps", config_map("grafana-datasources-tracing", "istio-system", **{"datasources.yaml": text})
    )


def in_the_mesh_configuration(cluster: Any) -> None:
    mesh = MESH_CONFIG.replace("4317", "4318") + f"headers: [{{name: api-key, value: {SENTINEL}}}]\n"
    cluster.api.put("/api/v1/configmaps", config_map("istio", "istio-system", mesh=mesh))


def in_the_login(cluster: Any) -> None:
    cluster.bearer = lambda: SENTINEL
    cluster.answers["kiali-1", 20001] = lambda request: httpx.Response(
        200, json={"errors": [{"msg": f"refused {request.headers['Authorization']}"}]}
    )


def in_grafanas_token(cluster: Any) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"status": "ERROR", "message": str(request.headers.get("Authorization"))})

    cluster.answers["grafana-1", 3000] = answer


def in_what_an_operator_says(cluster: Any) -> None:
    cluster.api.put(
        "/apis/sailoperator.io/v1/istios",
        istio("False", f"values: password: {SENTINEL}"),
    )


LEAKS = [
    in_tempos_configuration,
    in_the_generators_log,
    in_an_error_about_the_store,
    in_the_collectors_log,
    in_the_collectors_exporter,
    in_a_data_source,
    in_the_mesh_configuration,
    in_the_login,
    in_grafanas_token,
    in_what_an_operator_says,
]


# A whole check takes a while, so each is made once.
done: dict[Any, str] = {}


@pytest.fixture
def leaking(clusters: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., str]:
    """Everything that a whole check prints and writes about a cluster with a secret where it may be quoted."""

    def everything(leak: Callable[[Any], None], *arguments: str) -> str:
        if (leak, arguments) in done:
            return done[leak, arguments]
        cluster = healthy()
        for name, port in (("kiali", 20001), ("grafana", 3000)):
            cluster.api.put("/api/v1/pods", pod(f"{name}-1", "istio-system", labels={"app": name}))
            cluster.api.put("/api/v1/services", service(name, "istio-system", {"app": name}, {"port": port}))
        leak(cluster)
        of_sail = leak is in_what_an_operator_says
        mesh = part(DEPLOYMENT.mesh, installer="sail" if of_sail else "helm", by_charts=not of_sail)
        meant = deployment(mesh=mesh, kiali=KIALI, grafana=GRAFANA_MANAGED)
        monkeypatch.setenv(grafana.TOKEN_VARIABLE, SENTINEL)
        monkeypatch.setattr(command, "Cluster", lambda *_: cluster)
        monkeypatch.setattr(command.outputs, "of_stack", lambda *_: ("local", meant))
        monkeypatch.setattr("verify.traffic.request.time.sleep", lambda _: None)
        monkeypatch.chdir(tmp_path)
        result = CliRunner().invoke(command.app, [*arguments, "--verbose"])
        assert result.exit_code in {1, 2}, result.output
        written = "".join(path.read_text() for path in (tmp_path / "verify-report").iterdir())
        done[leak, arguments] = result.output + written
        return done[leak, arguments]

    return everything


@pytest.mark.parametrize("leak", LEAKS, ids=lambda leak: leak.__name__)
def test_no_secret_is_said_or_written(leaking: Callable[..., str], leak: Any) -> None:
    assert SENTINEL not in leaking(leak)


@pytest.mark.parametrize("leak", [in_the_generators_log, in_a_data_source], ids=lambda leak: leak.__name__)
def test_no_secret_is_in_the_json(leaking: Callable[..., str], leak: Any) -> None:
    assert SENTINEL not in leaking(leak, "--json")


@pytest.mark.parametrize(
    "leak", [one for one in LEAKS if one is not in_the_mesh_configuration], ids=lambda leak: leak.__name__
)
def test_what_surrounds_a_secret_is_quoted(leaking: Callable[..., str], leak: Any) -> None:
    """Proves that the tests above see the text around the secret, and do not pass because nothing is quoted."""
    assert "***" in leaking(leak)


def test_an_address_to_probe_shows_no_password(leaking: Callable[..., str]) -> None:
    address = PRODUCTPAGE_URL.replace("http://", f"http://me:{SENTINEL}@")
    assert SENTINEL not in leaking(in_the_collectors_log, "--probe", address)


def test_an_error_shows_no_password(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> Any:
        raise CannotCheckError(f"pulumi stack failed: s3://me:{SENTINEL}@store/state", code=Code.NO_OUTPUTS)

    monkeypatch.setattr(command.outputs, "of_stack", refuse)
    result = run(Checks(FINE))
    assert (SENTINEL in result.output, "s3://***@store/state" in result.stderr) == (False, True)

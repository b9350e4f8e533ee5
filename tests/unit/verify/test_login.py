"""What a kubeconfig says of the way to the API server and of who asks holds for each request and port-forward."""

import json
import os
import shlex
import ssl
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from api_world import ApiServer, Certificate, Proxy, certificate, encoded, kubeconfig, serving
from verify_world import pod

from verify.access import kubeconfig as config
from verify.access import login_plugin
from verify.access.cluster import CannotCheckError, Cluster
from verify.access.deadline import Deadline
from verify.causes import Code

NAME = "api.example.test"
Connect = Callable[..., Cluster]


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("known"), "127.0.0.1", NAME)


@pytest.fixture
def server(known: Certificate) -> Iterator[ApiServer]:
    made = ApiServer(known)
    with serving(made):
        yield made


@pytest.fixture
def connect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: Certificate) -> Connect:
    """Connects as ``user`` by what ``cluster`` says of the server, and asks one thing of each kind."""
    for variable in ("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy"):
        monkeypatch.delenv(variable, raising=False)

    def into(url: str, user: dict[str, Any] | None = None, **cluster: Any) -> Cluster:
        path = tmp_path / "kubeconfig"
        trust = {} if "insecure-skip-tls-verify" in cluster else {"certificate-authority-data": encoded(known.pem)}
        path.write_text(yaml.safe_dump(kubeconfig(url, user, **(trust | cluster))))
        monkeypatch.setenv("KUBECONFIG", str(path))
        made = Cluster("test", None, Deadline())
        with made.pod_client(pod("cart-1", "shop"), 80) as client:
            assert client.get("/").text == "pod"
        return made

    return into


def refused(ask: Callable[[], Any]) -> str:
    with pytest.raises(CannotCheckError) as caught:
        ask()
    return str(caught.value)


# As whom.


def test_impersonation_goes_with_requests_and_with_port_forwards(server: ApiServer, connect: Connect) -> None:
    extra = {"example.com/why": ["audit", "drill"]}
    connect(
        server.url, {"as": "ines", "as-uid": "7", "as-groups": ["viewers", "ops"], "as-user-extra": extra, "token": "t"}
    )
    assert len(server.headers) == 2
    for name, values in {
        "Impersonate-User": ["ines"],
        "Impersonate-Uid": ["7"],
        "Impersonate-Group": ["viewers", "ops"],
        "Impersonate-Extra-example.com%2Fwhy": ["audit", "drill"],
        "Authorization": ["Bearer t"],
    }.items():
        assert server.of_header(name) == [values, values]


def test_who_impersonates_nobody_sends_no_such_header(server: ApiServer, connect: Connect) -> None:
    connect(server.url, {"token": "t"})
    assert not [name for pairs in server.headers for name, _ in pairs if name.lower().startswith("impersonate")]


def test_a_name_outside_of_ascii_is_impersonated(server: ApiServer, connect: Connect) -> None:
    connect(server.url, {"as": "inés"})
    assert server.of_header("Impersonate-User")[0][0].encode("latin-1").decode() == "inés"


@pytest.mark.parametrize(
    ("user", "words"),
    [({"as-groups": ["ops"]}, "as-groups without as"), ({"as": "a\nX-Evil: b"}, "control characters")],
)
def test_an_impersonation_that_makes_no_sense_is_refused(
    server: ApiServer, connect: Connect, user: dict[str, Any], words: str
) -> None:
    assert words in refused(lambda: connect(server.url, user))
    assert server.headers == []


def test_a_password_logs_in(server: ApiServer, connect: Connect) -> None:
    made = connect(server.url, {"username": "me", "password": "it"})
    assert server.of_header("Authorization") == [[f"Basic {encoded('me:it')}"]] * 2
    assert made.bearer() is None


def test_a_token_in_a_file_is_read_again_for_each_request(server: ApiServer, connect: Connect, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("one\n")
    made = connect(server.url, {"tokenFile": "token"})
    (tmp_path / "token").write_text("two\n")
    made.read("/version")
    assert server.of_header("Authorization")[-2:] == [["Bearer one"], ["Bearer two"]]


# Plugins.


def plugin(folder: Path, script: str, **entry: Any) -> dict[str, Any]:
    file = folder / "plugin"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    exec_ = {"apiVersion": "client.authentication.k8s.io/v1", "command": "./plugin", "interactiveMode": "Never"}
    return {"exec": exec_ | entry}


def credential(status: Mapping[str, str]) -> str:
    return f"printf %s {shlex.quote(json.dumps({'kind': 'ExecCredential', 'status': status}))}"


LOGS_IN = credential({"token": "t"})


def test_a_plugin_logs_in(server: ApiServer, connect: Connect, tmp_path: Path) -> None:
    connect(server.url, plugin(tmp_path, credential({"token": "from-it"})))
    assert server.of_header("Authorization") == [["Bearer from-it"]] * 2


def test_a_plugin_is_run_once(server: ApiServer, connect: Connect, tmp_path: Path) -> None:
    connect(server.url, plugin(tmp_path, f"echo run >> {tmp_path}/runs\n{LOGS_IN}"))
    assert (tmp_path / "runs").read_text() == "run\n"


def test_a_token_that_is_no_longer_accepted_is_asked_for_again(
    server: ApiServer, connect: Connect, tmp_path: Path
) -> None:
    script = f'echo run >> {tmp_path}/runs\nprintf \'{{"status": {{"token": "t%s"}}}}\' $(wc -l < {tmp_path}/runs)'
    made = connect(server.url, plugin(tmp_path, script))
    server.accepts = "Bearer t2"
    assert made.read("/version") == {"gitVersion": "v1.34.0"}


def test_a_token_that_has_expired_is_asked_for_again(server: ApiServer, connect: Connect, tmp_path: Path) -> None:
    old = {"token": "t", "expirationTimestamp": "2020-01-01T00:00:00Z"}
    script = f"echo run >> {tmp_path}/runs\n{credential(old)}"
    connect(server.url, plugin(tmp_path, script))
    assert len((tmp_path / "runs").read_text().splitlines()) > 1


def test_a_plugin_gets_its_variables_arguments_and_the_cluster(
    server: ApiServer, connect: Connect, tmp_path: Path
) -> None:
    script = f'echo "$COLOUR $1" > {tmp_path}/got\necho "$KUBERNETES_EXEC_INFO" > {tmp_path}/info; {LOGS_IN}'
    entry = {"args": ["--cluster"], "env": [{"name": "COLOUR", "value": "blue"}], "provideClusterInfo": True}
    connect(server.url, plugin(tmp_path, script, **entry))
    assert (tmp_path / "got").read_text() == "blue --cluster\n"
    info = json.loads((tmp_path / "info").read_text())
    assert (info["spec"]["cluster"]["server"], info["spec"]["interactive"]) == (server.url, False)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo 'first' >&2; echo 'SSO session has expired' >&2; exit 3", "ended with 3: SSO session has expired)"),
        ("exit 3", "ended with 3)"),
        ("echo nothing", "printed no credentials"),
        (credential({}), "printed no credentials"),
        (credential({"clientCertificateData": "half"}), "printed no credentials"),
    ],
    ids=["fails with words", "fails", "no JSON", "no token", "a certificate without its key"],
)
def test_a_plugin_that_fails_is_quoted(
    server: ApiServer, connect: Connect, tmp_path: Path, script: str, words: str
) -> None:
    said = refused(lambda: connect(server.url, plugin(tmp_path, script)))
    assert words in said
    assert f"{tmp_path}/plugin" in said


def test_a_plugin_that_hangs_is_ended(
    server: ApiServer, connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login_plugin, "PLUGIN_SECONDS", 0.2)
    # What it has started holds its output open, and outlives it.
    assert "does not end" in refused(lambda: connect(server.url, plugin(tmp_path, "sleep 30 & wait")))


def test_a_plugin_that_is_not_there_says_how_to_install_it(server: ApiServer, connect: Connect, tmp_path: Path) -> None:
    entry = plugin(tmp_path, "", command="no-such-login", installHint="Install it with brew.\nOr else.")
    said = refused(lambda: connect(server.url, entry))
    assert "the login plugin no-such-login cannot be run (No such file or directory) Install it with brew." in said


def test_a_certificate_of_a_plugin_is_shown_to_the_server(known: Certificate, connect: Connect, tmp_path: Path) -> None:
    own = certificate(tmp_path, "me")
    server = ApiServer(known)
    assert server._context is not None
    server._context.load_verify_locations(cadata=own.pem)
    server._context.verify_mode = ssl.CERT_REQUIRED
    with serving(server):
        status = {"clientCertificateData": own.pem, "clientKeyData": own.key}
        connect(server.url, plugin(tmp_path, credential(status)))
        connect(server.url, {"client-certificate-data": encoded(own.pem), "client-key-data": encoded(own.key)})
        assert "does not answer" in refused(lambda: connect(server.url))


# By which way.


def test_a_proxy_of_the_kubeconfig_carries_requests_and_port_forwards(server: ApiServer, connect: Connect) -> None:
    proxy = Proxy(server.port)
    with serving(proxy):
        connect(f"https://{NAME}:6443", **{"proxy-url": f"http://me:it@{proxy.url}"})
    assert set(proxy.asked) == {(f"{NAME}:6443", f"Basic {encoded('me:it')}")}
    assert len(server.headers) == 2


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy"])
@pytest.mark.parametrize("form", ["http://{}", "{}"])
def test_a_proxy_of_the_environment_carries_both_too(
    server: ApiServer, connect: Connect, monkeypatch: pytest.MonkeyPatch, variable: str, form: str
) -> None:
    proxy = Proxy(server.port)
    monkeypatch.setenv(variable, form.format(proxy.url))
    with serving(proxy):
        connect(f"https://{NAME}:6443")
    assert {name for name, _ in proxy.asked} == {f"{NAME}:6443"}
    assert len(server.headers) == 2


def test_the_kubeconfigs_proxy_comes_before_the_environments(
    server: ApiServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = Proxy(server.port)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "*")
    with serving(proxy):
        connect(f"https://{NAME}:6443", **{"proxy-url": f"http://{proxy.url}"})
    assert proxy.asked


def test_this_machine_is_reached_without_a_proxy(
    server: ApiServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    connect(server.url)
    assert len(server.headers) == 2


@pytest.mark.parametrize(
    ("host", "exceptions", "direct"),
    [
        ("api.example.com", "example.com", True),
        ("api.example.com", ".example.com", True),
        ("api.example.com", "other.com, EXAMPLE.com", True),
        ("api.example.com", "*", True),
        ("api.example.com", "api.example.com:6443", True),
        ("api.example.com", "api.example.com:443", False),
        ("api.example.com", "ample.com", False),
        ("example.com", "example.com", True),
        ("10.1.2.3", "10.0.0.0/8", True),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3", "11.0.0.0/8", False),
        ("api.example.com", "", False),
    ],
)
def test_exceptions_from_the_proxy_are_read_as_kubectl_reads_them(
    monkeypatch: pytest.MonkeyPatch, host: str, exceptions: str, direct: bool
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    monkeypatch.setenv("NO_PROXY", exceptions)
    assert (config._proxy(f"https://{host}:6443") is None) == direct


def test_a_proxy_that_is_not_there_is_an_api_server_that_does_not_answer(connect: Connect) -> None:
    said = refused(lambda: connect(f"https://{NAME}:6443", **{"proxy-url": "http://127.0.0.1:1"}))
    assert "does not answer" in said


def test_a_proxy_that_cannot_be_spoken_to_is_said(connect: Connect) -> None:
    assert "its proxy cannot be used" in refused(lambda: connect("https://a:1", **{"proxy-url": "gopher://b"}))


def test_the_certificate_may_be_for_another_name(tmp_path: Path, connect: Connect) -> None:
    other = certificate(tmp_path, "kubernetes.default")
    server = ApiServer(other)
    with serving(server):
        trust = {"certificate-authority-data": encoded(other.pem)}
        connect(server.url, **trust, **{"tls-server-name": "kubernetes.default"})
        assert set(server.names) == {"kubernetes.default"}
        assert "does not answer" in refused(lambda: connect(server.url, **trust))


def test_a_server_whose_certificate_is_not_trusted_is_not_asked(tmp_path: Path, connect: Connect) -> None:
    server = ApiServer(certificate(tmp_path, "127.0.0.1"))
    with serving(server):
        assert "CERTIFICATE_VERIFY_FAILED" in refused(lambda: connect(server.url, {"token": "t"}))
        assert server.headers == []


def test_a_certificate_is_not_looked_at_where_the_kubeconfig_says_so(tmp_path: Path, connect: Connect) -> None:
    server = ApiServer(certificate(tmp_path, "another.test"))
    with serving(server):
        connect(server.url, **{"insecure-skip-tls-verify": True})
        assert len(server.headers) == 2


# Where it stands.


def test_of_several_files_the_first_that_names_something_has_the_say(
    server: ApiServer, known: Certificate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust = {"certificate-authority": "ca.pem"}
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / "ca.pem").write_text(known.pem)
    first = kubeconfig(server.url, {"token": "first"}, **trust)
    second = kubeconfig("https://127.0.0.1:1", {"token": "second"}, **trust) | {"current-context": "other"}
    files = [tmp_path / "a" / "config", tmp_path / "missing", tmp_path / "b" / "config"]
    files[0].write_text(yaml.safe_dump(first))
    files[2].write_text(yaml.safe_dump(second))
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(map(str, files)))
    assert Cluster(None, None, Deadline()).context == "test"
    assert server.of_header("Authorization") == [["Bearer first"]]


def test_the_variable_may_be_the_kubeconfig_itself(
    server: ApiServer, known: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = yaml.safe_dump(kubeconfig(server.url, {"token": "t"}, **{"certificate-authority-data": encoded(known.pem)}))
    monkeypatch.setenv("KUBECONFIG", text)
    assert Cluster(None, None, Deadline()).context == "test"


def test_in_a_pod_its_service_account_logs_in(
    server: ApiServer, known: Certificate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("of-the-pod")
    (tmp_path / "ca.crt").write_text(known.pem)
    monkeypatch.setattr(config, "_ACCOUNT", tmp_path)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "missing"))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(server.port))
    assert Cluster(None, None, Deadline()).context == "in-cluster"
    assert server.of_header("Authorization") == [["Bearer of-the-pod"]]


def test_without_a_kubeconfig_there_is_no_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "missing"))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(CannotCheckError, match="there is no kubeconfig") as caught:
        Cluster(None, None, Deadline())
    assert caught.value.code is Code.NO_LOGIN

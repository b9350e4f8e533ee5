"""Which API server a kubeconfig leads to, by which way, and as whom.

It is read as kubectl reads it (kubernetes: staging/src/k8s.io/client-go/tools/clientcmd): several files, plugins that
log in, impersonation, proxies, and another name in the server's certificate. Inside a pod without one, the pod's own
service account logs in.
"""

import base64
import ipaddress
import os
import ssl
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit
from urllib.request import getproxies_environment

import yaml

from verify.access.deadline import Deadline
from verify.access.login_plugin import Plugin, PluginError

Section = Mapping[str, Any]
# The value of the header `Authorization`, or None; made anew if True is given, because the last one was refused.
Authorization = Callable[[bool], str | None]

_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_IN_CLUSTER = "in-cluster"
# What a header's name may have besides letters and digits (RFC 9110, 5.6.2), but for the sign that escapes.
_TOKEN = "!#$&'*+-.^_`|~"  # noqa: S105  a grammar's word
# What a file of another form than expected leads to.
_MALFORMED = (ValueError, LookupError, TypeError, AttributeError, yaml.YAMLError, OSError)


class KubeconfigError(Exception):
    """No usable login; the message is one clause, and quotes nothing of the file but names."""


@dataclass(frozen=True)
class Login:
    """``server_name`` is what its certificate is for, if not its address; ``impersonation`` are headers."""

    context: str
    server: str
    trust: ssl.SSLContext
    server_name: str | None
    proxy: str | None
    authorization: Authorization
    impersonation: tuple[tuple[str, str], ...]


def load(context: str | None, deadline: Deadline) -> Login:
    """The login of ``context``, or of the current one; raises ``KubeconfigError``."""
    try:
        merged = _merged()
        if merged is None:
            return _of_pod()
        return _of_context(merged, context, deadline)
    except PluginError as error:
        raise KubeconfigError(str(error)) from error
    except _MALFORMED as error:
        # The error's own words may quote the file, which holds credentials.
        raise KubeconfigError(f"it does not have the expected form: {type(error).__name__}") from None


def _texts() -> Iterator[tuple[Path, str]]:
    """Each kubeconfig that is there, with the folder that paths in it are relative to.

    ``KUBECONFIG`` may be one itself, as some CI systems have it.
    """
    setting = os.environ.get("KUBECONFIG", "")
    if "\n" in setting or setting.lstrip().startswith("{"):
        yield Path.cwd(), setting
        return
    listed = [Path(part).expanduser() for part in setting.split(os.pathsep) if part]
    for file in listed or [Path.home() / ".kube" / "config"]:
        if file.exists():
            yield file.parent, file.read_text(encoding="utf-8")


def _merged() -> dict[str, Any] | None:
    """All kubeconfigs in one, of which the first to name something has the say; None if there is none."""
    found: dict[str, Any] = {}
    there = list(_texts())
    for folder, text in there:
        content = yaml.safe_load(text) or {}
        if content.get("current-context"):
            found.setdefault("current-context", content["current-context"])
        for kind in ("contexts", "clusters", "users"):
            for entry in content.get(kind) or []:
                found.setdefault(kind, {}).setdefault(entry["name"], (folder, entry))
    return found if there else None


def _of_context(merged: Section, asked: str | None, deadline: Deadline) -> Login:
    name = asked or merged.get("current-context")
    if not name or name not in merged.get("contexts", {}):
        raise KubeconfigError("no context has that name" if name else "none is current")
    context = merged["contexts"][name][1]["context"]
    folder, cluster = _entry(merged, "cluster", context.get("cluster"))
    user_folder, user = _entry(merged, "user", context["user"]) if context.get("user") else (folder, {})
    server = str(cluster.get("server") or "").rstrip("/")
    if urlsplit(server).scheme not in {"http", "https"} or not urlsplit(server).hostname:
        raise KubeconfigError("its cluster has no server")
    plugin = _plugin(user, user_folder, cluster, deadline)
    trust = _trust(cluster, folder)
    _certify(trust, user, user_folder, plugin)
    return Login(
        context=str(name),
        server=server,
        trust=trust,
        server_name=cluster.get("tls-server-name"),
        proxy=cluster.get("proxy-url") or _proxy(server),
        authorization=_authorization(user, user_folder, plugin),
        impersonation=tuple(_impersonation(user)),
    )


def _entry(merged: Section, kind: str, name: str | None) -> tuple[Path, Section]:
    """The folder of the file that has it, and its content."""
    known = merged.get(f"{kind}s", {})
    if name not in known:
        raise KubeconfigError(f"its {kind} is not there")
    folder, entry = known[name]
    return folder, entry.get(kind) or {}


def _of_pod() -> Login:
    """The login of the service account of the pod that this runs in."""
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT")
    token = _ACCOUNT / "token"
    if not (host and port and token.is_file()):
        raise KubeconfigError("there is no kubeconfig")
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trust.load_verify_locations(_ACCOUNT / "ca.crt")
    server = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
    return Login(_IN_CLUSTER, server, trust, None, _proxy(server), _of_file(token), ())


# As whom.


def _plugin(user: Section, folder: Path, cluster: Section, deadline: Deadline) -> Plugin | None:
    """The user's plugin, unless it logs in by what stands in the file."""
    if "exec" not in user or user.get("token") or user.get("tokenFile"):
        return None
    return Plugin(user["exec"], folder, cluster, deadline)


def _authorization(user: Section, folder: Path, plugin: Plugin | None) -> Authorization:
    if user.get("tokenFile"):
        return _of_file(folder / user["tokenFile"])
    if user.get("token"):
        return _always(f"Bearer {user['token']}")
    if plugin is not None:
        return _of_plugin(plugin)
    if user.get("username"):
        pair = f"{user['username']}:{user.get('password', '')}"
        return _always(f"Basic {base64.b64encode(pair.encode()).decode()}")
    # Of OpenID Connect, only what is there: kubectl renews it.
    token = ((user.get("auth-provider") or {}).get("config") or {}).get("id-token")
    return _always(f"Bearer {token}" if token else None)


def _always(value: str | None) -> Authorization:
    return lambda _: value


def _of_plugin(plugin: Plugin) -> Authorization:
    def ask(renewed: bool) -> str | None:
        try:
            return plugin.authorization(renewed)
        except PluginError as error:
            raise KubeconfigError(str(error)) from error

    return ask


def _of_file(path: Path) -> Authorization:
    """From a file that is replaced before what is in it expires."""

    def read(_: bool) -> str:
        try:
            return f"Bearer {path.read_text(encoding='utf-8').strip()}"
        except OSError as error:
            raise KubeconfigError(f"the file with its token cannot be read: {error.strerror}") from None

    return read


def _impersonation(user: Section) -> Iterator[tuple[str, str]]:
    """The headers (kubernetes: staging/src/k8s.io/api/authentication/v1/types.go)."""
    others = {key for key in ("as-uid", "as-groups", "as-user-extra") if user.get(key)}
    if others and not user.get("as"):
        raise KubeconfigError(f"its user has {', '.join(sorted(others))} without as")
    pairs = [
        ("Impersonate-User", user.get("as")),
        ("Impersonate-Uid", user.get("as-uid")),
        *(("Impersonate-Group", group) for group in user.get("as-groups") or []),
        *(
            (f"Impersonate-Extra-{quote(key, safe=_TOKEN)}", value)
            for key, values in (user.get("as-user-extra") or {}).items()
            for value in values
        ),
    ]
    for name, value in pairs:
        if value and not str(value).isprintable():
            raise KubeconfigError("whom its user impersonates has control characters")
        if value:
            yield name, str(value)


# By which way.


def _trust(cluster: Section, folder: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Whatever is named is trusted, also if somebody else has signed it.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if cluster.get("insecure-skip-tls-verify"):
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    elif cluster.get("certificate-authority-data"):
        context.load_verify_locations(cadata=_decoded(cluster["certificate-authority-data"]))
    elif cluster.get("certificate-authority"):
        context.load_verify_locations(folder / cluster["certificate-authority"])
    else:
        context.load_default_certs()
    return context


def _certify(context: ssl.SSLContext, user: Section, folder: Path, plugin: Plugin | None) -> None:
    """Give the context the user's certificate and key, if it has them."""
    certificate, key = plugin.certificate() if plugin else (None, None)
    if user.get("client-certificate-data"):
        certificate = _decoded(user["client-certificate-data"])
    elif user.get("client-certificate"):
        certificate = (folder / user["client-certificate"]).read_text(encoding="utf-8")
    if user.get("client-key-data"):
        key = _decoded(user["client-key-data"])
    elif user.get("client-key"):
        key = (folder / user["client-key"]).read_text(encoding="utf-8")
    if certificate is None or key is None:
        return
    # Python takes them from a file only. This one is ours alone, and gone after this.
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:
        file.write(f"{certificate}\n{key}\n")
        file.flush()
        # Without the empty password, an encrypted key would be asked for on the terminal.
        context.load_cert_chain(file.name, password="")


def _decoded(text: str) -> str:
    return base64.b64decode(text).decode()


def _proxy(server: str) -> str | None:
    """The proxy that the environment names for ``server`` (go: golang.org/x/net/http/httpproxy)."""
    parts, proxies = urlsplit(server), getproxies_environment()
    proxy = proxies.get(parts.scheme)
    if not proxy or _is_direct(parts.hostname or "", parts.port, proxies.get("no", "")):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _is_direct(host: str, port: int | None, exceptions: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    for entry in filter(None, (one.strip().lower() for one in exceptions.split(","))):
        if entry == "*":
            return True
        if address is not None:
            try:
                if address in ipaddress.ip_network(entry, strict=False):
                    return True
            except ValueError:
                pass
        name, _, number = entry.partition(":") if entry.count(":") == 1 else (entry, "", "")
        if number and number != str(port):
            continue
        # `example.com` and `.example.com` mean what is below it, and the first one also itself.
        if host == name or host.endswith(f".{name.removeprefix('*').lstrip('.')}"):
            return True
    return False

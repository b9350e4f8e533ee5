"""What every hop is given: the cluster, the intended deployment, and the request that was followed."""

import base64
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar
from urllib.parse import urlsplit

import httpx

from verify.access.cluster import CannotLookError, Cluster, ServicePort
from verify.causes import Code
from verify.deployment import Deployment
from verify.traffic.service_graph import Edge
from verify.traffic.trace import Trace

Seen = TypeVar("Seen")
# The password or token of Prometheus, which is in no output of the stack, or a file that has it.
CREDENTIALS = "PROMETHEUS_CREDENTIALS"
CREDENTIALS_FILE = "PROMETHEUS_CREDENTIALS_FILE"


class LoginNeededError(CannotLookError):
    """What is asked wants credentials that verify does not have."""


@dataclass(frozen=True)
class World:
    """``stack`` is Pulumi's name for the deployment, for the commands that are printed; ``probe`` is an address.

    ``prometheus_ca`` is the certificate of the authority that a person trusts an existing Prometheus by, if it is
    another than the settings name. ``unseen`` are namespaces of the mesh that whoever runs this may not look at.
    """

    cluster: Cluster
    deployment: Deployment
    stack: str
    probe: str | None = None
    prometheus_ca: str | None = None
    unseen: tuple[str, ...] = ()

    @property
    def followed(self) -> str | None:
        """Where requests are sent to: what a person asked for, or else Bookinfo."""
        bookinfo = self.deployment.bookinfo
        return self.probe or (bookinfo.url if bookinfo else None)

    @property
    def restore(self) -> str:
        """The command that restores every object the program owns to its declared state.

        It needs force: the API server refuses to change a field that somebody else has set since.
        """
        return f"PULUMI_K8S_ENABLE_PATCH_FORCE=true pulumi up --refresh --stack {self.stack}"

    def change(self, settings: Mapping[str, object]) -> str:
        """The command that changes settings of the stack, and applies them over what anybody else has set."""
        sets = [
            f"pulumi config set --path {shlex.quote(setting)} {shlex.quote(_word(value))} --stack {self.stack}"
            for setting, value in settings.items()
        ]
        return " && ".join([*sets, self.restore])

    def forget(self, setting: str) -> str:
        """The command that takes a setting out of the stack, and applies the rest."""
        return f"pulumi config rm --path {shlex.quote(setting)} --stack {self.stack} && {self.restore}"

    def tempo(self) -> httpx.Client:
        """A client of Tempo, to search and read traces; raises ``CannotLookError``.

        The gateway of a Tempo with tenants wants to know who asks; a host outside the cluster gets no token.
        """
        tempo = self.deployment.tempo
        if not tempo.query_url:
            raise CannotLookError("nothing says where its traces are searched", code=Code.NO_SEARCH)
        client = self.cluster.client(tempo.query_url, tempo.ca)
        client.headers.update(tempo.headers)
        token = self.cluster.bearer() if tempo.tenant and ServicePort.of(tempo.query_url) else None
        if token:
            client.headers["Authorization"] = f"Bearer {token}"
        return client

    @property
    def grant(self) -> str:
        """The command by which an administrator grants a user what verify needs."""
        role = f"mesh-tracing-{self.stack}-verify"
        return (
            f".venv/bin/python -m mesh_tracing roles verify --stack {self.stack} | kubectl apply -f -"
            f" && kubectl create clusterrolebinding {role} --clusterrole {role} --user USER"
        )

    def prometheus(self) -> httpx.Client:
        """A client of Prometheus, which tells it what it wants to know; raises ``CannotLookError``."""
        return self._prometheus(self.deployment.prometheus.query_url)

    def scraping_prometheus(self) -> httpx.Client:
        """A client of the Prometheus that scrapes the hops, which may be scraped itself; as ``prometheus``."""
        scraped = self.deployment.prometheus.scraped_url
        return self.prometheus() if scraped is None else self.cluster.client(scraped)

    def prometheus_writes(self) -> httpx.Client:
        """A client of the host that takes samples at ``write_url``; raises ``CannotLookError``."""
        prometheus = self.deployment.prometheus
        parts = urlsplit(prometheus.write_url)
        host = f"{parts.scheme}://{parts.netloc}"
        # One that another Prometheus scrapes is the program's own, which wants to know nothing.
        return self.cluster.client(host) if prometheus.scraped_url else self._prometheus(host)

    def _prometheus(self, url: str) -> httpx.Client:
        prometheus = self.deployment.prometheus
        headers = dict(prometheus.headers)
        if prometheus.login is not None:
            credentials = _given_credentials() or self._own_token()
            if credentials is None:
                kind = "password" if prometheus.login == "basic" else "token"
                raise LoginNeededError(
                    f"it wants a login: set {CREDENTIALS} to its {kind}, or {CREDENTIALS_FILE} to a file that has it",
                    code=Code.LOGIN_REFUSED,
                )
            user = f"{prometheus.username}:{credentials}".encode()
            basic = f"Basic {base64.b64encode(user).decode()}"
            headers["Authorization"] = basic if prometheus.login == "basic" else f"Bearer {credentials}"
        client = self.cluster.client(url, self.prometheus_ca or prometheus.ca)
        client.headers.update(headers)
        return client

    def _own_token(self) -> str | None:
        """The kubeconfig's token, for a Prometheus of this cluster that takes those of its users; for no other."""
        prometheus = self.deployment.prometheus
        is_inside = ServicePort.of(prometheus.query_url) is not None
        return self.cluster.bearer() if prometheus.login == "bearer" and is_inside else None


def _word(value: object) -> str:
    """A value as Pulumi reads it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _given_credentials() -> str | None:
    """Read again each time: whoever writes the file may replace it before its content expires."""
    file = os.environ.get(CREDENTIALS_FILE)
    if os.environ.get(CREDENTIALS) or not file:
        return os.environ.get(CREDENTIALS)
    try:
        return Path(file).read_text(encoding="utf-8").strip() or None
    except (OSError, ValueError) as error:
        raise LoginNeededError(
            f"{CREDENTIALS_FILE} names {file}, which cannot be read ({type(error).__name__})", code=Code.LOGIN_REFUSED
        ) from None


@dataclass(frozen=True)
class Journey:
    """The outcome of the requests that were sent; the trace is that of the one that came furthest.

    ``answered`` counts those that the application answered; ``problem`` is why none was. ``sent_at`` is Unix time, and
    the seconds count from it; None means that the trace was not seen there. ``expected`` are the edges that the
    graph has to have; ``learnt`` those that earlier traces had.
    """

    address: str = ""
    answered: int = 0
    problem: str = ""
    trace_id: str = ""
    sent_at: float = 0.0
    stored_seconds: float | None = None
    searchable_seconds: float | None = None
    graphed_seconds: float | None = None
    note: str = ""
    trace: Trace | None = None
    expected: frozenset[Edge] = frozenset()
    learnt: frozenset[Edge] = frozenset()


@dataclass(frozen=True)
class Looks(Generic[Seen]):
    """What was seen of a hop before and after requests were followed; if none were, both are the same."""

    before: Seen
    after: Seen
    journey: Journey | None

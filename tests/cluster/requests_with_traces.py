"""Requests for the product page, each with a trace id of its own, and which of them have become traces."""

import secrets
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

import httpx
from embedded import Host

SECONDS_BETWEEN_REQUESTS = 0.5


@contextmanager
def requests_with_traces(host: Host) -> Iterator[list[str]]:
    """The ids of the traces of the requests that are answered meanwhile."""
    address, sent, stop = host.address("productpage"), list[str](), threading.Event()

    def ask() -> None:
        while not stop.is_set():
            trace = secrets.token_hex(16)
            headers = {"traceparent": f"00-{trace}-{secrets.token_hex(8)}-01"}
            with suppress(httpx.HTTPError):
                answer = httpx.get(f"{address}/productpage", headers=headers, trust_env=False, timeout=10)
                if answer.status_code == httpx.codes.OK:
                    sent.append(trace)
            time.sleep(SECONDS_BETWEEN_REQUESTS)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield sent
    finally:
        stop.set()
        thread.join()


def traced(host: Host, sent: Iterable[str]) -> set[str]:
    """Those of the ids ``sent`` that Tempo knows."""
    address = host.address("tempo")
    with httpx.Client(base_url=address, trust_env=False, timeout=10) as client:
        return {trace for trace in sent if client.get(f"/api/traces/{trace}").status_code == httpx.codes.OK}

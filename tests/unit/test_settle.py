"""From the recipients' outcomes to the job's next state."""

from __future__ import annotations

import json

import pytest

from tasks.domain.retry import Policy
from tasks.domain.settle import POISON, Settlement, end, give_back, settle
from tests.support.making import make_claim

POLICY = Policy(10, 3600)


def settled(
    outcomes: str, *, attempt: int = 1, now_us: int = 0, replies: tuple[str, ...] = (), **claim: object
) -> Settlement:
    head = f"sending i {attempt} 7 3 {'u' * len(outcomes)}"
    return settle(
        make_claim(head, **claim),  # type: ignore[arg-type]
        outcomes,
        attempt,
        now_us=now_us,
        policy=POLICY,
        jitter=0,
        replies=replies,
        word="attempt",
        data={},
    )


@pytest.mark.parametrize(
    ("outcomes", "state"),
    [
        ("a", "sent"),
        ("aaa", "sent"),
        ("r", "dead"),
        ("rr", "dead"),
        ("ar", "partial"),
        ("d", "retrying"),
        ("ad", "retrying"),
        ("rd", "retrying"),
        ("ud", "retrying"),
        ("u", "unknown"),
        ("au", "unknown"),
        ("ru", "unknown"),
    ],
)
def test_the_state_follows_from_the_outcomes(outcomes: str, state: str) -> None:
    assert settled(outcomes).head.state == state


def test_a_refusal_is_counted_by_its_group_and_told_by_its_reply() -> None:
    settlement = settled("r", replies=("550 5.1.1 <ann@b.test> unknown, id 4Xy12",))
    assert settlement.reason == "550 5.1.1 <address> unknown, id <id>"
    assert "<ann@b.test> unknown, id 4Xy12" in json.loads(settlement.result)["result"]["exc_message"][0]
    assert settled("a", replies=("550 5.1.1 No such user",)).reason == ""


def test_a_deferred_job_waits_for_the_backoff() -> None:
    assert settled("d", attempt=3).due == "+40000000"


def test_a_hint_raises_the_backoff() -> None:
    assert settled("d", replies=("try again in 5 minutes",)).due == "+300000000"
    assert settled("d", attempt=9, replies=("try again in 5 seconds",), max_attempts=20).due == "+2560000000"


@pytest.mark.parametrize(("outcomes", "state"), [("d", "dead"), ("ad", "partial"), ("ud", "unknown")])
def test_when_the_attempts_are_used_up_it_ends(outcomes: str, state: str) -> None:
    settlement = settled(outcomes, attempt=8)
    assert settlement.head.state == state
    assert settlement.due == "-"
    assert '"used_up":"attempts"' in settlement.line


def test_when_the_next_attempt_would_be_too_late_it_ends() -> None:
    settlement = settled("d", now_us=86_395_000_000)
    assert settlement.head.state == "dead"
    assert '"used_up":"time"' in settlement.line


def test_attempts_before_an_operator_reopened_it_do_not_count() -> None:
    settlement = settled("d", attempt=9, round_attempt=8)
    assert settlement.head.state == "retrying"
    assert settlement.due == "+10000000"


def test_an_unknown_is_sent_again_where_the_job_says_so() -> None:
    settlement = settled("au", on_unknown="resend")
    assert settlement.head.state == "retrying"
    claim = make_claim("sending b 1 7 3 au", on_unknown="resend")
    assert claim.to_serve == [1]


def test_an_unknown_is_left_alone_where_it_does_not() -> None:
    assert make_claim("sending b 1 7 3 arupd").to_serve == [3, 4]


def test_resending_an_unknown_ends_unknown() -> None:
    assert settled("u", attempt=8, on_unknown="resend").head.state == "unknown"


def test_a_job_that_was_not_begun_goes_back_to_where_it_was() -> None:
    assert give_back(make_claim("sending c 0 7 3 p")).state == "queued"
    assert give_back(make_claim("sending c 2 7 3 d")).state == "retrying"
    assert give_back(make_claim("sending c 2 7 3 p", round_attempt=2)).state == "queued"


def test_a_job_that_is_given_up_without_an_attempt_says_why() -> None:
    settlement = end(make_claim("sending b 0 7 3 p"), POISON)
    assert settlement.head.state == "dead"
    assert json.loads(settlement.result)["result"]["exc_message"] == [POISON]


def test_celery_is_told_the_reply_without_its_codes() -> None:
    settlement = settled("r", replies=("550 Simulated task failure",))
    result = json.loads(settlement.result)
    assert result["status"] == "FAILURE"
    assert result["result"]["exc_message"] == ["Simulated task failure"]

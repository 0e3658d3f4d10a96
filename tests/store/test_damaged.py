"""A job whose record in Redis is not as we write it (damaged, or of another version) holds up nobody else's mail."""

from __future__ import annotations

import logging

import pytest
from redis import Redis

from tasks.desk import Desk
from tasks.domain.states import State
from tasks.settings import Settings
from tasks.store.jobs import Jobs
from tests.store.leases import Ledger, head_of, lapse
from tests.support.making import make_spec

CARDS = ['{"sender": "a@mailbox.test", "to": ["b@mailbox.test"], "of": "a later version"}', "rubbish", "[]", "{}", None]


def damage(jobs: Jobs, job_id: str, field: str, value: str | None) -> None:
    if value is None:
        jobs.redis.hdel(jobs.keys.job(job_id), field)
    else:
        jobs.redis.hset(jobs.keys.job(job_id), field, value)


@pytest.mark.parametrize("card", CARDS)
def test_one_whose_card_cannot_be_read_is_dead_with_that_reason_and_the_others_go(
    desk: Desk, jobs: Jobs, ledger: Ledger, card: str | None
) -> None:
    first, broken, last = (desk.submit(make_spec()).job_id for _ in range(3))
    damage(jobs, broken, "card", card)
    assert [errand.job_id for errand in ledger.claim(5)] == [first, last]
    assert [job_id for job_id, _ in ledger.leases()] in ([first, last], [last, first])
    job = jobs.read(broken)
    assert job is not None
    assert (job.head.state, job.head.attempt, job.due_us) == (State.DEAD, 0, None)
    assert "cannot be known whom to send it to" in job.log[-1].data["reason"]
    assert job.card.readable is False


def test_one_that_was_being_sent_is_unknown(
    desk: Desk, jobs: Jobs, redis: Redis, settings: Settings, ledger: Ledger, other: Ledger
) -> None:
    job_id = desk.submit(make_spec(on_unknown="resend")).job_id
    assert ledger.step([], ledger.claim(1)) == [True]
    damage(jobs, job_id, "card", "rubbish")
    lapse(redis, settings, job_id)
    assert other.claim(1) == []
    assert head_of(jobs, job_id).state == State.UNKNOWN


def test_one_of_which_it_cannot_be_read_when_its_round_began_is_sent_all_the_same(
    desk: Desk, jobs: Jobs, ledger: Ledger
) -> None:
    job_id = desk.submit(make_spec()).job_id
    damage(jobs, job_id, "round", "rubbish")
    assert [errand.job_id for errand in ledger.claim(1)] == [job_id]


def test_a_retry_once_it_is_mended_sends_it(desk: Desk, jobs: Jobs, ledger: Ledger) -> None:
    job_id = desk.submit(make_spec()).job_id
    card = jobs.redis.hget(jobs.keys.job(job_id), "card")
    assert isinstance(card, bytes)
    damage(jobs, job_id, "card", "rubbish")
    assert ledger.claim(1) == []
    damage(jobs, job_id, "card", card.decode())
    assert desk.retry(job_id).kind == "done"
    assert [errand.job_id for errand in ledger.claim(1)] == [job_id]


@pytest.mark.parametrize(("field", "value"), [("head", "rubbish"), ("place", "rubbish"), ("place", None)])
def test_one_whose_state_cannot_be_read_is_put_off_and_told_of(
    desk: Desk, jobs: Jobs, ledger: Ledger, caplog: pytest.LogCaptureFixture, field: str, value: str | None
) -> None:
    broken, last = (desk.submit(make_spec()).job_id for _ in range(2))
    damage(jobs, broken, field, value)
    with caplog.at_level(logging.ERROR, "postroom"):
        claimed = ledger.claim(1) or ledger.claim(1)
    assert [errand.job_id for errand in claimed] == [last]
    assert broken in caplog.text
    score = jobs.redis.zscore(jobs.keys.due("normal"), broken)
    assert score is not None
    assert 3_500_000_000 < score - jobs.now_us() < 3_600_000_000


def test_a_job_whose_message_is_gone_is_dead_and_nothing_is_sent_in_its_place(
    desk: Desk, jobs: Jobs, ledger: Ledger
) -> None:
    job_id = desk.submit(make_spec()).job_id
    jobs.redis.delete(jobs.keys.content(job_id))
    assert ledger.claim(1) == []
    job = jobs.read(job_id)
    assert job is not None
    assert (job.head.state, job.head.attempt, job.due_us) == (State.DEAD, 0, None)
    assert "no longer in Redis" in job.log[-1].data["reason"]
    assert ledger.leases() == []

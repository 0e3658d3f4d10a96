"""``claim`` gives due jobs to one worker at a time; ``step`` changes them for that worker alone."""

from __future__ import annotations

import json

import pytest
from redis import Redis
from redis.exceptions import RedisError

from tasks.desk import Desk
from tasks.domain.job import Outcome, Phase
from tasks.domain.states import State
from tasks.settings import Settings
from tasks.smtp.errand import Reached, Reply, Report
from tasks.store.jobs import Change, Jobs
from tasks.store.relays import OPENS_AFTER, Relays
from tests.store.leases import Ledger, head_of, lapse, report
from tests.support.making import LATER, make_spec


def test_a_claimed_job_is_sending_and_nobody_else_gets_it(
    desk: Desk, jobs: Jobs, ledger: Ledger, other: Ledger
) -> None:
    job_id = desk.submit(make_spec()).job_id
    [errand] = ledger.claim(5)
    assert errand.job_id == job_id
    assert errand.rcpt_tos == ["ann@mailbox.test"]
    assert errand.content == jobs.content(job_id)
    assert other.claim(5) == []
    assert head_of(jobs, job_id).state == State.SENDING
    assert jobs.counts()[State.SENDING] == 1
    assert jobs.counts()[State.QUEUED] == 0


def test_a_job_that_is_not_due_is_not_claimed(desk: Desk, ledger: Ledger) -> None:
    desk.submit(make_spec(send_at=LATER))
    assert ledger.claim(5) == []


def test_urgent_mail_goes_first(desk: Desk, ledger: Ledger) -> None:
    for priority in ("low", "normal", "high"):
        desk.submit(make_spec(priority=priority, subject=priority))
    errands = ledger.claim(3)
    words = (b"high", b"normal", b"low")
    assert all(b"Subject: " + word in errand.content for errand, word in zip(errands, words, strict=True))


def test_low_priority_is_not_starved(desk: Desk, ledger: Ledger) -> None:
    low = desk.submit(make_spec(priority="low")).job_id
    for _ in range(20):
        desk.submit(make_spec(priority="high"))
    claimed = [ledger.claim(1)[0].job_id for _ in range(10)]
    assert low in claimed


def test_an_attempt_settles_a_job(desk: Desk, jobs: Jobs, redis: Redis, ledger: Ledger) -> None:
    job_id = desk.submit(make_spec()).job_id
    [errand] = ledger.claim(1)
    assert ledger.step([], [errand]) == [True]
    assert head_of(jobs, job_id).phase == Phase.INTENT
    assert head_of(jobs, job_id).attempt == 1
    ledger.step([report(errand, Outcome.ACCEPTED)], [])
    job = jobs.read(job_id)
    assert job is not None
    assert (job.head.state, job.head.outcomes, job.head.attempt, job.due_us) == (State.SENT, "a", 1, None)
    assert [event.word for event in job.log] == ["accepted", "attempt"]
    assert json.loads(redis.get(f"celery-task-meta-{job_id}") or b"")["status"] == "SUCCESS"
    assert ledger.leases() == []


def test_a_deferred_job_is_due_again_later(desk: Desk, jobs: Jobs, ledger: Ledger) -> None:
    job_id = desk.submit(make_spec()).job_id
    [errand] = ledger.claim(1)
    ledger.step([report(errand, Outcome.DEFERRED, Reply(451, "4.7.1 later"))], [])
    job = jobs.read(job_id)
    assert job is not None
    assert job.head.state == State.RETRYING
    assert job.due_us is not None
    assert 10_000_000 <= job.due_us - job.accepted_us < 13_000_000
    assert ledger.claim(1) == []


def test_only_the_deferred_recipients_are_served_again(
    desk: Desk, redis: Redis, settings: Settings, ledger: Ledger
) -> None:
    job_id = desk.submit(make_spec(to="a@mailbox.test, b@mailbox.test")).job_id
    [errand] = ledger.claim(1)
    outcomes = [Outcome.ACCEPTED, Outcome.DEFERRED]
    ledger.step([Report(errand, Reached.DOT, outcomes, [Reply(250, "OK"), Reply(451, "later")])], [])
    lapse(redis, settings, job_id)
    [again] = ledger.claim(1)
    assert again.rcpt_tos == ["b@mailbox.test"]


def test_cancel_fences_a_worker_before_its_intent(desk: Desk, jobs: Jobs, ledger: Ledger) -> None:
    job_id = desk.submit(make_spec()).job_id
    [errand] = ledger.claim(1)
    assert desk.cancel(job_id).kind == "done"
    assert ledger.step([], [errand]) == [False]
    assert head_of(jobs, job_id).state == State.CANCELED


def test_after_the_intent_it_is_too_late_to_cancel(desk: Desk, ledger: Ledger) -> None:
    job_id = desk.submit(make_spec()).job_id
    [errand] = ledger.claim(1)
    ledger.step([], [errand])
    verdict = desk.cancel(job_id)
    assert (verdict.kind, verdict.state) == ("not_allowed", State.SENDING)


def test_a_lease_that_lapsed_before_the_intent_is_simply_claimed_anew(
    desk: Desk, jobs: Jobs, redis: Redis, settings: Settings, ledger: Ledger, other: Ledger
) -> None:
    job_id = desk.submit(make_spec()).job_id
    [errand] = ledger.claim(1)
    lapse(redis, settings, job_id)
    [again] = other.claim(1)
    assert again.job_id == job_id
    assert ledger.step([], [errand]) == [False], "the first worker is fenced"
    assert other.step([], [again]) == [True]
    assert head_of(jobs, job_id).attempt == 1


def test_a_lease_that_lapsed_after_the_intent_makes_it_unknown(
    desk: Desk, jobs: Jobs, redis: Redis, settings: Settings, ledger: Ledger, other: Ledger
) -> None:
    job_id = desk.submit(make_spec()).job_id
    [errand] = ledger.claim(1)
    ledger.step([], [errand])
    lapse(redis, settings, job_id)
    assert other.claim(1) == []
    job = jobs.read(job_id)
    assert job is not None
    assert (job.head.state, job.head.outcomes, job.due_us) == (State.UNKNOWN, "u", None)


def test_recipients_refused_before_the_intent_are_not_unknown(
    desk: Desk, jobs: Jobs, redis: Redis, settings: Settings, ledger: Ledger, other: Ledger
) -> None:
    job_id = desk.submit(make_spec(to="a@mailbox.test, b@mailbox.test")).job_id
    [errand] = ledger.claim(1)
    errand.standing = [Outcome.PENDING, Outcome.REJECTED]
    ledger.step([], [errand])
    lapse(redis, settings, job_id)
    other.claim(1)
    assert head_of(jobs, job_id).outcomes == "ur"


def test_a_late_settle_turns_unknown_into_the_truth(
    desk: Desk, jobs: Jobs, redis: Redis, settings: Settings, ledger: Ledger, other: Ledger
) -> None:
    job_id = desk.submit(make_spec()).job_id
    [errand] = ledger.claim(1)
    ledger.step([], [errand])
    lapse(redis, settings, job_id)
    other.claim(1)
    ledger.step([report(errand, Outcome.ACCEPTED)], [])
    assert head_of(jobs, job_id).state == State.SENT
    assert jobs.counts()[State.UNKNOWN] == 0


def test_after_an_operator_resolved_it_a_late_settle_changes_nothing(
    desk: Desk, jobs: Jobs, redis: Redis, settings: Settings, ledger: Ledger, other: Ledger
) -> None:
    job_id = desk.submit(make_spec()).job_id
    [errand] = ledger.claim(1)
    ledger.step([], [errand])
    lapse(redis, settings, job_id)
    other.claim(1)
    assert desk.resolve(job_id, "again").state == State.QUEUED
    ledger.step([report(errand, Outcome.ACCEPTED)], [])
    assert head_of(jobs, job_id).state == State.QUEUED


def test_the_heartbeat_extends_only_what_is_still_ours(
    desk: Desk, jobs: Jobs, redis: Redis, settings: Settings, ledger: Ledger
) -> None:
    from tasks.store.scripts import script

    job_id = desk.submit(make_spec()).job_id
    ledger.claim(1)
    [(held, token)] = ledger.leases()
    extend = script(redis, "extend")
    lapse(redis, settings, job_id)
    assert extend(args=[settings.key_prefix, 15_000_000, held, token]) == []
    job = jobs.read(job_id)
    assert job is not None
    assert job.due_us is not None
    assert job.due_us > job.accepted_us + 14_000_000
    assert extend(args=[settings.key_prefix, 15_000_000, held, token + 1]) == [job_id.encode()]


def test_what_is_given_back_can_be_claimed_at_once(desk: Desk, jobs: Jobs, ledger: Ledger) -> None:
    job_id = desk.submit(make_spec()).job_id
    ledger.give_back(ledger.claim(1))
    assert head_of(jobs, job_id).state == State.QUEUED
    [again] = ledger.claim(1)
    assert again.job_id == job_id
    assert head_of(jobs, job_id).attempt == 0


def test_an_open_breaker_gives_nothing_but_one_probe(
    desk: Desk, redis: Redis, settings: Settings, ledger: Ledger, other: Ledger
) -> None:
    for _ in range(3):
        desk.submit(make_spec())
    for _ in range(OPENS_AFTER):
        ledger.relay_failed("connect", "Connection refused")
    relays = Relays(redis, settings.key_prefix)
    assert relays.health(settings.relay_name).is_open
    assert ledger.claim(5) == []
    redis.hset(f"{settings.key_prefix}relay:{settings.relay_name}", "open_until", 1)
    assert len(ledger.claim(5)) == 1
    assert other.claim(5) == []
    ledger.relay_answered()
    assert not relays.health(settings.relay_name).is_open
    assert len(other.claim(5)) == 2


def test_pauses_grow(settings: Settings, redis: Redis) -> None:
    relays = Relays(redis, settings.key_prefix)
    pauses = []
    for _ in range(6):
        redis.hset(f"{settings.key_prefix}relay:r", "open_until", 1)
        pauses.append(relays.failed("r", "connect", "refused") // 1_000_000)
    assert pauses == [0, 0, 1, 2, 4, 8]


def test_a_step_refuses_a_move_outside_the_table(desk: Desk, jobs: Jobs) -> None:
    job_id = desk.submit(make_spec()).job_id
    head = head_of(jobs, job_id)
    assert jobs.step([Change("verb", job_id, head, head.moved(state=State.SENT))]) == [False]
    assert head_of(jobs, job_id) == head


def test_a_step_asked_twice_is_done_once(desk: Desk, jobs: Jobs) -> None:
    job_id = desk.submit(make_spec()).job_id
    head = head_of(jobs, job_id)
    change = Change("verb", job_id, head, head.moved(state=State.CANCELED), due="-", line="canceled {}")
    assert jobs.step([change]) == [True]
    assert jobs.step([change]) == [True]
    job = jobs.read(job_id)
    assert job is not None
    assert [event.word for event in job.log] == ["accepted", "canceled"]


def test_a_final_job_goes_after_its_retention(desk: Desk, jobs: Jobs, redis: Redis, settings: Settings) -> None:
    job_id = desk.submit(make_spec()).job_id
    desk.cancel(job_id)
    assert jobs.purge() == 0
    redis.zadd(f"{settings.key_prefix}purge", {job_id: 1})
    assert jobs.purge() == 1
    assert jobs.read(job_id) is None
    left = {key.decode() for key in redis.keys("*")}  # type: ignore[union-attr]
    assert not {key for key in left if job_id in key and "celery" not in key}
    assert sum(jobs.counts().values()) == 0


def test_retry_sends_to_the_refused_alone(desk: Desk, jobs: Jobs, ledger: Ledger) -> None:
    job_id = desk.submit(make_spec(to="a@mailbox.test, b@mailbox.test")).job_id
    [errand] = ledger.claim(1)
    outcomes = [Outcome.ACCEPTED, Outcome.REJECTED]
    ledger.step([Report(errand, Reached.DOT, outcomes, [Reply(250, "OK"), Reply(550, "no")])], [])
    assert head_of(jobs, job_id).state == State.PARTIAL
    assert desk.retry(job_id).state == State.QUEUED
    [again] = ledger.claim(1)
    assert again.rcpt_tos == ["b@mailbox.test"]
    assert jobs.redis.get(f"celery-task-meta-{job_id}") is not None


def test_verbs_are_refused_where_the_state_does_not_allow_them(desk: Desk) -> None:
    job_id = desk.submit(make_spec()).job_id
    assert desk.retry(job_id).kind == "not_allowed"
    assert desk.discard(job_id).kind == "not_allowed"
    assert desk.cancel(job_id).kind == "done"
    assert desk.cancel(job_id).kind == "not_allowed"
    assert desk.cancel("0" * 26).kind == "not_found"


def test_what_redis_failed_to_settle_is_not_held(desk: Desk, redis: Redis, settings: Settings, ledger: Ledger) -> None:
    """Else the heartbeat would extend jobs for ever that nobody carries."""
    for _ in range(2):
        job_id = desk.submit(make_spec()).job_id
    ledger.jobs.redis.delete(ledger.jobs.keys.content(job_id))
    redis.acl_setuser("default", enabled=True, nopass=True, keys=["*"], commands=["+@all", "-publish"])
    try:
        with pytest.raises(RedisError):
            ledger.claim(2)
    finally:
        redis.acl_setuser("default", enabled=True, nopass=True, keys=["*"], commands=["+@all"])
    assert ledger.leases() == []

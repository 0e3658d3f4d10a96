"""A job whose worker was lost in the middle of it is claimed alone from then on: it may be poison."""

from __future__ import annotations

import pytest
from redis import Redis

from tasks import clock
from tasks.desk import Desk
from tasks.domain.job import Outcome
from tasks.domain.states import State
from tasks.settings import Settings
from tasks.solitude import REST_SECONDS, Solitude, Way
from tasks.store.jobs import Jobs
from tests.store.leases import Ledger, head_of, lapse, report
from tests.support.making import make_spec


def test_a_job_that_thrice_kills_its_worker_alone_is_dead(
    desk: Desk, jobs: Jobs, redis: Redis, settings: Settings
) -> None:
    job_id = desk.submit(make_spec()).job_id
    for number in range(4):
        [errand] = Ledger(settings, redis, f"w{number}").claim(5)
        assert errand.job_id == job_id
        lapse(redis, settings, job_id)
    assert Ledger(settings, redis, "last").claim(5) == []
    job = jobs.read(job_id)
    assert job is not None
    assert job.head.state == State.DEAD
    assert "lost three times" in job.log[-1].data["reason"]


def test_its_neighbours_are_not_dead_with_it(desk: Desk, jobs: Jobs, redis: Redis, settings: Settings) -> None:
    """Two jobs are claimed together each time; then each is claimed alone."""
    ids = {desk.submit(make_spec(subject=str(number))).job_id for number in range(2)}
    assert {errand.job_id for errand in Ledger(settings, redis, "w0").claim(5)} == ids
    for job_id in ids:
        lapse(redis, settings, job_id)
    worker = Ledger(settings, redis, "w1")
    [alone] = worker.claim(5)
    assert worker.claim(5) == [], "a worker that has it gets nothing else"
    worker.step([report(alone, Outcome.ACCEPTED)], [])
    [second] = worker.claim(5)
    assert {alone.job_id, second.job_id} == ids


def test_a_job_that_must_be_alone_is_alone_in_its_whole_process(desk: Desk, redis: Redis, settings: Settings) -> None:
    """Two threads of one process; a third is of another process, and sends the rest meanwhile."""
    poison = desk.submit(make_spec(subject="poison")).job_id
    Ledger(settings, redis, "w0").claim(1)
    lapse(redis, settings, poison)
    for number in range(4):
        desk.submit(make_spec(subject=str(number)))
    shared = Solitude()
    first, second = (Ledger(settings, redis, "w1", solitude=shared) for _ in range(2))
    busy = first.claim(2)
    assert poison not in {errand.job_id for errand in busy}
    assert second.claim(5) == first.claim(5) == [], "the process comes to rest"
    first.step([report(errand, Outcome.ACCEPTED) for errand in busy], [])
    [alone] = second.claim(5)
    assert alone.job_id == poison
    assert first.claim(5) == second.claim(5) == [], "nothing joins it"
    assert len(Ledger(settings, redis, "w2").claim(1)) == 1
    second.step([report(alone, Outcome.ACCEPTED)], [])
    assert len(first.claim(5)) == 1, "the process goes on"


def test_a_process_that_did_not_come_to_rest_asks_twice_and_goes_on(
    desk: Desk, redis: Redis, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow job keeps it busy, only the one that must be alone is due, and the next rest is half a minute off."""
    shared = Solitude()
    first, second = (Ledger(settings, redis, "w1", solitude=shared) for _ in range(2))
    desk.submit(make_spec(subject="slow"))
    assert len(first.claim(1)) == 1
    poison = desk.submit(make_spec(subject="poison")).job_id
    Ledger(settings, redis, "w0").claim(1)
    lapse(redis, settings, poison)
    assert second.claim(5) == [], "the process is to come to rest"
    began = clock.monotonic()
    monkeypatch.setattr(clock, "monotonic", lambda: began + REST_SECONDS + 1)
    redis.config_resetstat()
    assert second.claim(5) == []
    assert redis.info("commandstats")["cmdstat_evalsha"]["calls"] == 2


def test_those_that_must_be_alone_do_not_hide_the_others_behind_them(
    desk: Desk, redis: Redis, settings: Settings
) -> None:
    """A worker was lost with all sessions busy, and this process cannot come to rest."""
    first = {desk.submit(make_spec(subject="lost")).job_id for _ in range(12)}
    assert len(Ledger(settings, redis, "w0").claim(12)) == 12
    for job_id in first:
        lapse(redis, settings, job_id)
    others = [desk.submit(make_spec(subject=str(number))).job_id for number in range(5)]
    assert [errand.job_id for errand in Ledger(settings, redis, "w1").claim(5)] == others


def test_a_job_that_its_own_thread_claims_anew_is_held_once_it_lets_the_old_claim_go(
    desk: Desk, jobs: Jobs, redis: Redis, settings: Settings
) -> None:
    """A process that was stopped past its lease finds its own jobs due. It must come to rest again all the same."""
    ids = {desk.submit(make_spec(subject=str(number))).job_id for number in range(2)}
    solitude = Solitude()
    ledger = Ledger(settings.model_copy(update={"smtp_sessions": 1}), redis, "w1", solitude=solitude)
    begun, waiting = ledger.claim(2)
    lapse(redis, settings, waiting.job_id)
    [again] = ledger.claim(1)
    assert {begun.job_id, again.job_id} == ids
    assert ledger.step([], [waiting]) == [False], "the old claim is fenced"
    assert (again.job_id, head_of(jobs, again.job_id).token) in ledger.leases(), "the new one is extended"
    ledger.step([report(begun, Outcome.ACCEPTED), report(again, Outcome.ACCEPTED)], [])
    assert ledger.leases() == []
    assert solitude.enter() is Way.SHARED
    solitude.entered(0, passed_over=True)
    assert solitude.enter() is Way.ALONE, "nothing is counted that is not held"

"""What the random walk and the chaos runs found, each as the shortest way there."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from redis import Redis
from redis.exceptions import ResponseError

from tasks.desk import Desk
from tasks.domain.job import Outcome
from tasks.domain.states import State
from tasks.settings import Settings
from tasks.smtp.errand import Errand, Reached, Reply, Report
from tasks.store.jobs import Change, Jobs
from tasks.store.keys import LANES
from tasks.store.memory import Memory
from tasks.store.relays import OPENS_AFTER
from tasks.store.scripts import source
from tests.store.leases import Ledger
from tests.support.making import make_spec, state_of


def come_due(redis: Redis, jobs: Jobs, job_id: str) -> None:
    for lane in LANES:
        redis.zadd(jobs.keys.due(lane), {job_id: 1}, xx=True)


def answered(errand: Errand, outcome: Outcome, reply: Reply) -> Report:
    return Report(errand, Reached.DOT, [outcome], [reply])


def test_who_finds_a_lapsed_lease_does_not_overrule_a_settle_that_comes_first(
    desk: Desk, jobs: Jobs, settings: Settings, redis: Redis
) -> None:
    job_id = desk.submit(make_spec()).job_id
    slow, finder = Ledger(settings, redis, "slow"), Ledger(settings, redis, "finder")
    [errand] = slow.claim(1)
    slow.step([], [errand])
    come_due(redis, jobs, job_id)
    put_off: list[Change] = []
    step = finder.jobs.step

    def put_it_off(changes: Sequence[Change]) -> list[bool]:
        put_off.extend(changes)
        return []

    finder.jobs.step = put_it_off  # type: ignore[method-assign]
    finder.claim(1)
    slow.step([answered(errand, Outcome.DEFERRED, Reply(451, "later"))], [])
    assert step(put_off) == [False]
    assert state_of(jobs.read(job_id)) == State.RETRYING


def test_a_settle_that_came_late_is_replayed_too(desk: Desk, jobs: Jobs, settings: Settings, redis: Redis) -> None:
    job_id = desk.submit(make_spec()).job_id
    memory = Memory(settings.key_prefix, 60, 10**12, 3600)
    slow, finder = Ledger(settings, redis, "slow", memory), Ledger(settings, redis, "finder")
    [errand] = slow.claim(1)
    slow.step([], [errand])
    come_due(redis, jobs, job_id)
    finder.claim(1)
    unknown = {key: redis.dump(key) for key in redis.scan_iter("*")}
    slow.step([answered(errand, Outcome.ACCEPTED, Reply(250, "OK"))], [])
    assert state_of(jobs.read(job_id)) == State.SENT
    redis.flushall()
    for key, value in unknown.items():
        redis.restore(key, 0, value)  # type: ignore[arg-type]
    assert state_of(jobs.read(job_id)) == State.UNKNOWN
    memory._replay_until = float("inf")
    memory._replay(lambda verb, arguments: redis.eval(source(verb), 0, *arguments))
    assert state_of(jobs.read(job_id)) == State.SENT


def test_until_all_have_replayed_nothing_is_decided(desk: Desk, jobs: Jobs, settings: Settings, redis: Redis) -> None:
    """A verb on a job whose claim is about to be replayed, or an intent where a cancel is, would contradict it."""
    job_id = desk.submit(make_spec()).job_id
    ledger = Ledger(settings, redis, "worker")
    [errand] = ledger.claim(1)
    redis.hset(jobs.keys.of("recovery"), "hold_until", jobs.now_us() + 60_000_000)
    with pytest.raises(ResponseError, match="started anew"):
        desk.cancel(job_id)
    with pytest.raises(ResponseError, match="started anew"):
        ledger.step([], [errand])
    assert Ledger(settings, redis, "other").claim(5) == []
    redis.hdel(jobs.keys.of("recovery"), "hold_until")
    assert ledger.step([], [errand]) == [True]


def test_a_probe_is_not_wasted_where_nothing_can_be_claimed(desk: Desk, settings: Settings, redis: Redis) -> None:
    ledger = Ledger(settings, redis, "worker")
    for _ in range(OPENS_AFTER):
        ledger.relay_failed("connect", "refused")
    redis.hset(f"{settings.key_prefix}relay:{settings.relay_name}", "open_until", 1)
    assert ledger.claim(5) == []
    desk.submit(make_spec())
    assert len(ledger.claim(5)) == 1

"""The overview's numbers, lanes and workers, as the store counts them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from redis import Redis

from tasks import clock, fleet
from tasks.courier import Courier, Couriers
from tasks.desk import Desk
from tasks.domain.job import Outcome, Phase
from tasks.domain.states import State
from tasks.reporter import Reporter
from tasks.settings import Settings
from tasks.smtp.carousel import Carousel
from tasks.smtp.relay import Relay
from tasks.store.jobs import Change, Jobs
from tasks.store.lanes import Lanes
from tasks.store.relays import OPENS_AFTER, Relays
from tasks.store.stats import RANGES, Range, Stats, quantile
from tasks.store.workers import WorkerReport, Workers
from tests.store.leases import Ledger
from tests.support.making import LATER, make_card, make_spec
from tests.support.planting import Planted, id_at, plant
from tests.web.moving import claim, settle

SECOND_US = 1_000_000


@pytest.fixture
def stats(settings: Settings, redis: Redis) -> Stats:
    return Stats(redis, settings.key_prefix)


@pytest.fixture
def lanes(settings: Settings, redis: Redis) -> Lanes:
    return Lanes(redis, settings.key_prefix)


@pytest.mark.parametrize("span", RANGES)
def test_each_outcome_is_counted_in_its_minute_and_hour(desk: Desk, jobs: Jobs, stats: Stats, span: Range) -> None:
    for state, outcome in (
        (State.SENT, Outcome.ACCEPTED),
        (State.SENT, Outcome.ACCEPTED),
        (State.DEAD, Outcome.REJECTED),
        (State.RETRYING, Outcome.DEFERRED),
        (State.UNKNOWN, Outcome.UNKNOWN),
    ):
        settle(jobs, desk.submit(make_spec()).job_id, state, outcome)
    now_us = jobs.now_us()
    found = stats.throughput(span, now_us)
    assert len(found.steps) == RANGES[span][2]
    assert found.steps[-1].start_us <= now_us < found.steps[-1].start_us + found.step_seconds * SECOND_US
    words = ("accepted", "sent", "dead", "retrying", "unknown", "partial")
    # Over all steps: the minute may have changed meanwhile.
    assert [sum(step.count(word) for step in found.steps) for word in words] == [5, 2, 1, 1, 1, 0]
    assert found.p50 is not None
    assert 0.0005 < found.p50 < 10


def waited(redis: Redis, settings: Settings, jobs: Jobs, stats: Stats, *, round_us: int) -> float:
    """The wait that is counted of a job that was accepted a day ago, and whose round began so long ago."""
    now_us = jobs.now_us()
    job = Planted(id_at(now_us, 1), make_card(1), now_us - 86_400 * SECOND_US, State.QUEUED)
    plant(redis, settings.key_prefix, [job])
    redis.hset(jobs.keys.job(job.id), "round", f"0 {now_us - round_us}")
    settle(jobs, job.id, State.SENT, Outcome.ACCEPTED)
    p50 = stats.throughput("hour", jobs.now_us()).p50
    assert p50 is not None
    return p50


def test_a_scheduled_mail_waits_from_its_send_time_on(
    redis: Redis, settings: Settings, jobs: Jobs, stats: Stats
) -> None:
    assert waited(redis, settings, jobs, stats, round_us=3 * SECOND_US) == pytest.approx(3, rel=0.1)


def test_a_long_wait_is_counted_whole(redis: Redis, settings: Settings, jobs: Jobs, stats: Stats) -> None:
    assert waited(redis, settings, jobs, stats, round_us=86_400 * SECOND_US) == pytest.approx(86_400, rel=0.1)


def test_a_dead_letter_that_is_retried_waits_from_then_on(
    redis: Redis, settings: Settings, desk: Desk, jobs: Jobs, stats: Stats
) -> None:
    now_us = jobs.now_us()
    job = Planted(id_at(now_us, 1), make_card(1), now_us - 86_400 * SECOND_US, State.DEAD, "0" * 16)
    plant(redis, settings.key_prefix, [job])
    assert desk.retry(job.id).kind == "done"
    settle(jobs, job.id, State.SENT, Outcome.ACCEPTED)
    p50 = stats.throughput("hour", jobs.now_us()).p50
    assert p50 is not None
    assert p50 < 10


def test_what_is_older_than_the_range_is_not_counted(desk: Desk, jobs: Jobs, stats: Stats) -> None:
    settle(jobs, desk.submit(make_spec()).job_id, State.SENT, Outcome.ACCEPTED)
    later = stats.throughput("hour", jobs.now_us() + 3_700 * SECOND_US)
    assert sum(step.count("sent") for step in later.steps) == 0
    assert (later.p50, later.p95) == (None, None)


@hypothesis_settings(derandomize=True, database=None)
@given(st.lists(st.floats(1.5, 1e7), min_size=1))
def test_quantiles_are_right_to_five_per_cent(milliseconds: list[float]) -> None:
    import math

    waits: dict[int, int] = {}
    for wait in milliseconds:
        bucket = math.floor(8 * math.log2(wait))
        waits[bucket] = waits.get(bucket, 0) + 1
    ordered = sorted(milliseconds)
    for share in (0.5, 0.95):
        exact = ordered[max(math.ceil(share * len(ordered)) - 1, 0)] / 1000
        assert quantile(waits, share) == pytest.approx(exact, rel=0.05)


def test_the_reasons_of_refusal_are_counted_over_the_week(
    desk: Desk, jobs: Jobs, stats: Stats, redis: Redis, settings: Settings
) -> None:
    for reason in ("550 no", "550 no", "552 full"):
        job_id = desk.submit(make_spec()).job_id
        held = claim(jobs, job_id)
        gone = held.moved(state=State.DEAD, phase=Phase.NONE, attempt=1, outcomes="r")
        assert jobs.step([Change("settle", job_id, held, gone, due="-", line="attempt {}", reason=reason)]) == [True]
    now_us = jobs.now_us()
    assert stats.refusals(now_us) == [("550 no", 2), ("552 full", 1)]
    assert stats.refusals(now_us + 5 * 86_400 * SECOND_US) == [("550 no", 2), ("552 full", 1)]
    assert stats.refusals(now_us + 8 * 86_400 * SECOND_US) == []


@pytest.mark.parametrize("count", [1, 700])
def test_the_next_retry_is_found_among_few_and_among_many(
    settings: Settings, redis: Redis, jobs: Jobs, stats: Stats, count: int
) -> None:
    now_us = jobs.now_us()
    assert stats.next_retry_us(now_us) is None
    made = [Planted(id_at(now_us, number), make_card(), now_us, State.RETRYING) for number in range(count)]
    others = [Planted(id_at(now_us, 9000 + number), make_card(), now_us, State.QUEUED) for number in range(30)]
    plant(redis, settings.key_prefix, made + others)
    for at, job in enumerate(made):
        redis.zadd(jobs.keys.due("normal"), {job.id: now_us + 500 * SECOND_US + at})
    first = now_us + 100 * SECOND_US
    redis.zadd(jobs.keys.due("normal"), {made[count // 2].id: first})
    redis.zadd(jobs.keys.due("low"), {others[0].id: now_us + 1})
    assert stats.next_retry_us(now_us) == first


def test_a_lane_tells_what_is_due_and_what_waits(desk: Desk, jobs: Jobs, lanes: Lanes) -> None:
    for _ in range(2):
        desk.submit(make_spec(priority="high"))
    desk.submit(make_spec(priority="low", send_at=LATER))
    now_us = jobs.now_us()
    high, normal, low = lanes.all(now_us)
    assert (high.due, high.later, normal.due, normal.later, low.due, low.later) == (2, 0, 0, 0, 0, 1)
    assert high.oldest_due_us is not None
    assert now_us - 60 * SECOND_US < high.oldest_due_us <= now_us
    assert normal.oldest_due_us is low.oldest_due_us is None


def test_nothing_is_claimed_from_a_paused_lane(desk: Desk, jobs: Jobs, lanes: Lanes, ledger: Ledger) -> None:
    job_id = desk.submit(make_spec(priority="high")).job_id
    other = desk.submit(make_spec(priority="low")).job_id
    before = jobs.system_revision()
    desk.pause("high")
    assert jobs.system_revision() > before
    assert [lane.name for lane in lanes.all(jobs.now_us()) if lane.paused] == ["high"]
    assert [errand.job_id for errand in ledger.claim(5)] == [other]
    desk.resume("high")
    assert [errand.job_id for errand in ledger.claim(5)] == [job_id]
    assert not any(lane.paused for lane in lanes.all(jobs.now_us()))


def test_there_is_no_lane_but_ours(desk: Desk) -> None:
    with pytest.raises(ValueError, match="lane"):
        desk.pause("urgent")


@pytest.fixture
def ledger(settings: Settings, redis: Redis) -> Ledger:
    return Ledger(settings, redis, "worker-1")


def report(settings: Settings, redis: Redis, **fields: object) -> WorkerReport:
    now_us = Jobs(redis, settings.key_prefix).now_us()
    values: dict[str, object] = {"seen_us": now_us, "progressed_us": now_us} | fields
    made = WorkerReport("host:1", "host", 1, 2, "0.1", now_us, **values)  # type: ignore[arg-type]
    Workers(redis, settings.key_prefix).report(made)
    return made


def test_a_report_is_read_as_it_was_written(settings: Settings, redis: Redis) -> None:
    made = report(settings, redis, held=[("a", 5), ("b", 6)], rates={"high": 1.5, "low": 2.0}, sessions=3, holding=2)
    assert Workers(redis, settings.key_prefix).all() == [made]
    assert made.rate == 3.5
    found = fleet.look(settings, redis)
    assert (found.sessions, found.rate("low"), found.rate("normal")) == (3, 2.0, 0.0)


def test_a_worker_that_does_nothing_while_jobs_are_due_is_stalled(
    settings: Settings, redis: Redis, desk: Desk, jobs: Jobs
) -> None:
    long_ago = jobs.now_us() - 60 * SECOND_US

    def stalled() -> bool:
        [seen] = fleet.look(settings, redis).workers
        assert seen.up
        return seen.stalled

    report(settings, redis, progressed_us=long_ago)
    assert not stalled(), "nothing is due"
    job_id = desk.submit(make_spec()).job_id
    assert not stalled(), "it is due only now"
    redis.zadd(jobs.keys.due("normal"), {job_id: long_ago})
    assert stalled()
    desk.pause("normal")
    assert not stalled(), "the lane is paused"
    desk.resume("normal")
    for _ in range(OPENS_AFTER):
        Relays(redis, settings.key_prefix).failed(settings.relay_name, "connect", "refused")
    assert not stalled(), "the relay is held back"
    Relays(redis, settings.key_prefix).answered(settings.relay_name)
    report(settings, redis)
    assert not stalled(), "it makes progress"


def test_a_worker_that_reports_no_more_is_not_up(settings: Settings, redis: Redis, jobs: Jobs) -> None:
    report(settings, redis, seen_us=jobs.now_us() - 20 * SECOND_US)
    [seen] = fleet.look(settings, redis).workers
    assert (seen.up, seen.stalled) == (False, False)


def test_a_worker_reports_its_progress_and_its_rates(settings: Settings, redis: Redis) -> None:
    couriers = Couriers(settings, redis, "host:1")
    reporter = Reporter(settings, redis, couriers, WorkerReport("host:1", "host", 1, 2, "0.1", 1))

    def told() -> WorkerReport:
        reporter.turn()
        [found] = Workers(redis, settings.key_prefix).all()
        return found

    first = told()
    assert first.progressed_us == first.seen_us
    idle = told()
    assert idle.progressed_us == first.progressed_us < idle.seen_us, "nothing was settled, and something may be due"
    couriers.nothing_due_at = clock.monotonic()
    third = told()
    assert third.progressed_us == third.seen_us
    ledger = Ledger(settings, redis, "host:1")
    couriers.all.append(Courier(Carousel(Relay.from_settings(settings), ledger, 1), ledger))
    ledger.settled_in["high"] += 10
    busy = told()
    assert (busy.progressed_us, busy.settled, busy.sessions) == (busy.seen_us, 10, 0)
    assert busy.rates["high"] > 0 == busy.rates["low"]
    reporter.gone()
    assert Workers(redis, settings.key_prefix).all() == []

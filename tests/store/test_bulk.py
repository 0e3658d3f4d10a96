"""A bulk changes the jobs that were meant when it was asked for, each once, whatever dies on the way; nothing later."""

from __future__ import annotations

import pytest
from redis import Redis

from tasks import bulk as bulk_module
from tasks.bulk import BulkRunner
from tasks.desk import Desk
from tasks.domain.filter import Filter
from tasks.domain.job import Outcome
from tasks.domain.states import State, Verb
from tasks.settings import Settings
from tasks.store.bulks import MOST_RECENT, Bulk, Bulks, Chunk, Tally
from tasks.store.dead_letters import DeadLetters
from tasks.store.jobs import Jobs
from tests.support.making import make_spec, state_of
from tests.web.moving import settle

NO_USER = (550, "5.1.1 No such user")


class Killed(BaseException):
    """The worker dies here."""


@pytest.fixture
def bulks(settings: Settings, redis: Redis) -> Bulks:
    return Bulks(redis, settings.key_prefix)


@pytest.fixture
def runner(settings: Settings, redis: Redis) -> BulkRunner:
    return BulkRunner(settings, redis, "worker-1")


@pytest.fixture
def other(settings: Settings, redis: Redis) -> BulkRunner:
    return BulkRunner(settings, redis, "worker-2")


def dead(desk: Desk, jobs: Jobs, reply: tuple[int, str] = NO_USER, **fields: object) -> str:
    job_id = desk.submit(make_spec(**fields)).job_id
    settle(jobs, job_id, State.DEAD, Outcome.REJECTED, reply)
    return job_id


def states(jobs: Jobs, ids: list[str]) -> list[str]:
    return [state_of(job) for job in jobs.read_many(ids)]


def run(bulks: Bulks, runner: BulkRunner, bulk: Bulk) -> Bulk:
    runner.turn()
    found = bulks.read(bulk.id)
    assert found is not None
    return found


def test_it_changes_the_jobs_that_the_filter_means_and_no_other(
    desk: Desk, jobs: Jobs, bulks: Bulks, runner: BulkRunner
) -> None:
    meant = [dead(desk, jobs, tags=["a"]) for _ in range(3)]
    others = [dead(desk, jobs), desk.submit(make_spec(tags=["a"])).job_id]
    bulk = desk.bulk(Verb.RETRY, Filter(tag="a", state=State.DEAD))
    assert (bulk.expected.number, bulk.expected.exact, bulk.state) == (3, True, "running")
    done = run(bulks, runner, bulk)
    assert (done.state, done.tally) == ("finished", Tally(3))
    assert done.finished_us is not None
    assert states(jobs, meant) == ["queued"] * 3
    assert states(jobs, others) == ["dead", "queued"]
    assert bulks.under_way() == []


def test_a_job_that_comes_to_match_later_is_not_touched(
    desk: Desk, jobs: Jobs, bulks: Bulks, runner: BulkRunner
) -> None:
    early = dead(desk, jobs)
    waiting = desk.submit(make_spec()).job_id
    bulk = desk.bulk(Verb.DISCARD, Filter(state=State.DEAD))
    settle(jobs, waiting, State.DEAD, Outcome.REJECTED, NO_USER)
    late = dead(desk, jobs)
    done = run(bulks, runner, bulk)
    assert states(jobs, [early, waiting, late]) == ["discarded", "dead", "dead"]
    assert (done.tally.done, done.tally.failed) == (1, 0)


def test_a_job_that_changed_and_came_back_is_not_touched(
    desk: Desk, jobs: Jobs, bulks: Bulks, runner: BulkRunner
) -> None:
    job_id = dead(desk, jobs)
    bulk = desk.bulk(Verb.DISCARD, Filter(state=State.DEAD))
    desk.retry(job_id)
    settle(jobs, job_id, State.DEAD, Outcome.REJECTED, NO_USER)
    assert run(bulks, runner, bulk).tally == Tally(skipped=1)
    assert states(jobs, [job_id]) == ["dead"]


def test_jobs_can_be_named_and_what_does_not_allow_the_verb_is_skipped(
    desk: Desk, jobs: Jobs, bulks: Bulks, runner: BulkRunner
) -> None:
    ids = [dead(desk, jobs), desk.submit(make_spec()).job_id, dead(desk, jobs)]
    unnamed = dead(desk, jobs)
    bulk = desk.bulk(Verb.RETRY, Filter(), ids=[*ids, "0" * 26, ids[0]])
    assert bulk.expected.number == 4
    assert run(bulks, runner, bulk).tally == Tally(done=2, skipped=2)
    assert states(jobs, [*ids, unnamed]) == ["queued", "queued", "queued", "dead"]


def test_unknown_jobs_are_resolved_by_the_answer_given(
    desk: Desk, jobs: Jobs, bulks: Bulks, runner: BulkRunner
) -> None:
    ids = [desk.submit(make_spec()).job_id for _ in range(2)]
    for job_id in ids:
        settle(jobs, job_id, State.UNKNOWN, Outcome.UNKNOWN)
    assert run(bulks, runner, desk.bulk(Verb.RESOLVE, Filter(), answer="arrived")).tally == Tally(2)
    assert states(jobs, ids) == ["sent", "sent"]


def test_dead_letters_of_one_reason_are_retried_chunk_by_chunk(
    settings: Settings,
    redis: Redis,
    desk: Desk,
    jobs: Jobs,
    bulks: Bulks,
    runner: BulkRunner,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bulk_module, "CHUNK", 3)
    monkeypatch.setattr(bulk_module, "AT_ONCE", 2)
    full = [dead(desk, jobs, (552, "Mailbox full")) for _ in range(8)]
    others = [dead(desk, jobs, NO_USER) for _ in range(2)]
    [group, smaller], complete = DeadLetters(redis, settings.key_prefix).groups()
    assert complete
    assert (group.count, group.reason, smaller.count) == (8, "552 Mailbox full", 2)
    done = run(bulks, runner, desk.bulk(Verb.RETRY, Filter(state=State.DEAD, reason=group.digest)))
    assert (done.state, done.tally) == ("finished", Tally(8))
    assert int(done.turn) >= 3
    assert states(jobs, full + others) == ["queued"] * 8 + ["dead"] * 2


@pytest.mark.parametrize("moment", ["before the change", "in the middle of it", "after it"])
def test_a_worker_that_dies_is_replaced_and_every_job_is_changed_and_counted_once(
    settings: Settings,
    redis: Redis,
    desk: Desk,
    jobs: Jobs,
    bulks: Bulks,
    runner: BulkRunner,
    other: BulkRunner,
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
) -> None:
    monkeypatch.setattr(bulk_module, "CHUNK", 4)
    monkeypatch.setattr(bulk_module, "AT_ONCE", 2)
    ids = [dead(desk, jobs) for _ in range(10)]
    bulk = desk.bulk(Verb.RETRY, Filter(state=State.DEAD))
    runner.advance(bulk)  # the first chunk goes well
    make = runner._jobs.step
    steps: list[int] = []

    def step(changes: list[object]) -> list[bool]:
        if moment == "before the change" or (moment == "in the middle of it" and steps):
            raise Killed
        steps.append(len(changes))
        return make(changes)  # type: ignore[arg-type]

    def end(*_: object) -> None:
        raise Killed

    runner._jobs.step = step  # type: ignore[assignment,method-assign]
    if moment == "after it":
        runner._bulks.end = end  # type: ignore[assignment,method-assign]
    with pytest.raises(Killed):
        runner.turn()
    revisions = [job.head.revision for job in jobs.read_many(ids) if job]
    other.turn()
    assert bulks.read(bulk.id) is not None
    assert [job.head.revision for job in jobs.read_many(ids) if job] == revisions, "the lease is the lost worker's"
    redis.delete(f"{settings.key_prefix}bulk-lease:{bulk.id}")  # its end, without the wait
    other.turn()
    done = bulks.read(bulk.id)
    assert done is not None
    assert (done.state, done.tally) == ("finished", Tally(10))
    for job in jobs.read_many(ids):
        assert job is not None
        assert [event.word for event in job.log].count("reopened") == 1


def test_a_worker_that_was_only_slow_changes_and_counts_nothing_twice(
    desk: Desk, jobs: Jobs, bulks: Bulks, runner: BulkRunner, other: BulkRunner
) -> None:
    ids = [dead(desk, jobs) for _ in range(3)]
    seen = desk.bulk(Verb.RETRY, Filter(state=State.DEAD))
    other.advance(seen)
    runner.advance(seen)  # from what it saw before the other one went on
    bulks.end(seen, Chunk(ids, None), Tally(3))
    done = bulks.read(seen.id)
    assert done is not None
    assert (done.state, done.tally) == ("finished", Tally(3))


def test_a_canceled_bulk_changes_no_further_jobs(
    desk: Desk, jobs: Jobs, bulks: Bulks, runner: BulkRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_module, "CHUNK", 2)
    ids = [dead(desk, jobs) for _ in range(6)]
    bulk = desk.bulk(Verb.RETRY, Filter(), ids=ids)
    runner.advance(bulk)
    assert desk.cancel_bulk(bulk.id) is not None
    done = run(bulks, runner, bulk)
    assert (done.state, done.tally) == ("canceled", Tally(2))
    assert states(jobs, ids) == ["queued"] * 2 + ["dead"] * 4
    assert bulks.under_way() == []
    finished = run(bulks, runner, desk.bulk(Verb.RETRY, Filter(), ids=ids[:1]))
    again = desk.cancel_bulk(finished.id)
    assert again is not None
    assert again.state == "finished"


def test_a_bulk_that_is_canceled_just_as_a_worker_takes_it_up_changes_nothing(
    desk: Desk, jobs: Jobs, bulks: Bulks, runner: BulkRunner
) -> None:
    job_id = dead(desk, jobs)
    seen = desk.bulk(Verb.RETRY, Filter())
    desk.cancel_bulk(seen.id)
    runner.advance(seen)
    assert states(jobs, [job_id]) == ["dead"]
    assert run(bulks, runner, seen).state == "canceled"


def test_a_chunk_that_was_begun_before_the_cancel_is_counted(
    desk: Desk, jobs: Jobs, bulks: Bulks, runner: BulkRunner
) -> None:
    ids = [dead(desk, jobs) for _ in range(3)]
    bulk = desk.bulk(Verb.RETRY, Filter(), ids=ids)
    assert bulks.begin(bulk, Chunk(ids, None))
    [change] = [bulk_module.change_of(bulk, job) for job in jobs.read_many(ids[:1]) if job]
    assert change is not None
    assert jobs.step([change]) == [True]
    desk.cancel_bulk(bulk.id)
    assert run(bulks, runner, bulk).tally == Tally(done=1, skipped=2)
    assert states(jobs, ids) == ["queued", "dead", "dead"]


def test_what_others_keep_changing_is_given_up(
    desk: Desk, jobs: Jobs, bulks: Bulks, runner: BulkRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead(desk, jobs)
    monkeypatch.setattr(runner._jobs, "step", lambda changes: [False] * len(changes))
    assert run(bulks, runner, desk.bulk(Verb.RETRY, Filter(state=State.DEAD))).tally == Tally(failed=1)


def test_the_recent_ones_are_listed_newest_first_with_what_their_reason_was(
    desk: Desk, jobs: Jobs, bulks: Bulks, runner: BulkRunner, settings: Settings, redis: Redis
) -> None:
    dead(desk, jobs)
    [[group], _] = DeadLetters(redis, settings.key_prefix).groups()
    first = desk.bulk(Verb.RETRY, Filter(state=State.DEAD, reason=group.digest))
    run(bulks, runner, first)
    second = desk.bulk(Verb.CANCEL, Filter(state=State.QUEUED))
    found, complete = bulks.recent()
    assert ([bulk.id for bulk in found], complete) == ([second.id, first.id], True)
    # Nobody is dead of it any more.
    assert (DeadLetters(redis, settings.key_prefix).groups()[0], found[1].reason) == ([], "550 5.1.1 No such user")


def test_one_that_runs_is_listed_however_many_are_newer(desk: Desk, bulks: Bulks, runner: BulkRunner) -> None:
    old = desk.bulk(Verb.CANCEL, Filter())
    for _ in range(MOST_RECENT):
        desk.cancel_bulk(desk.bulk(Verb.CANCEL, Filter()).id)
    found, complete = bulks.recent()
    assert (len(found), found[-1].id, complete) == (MOST_RECENT + 1, old.id, False)
    runner.turn()
    assert len(bulks.recent()[0]) == MOST_RECENT


def test_one_that_is_canceled_between_two_chunks_is_over_at_once(desk: Desk, bulks: Bulks) -> None:
    bulk = desk.bulk(Verb.CANCEL, Filter())
    desk.cancel_bulk(bulk.id)
    assert bulks.under_way() == []


def test_a_record_ends_by_itself(desk: Desk, redis: Redis, settings: Settings, bulks: Bulks) -> None:
    bulk = desk.bulk(Verb.CANCEL, Filter())
    key = f"{settings.key_prefix}bulk:{bulk.id}"
    assert 600_000 < redis.ttl(key) <= 7 * 86_400
    redis.delete(key)
    assert bulks.under_way() == []
    assert redis.zcard(f"{settings.key_prefix}bulks") == 0

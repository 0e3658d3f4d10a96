"""A turn settles, records intents and claims in one round trip, and each part holds though another fails."""

from __future__ import annotations

import pytest
from redis import Redis
from redis.exceptions import ResponseError

from tasks.claiming import LARGEST
from tasks.desk import Desk
from tasks.domain.job import Outcome, Phase
from tasks.domain.states import State
from tasks.settings import Settings
from tasks.store.direct import Direct
from tasks.store.jobs import Jobs
from tests.store.leases import Ledger, head_of, report
from tests.support.making import make_spec


def commands_made(redis: Redis) -> int:
    return sum(said["calls"] for name, said in redis.info("commandstats").items() if name.startswith("cmdstat_eval"))


def test_a_turn_settles_intends_and_claims(desk: Desk, jobs: Jobs, ledger: Ledger) -> None:
    first, second, third = (desk.submit(make_spec(subject=str(number))).job_id for number in range(3))
    sent, asking = ledger.claim(2)
    ledger.step([], [sent])
    granted, [claimed] = ledger.turn([report(sent, Outcome.ACCEPTED)], [asking], 5)
    assert granted == [True]
    assert (head_of(jobs, first).state, head_of(jobs, second).phase) == (State.SENT, Phase.INTENT)
    assert claimed.job_id == third


@pytest.mark.parametrize("known", [True, False])
def test_it_holds_whether_redis_knows_the_scripts_or_not(
    desk: Desk, jobs: Jobs, redis: Redis, ledger: Ledger, known: bool
) -> None:
    first, second = (desk.submit(make_spec(subject=str(number))).job_id for number in range(2))
    [errand] = ledger.claim(1)
    ledger.step([], [errand])
    if not known:
        redis.script_flush()
    before = commands_made(redis)
    _, [claimed] = ledger.turn([report(errand, Outcome.ACCEPTED)], [], 1)
    assert head_of(jobs, first).state is State.SENT
    assert claimed.job_id == second
    assert commands_made(redis) - before == (2 if known else 4)


def test_a_full_redis_gives_nothing_out_and_settles_in_the_same_turn(
    desk: Desk, jobs: Jobs, redis: Redis, ledger: Ledger
) -> None:
    first, second = (desk.submit(make_spec(subject=str(number))).job_id for number in range(2))
    [errand] = ledger.claim(1)
    ledger.step([], [errand])
    redis.config_set("maxmemory", 1)
    try:
        assert ledger.turn([report(errand, Outcome.ACCEPTED)], [], 1) == ([], [])
    finally:
        redis.config_set("maxmemory", 0)
    assert [head_of(jobs, job_id).state for job_id in (first, second)] == [State.SENT, State.QUEUED]


@pytest.mark.parametrize("texts", [["small"], ["large " * (LARGEST // 6)], ["one", "two", "three"]])
def test_contents_come_with_their_claim_or_are_read_by_themselves(
    desk: Desk, jobs: Jobs, redis: Redis, ledger: Ledger, texts: list[str]
) -> None:
    ids = [desk.submit(make_spec(text=text)).job_id for text in texts]
    redis.config_resetstat()
    errands = ledger.claim(5)
    reads = redis.info("commandstats").get("cmdstat_mget", {"calls": 0})["calls"]
    assert [errand.job_id for errand in errands] == ids
    assert [errand.content for errand in errands] == jobs.contents(ids)
    assert reads == (0 if texts == ["small"] else 1)


def test_a_message_that_is_gone_is_never_sent_empty(
    desk: Desk, jobs: Jobs, redis: Redis, ledger: Ledger, settings: Settings
) -> None:
    gone, there = (desk.submit(make_spec(subject=str(number))).job_id for number in range(2))
    redis.delete(f"{settings.key_prefix}content:{gone}")
    assert [errand.job_id for errand in ledger.claim(2)] == [there]
    assert head_of(jobs, gone).state is State.DEAD


def test_one_commands_error_takes_no_other_commands_answer(redis: Redis) -> None:
    ask = Direct(redis)
    redis.set("text", "t")
    bad, good = ask.each([("INCR", "text"), ("GET", "text")])
    assert isinstance(bad, ResponseError)
    assert good == b"t"
    with pytest.raises(ResponseError):
        ask.all([("INCR", "text"), ("GET", "text")])
    assert ask("GET", "text") == b"t", "no answer is left over"

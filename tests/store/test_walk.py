"""A random walk over the Lua calls: whatever happens in whatever order, Redis and the table of states agree.

Hypothesis chooses the steps, and shrinks what it finds to the shortest way there. After every step all jobs are counted
anew and compared with indexes, due sets, purge set and keys.
"""

from __future__ import annotations

import os
from datetime import timedelta

import hypothesis
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule, run_state_machine_as_test
from redis import Redis

from tasks import clock
from tasks.domain.job import Outcome
from tasks.settings import Settings
from tasks.store.keys import LANES
from tests.store.recount import Recount, check
from tests.store.walking import REFUSALS, WORKERS, Ground
from tests.support.making import make_spec

MOST_JOBS = 4


class Walk(Ground):
    """The steps. The calls are made as the product makes them: by the desk, by ledgers, by the beats of a worker."""

    # Submitting, and an operator's verbs.

    @initialize()
    def begin(self) -> None:
        self.made.append(self.desk.submit(make_spec()).job_id)

    @precondition(lambda self: len(self.made) < MOST_JOBS)
    @rule(
        count=st.integers(1, 2),
        lane=st.sampled_from(LANES),
        later=st.booleans(),
        policy=st.sampled_from(["hold", "resend"]),
        most=st.integers(1, 3),
        key=st.sampled_from([None, "k1", "k2"]),
    )
    def submit(self, count: int, lane: str, later: bool, policy: str, most: int, key: str | None) -> None:
        to = ", ".join(f"r{number}@mailbox.test" for number in range(count))
        extra = {"send_at": (clock.now() + timedelta(days=100)).isoformat()} if later else {}
        spec = make_spec(to=to, priority=lane, on_unknown=policy, max_attempts=most, **extra)
        submission = self.desk.submit(spec, key=key)
        if submission.kind == "accepted":
            self.made.append(submission.job_id)
        else:
            assert key

    @rule(data=st.data(), verb=st.sampled_from(["cancel", "retry", "discard", "arrived", "again"]))
    def operate(self, data: st.DataObject, verb: str) -> None:
        job_id = data.draw(st.sampled_from(self.made))
        if verb in ("arrived", "again"):
            self.desk.resolve(job_id, verb)  # type: ignore[arg-type]
        else:
            getattr(self.desk, verb)(job_id)

    # What a worker does.

    @rule(worker=st.integers(0, WORKERS - 1), want=st.integers(1, 5), slowly=st.booleans())
    def claim(self, worker: int, want: int, slowly: bool) -> None:
        """Slowly: before it settles what it found lapsed, others go on."""
        hand = self.hands[worker]
        step = hand.ledger.jobs.step
        if slowly:
            hand.ledger.jobs.step = hand.put_off  # type: ignore[method-assign]
        hand.waiting += hand.ledger.claim(want)
        hand.ledger.jobs.step = step  # type: ignore[method-assign]

    @rule(worker=st.integers(0, WORKERS - 1))
    def finish_slow_claim(self, worker: int) -> None:
        hand = self.hands[worker]
        hand.ledger.jobs.step(hand.unfinished)
        hand.unfinished = []

    @rule(data=st.data(), worker=st.integers(0, WORKERS - 1))
    def step(self, data: st.DataObject, worker: int) -> None:
        """Reports of some errands and intents of others, in one step."""
        hand = self.hands[worker]
        reports, intents = [], []
        for errand in data.draw(st.lists(st.sampled_from(hand.all), unique=True)) if hand.all else []:
            if errand in hand.waiting and data.draw(st.booleans()):
                errand.standing = [
                    data.draw(st.sampled_from([Outcome.PENDING, Outcome.PENDING, *REFUSALS])) for _ in errand.rcpt_tos
                ]
                intents.append(errand)
            else:
                reports.append(self._report(data, errand, granted=errand in hand.granted))
        answers = hand.ledger.step(reports, intents)
        for errand in [report.errand for report in reports] + intents:
            (hand.granted if errand in hand.granted else hand.waiting).remove(errand)
        hand.granted += [errand for errand, granted in zip(intents, answers, strict=True) if granted]

    @rule(worker=st.integers(0, WORKERS - 1))
    def ask_for_dots(self, worker: int) -> None:
        """All that waits for its intent asks for it."""
        hand = self.hands[worker]
        answers = hand.ledger.step([], hand.waiting)
        hand.granted += [errand for errand, granted in zip(hand.waiting, answers, strict=True) if granted]
        hand.waiting = []

    @rule(data=st.data(), worker=st.integers(0, WORKERS - 1))
    def hear_all(self, data: st.DataObject, worker: int) -> None:
        """All replies to final dots are in."""
        hand = self.hands[worker]
        hand.ledger.step([self._report(data, errand, granted=True) for errand in hand.granted], [])
        hand.granted = []

    @rule(
        data=st.data(), what=st.sampled_from(["extend", "kill", "ask again", "give up", "purge", "relay", "give back"])
    )
    def meddle(self, data: st.DataObject, what: str) -> None:
        """What happens now and then."""
        worker = data.draw(st.integers(0, WORKERS - 1))
        job_id = data.draw(st.sampled_from(self.made))
        if what == "extend":
            self._extend(worker)
        elif what == "kill":
            self._kill(worker)
        elif what == "ask again":
            self._ask_again()
        elif what == "give up":
            self._give_up(job_id)
        elif what == "purge":
            self._purge(job_id)
        elif what == "relay":
            self._relay(data.draw(st.sampled_from(["fails", "answers", "pause ends"])))
        else:
            self._give_back(worker)

    # What time does.

    @rule()
    def all_come_due(self) -> None:
        """Leases lapse; retries and scheduled jobs have their time."""
        for lane in LANES:
            for job_id in self.made:
                self.redis.zadd(self.jobs.keys.due(lane), {job_id: 1}, xx=True)

    # Redis's machine crashes.

    @precondition(lambda self: self.snapshot is None)
    @rule()
    def sync(self) -> None:
        """From here on, until the next sync, a crash forgets."""
        keys = list(self.redis.scan_iter("*"))
        self.snapshot = {key: (self.redis.pttl(key), self.redis.dump(key)) for key in keys}  # type: ignore[misc]

    @precondition(lambda self: self.snapshot is not None)
    @rule(twice=st.booleans())
    def crash(self, twice: bool) -> None:
        """Redis forgets all since the last sync; all who remember it replay; then it is as it was."""
        assert self.snapshot is not None
        self.redis.flushall()
        for key, (lasts, value) in self.snapshot.items():
            self.redis.restore(key, max(lasts, 0), value)
        for _ in range(2 if twice else 1):
            for memory in self._memories():
                self._replay(memory)
        self.snapshot = None
        now = Recount.of(self.redis, self.config.key_prefix)
        assert now.heads == self.before.heads

    # What always holds.

    @invariant()
    def all_is_in_order(self) -> None:
        now = Recount.of(self.redis, self.config.key_prefix)
        check(self.before, now)
        self.before = now


WALKS = int(os.environ.get("WALKS", "40"))
"""More of them, each time others: ``WALKS=2000 pytest tests/store/test_walk.py``."""


@pytest.mark.timeout(60 + 2 * WALKS)
def test_whatever_happens_the_store_and_the_table_agree(settings: Settings, redis: Redis) -> None:
    Walk.config, Walk.redis = settings, redis
    walks = hypothesis.settings(
        max_examples=WALKS,
        stateful_step_count=40,
        deadline=None,
        derandomize="WALKS" not in os.environ,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    run_state_machine_as_test(Walk, settings=walks)

"""What the random walk stands on: a store, a desk, workers' hands, and what may befall them."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine
from redis import Redis

from tasks.desk import Desk
from tasks.domain.job import Outcome
from tasks.giveup import GiveUp
from tasks.settings import Settings
from tasks.smtp.errand import Errand, Reached, Reply, Report
from tasks.store.jobs import Change, Jobs
from tasks.store.memory import Memory
from tasks.store.relays import OPENS_AFTER
from tasks.store.scripts import source
from tests.store.leases import Ledger
from tests.store.recount import Recount

WORKERS = 2
REFUSALS = {Outcome.DEFERRED: Reply(451, "later"), Outcome.REJECTED: Reply(550, "no")}
ANSWERS = {Outcome.ACCEPTED: Reply(250, "OK"), Outcome.UNKNOWN: None, **REFUSALS}


class Hand:
    """A worker thread, the errands in its hand, and what its process remembers."""

    def __init__(self, config: Settings, redis: Redis, name: str) -> None:
        self.memory = Memory(config.key_prefix, 3600, 10**15, config.result_seconds)
        self.ledger = Ledger(config, redis, name, self.memory)
        self.waiting: list[Errand] = []
        self.granted: list[Errand] = []
        self.unfinished: list[Change] = []

    def put_off(self, changes: Sequence[Change]) -> list[bool]:
        self.unfinished += changes
        return []

    @property
    def all(self) -> list[Errand]:
        return self.waiting + self.granted


class Ground(RuleBasedStateMachine):
    """Everything that the steps share."""

    config: Settings
    redis: Redis

    def __init__(self) -> None:
        super().__init__()
        self.redis.flushall()
        self.jobs = Jobs(self.redis, self.config.key_prefix)
        self.web = Memory(self.config.key_prefix, 3600, 10**15, self.config.result_seconds)
        self.desk = Desk(self.config, self.redis, self.web)
        self.give_up_beat = GiveUp(self.config, self.redis)
        self.hands = [Hand(self.config, self.redis, f"w{number}") for number in range(WORKERS)]
        self.made: list[str] = []
        self.before = Recount.of(self.redis, self.config.key_prefix)
        self.snapshot: dict[bytes, tuple[int, bytes]] | None = None

    def _report(self, data: st.DataObject, errand: Errand, granted: bool) -> Report:
        if not granted and data.draw(st.booleans()):
            none: list[Reply | None] = [None] * len(errand.rcpt_tos)
            return Report(errand, Reached.NOTHING, [Outcome.PENDING] * len(none), none)
        possible = list(ANSWERS) if granted else list(REFUSALS)
        outcomes = [data.draw(st.sampled_from(possible)) for _ in errand.rcpt_tos]
        reached = Reached.DOT if granted else Reached.MAIL
        return Report(errand, reached, outcomes, [ANSWERS[outcome] for outcome in outcomes])

    def _give_back(self, worker: int) -> None:
        hand = self.hands[worker]
        hand.ledger.give_back(hand.waiting)
        hand.waiting = []

    def _extend(self, worker: int) -> None:
        leases = [part for lease in self.hands[worker].ledger.leases() for part in lease]
        self.redis.eval(source("extend"), 0, self.config.key_prefix, 15_000_000, *leases)

    def _kill(self, worker: int) -> None:
        """kill -9: what it held and remembered is gone."""
        self.hands[worker] = Hand(self.config, self.redis, f"w{worker}")
        self.snapshot = None

    def _ask_again(self) -> None:
        """Everything is replayed though nothing was forgotten: nothing changes."""
        for memory in self._memories():
            self._replay(memory)
        assert Recount.of(self.redis, self.config.key_prefix).heads == self.before.heads

    def _give_up(self, job_id: str) -> None:
        """Its time is used up."""
        key = self.jobs.keys.job(job_id)
        if self.redis.exists(key):
            attempt = (self.redis.hget(key, "round") or b"0").split()[0].decode()  # type: ignore[union-attr]
            self.redis.hset(key, "round", f"{attempt} 1")
        self.give_up_beat.turn()
        self.snapshot = None  # nobody remembers this: it is simply found again

    def _purge(self, job_id: str) -> None:
        """Its retention is over, long after anybody remembers it."""
        if self.redis.zadd(self.jobs.keys.of("purge"), {job_id: 1}, xx=True, ch=True):
            assert self.jobs.purge() == 1
            assert self.jobs.read(job_id) is None
            for memory in self._memories():
                memory._entries.clear()
            self.snapshot = None

    def _relay(self, happens: str) -> None:
        key = self.jobs.keys.of("relay", self.config.relay_name)
        if happens == "fails":
            for _ in range(OPENS_AFTER):
                self.hands[0].ledger.relay_failed("connect", "refused")
        elif happens == "answers":
            self.hands[0].ledger.relay_answered()
        elif self.redis.hexists(key, "open_until"):
            self.redis.hset(key, "open_until", 1)

    def _memories(self) -> list[Memory]:
        return [self.web, *(hand.memory for hand in self.hands)]

    def _replay(self, memory: Memory) -> None:
        for _, _, verb, arguments in list(memory._entries):
            whole = [*memory._change_arguments, *arguments] if verb == "replay" else arguments
            self.redis.eval(source(verb), 0, *whole)

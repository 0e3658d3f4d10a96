"""Jobs put into Redis as they would stand there, many at once and at instants of the test's choice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from redis import Redis

from tasks.domain.ids import make_id
from tasks.domain.job import Card, Head, Phase
from tasks.domain.states import STATES, State
from tasks.store.index import marks
from tasks.store.keys import Keys


@dataclass(frozen=True)
class Planted:
    id: str
    card: Card
    accepted_us: int
    state: State
    reason: str | None = None
    """The digest of why it is dead."""


def plant(redis: Redis, prefix: str, jobs: Iterable[Planted]) -> None:
    """Write records and indexes, as ``accept`` and ``step`` leave them."""
    keys = Keys(prefix)
    pipe = redis.pipeline(transaction=False)
    for job in jobs:
        outcomes = "p" * len(job.card.rcpt_tos)
        record: dict[str | bytes, str | bytes | int | float] = {
            "head": str(Head(job.state, Phase.NONE, 0, 0, 1, outcomes)),
            "card": job.card.dump(),
            "log": f"{job.accepted_us} accepted {{}}",
            "place": " ".join([job.card.priority, str(job.accepted_us), *marks(job.card)]),
            "round": f"0 {job.accepted_us}",
        }
        if job.reason:
            record["why"] = job.reason
            pipe.zadd(keys.of("dead", job.reason), {job.id: job.accepted_us})
        pipe.hset(keys.job(job.id), mapping=record)  # type: ignore[arg-type]
        pipe.zadd(keys.state(job.state), {job.id: job.accepted_us})
        for mark in marks(job.card):
            pipe.zadd(keys.of("index", mark), {job.id: job.accepted_us})
        if not STATES[job.state].final:
            pipe.zadd(keys.due(job.card.priority), {job.id: job.accepted_us})
    pipe.execute()


def id_at(microseconds: int, number: int) -> str:
    """An id made then."""
    return make_id(microseconds // 1000, number.to_bytes(10, "big"))

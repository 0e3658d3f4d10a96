"""Bulks: one verb for many jobs, done in the background chunk by chunk. Their records and how far each has come."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast

from redis import Redis
from redis.client import Pipeline

from tasks.domain import filter as filters
from tasks.domain.filter import Filter
from tasks.domain.states import Verb
from tasks.domain.verbs import Answer
from tasks.store.finder import Count
from tasks.store.keys import Keys
from tasks.store.memory import Memory
from tasks.store.scripts import script

KEPT_SECONDS = 7 * 86_400
MOST_RECENT = 100
LEASE_MS = 5_000


@dataclass(frozen=True, slots=True)
class Chunk:
    """The jobs that are changed together, and where the next chunk starts (None: this is the last)."""

    ids: list[str]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of jobs: ``done``; ``skipped`` since they had changed, or their state does not allow the verb;
    ``failed`` since others kept changing them."""

    done: int = 0
    skipped: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Bulk:
    """A verb for all jobs that a filter meant, or that were named, when it was asked for."""

    id: str
    verb: Verb
    answer: Answer | None
    filter: Filter
    ids: list[str] | None
    created_us: int
    expected: Count
    state: Literal["running", "finished", "canceled"] = "running"
    tally: Tally = Tally()
    finished_us: int | None = None
    cursor: str | None = None
    turn: str = "0"
    chunk: Chunk | None = None
    reason: str | None = None
    """What the filter's reason, a digest, stood for: once its last dead letter is changed, nothing else knows."""


class Bulks:
    """The bulks under one key prefix."""

    def __init__(self, redis: Redis, prefix: str, memory: Memory | None = None) -> None:
        self._redis = redis
        self._memory = memory
        self._keys = Keys(prefix)
        self._create = script(redis, "bulk_create")
        self._begin = script(redis, "bulk_begin")
        self._end = script(redis, "bulk_end")

    def create(self, bulk: Bulk) -> None:
        """Keep it; a worker begins it soon."""
        record = {
            "verb": bulk.verb,
            "answer": bulk.answer or "",
            "filter": json.dumps(bulk.filter.words()),
            "ids": "" if bulk.ids is None else json.dumps(bulk.ids),
            "created_us": bulk.created_us,
            "expected": bulk.expected.number,
            "exact": int(bulk.expected.exact),
            "state": bulk.state,
            "turn": bulk.turn,
            "reason": bulk.reason or "",
        }
        fields = [part for field in record.items() for part in field]
        arguments = [self._keys.prefix, bulk.id, bulk.created_us, KEPT_SECONDS, *fields]
        self._create(args=arguments)
        if self._memory:
            self._memory.asked_for(arguments)

    def read(self, bulk_id: str) -> Bulk | None:
        """A bulk, or None."""
        return self._read_many([bulk_id])[0]

    def under_way(self) -> list[Bulk]:
        """All that are not ended, oldest first."""
        index = self._keys.of("bulks")
        ids = [name.decode() for name in cast("list[bytes]", self._redis.zrange(index, 0, -1))]
        found = self._read_many(ids)
        for bulk_id, bulk in zip(ids, found, strict=True):
            if bulk is None:  # its record has expired
                self._redis.zrem(index, bulk_id)
        return [bulk for bulk in found if bulk is not None]

    def recent(self) -> tuple[list[Bulk], bool]:
        """Those asked for in the last days, newest first, and all that are not ended; and whether there are no more."""
        newest = self._redis.zrevrange(self._keys.of("recent_bulks"), 0, MOST_RECENT)
        ids = [name.decode() for name in cast("list[bytes]", newest)]
        found = {bulk.id: bulk for bulk in self._read_many(ids[:MOST_RECENT]) if bulk is not None}
        found |= {bulk.id: bulk for bulk in self.under_way()}
        return sorted(found.values(), key=lambda bulk: (-bulk.created_us, bulk.id)), len(ids) <= MOST_RECENT

    def cancel(self, bulk_id: str, now_us: int) -> None:
        """Change no further jobs. What is done is done; one that is ended stays so."""
        key = self._keys.of("bulk", bulk_id)

        def change(pipe: Pipeline) -> None:
            state, chunk = cast("list[bytes | None]", pipe.hmget(key, ["state", "chunk"]))
            pipe.multi()
            if state == b"running":
                pipe.hset(key, mapping={"state": "canceled", "finished_us": now_us})
                pipe.incr(self._keys.of("revision"))
                if chunk is None:  # else it is left to whoever ends that chunk
                    pipe.zrem(self._keys.of("bulks"), bulk_id)

        self._redis.transaction(change, key)

    def hold(self, bulk_id: str, worker: str) -> bool:
        """Be the one that is at it, for a few seconds more."""
        key = self._keys.of("bulk_lease", bulk_id)
        if self._redis.set(key, worker, nx=True, px=LEASE_MS):
            return True
        if self._redis.get(key) != worker.encode():
            return False
        return bool(self._redis.pexpire(key, LEASE_MS))

    def begin(self, bulk: Bulk, chunk: Chunk) -> bool:
        """Note which jobs are changed next; False where that is not for us to do any more."""
        noted = json.dumps([chunk.ids, chunk.next_cursor])
        return bool(self._begin(args=[self._keys.prefix, bulk.id, bulk.turn, noted]))

    def end(self, bulk: Bulk, chunk: Chunk, tally: Tally) -> None:
        """Count what became of the chunk, if nobody else has."""
        last = chunk.next_cursor is None
        counted: list[str | int] = [tally.done, tally.skipped, tally.failed, chunk.next_cursor or "", int(last)]
        self._end(args=[self._keys.prefix, bulk.id, bulk.turn, *counted])

    def _read_many(self, ids: Sequence[str]) -> list[Bulk | None]:
        pipe = self._redis.pipeline(transaction=False)
        for bulk_id in ids:
            pipe.hgetall(self._keys.of("bulk", bulk_id))
        return [_bulk(bulk_id, record) for bulk_id, record in zip(ids, pipe.execute(), strict=True)]


def _bulk(bulk_id: str, record: dict[bytes, bytes]) -> Bulk | None:
    if not record:
        return None
    field = {name.decode(): value.decode() for name, value in record.items()}
    wanted = filters.parse(json.loads(field["filter"]))
    return Bulk(
        id=bulk_id,
        verb=Verb(field["verb"]),
        answer=cast("Answer | None", field["answer"] or None),
        filter=wanted if isinstance(wanted, Filter) else Filter(),
        ids=json.loads(field["ids"]) if field["ids"] else None,
        created_us=int(field["created_us"]),
        expected=Count(int(field["expected"]), exact=field["exact"] == "1"),
        state=cast(Literal["running", "finished", "canceled"], field["state"]),
        tally=Tally(*(int(field.get(name, 0)) for name in ("done", "skipped", "failed"))),
        finished_us=int(field["finished_us"]) if "finished_us" in field else None,
        cursor=field.get("cursor") or None,
        turn=field["turn"],
        chunk=Chunk(*json.loads(field["chunk"])) if "chunk" in field else None,
        reason=field.get("reason") or None,
    )

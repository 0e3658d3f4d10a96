"""Jobs in Redis: the reads, and the Lua calls that write them. Nothing else writes a job's state."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, cast

from redis import Redis
from redis.exceptions import ResponseError

from tasks.domain.job import Card, Event, Head, Job
from tasks.domain.settle import Settlement
from tasks.domain.states import STATES, State
from tasks.store.direct import Command, Direct
from tasks.store.index import Place, marks, newest
from tasks.store.keys import LANES, Keys
from tasks.store.memory import Memory
from tasks.store.scripts import Script, script, together

FIELDS = ("head", "card", "log", "place", "round", "why")
IDEMPOTENCY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Page:
    """Some jobs, newest first, and where the next page starts."""

    jobs: list[Job]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What ``accept`` answered."""

    kind: Literal["accepted", "replayed", "conflict"]
    job_id: str
    job: Job | None = None
    """The job that was accepted, as Redis has it now."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """An idempotency key on its way into ``accept``: whose and which, and the fingerprint of what came with it."""

    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class WakeUp:
    """A Celery message to be pushed in the same step, while the list is shorter than ``shallow``."""

    message: bytes
    queue: str
    shallow: int


class Change(NamedTuple):
    """One entry of a step. ``lua/step.lua`` says what each field means."""

    kind: Literal["settle", "lost", "intent", "back", "verb"]
    job_id: str
    seen: Head
    new: Head
    due: str = "="
    line: str = ""
    result: str = ""
    reason: str = ""

    @property
    def rest(self) -> tuple[str, str, str, str]:
        """What follows the new head, in a step and in a replay."""
        return self.due, self.line, self.result, self.reason

    @classmethod
    def of(cls, kind: Literal["settle", "lost", "verb"], job_id: str, seen: Head, to: Settlement) -> Change:
        """The change that makes a job, as it was seen, what was decided."""
        return cls(kind, job_id, seen, to.head, due=to.due, line=to.line, result=to.result, reason=to.reason)


class Jobs:
    """The store of jobs under one key prefix."""

    def __init__(
        self,
        redis: Redis,
        prefix: str,
        *,
        retention_seconds: float = 2_592_000,
        result_seconds: int = 86_400,
        memory: Memory | None = None,
    ) -> None:
        self.redis = redis
        self._memory = memory
        self.keys = Keys(prefix)
        self._revision = self.keys.of("revision")
        self.retention_us = int(retention_seconds * 1_000_000)
        self.result_seconds = result_seconds
        self._ask = Direct(redis)
        self._accept = script(redis, "accept")
        self._step = script(redis, "step")
        self._purge = script(redis, "purge")

    # Writes

    def accept(
        self, job_id: str, card: Card, content: bytes, *, reservation: Reservation | None, wake_up: WakeUp | None
    ) -> Acceptance:
        """Take a job, once and for all: when this returns, it is in Redis."""
        arguments: list[Any] = [self.keys.prefix, job_id, card.dump(), content, "p" * len(card.rcpt_tos)]
        arguments += [card.priority, card.send_at_us or 0]
        arguments += [reservation.key, reservation.fingerprint] if reservation else ["", ""]
        arguments += [IDEMPOTENCY_SECONDS]
        arguments += [wake_up.message, wake_up.queue, wake_up.shallow] if wake_up else ["", "", 0]
        arguments += marks(card)
        kind, first, *accepted = self._accept(args=arguments)
        if not accepted:
            return Acceptance(kind.decode(), first.decode())
        if self._memory:
            self._memory.accepted(arguments)
        return Acceptance("accepted", job_id, Job.accepted(job_id, card, int(accepted[0])))

    def step(self, changes: Sequence[Change]) -> list[bool]:
        """Make each change where its job is still as it was seen; False where somebody else changed it first."""
        return self._stepped(changes, self._step(args=self._step_arguments(changes))) if changes else []

    def step_and(self, changes: Sequence[Change], call: Script, arguments: Sequence[Any]) -> tuple[list[bool], Any]:
        """The same, and another call with it in one round trip; its ``ResponseError`` stands for its answer."""
        if not changes:
            return [], together((call, arguments))[0]
        revisions, answer = together((self._step, self._step_arguments(changes)), (call, arguments))
        if isinstance(revisions, ResponseError):
            raise revisions
        return self._stepped(changes, revisions), answer

    def _step_arguments(self, changes: Sequence[Change]) -> list[Any]:
        arguments: list[Any] = [self.keys.prefix, self.retention_us, self.result_seconds]
        for change in changes:
            arguments += [change.kind, change.job_id, str(change.seen), str(change.new), *change.rest]
        return arguments

    def _stepped(self, changes: Sequence[Change], revisions: list[int]) -> list[bool]:
        if self._memory:
            self._memory.changed(
                (change.job_id, str(change.new._replace(revision=revision)), *change.rest)
                for change, revision in zip(changes, revisions, strict=True)
                if revision
            )
        return [revision > 0 for revision in revisions]

    def claimed(self, claims: Iterable[tuple[str, Head]], lease_us: int) -> None:
        """Remember claims, should Redis forget them."""
        if self._memory:
            self._memory.changed((job_id, str(head), f"+{lease_us}", "", "", "") for job_id, head in claims)

    def purge(self, most: int = 500) -> int:
        """Remove final jobs past their retention; how many went."""
        return cast(int, self._purge(args=[self.keys.prefix, most]))

    # Reads

    def read(self, job_id: str) -> Job | None:
        """A job, or None."""
        return self.read_many([job_id])[0]

    def read_many(self, job_ids: Sequence[str]) -> list[Job | None]:
        """Jobs in one round trip, in the order asked for."""
        if not job_ids:
            return []
        records: list[Command] = [("HMGET", self.keys.job(job_id), *FIELDS) for job_id in job_ids]
        scores: list[Command] = [("ZMSCORE", self.keys.due(lane), *job_ids) for lane in LANES]
        answers = self._ask.all(records + scores)
        due = zip(*answers[len(records) :], strict=True)
        return [_job(*found) for found in zip(job_ids, answers, due, strict=False)]

    def content(self, job_id: str) -> bytes | None:
        """The message in wire form."""
        return cast("bytes | None", self.redis.get(self.keys.content(job_id)))

    def contents(self, job_ids: Sequence[str]) -> list[bytes | None]:
        """Several messages in one round trip."""
        return cast("list[bytes | None]", self._ask("MGET", *[self.keys.content(job_id) for job_id in job_ids]))

    def revision(self, job_id: str) -> int | None:
        """The polling tag of a job, for the price of one small read."""
        head = cast("bytes | None", self._ask("HGET", self.keys.job(job_id), "head"))
        return Head.parse(head.decode()).revision if head else None

    def system_revision(self) -> int:
        """The polling tag of everything."""
        return int(self._ask("GET", self._revision) or 0)

    def now_us(self) -> int:
        """Redis's clock, which orders everything."""
        seconds, microseconds = self.redis.time()
        return seconds * 1_000_000 + microseconds

    def due_ids(self, lane: str, now_us: int, start: int, most: int) -> list[str]:
        """Some of the jobs that are due in a lane, longest due first."""
        found = cast("list[bytes]", self.redis.zrangebyscore(self.keys.due(lane), "-inf", now_us, start, most))
        return [job_id.decode() for job_id in found]

    def counts(self) -> dict[State, int]:
        """How many jobs are in each state."""
        return dict(zip(STATES, self._ask.all([("ZCARD", self.keys.state(state)) for state in STATES]), strict=True))

    def page(self, state: State | None, limit: int, cursor: str | None = None) -> Page:
        """Jobs newest first, of one state or (None) of all; ValueError for a cursor that we never gave."""
        before = Place.parse(cursor)
        indexes = [self.keys.state(each) for each in ([state] if state else STATES)]
        found = newest(self.redis, indexes, limit + 1, before)
        # Nothing is held still between the two reads: a job purged meanwhile is left out.
        jobs = [job for job in self.read_many([place.job_id for place in found[:limit]]) if job]
        return Page(jobs, str(found[limit - 1]) if len(found) > limit else None)


def _job(job_id: str, fields: list[bytes | None], due: Sequence[Any]) -> Job | None:
    if fields[0] is None:
        return None
    head = Head.parse(fields[0].decode())
    log, place = (cast(bytes, value).decode() for value in fields[2:4])
    accepted = place.split(" ")[1]
    round_attempt, round_us = fields[4].split(b" ") if fields[4] else ("0", accepted)
    return Job(
        id=job_id,
        head=head,
        card=Card.of_record(fields[1], head),
        accepted_us=int(accepted),
        round_attempt=int(round_attempt),
        round_us=int(round_us),
        due_us=next((int(score) for score in due if score is not None), None),
        log=[Event.parse(line) for line in log.split("\n")],
        reason=fields[5].decode() if fields[5] else None,
    )

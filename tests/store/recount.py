"""All that Redis holds, counted anew from the jobs themselves, and what must be true of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from redis import Redis

from tasks.domain.job import Head, Phase
from tasks.domain.states import STATES, State
from tasks.store.keys import CELERY_RESULT, LANES, PATTERNS, Keys

CELERYS_OWN = ("postroom", "_kombu.")
"""Celery's queue and its bindings, behind our prefix."""
WITH_TTL = ("idempotency:", "relay:", "worker:", "reaper", "minute:", "hour:", "refusals:")


@dataclass(frozen=True, slots=True)
class Recount:
    """What there is: heads by id, indexes by name, keys with their time to live."""

    heads: dict[str, Head]
    places: dict[str, tuple[str, int]]
    indexes: dict[State, dict[str, int]]
    due: dict[str, dict[str, int]]
    purge: set[str]
    contents: set[str]
    marks: dict[str, set[str]]
    """Filter index -> its jobs, as the jobs' own places name them."""
    filters: dict[str, set[str]]
    reasons: dict[str, str | None]
    """Of the dead: the digest of why."""
    graves: dict[str, set[str]]
    told_reasons: set[str]
    keys: dict[str, int]
    revision: int
    prefix: str

    @classmethod
    def of(cls, redis: Redis, prefix: str) -> Self:
        keys = Keys(prefix)
        names = sorted(key.decode() for key in redis.scan_iter("*", count=1000))
        ids = [name.removeprefix(keys.job("")) for name in names if name.startswith(keys.job(""))]
        pipe = redis.pipeline(transaction=False)
        for name in names:
            pipe.ttl(name)
        for job_id in ids:
            pipe.hmget(keys.job(job_id), "head", "place", "why")
        for state in STATES:
            pipe.zrange(keys.state(state), 0, -1, withscores=True)
        for lane in LANES:
            pipe.zrange(keys.due(lane), 0, -1, withscores=True)
        pipe.zrange(keys.of("purge"), 0, -1)
        pipe.get(keys.of("revision"))
        pipe.hkeys(keys.of("reasons"))
        filters = [name for name in names if name.startswith(keys.of("index"))]
        graves = [name for name in names if name.startswith(keys.of("dead"))]
        for name in filters + graves:
            pipe.zrange(name, 0, -1)
        answers: list[Any] = pipe.execute()
        ttls, rest = answers[: len(names)], answers[len(names) :]
        records, rest = rest[: len(ids)], rest[len(ids) :]
        indexes, rest = rest[: len(STATES)], rest[len(STATES) :]
        due, (purge, revision, reasons, *sets) = rest[: len(LANES)], rest[len(LANES) :]
        members = [{job_id.decode() for job_id in found} for found in sets]
        of = dict(zip(ids, records, strict=True))
        return cls(
            heads={job_id: Head.parse(head.decode()) for job_id, (head, _, _) in of.items()},
            places={job_id: _place(place) for job_id, (_, place, _) in of.items()},
            marks=_marks({job_id: place for job_id, (_, place, _) in of.items()}),
            filters={name.removeprefix(keys.of("index")): found for name, found in zip(filters, members, strict=False)},
            reasons={job_id: why and why.decode() for job_id, (_, _, why) in of.items()},
            graves={
                name.removeprefix(keys.of("dead")): found
                for name, found in zip(graves, members[len(filters) :], strict=True)
            },
            told_reasons={digest.decode() for digest in reasons},
            indexes={state: _scores(found) for state, found in zip(STATES, indexes, strict=True)},
            due={lane: _scores(found) for lane, found in zip(LANES, due, strict=True)},
            purge={job_id.decode() for job_id in purge},
            contents={n.removeprefix(keys.content("")) for n in names if n.startswith(keys.content(""))},
            keys=dict(zip(names, ttls, strict=True)),
            revision=int(revision or 0),
            prefix=prefix,
        )


def check(before: Recount, now: Recount) -> None:
    """What must be true at any moment, and of any two moments."""
    _check_indexes(now)
    _check_keys(now)
    for job_id, head in now.heads.items():
        was = before.heads.get(job_id)
        if was is not None and was != head:
            _check_move(job_id, was, head)
    if now.heads != before.heads and now.heads:
        assert now.revision != before.revision, "something changed, and the system's revision does not say so"


def _check_indexes(now: Recount) -> None:
    finals = {job_id for job_id, head in now.heads.items() if STATES[head.state].final}
    for state, index in now.indexes.items():
        recount = {job_id: now.places[job_id][1] for job_id, head in now.heads.items() if head.state == state}
        assert index == recount, f"the index of {state} is not what a recount gives"
    for lane, due in now.due.items():
        waiting = {job_id for job_id in now.heads if job_id not in finals and now.places[job_id][0] == lane}
        assert set(due) == waiting, f"the due set of {lane} is not its jobs that are not final"
    assert now.purge == finals
    assert now.contents == set(now.heads)
    assert now.filters == now.marks
    dead = {job_id for job_id, head in now.heads.items() if head.state == State.DEAD}
    assert {job_id for job_id, why in now.reasons.items() if why} == dead
    assert now.graves == _grouped({job_id: {why} for job_id, why in now.reasons.items() if why})
    assert now.told_reasons == set(now.graves)
    for job_id, head in now.heads.items():
        held = head.phase != Phase.NONE
        assert held == (head.state == State.SENDING), f"{job_id}: {head}"


def _check_keys(now: Recount) -> None:
    stems = tuple(pattern.stem for pattern in PATTERNS.values())
    for key, ttl in now.keys.items():
        if key.startswith(CELERY_RESULT):
            assert ttl > 0, f"{key} has no end"
            continue
        assert key.startswith(now.prefix), f"{key} is not ours"
        rest = key.removeprefix(now.prefix)
        assert rest.startswith(stems + CELERYS_OWN), f"{key} is not in the table of keys"
        assert (ttl > 0) == rest.startswith(WITH_TTL), f"{key} has a time to live of {ttl}"


def _check_move(job_id: str, was: Head, now: Head) -> None:
    moved = f"{job_id} went from {was} to {now}"
    assert now.revision > was.revision, moved
    assert now.token >= was.token, moved
    if now.phase in (Phase.CLAIMED, Phase.BEGUN):
        assert now.token > was.token, f"a claim must fence out whoever held it: {moved}"
    assert now.attempt >= was.attempt, moved
    assert len(now.outcomes) == len(was.outcomes), moved
    assert now.state == was.state or now.state in _reachable(was.state), moved
    if was.phase == Phase.NONE and now.token == was.token and now.attempt == was.attempt:
        # Nobody sent it meanwhile: what was known of a recipient stays known.
        assert all(then == after or then in "pu" for then, after in zip(was.outcomes, now.outcomes, strict=True)), moved


def _reachable(state: State) -> set[State]:
    """What one rule may make of a job: a claim that finds its time used up ends it in a second move."""
    direct = set(STATES[state].goes_to)
    return direct | ({State.DEAD, State.PARTIAL} if State.SENDING in direct else set())


def _place(text: bytes) -> tuple[str, int]:
    lane, accepted, *_ = text.decode().split(" ")
    return lane, int(accepted)


def _marks(places: dict[str, bytes]) -> dict[str, set[str]]:
    return _grouped({job_id: set(place.decode().split(" ")[2:]) for job_id, place in places.items()})


def _grouped(of_job: dict[str, set[str]]) -> dict[str, set[str]]:
    groups: dict[str, set[str]] = {}
    for job_id, names in of_job.items():
        for name in names:
            groups.setdefault(name, set()).add(job_id)
    return groups


def _scores(found: list[tuple[bytes, float]]) -> dict[str, int]:
    return {job_id.decode(): int(score) for job_id, score in found}

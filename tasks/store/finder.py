"""Finds the jobs that a filter means: by its smallest index, checked against the others, as far as a page needs.

A page of a rare combination is not worth reading a million jobs for: it ends after so many were looked at, maybe with
fewer jobs than asked for, and its cursor leads on. So the first page takes as long with a million jobs as with a
thousand, and whoever follows the cursors to their end sees every job once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tasks.domain.filter import Filter
from tasks.domain.states import STATES, State
from tasks.store.index import Place, mark, newest
from tasks.store.jobs import Jobs, Page

LOOK_AT_MOST = 2_000
"""The jobs that one page, or one count of a combination, looks at."""
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Count:
    """How many jobs a filter means; not ``exact``: at least so many."""

    number: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some places looked at, newest first, and those of them whose jobs are meant as far as the indexes say."""

    looked: list[Place]
    meant: list[Place]


@dataclass(frozen=True, slots=True)
class _Way:
    """The indexes that are walked (merged), and those that a job must stand in as well."""

    walked: list[str]
    others: list[str]


class Finder:
    """Reads the store's jobs by filter. It writes nothing."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def page(self, wanted: Filter, limit: int, cursor: str | None = None) -> Page:
        """Jobs newest first; ValueError for a cursor that we never gave."""
        found: list[Place] = []
        looked, last = 0, None
        for chunk in self.walk(wanted, Place.parse(cursor), limit + 1):
            found += chunk.meant
            looked, last = looked + len(chunk.looked), chunk.looked[-1]
            if len(found) > limit or looked >= LOOK_AT_MOST:
                break
        else:
            last = None
        if len(found) > limit:
            found = found[:limit]
            last = found[-1]
        # What changed between the two reads is left out.
        read = self._jobs.read_many([place.job_id for place in found])
        return Page([job for job in read if job and wanted.matches(job)], str(last) if last else None)

    def count(self, wanted: Filter) -> Count:
        """How many: exact where one index says it, or where few are to be looked at."""
        if self._is_simple(wanted):
            pipe = self._jobs.redis.pipeline(transaction=True)
            for key in self._indexes(wanted) or self._all():
                pipe.zcount(key, *_bounds(wanted))
            return Count(sum(pipe.execute()), exact=True)
        number = looked = 0
        for chunk in self.walk(wanted, None, _CHUNK):
            number, looked = number + len(chunk.meant), looked + len(chunk.looked)
            if looked >= LOOK_AT_MOST:
                return Count(number, exact=False)
        return Count(number, exact=True)

    def walk(self, wanted: Filter, before: Place | None, first: int) -> Iterator[Chunk]:
        """Look through all that may be meant, newest first, chunk by chunk, the first of ``first`` places."""
        if wanted.job_id is not None:
            yield from self._named(wanted, before)
            return
        way = self._way(wanted)
        most = first
        while places := newest(self._jobs.redis, way.walked, most, before, wanted.window):
            yield Chunk(places, self._check(wanted, way, places))
            if len(places) < most:
                return
            before, most = places[-1], max(first, min(4 * most, _CHUNK))

    def _named(self, wanted: Filter, before: Place | None) -> Iterator[Chunk]:
        job = self._jobs.read(wanted.job_id) if wanted.job_id else None
        if job is not None:
            place = Place(job.accepted_us, job.id)
            if before is None or place < before:
                yield Chunk([place], [place] if wanted.matches(job) else [])

    def _way(self, wanted: Filter) -> _Way:
        """Walk the index with the fewest jobs in the window."""
        indexes = self._indexes(wanted)
        if len(indexes) < 2:
            return _Way(indexes or self._all(), [])
        pipe = self._jobs.redis.pipeline(transaction=False)
        for key in indexes:
            pipe.zcount(key, *_bounds(wanted))
        smallest = min(zip(pipe.execute(), indexes, strict=True))[1]
        return _Way([smallest], [key for key in indexes if key != smallest])

    def _check(self, wanted: Filter, way: _Way, places: list[Place]) -> list[Place]:
        """Those that stand in the other indexes too, and have the priority and the id."""
        if wanted.q is not None:
            places = [place for place in places if place.job_id.startswith(wanted.q)]
        if not places or not (way.others or wanted.priority):
            return places
        names = [place.job_id for place in places]
        pipe = self._jobs.redis.pipeline(transaction=False)
        for key in way.others:
            pipe.zmscore(key, names)
        if wanted.priority:
            for name in names:
                pipe.hget(self._jobs.keys.job(name), "place")
        answers = pipe.execute()
        memberships, records = answers[: len(way.others)], answers[len(way.others) :]
        lane = f"{wanted.priority} ".encode()
        return [
            place
            for at, place in enumerate(places)
            if all(scores[at] is not None for scores in memberships)
            and (not wanted.priority or (records[at] or b"").startswith(lane))
        ]

    def _indexes(self, wanted: Filter) -> list[str]:
        """The indexes that hold every job that is meant."""
        keys = self._jobs.keys
        if wanted.reason and wanted.state in (None, State.DEAD):  # who has a reason is dead
            found = [keys.of("dead", wanted.reason)]
        else:
            found = [keys.state(wanted.state)] if wanted.state else []
            found += [keys.of("dead", wanted.reason)] if wanted.reason else []
        if wanted.recipient:
            at_domain = wanted.recipient.startswith("@")
            text = wanted.recipient.removeprefix("@")
            found.append(keys.of("index", mark("d" if at_domain else "r", text)))
        found += [keys.of("index", mark("t", wanted.tag))] if wanted.tag else []
        found += [keys.of("index", mark("b", wanted.batch))] if wanted.batch else []
        return found

    def _all(self) -> list[str]:
        return [self._jobs.keys.state(state) for state in STATES]

    def _is_simple(self, wanted: Filter) -> bool:
        return len(self._indexes(wanted)) < 2 and wanted.priority is None and wanted.q is None


def _bounds(wanted: Filter) -> tuple[int | str, int | str]:
    low, high = wanted.window
    return "-inf" if low is None else low, "+inf" if high is None else f"({high}"

"""What the overview counts: throughput by minute or hour, waits, reasons of refusal, and when the next retry is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from redis import Redis

from tasks.domain.states import State
from tasks.store.keys import LANES, Keys

Range = Literal["hour", "day", "week"]
RANGES: dict[Range, tuple[str, int, int]] = {
    "hour": ("minute", 60, 60),
    "day": ("hour", 3600, 24),
    "week": ("hour", 3600, 168),
}
"""Of a range: the kind of key that holds its counts, the seconds of a step, the steps."""

REFUSAL_DAYS, REFUSALS_A_DAY, MOST_REFUSALS = 7, 100, 10
_LOOK_AT_MOST = 500
_DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Step:
    """A minute or an hour: how many jobs were accepted in it, and how many attempts ended in each state."""

    start_us: int
    counts: Mapping[str, int]

    def count(self, word: str) -> int:
        """Of ``accepted``, or of a state."""
        return self.counts.get(word, 0)


@dataclass(frozen=True, slots=True)
class Throughput:
    """A range of time, step by step, oldest first; and the waits until ``sent`` within it, in seconds: from
    acceptance, the send time, or when an operator reopened the job."""

    range: Range
    step_seconds: int
    steps: list[Step]
    p50: float | None
    p95: float | None


class Stats:
    """The counts under one key prefix. Nothing here takes longer the more jobs there are."""

    def __init__(self, redis: Redis, prefix: str) -> None:
        self._redis = redis
        self._keys = Keys(prefix)

    def throughput(self, of: Range, now_us: int) -> Throughput:
        """The last hour by minutes, or the last day or week by hours."""
        kind, seconds, steps = RANGES[of]
        last = now_us // (seconds * 1_000_000)
        numbers = range(last - steps + 1, last + 1)
        pipe = self._redis.pipeline(transaction=False)
        for number in numbers:
            pipe.hgetall(self._keys.of(kind, str(number)))
        found = [_decoded(answer) for answer in pipe.execute()]
        waits = _waits(found)
        return Throughput(
            of,
            seconds,
            [Step(number * seconds * 1_000_000, counts) for number, counts in zip(numbers, found, strict=True)],
            quantile(waits, 0.5),
            quantile(waits, 0.95),
        )

    def refusals(self, now_us: int) -> list[tuple[str, int]]:
        """The most frequent reasons of the last week and how often they came, from the most frequent of each day."""
        today = now_us // _DAY_US
        pipe = self._redis.pipeline(transaction=False)
        for day in range(today - REFUSAL_DAYS + 1, today + 1):
            pipe.zrevrange(self._keys.of("refusals", str(day)), 0, REFUSALS_A_DAY - 1, withscores=True)
        times: Counter[str] = Counter()
        for answer in pipe.execute():
            for reason, score in answer:
                times[reason.decode()] += int(score)
        return times.most_common(MOST_REFUSALS)

    def next_retry_us(self, now_us: int) -> int | None:
        """When the next of the deferred jobs is tried again. With more than a few hundred of them, the first few
        hundred of each lane that are due later are looked through, which nearly always hold it."""
        retrying = self._keys.state(State.RETRYING)
        pipe = self._redis.pipeline(transaction=False)
        pipe.zrange(retrying, 0, _LOOK_AT_MOST)
        for lane in LANES:
            pipe.zrangebyscore(self._keys.due(lane), f"({now_us}", "+inf", 0, _LOOK_AT_MOST, withscores=True)
        deferred, *later = pipe.execute()
        if not deferred:
            return None
        if len(deferred) <= _LOOK_AT_MOST:
            pipe = self._redis.pipeline(transaction=False)
            for lane in LANES:
                pipe.zmscore(self._keys.due(lane), deferred)
            return min((int(score) for scores in pipe.execute() for score in scores if score is not None), default=None)
        return self._first_of(retrying, later)

    def _first_of(self, retrying: str, later: list[list[tuple[bytes, float]]]) -> int | None:
        entries = [entry for lane in later for entry in lane]
        if not entries:
            return None
        scores = self._redis.zmscore(retrying, [job_id.decode() for job_id, _ in entries])
        return min(
            (int(due) for (_, due), score in zip(entries, scores, strict=True) if score is not None), default=None
        )


def quantile(waits: Mapping[int, int], share: float) -> float | None:
    """The wait in seconds that so large a share of all did not exceed, right to about 5 %. None where there is none.

    ``waits`` counts eighths of an octave of milliseconds, as ``_prelude.lua`` does.
    """
    left = share * sum(waits.values())
    for bucket, number in sorted(waits.items()):
        left -= number
        if left <= 0:
            return float(2 ** ((bucket + 0.5) / 8)) / 1000
    return None


def _waits(found: Iterable[Mapping[str, int]]) -> Counter[int]:
    waits: Counter[int] = Counter()
    for counts in found:
        for word, number in counts.items():
            if word[0] == "w" and word[1:].isdigit():
                waits[int(word[1:])] += number
    return waits


def _decoded(answer: dict[bytes, bytes]) -> dict[str, int]:
    return {word.decode(): int(number) for word, number in answer.items()}

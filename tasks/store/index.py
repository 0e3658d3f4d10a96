"""Indexes of jobs: sorted sets of ids by the instant of acceptance, read newest first, however many there are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Self
from urllib.parse import quote

from redis import Redis

from tasks.domain.job import Card


class Place(NamedTuple):
    """Where a job stands in the order of acceptance; as text it is a cursor."""

    accepted_us: int
    job_id: str

    def __str__(self) -> str:
        return f"{self.accepted_us}-{self.job_id}"

    @classmethod
    def parse(cls, cursor: str | None) -> Self | None:
        """The place that a cursor names (None: before all); ValueError for one that we never gave."""
        if cursor is None:
            return None
        accepted, dash, job_id = cursor.partition("-")
        if not (dash and accepted.isascii() and accepted.isdigit() and len(accepted) < 18 and job_id.isalnum()):
            raise ValueError("this cursor is not one of ours")
        return cls(int(accepted), job_id)


def newest(
    redis: Redis,
    keys: Iterable[str],
    most: int,
    before: Place | None = None,
    window: tuple[int | None, int | None] = (None, None),
) -> list[Place]:
    """The newest of all that stand in these indexes, before a place and within a window [from, to).

    Each index is read only as far as the answer can need. All are read at one moment, so that a job that moves from one
    to another is not missed between them.
    """
    low, high = window
    bottom: int | str = "-inf" if low is None else low
    top: int | str = "+inf" if high is None else f"({high}"
    pipe = redis.pipeline(transaction=True)
    for key in keys:
        if before is None:
            pipe.zrevrangebyscore(key, top, bottom, 0, most, withscores=True)
        else:
            # All that were accepted in the cursor's own microsecond (few), and what is older.
            pipe.zrevrangebyscore(key, before.accepted_us, before.accepted_us, withscores=True)
            pipe.zrevrangebyscore(key, f"({before.accepted_us}", bottom, 0, most, withscores=True)
    found = {Place(int(score), job_id.decode()) for answer in pipe.execute() for job_id, score in answer}
    ordered = sorted(found, reverse=True)
    return [place for place in ordered if before is None or place < before][:most]


def mark(kind: str, text: str) -> str:
    """The suffix of a filter index: "r:address", "d:domain", "t:tag", "b:batch". No mark holds a blank."""
    return quote(f"{kind}:{text}", safe="@:+-_.~!#$%&'*/=?^`{|}")


def marks(card: Card) -> list[str]:
    """The suffixes of the filter indexes that a job is found by."""
    addresses = [address.lower() for address in card.rcpt_tos]
    found = [mark("r", address) for address in addresses]
    found += [mark("d", domain) for domain in sorted({address.rpartition("@")[2] for address in addresses})]
    found += [mark("t", tag) for tag in card.tags]
    found += [mark("b", card.batch)] if card.batch else []
    return found

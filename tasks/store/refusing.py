"""Whether Redis refuses to write, before somebody finds out by trying."""

from __future__ import annotations

from enum import StrEnum

from tasks.store.direct import Command

ASK: Command = ("INFO", "memory", "persistence")
"""Its answer is what :func:`why_refusing` reads."""


class Refusal(StrEnum):
    """The word that its refusals begin with."""

    FULL = "OOM"
    DISK = "MISCONF"


def why_refusing(told: bytes) -> Refusal | None:
    """What ``INFO`` says of it: all of ``maxmemory`` is used (but for what Redis itself does not count), or the last
    write to the append-only file failed. (After a snapshot that failed it may refuse too; whether, is not told there.)
    """
    fields = dict(line.partition(b":")[::2] for line in told.split(b"\r\n"))
    most = _number(fields, b"maxmemory")
    if most and _number(fields, b"used_memory") - _number(fields, b"mem_not_counted_for_evict") > most:
        return Refusal.FULL
    return Refusal.DISK if fields.get(b"aof_last_write_status") == b"err" else None


def _number(fields: dict[bytes, bytes], name: bytes) -> int:
    return int(fields.get(name, 0))

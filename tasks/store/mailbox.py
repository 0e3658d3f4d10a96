"""What the local mailbox captured, newest first, and what its misbehaving addresses remember.

Bounded three ways, oldest out: by age (``RETENTION_DAYS``), by number and by bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import redis

from tasks import clock
from tasks.domain import ids

MOST_MAILS = 10_000
MOST_BYTES = 256_000_000
MEMORY_SECONDS = 86_400
"""How long a misbehaving address remembers a message after its latest attempt."""

_DAY = 86_400
_LET_GO = 500  # mails let go in one call: the script must not hold Redis for long
_SHOWN = ("received_us", "mail_from", "rcpt_tos", "message_id", "job_id", "sender", "to", "subject", "size_bytes")
_SCRIPT = (Path(__file__).parent / "lua" / "mailbox.lua").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Mail:
    """A captured mail. ``source`` is None in a list: it is read for one mail alone."""

    id: str
    received_us: int
    mail_from: str
    rcpt_tos: tuple[str, ...]
    message_id: str | None
    """The header as it stands, angle brackets included."""
    job_id: str | None
    """The left side of ``message_id`` where that could be a job's id."""
    sender: str
    to: str
    subject: str
    size_bytes: int
    source: bytes | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What a misbehaving address remembers of a message: how often it was offered (this time included), since when."""

    count: int
    seconds: float


class Mailbox:
    """The captured mail in Redis. ``prefix`` is ``settings.key_prefix``; every method may raise ``RedisError``."""

    def __init__(
        self,
        client: redis.Redis,
        prefix: str,
        retention_days: float = 30,
        most_mails: int = MOST_MAILS,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._redis = client
        self._prefix = f"{prefix}mailbox:"
        self._retention_seconds = retention_days * _DAY
        self._most_mails = most_mails
        self._most_bytes = most_bytes
        self._script = client.register_script(_SCRIPT)

    def add(
        self,
        mail_from: str,
        rcpt_tos: Sequence[str],
        source: bytes,
        *,
        sender: str = "",
        to: str = "",
        subject: str = "",
        message_id: str | None = None,
    ) -> str:
        """Keep a mail and return its id. ``sender``, ``to``, ``subject``: its headers, decoded, for the list."""
        identity = ids.make_id(clock.now_us() // 1000, clock.random_bytes(10))
        fields: dict[str, str | bytes | int] = {
            "source": source,
            "mail_from": mail_from,
            "rcpt_tos": json.dumps(list(rcpt_tos)),
            "message_id": message_id or "",
            "job_id": job_of(message_id) or "",
            "sender": sender,
            "to": to,
            "subject": subject,
            "size_bytes": len(source),
        }
        indexed = json.dumps(sorted({address.lower() for address in rcpt_tos}), ensure_ascii=False)
        flat = [part for pair in fields.items() for part in pair]
        self._run(self._most_mails, self._most_bytes, [indexed, identity, *flat])
        return identity

    def list(self, recipient: str | None = None, limit: int = 50, before: str | None = None) -> list[Mail]:
        """The newest first; of one recipient (the whole address, upper or lower case) where asked; those that came
        before the mail with the id ``before``."""
        index = self._key("mails") if recipient is None else self._key(f"to:{recipient.lower()}")
        return list(self._read(index, limit, before))

    def get(self, identity: str) -> Mail | None:
        """One mail with its source."""
        if not ids.is_id(identity):
            return None
        row = self._redis.hmget(self._key(f"mail:{identity}"), [*_SHOWN, "source"])
        return _mail(identity, row)

    def count(self, recipient: str | None = None) -> int:
        """How many there are."""
        index = self._key("mails") if recipient is None else self._key(f"to:{recipient.lower()}")
        return self._redis.zcount(index, self._oldest(), "+inf")

    def revision(self) -> int:
        """A number raised by every change: the polling tag."""
        return int(cast("bytes | None", self._redis.get(self._key("revision"))) or 0)

    def clear(self) -> None:
        """Let all go."""
        while self._run(0, 0, [])[2]:
            pass

    def purge(self) -> int:
        """Let go what is past its time; how many that were."""
        total = 0
        while gone := self._run(self._most_mails, self._most_bytes, [])[1]:
            total += gone
        return total

    def seen(self, message: str, recipient: str) -> Seen:
        """Count that ``message`` was offered to ``recipient`` once more."""
        key, name, now = self._key(f"seen:{message}"), recipient.lower(), clock.now_us()
        pipe = self._redis.pipeline(transaction=True)
        pipe.hincrby(key, f"count:{name}", 1)
        pipe.hsetnx(key, f"first:{name}", str(now))
        pipe.hget(key, f"first:{name}")
        pipe.expire(key, MEMORY_SECONDS)
        count, _, first, _ = pipe.execute()
        return Seen(int(count), (now - int(first)) / 1_000_000)

    def forget(self, message: str, recipient: str) -> None:
        """The next time ``message`` is offered to ``recipient`` is the first."""
        name = recipient.lower()
        self._redis.hdel(self._key(f"seen:{message}"), f"count:{name}", f"first:{name}")

    def _key(self, name: str) -> str:
        return self._prefix + name

    def _oldest(self) -> int:
        return clock.now_us() - int(self._retention_seconds * 1_000_000)

    def _run(self, most_mails: int, most_bytes: int, mail: Sequence[str | bytes | int]) -> tuple[int, int, int]:
        keys = [self._key(name) for name in ("mails", "sizes", "bytes", "revision")]
        bounds: Sequence[str | int | float] = [self._prefix, self._retention_seconds, most_mails, most_bytes, _LET_GO]
        received, gone, count = self._script(keys=keys, args=[*bounds, *mail])
        return int(received), int(gone), int(count)

    def _read(self, index: str, limit: int, before: str | None) -> Iterator[Mail]:
        newest = "+inf"
        if before is not None:
            received = self._redis.hget(self._key(f"mail:{before}"), "received_us")
            newest = f"({int(cast(bytes, received))}" if received else "+inf"
        found = self._redis.zrange(index, newest, self._oldest(), desc=True, byscore=True, offset=0, num=limit)
        names = [name.decode() for name in cast("list[bytes]", found)]
        pipe = self._redis.pipeline(transaction=False)
        for name in names:
            pipe.hmget(self._key(f"mail:{name}"), list(_SHOWN))
        for name, row in zip(names, pipe.execute(), strict=True):
            if (mail := _mail(name, [*row, None])) is not None:
                yield mail


def job_of(message_id: str | None) -> str | None:
    """The job that a Message-ID names, where it could be one of ours."""
    left = (message_id or "").strip().removeprefix("<").partition("@")[0]
    return left if ids.is_id(left) else None


def _mail(identity: str, row: Sequence[Any]) -> Mail | None:
    if row[0] is None:
        return None
    received, mail_from, rcpt_tos, message_id, job_id, sender, to, subject, size = (
        value.decode() for value in row[:-1]
    )
    return Mail(
        id=identity,
        received_us=int(received),
        mail_from=mail_from,
        rcpt_tos=tuple(json.loads(rcpt_tos)),
        message_id=message_id or None,
        job_id=job_id or None,
        sender=sender,
        to=to,
        subject=subject,
        size_bytes=int(size),
        source=row[-1],
    )

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
MOST_SEARCHED = 2_000
"""The newest mails that one search looks through."""
TEXT_SEARCHED = 4_000
"""The characters of a mail's text that are kept for the search."""

Names = list[str]  # the class below has a method of the name

_DAY = 86_400
_LET_GO = 500  # mails let go in one call: the script must not hold Redis for long
_SHOWN = ("received_us", "mail_from", "rcpt_tos", "message_id", "job_id", "sender", "to", "subject", "size_bytes")
_SEARCHED = ("subject", "sender", "to", "rcpt_tos", "text")
_BATCH = 200
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
    unread: bool = False
    """Nobody has opened it yet."""


@dataclass(frozen=True, slots=True)
class Found:
    """The mails that a search found, newest first."""

    mails: list[Mail]
    searched: int
    """How many mails were looked through."""
    before: str | None
    """The id to go on before; None where there is nothing more."""


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
        text: str = "",
    ) -> str:
        """Keep a mail and return its id. ``sender``, ``to``, ``subject``: its headers, decoded, for the list; ``text``:
        what it says, for the search."""
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
            "text": text[:TEXT_SEARCHED],
        }
        indexed = json.dumps(sorted({address.lower() for address in rcpt_tos}), ensure_ascii=False)
        flat = [part for pair in fields.items() for part in pair]
        self._run(self._most_mails, self._most_bytes, mail=[indexed, identity, *flat])
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
        pipe = self._redis.pipeline(transaction=False)
        pipe.hmget(self._key(f"mail:{identity}"), [*_SHOWN, "source"])
        pipe.zscore(self._key("unread"), identity)
        row, unread = pipe.execute()
        return _mail(identity, row, unread=unread is not None)

    def count(self, recipient: str | None = None) -> int:
        """How many there are."""
        index = self._key("mails") if recipient is None else self._key(f"to:{recipient.lower()}")
        return self._redis.zcount(index, self._oldest(), "+inf")

    def unread(self) -> int:
        """How many nobody has opened."""
        return self._redis.zcount(self._key("unread"), self._oldest(), "+inf")

    def mark_read(self, *identities: str) -> int:
        """These were opened (none named: all were); how many of them were unread."""
        pipe = self._redis.pipeline(transaction=True)
        if identities:
            pipe.zrem(self._key("unread"), *identities)
        else:
            pipe.zremrangebyrank(self._key("unread"), 0, -1)
        pipe.incr(self._key("revision"))
        return int(pipe.execute()[0])

    def search(self, words: str, recipient: str | None = None, limit: int = 50, before: str | None = None) -> Found:
        """The newest mails in which every word stands somewhere: in the subject, the addresses or the text. At most
        ``MOST_SEARCHED`` are looked through; ``before`` of the answer leads on."""
        wanted = words.casefold().split()
        index = self._key("mails") if recipient is None else self._key(f"to:{recipient.lower()}")
        names = self._names(index, MOST_SEARCHED + 1, before)
        matching: Names = []
        searched = 0
        for start in range(0, min(len(names), MOST_SEARCHED), _BATCH):
            batch = names[start : min(start + _BATCH, MOST_SEARCHED)]
            for name, text in zip(batch, self._searched(batch), strict=True):
                searched += 1
                if text is not None and all(word in text for word in wanted):
                    matching.append(name)
                if len(matching) == limit:
                    break
            if len(matching) == limit:
                break
        more = len(names) > searched
        return Found(list(self._mails(matching)), searched, names[searched - 1] if more and searched else None)

    def remove(self, identity: str) -> bool:
        """Let one go; False where it was not there."""
        return self._run(self._most_mails, self._most_bytes, [identity])[1] > 0

    def revision(self) -> int:
        """A number raised by every change: the polling tag."""
        return int(cast("bytes | None", self._redis.get(self._key("revision"))) or 0)

    def clear(self) -> int:
        """Let all go; how many that were."""
        total = 0
        while True:
            _, gone, left = self._run(0, 0)
            total += gone
            if not left:
                return total

    def purge(self) -> int:
        """Let go what is past its time; how many that were."""
        total = 0
        while gone := self._run(self._most_mails, self._most_bytes)[1]:
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

    def _run(
        self, most_mails: int, most_bytes: int, gone: Sequence[str] = (), mail: Sequence[str | bytes | int] = ()
    ) -> tuple[int, int, int]:
        keys = [self._key(name) for name in ("mails", "sizes", "bytes", "revision", "unread")]
        bounds: Sequence[str | int | float] = [self._prefix, self._retention_seconds, most_mails, most_bytes, _LET_GO]
        received, let_go, count = self._script(keys=keys, args=[*bounds, json.dumps(list(gone)), *mail])
        return int(received), int(let_go), int(count)

    def _read(self, index: str, limit: int, before: str | None) -> Iterator[Mail]:
        return self._mails(self._names(index, limit, before))

    def _names(self, index: str, limit: int, before: str | None) -> Names:
        """The ids of the newest mails, of those before one where asked."""
        newest = "+inf"
        if before is not None and ids.is_id(before):
            received = self._redis.zscore(self._key("mails"), before)
            # One that was let go meanwhile still says when it came, to the millisecond.
            newest = f"({int(received) if received else ids.range_ms(before)[0] * 1000}"
        found = self._redis.zrange(index, newest, self._oldest(), desc=True, byscore=True, offset=0, num=limit)
        return [name.decode() for name in cast("list[bytes]", found)]

    def _mails(self, names: Sequence[str]) -> Iterator[Mail]:
        pipe = self._redis.pipeline(transaction=False)
        for name in names:
            pipe.hmget(self._key(f"mail:{name}"), list(_SHOWN))
            pipe.zscore(self._key("unread"), name)
        answers = pipe.execute()
        for name, row, unread in zip(names, answers[::2], answers[1::2], strict=True):
            if (mail := _mail(name, [*row, None], unread=unread is not None)) is not None:
                yield mail

    def _searched(self, names: Sequence[str]) -> Iterator[str | None]:
        pipe = self._redis.pipeline(transaction=False)
        for name in names:
            pipe.hmget(self._key(f"mail:{name}"), list(_SEARCHED))
        for row in pipe.execute():
            yield None if row[0] is None else "\n".join((part or b"").decode() for part in row).casefold()


def job_of(message_id: str | None) -> str | None:
    """The job that a Message-ID names, where it could be one of ours."""
    left = (message_id or "").strip().removeprefix("<").partition("@")[0]
    return left if ids.is_id(left) else None


def _mail(identity: str, row: Sequence[Any], *, unread: bool) -> Mail | None:
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
        unread=unread,
    )

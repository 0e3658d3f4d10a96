"""A million finished jobs, straight into Redis: what one real job left, written again under other ids and times.

The commands are packed here, with every field as wide as the real one's, and sent down a plain socket: nothing of
redis-py's work is done a million times.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass

from redis import Redis

from tasks.domain.ids import make_id
from tasks.domain.states import State
from tasks.store.jobs import Jobs
from tasks.store.keys import Keys
from tests.bench.mails import KB1
from tests.bench.rig import Rig

CHUNK = 5_000
SPACING_US = 1_000_000
"""Between one job and the next: a million are eleven days of them."""
PER_RECIPIENT = 10
_NUMBER = b"0000000"


@dataclass(frozen=True)
class Template:
    """The commands that leave one finished job, with slots."""

    commands: bytes
    settled_after_us: int
    retention_us: int

    @classmethod
    def of_real_job(cls, rig: Rig) -> Template:
        """Send one mail, and take what it left."""
        rig.forget()
        rig.queue(KB1, 1)
        rig.release()
        rig.await_sent(1)
        [job] = rig.jobs.page(State.SENT, 1).jobs
        record: dict[bytes, bytes] = rig.redis.hgetall(rig.keys.job(job.id))  # type: ignore[assignment]
        marks = record[b"place"].decode().split(" ")[2:]
        settled = job.log[-1].at_us
        slots = {
            job.id.encode(): b"%(id)b",
            str(settled).encode(): b"%(settled)b",
            str(job.accepted_us).encode(): b"%(accepted)b",
            _NUMBER: b"%(number)b",
        }
        keys = Keys(rig.settings.key_prefix)
        accepted = str(job.accepted_us)
        indexes = [keys.state(State.SENT), *(keys.of("index", mark) for mark in marks)]
        commands: list[list[bytes | str]] = [
            ["HSET", keys.job(job.id), *(part for pair in record.items() for part in pair)]
        ]
        commands += [["ZADD", index, accepted, job.id] for index in indexes]
        packed = b"".join(_pack(command) for command in commands).replace(b"%", b"%%")
        for real, slot in slots.items():
            packed = packed.replace(real, slot)
        when = str(settled + rig.jobs.retention_us).encode()
        last = _pack(["ZADD", keys.of("purge"), when, job.id])
        packed += last.replace(when, b"%(purge)b").replace(job.id.encode(), b"%(id)b")
        return cls(packed, settled - job.accepted_us, rig.jobs.retention_us)

    def job(self, number: int, of: int, last_us: int) -> bytes:
        """The commands of one of so many jobs, of which the last was accepted then."""
        accepted = last_us - (of - number) * SPACING_US
        settled = accepted + self.settled_after_us
        return self.commands % {
            b"id": make_id(accepted // 1000, number.to_bytes(10, "big")).encode(),
            b"number": b"%07d" % (number // PER_RECIPIENT),
            b"accepted": b"%d" % accepted,
            b"settled": b"%d" % settled,
            b"purge": b"%d" % (settled + self.retention_us),
        }


def seed(rig: Rig, count: int) -> float:
    """Leave so many finished jobs in a rig's Redis, and none else; how many bytes each came to.

    Redis's file is written when all are there.
    """
    template = Template.of_real_job(rig)
    redis: Redis = rig.redis
    rig.forget()
    now = Jobs(redis, rig.settings.key_prefix).now_us()
    redis.config_set("appendonly", "no")
    before = redis.info("memory")["used_memory"]
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(rig.settings.socket_path))
        for start in range(0, count, CHUNK):
            numbers = range(start, min(start + CHUNK, count))
            # The answers of a chunk are counted by an ECHO behind it, and not read one by one.
            line.sendall(b"CLIENT REPLY OFF\r\n" + b"".join(template.job(number, count, now) for number in numbers))
            line.sendall(b"CLIENT REPLY ON\r\n")
            answer = line.recv(100)
            assert answer == b"+OK\r\n", answer
    used = redis.info("memory")["used_memory"] - before
    redis.config_set("appendonly", "yes")
    rig.settle_down()
    _check(rig, count)
    return float(used / count)


def _check(rig: Rig, count: int) -> None:
    """All are there, and look as real ones do."""
    assert rig.jobs.counts()[State.SENT] == count
    assert rig.redis.zcard(rig.keys.of("purge")) == count
    page = rig.jobs.page(None, 20)
    assert len(page.jobs) == min(20, count)
    for job in page.jobs:
        assert job.head.state is State.SENT
        assert [event.word for event in job.log] == ["accepted", "attempt"], job.log
        assert job.accepted_us < job.log[-1].at_us


def _pack(command: list[bytes | str]) -> bytes:
    parts = [part.encode() if isinstance(part, str) else part for part in command]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)

"""Every Redis key of Postroom: pattern, type, life and writer. Nothing else spells one; Lua gets its names here."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.domain.states import State

LANES = ("high", "normal", "low")
"""A lane a priority, in the order in which they are drained."""

QUEUE = "postroom"
"""Celery's queue: our own, so that another application's worker on the same Redis does not eat our wake-ups."""

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Pattern:
    """One kind of key."""

    stem: str
    kind: str
    ttl: str
    writer: str
    meaning: str


PATTERNS: dict[str, Pattern] = {
    "job": Pattern("job:", "hash", "purge", "accept, claim, step", "head, card, log, place, round, lapses of a job"),
    "content": Pattern("content:", "string", "purge", "accept", "the message in wire form"),
    "due": Pattern(
        "due:", "zset", "none", "accept, claim, step, extend", "of a lane: id -> when it next needs somebody"
    ),
    "state": Pattern("state:", "zset", "purge", "accept, claim, step", "of a state: id -> when it was accepted"),
    "index": Pattern("index:", "zset", "purge", "accept", "of a recipient, domain, tag, batch: id -> when accepted"),
    "dead": Pattern("dead:", "zset", "purge", "step", "dead letters of a reason (by digest): id -> when accepted"),
    "reasons": Pattern("reasons", "hash", "purge", "step", "of the dead letters: digest -> reason"),
    "refusals": Pattern("refusals:", "zset", "9 days", "step", "of a day: reason of refusal -> how often"),
    "minute": Pattern("minute:", "hash", "130 min", "accept, step", "of a minute: counts of states reached, and waits"),
    "hour": Pattern("hour:", "hash", "32 days", "accept, step", "of an hour: the same"),
    "paused": Pattern("paused", "set", "none", "lanes", "the lanes that an operator paused"),
    "purge": Pattern("purge", "zset", "purge", "step", "id -> when a final job goes"),
    "idempotency": Pattern("idempotency:", "string", "24 h", "accept", "of scope and key: fingerprint and job id"),
    "revision": Pattern("revision", "string", "none", "accept, claim, step, purge", "raised by every change"),
    "relay": Pattern(
        "relay:", "hash", "1 day", "breaker, claim", "failures in a row, open_until, kind and text of the last"
    ),
    "worker": Pattern("worker:", "string", "60 s", "workers", "host, pid, threads, progress of a worker process; JSON"),
    "workers": Pattern("workers", "zset", "none", "workers", "worker -> when it last reported"),
    "recovery": Pattern("recovery", "hash", "none", "recover", "run_id of the Redis we knew, hold_until for claims"),
    "reaper": Pattern("reaper", "string", "60 s", "reaper", "held while somebody purges"),
    "bulk": Pattern("bulk:", "hash", "7 days", "bulk", "a verb for many jobs: which, how far it has come"),
    "bulks": Pattern("bulks", "zset", "none", "bulk", "the bulks not ended: id -> when it was asked for"),
    "recent_bulks": Pattern("recent-bulks", "zset", "7 days", "bulk", "the bulks of late: id -> when it was asked for"),
    "bulk_lease": Pattern("bulk-lease:", "string", "5 s", "bulk", "of a bulk: the worker that is at it"),
    "schema": Pattern("schema", "string", "none", "schema", "the version of this layout"),
    "mailbox": Pattern("mailbox:", "various", "RETENTION_DAYS", "mailbox", "what the local mailbox captured"),
}

CELERY_RESULT = "celery-task-meta-"
"""Celery's own key for a task's result (string, ``result_expires``), and the channel that ``AsyncResult.get`` waits on.
It carries no prefix of ours, so that a bare Celery application finds it."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys under one prefix."""

    prefix: str

    def of(self, name: str, rest: str = "") -> str:
        """The key of a kind: ``keys.of("job", id)``."""
        return self.prefix + PATTERNS[name].stem + rest

    def job(self, job_id: str) -> str:
        """The record of a job."""
        return self.of("job", job_id)

    def content(self, job_id: str) -> str:
        """The message of a job."""
        return self.of("content", job_id)

    def due(self, lane: str) -> str:
        """The due set of a lane."""
        return self.of("due", lane)

    def state(self, state: State) -> str:
        """The index of a state."""
        return self.of("state", state)

    def lua(self, names: set[str]) -> str:
        """The same names as a Lua table, put in front of every script: ``K.job .. id``."""
        fields = ", ".join(f'{name} = P .. "{PATTERNS[name].stem}"' for name in sorted(names))
        return f'local P = ARGV[1]\nlocal K = {{{fields}}}\nlocal CELERY_RESULT = "{CELERY_RESULT}"\n'

"""What a Redis error means to a person: what is wrong, what to do, and whether anything was changed."""

from __future__ import annotations

from redis import exceptions
from redis.exceptions import RedisError

RETRY_AFTER_SECONDS = 5

REFUSALS = {
    "LOADING": "Redis is still reading its data from disk. Try again in a few seconds.",
    "OOM": "Redis is full: nothing more can be accepted or sent. Raise its maxmemory, or lower RETENTION_DAYS.",
    "MISCONF": "Redis cannot write to its disk, so it accepts nothing. See its log; most often the disk is full.",
    "READONLY": "This Redis is a read-only replica. Point REDIS_URL at the primary.",
    "MASTERDOWN": "This Redis is a replica that has lost its primary. Try again when it is back.",
    "CLUSTERDOWN": "The Redis cluster is down. Try again when it is back.",
    "TRYAGAIN": "Redis was just started anew, or is moving its data. Try again in a few seconds.",
    "BUSY": "Redis is busy with a long script. Try again in a few seconds.",
    "NOAUTH": "Redis wants a password. Put it into REDIS_URL.",
    "WRONGPASS": "Redis refuses our user name or password. Correct REDIS_URL.",
    "NOPERM": "Our Redis user may not do this. Give it the rights, or use another in REDIS_URL.",
}
"""By the first word of the reply. The command was refused before it did anything."""
UNCHANGED = " Nothing was changed."
PERHAPS = " This may or may not have taken effect; with the same Idempotency-Key it is safe to send it again."


def explain(error: RedisError, *, changing: bool) -> str | None:
    """The sentence for a condition of the server; None for an error that is a mistake of ours."""
    if (refusal := REFUSALS.get(_code(error))) is not None:
        return refusal + (UNCHANGED if changing else "")
    if isinstance(error, exceptions.TimeoutError):
        return "Redis, which keeps the jobs, does not answer in time." + (PERHAPS if changing else " Try again soon.")
    if isinstance(error, exceptions.ConnectionError):
        reach = "Redis, which keeps the jobs, cannot be reached. Is it running?"
        return reach + (PERHAPS if changing else " Try again in a few seconds.")
    return None


def _code(error: RedisError) -> str:
    """The word that the reply begins with. redis-py keeps it apart where it has a class for it, else in the text, which
    a pipeline puts behind "... caused error: "."""
    return error.status_code or str(error).rpartition("caused error: ")[2].partition(" ")[0]

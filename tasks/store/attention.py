"""What every page says: lanes that are paused, a relay that is held back, dead letters, bulks. One round trip."""

from __future__ import annotations

from dataclasses import dataclass

from redis import Redis

from tasks import clock
from tasks.domain.states import State
from tasks.store.keys import LANES, Keys
from tasks.store.relays import RelayHealth, health_of

BULK_TAKES_LONG_US = 3_000_000
"""A bulk that is done sooner is not worth a word that comes and goes."""


@dataclass(frozen=True, slots=True)
class Attention:
    """What needs a person, or is long under way, as far as it takes no time to know."""

    paused: tuple[str, ...]
    relay: RelayHealth
    dead: int
    bulks: int


def attention(redis: Redis, prefix: str, relay: str) -> Attention:
    """Read it."""
    keys = Keys(prefix)
    pipe = redis.pipeline(transaction=False)
    pipe.smembers(keys.of("paused"))
    pipe.hgetall(keys.of("relay", relay))
    pipe.zcard(keys.state(State.DEAD))
    pipe.zcount(keys.of("bulks"), "-inf", clock.now_us() - BULK_TAKES_LONG_US)
    paused, record, dead, bulks = pipe.execute()
    return Attention(tuple(lane for lane in LANES if lane.encode() in paused), health_of(relay, record), dead, bulks)

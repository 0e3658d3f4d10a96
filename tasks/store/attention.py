"""What every page says: a Redis that takes nothing, a relay that is held back, lanes that are paused, dead letters,
bulks. One round trip."""

from __future__ import annotations

from dataclasses import dataclass

from redis import Redis

from tasks import clock
from tasks.domain.states import State
from tasks.store.direct import Direct
from tasks.store.keys import LANES, Keys
from tasks.store.refusing import ASK, Refusal, why_refusing
from tasks.store.relays import RelayHealth, health_of

BULK_TAKES_LONG_US = 3_000_000
"""A bulk that is done sooner is not worth a word that comes and goes."""


@dataclass(frozen=True, slots=True)
class Attention:
    """What needs a person, or is long under way, as far as it takes no time to know."""

    refusing: Refusal | None
    paused: tuple[str, ...]
    relay: RelayHealth
    dead: int
    bulks: int


def attention(redis: Redis, prefix: str, relay: str) -> Attention:
    """Read it."""
    keys = Keys(prefix)
    paused, record, dead, bulks, told = Direct(redis).all(
        [
            ("SMEMBERS", keys.of("paused")),
            ("HGETALL", keys.of("relay", relay)),
            ("ZCARD", keys.state(State.DEAD)),
            ("ZCOUNT", keys.of("bulks"), "-inf", clock.now_us() - BULK_TAKES_LONG_US),
            ASK,
        ]
    )
    lanes = tuple(lane for lane in LANES if lane.encode() in paused)
    return Attention(why_refusing(told), lanes, health_of(relay, record), dead, bulks)

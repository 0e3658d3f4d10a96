"""An hour and a week of a busy Postroom, for pictures of its overview: counts as the scripts leave them."""

from __future__ import annotations

import math
import random

from tasks.domain.states import State
from tasks.store.keys import Keys
from tests.support.making import make_card
from tests.support.planting import Planted, id_at, plant
from tests.support.processes import Stack

REASONS = {
    "550 5.1.1 No such mailbox here": 41,
    "552 5.2.2 Mailbox full": 17,
    "554 5.7.1 Message refused by content policy": 9,
    "550 5.7.26 This mail is unauthenticated, which poses a security risk": 4,
}


def busy_week(stack: Stack) -> None:
    """Write it."""
    chance = random.Random(4711)  # the same picture every time
    keys = Keys(stack.settings.key_prefix)
    now = stack.jobs.now_us()
    pipe = stack.redis.pipeline(transaction=False)
    jobs: list[Planted] = []
    for back in range(1, 60):
        minute = now // 60_000_000 - back
        usual = 46 + 22 * math.sin(back / 7) + (30 if back in range(17, 24) else 0)
        counts = _counts(chance, usual, storm=back in range(38, 44))
        for word, number in counts.items():
            pipe.hincrby(keys.of("minute", str(minute)), word, number)
        jobs += [_sent(minute * 60_000_000 + 400_000 * number, number) for number in range(counts["sent"])]
    for back in range(1, 168):
        hour = now // 3_600_000_000 - back
        day = max(0.08, math.sin(math.pi * ((hour % 24) - 5) / 16))
        for word, number in _counts(chance, 2900 * day, storm=back in (51, 52, 9)).items():
            pipe.hincrby(keys.of("hour", str(hour)), word, number)
    for reason, times in REASONS.items():
        pipe.zincrby(keys.of("refusals", str(now // 86_400_000_000)), times, reason)
    pipe.execute()
    plant(stack.redis, stack.settings.key_prefix, jobs)


def _sent(accepted_us: int, number: int) -> Planted:
    card = make_card(1, to=["ann@mailbox.test"], subject=f"Receipt {number}")
    return Planted(id_at(accepted_us, number), card, accepted_us, State.SENT)


def _counts(chance: random.Random, usual: float, *, storm: bool) -> dict[str, int]:
    sent = max(0, round(usual * chance.uniform(0.75, 1.25)))
    deferred = round(sent * chance.uniform(0.3, 0.5)) if storm else round(sent * chance.uniform(0.01, 0.07))
    dead = round(sent * chance.uniform(0.0, 0.04))
    waits = {f"w{math.floor(8 * math.log2(milliseconds))}": 0 for milliseconds in (24, 60, 180, 900, 2600)}
    for name, share in zip(waits, (0.52, 0.3, 0.1, 0.05, 0.03), strict=True):
        waits[name] = round(sent * share)
    return {"accepted": sent + dead, "sent": sent, "retrying": deferred, "dead": dead, **waits}

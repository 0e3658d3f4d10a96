"""How much is measured: whole, quick (within 8 minutes on two cores), and tiny (for the test that it works)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sizes:
    """Of each sample. A slow baseline gets fewer mails: its rate is the same, and its sample long enough."""

    name: str
    rounds: int
    mails: int
    mails_20kb: int
    slow_mails: int
    """For the tutorial and Postfix."""
    seconds: float
    """Of a load over HTTP."""
    latency_seconds: float
    far_mails: int
    """Over a relay that is 40 ms away."""
    few_finished: int
    many_finished: int
    flat_mails: int
    """For the growth of the processes' memory."""
    no_ops: int
    pages: int
    """That poll at once."""


FULL = Sizes("full", 5, 20_000, 10_000, 4_000, 10, 30, 2_000, 1_000, 1_000_000, 100_000, 20_000, 200)
QUICK = Sizes("quick", 3, 3_000, 2_000, 800, 3, 5, 400, 1_000, 1_000_000, 10_000, 4_000, 200)
TINY = Sizes("tiny", 1, 60, 30, 30, 0.5, 1, 40, 50, 500, 100, 100, 5)

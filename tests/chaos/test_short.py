"""The short chaos runs. Each prints its seed; ``CHAOS_SEED`` chooses another. The long run is ``make chaos``."""

from __future__ import annotations

import os

import pytest

from tests.chaos.runs import Plan, run
from tests.chaos.verdict import Verdict

SEED = int(os.environ.get("CHAOS_SEED", "20"))


def shown(plan: Plan) -> Verdict:
    print(f"CHAOS_SEED={plan.seed}")
    verdict = run(plan)
    print("\n".join(verdict.lines()))
    return verdict


@pytest.mark.timeout(300)
def test_whatever_dies_nothing_is_lost_and_nothing_is_sent_twice() -> None:
    verdict = shown(Plan(SEED, seconds=30))
    assert verdict.found() == {}
    assert verdict.accepted > 1000


@pytest.mark.timeout(200)
def test_a_crash_of_the_machine_under_everysec_loses_nothing_while_the_others_remember() -> None:
    verdict = shown(Plan(SEED, 4, settings={"redis_fsync": "everysec"}, machine_crash=True))
    assert verdict.found() == {}


@pytest.mark.timeout(200)
def test_without_the_replay_the_same_crash_loses_and_doubles() -> None:
    """So that we know that the run before this one would have seen it."""
    settings: dict[str, object] = {"redis_fsync": "everysec", "replay_seconds": 0}
    verdict = shown(Plan(SEED, 4, settings=settings, machine_crash=True))
    assert verdict.lost > 0
    assert verdict.doubled > 0

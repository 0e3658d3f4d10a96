"""When a carousel claims, and how many: by itself, at a time that the test says."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest

from tasks.smtp import carousel as carousel_module
from tasks.smtp import waiting as waiting_module
from tasks.smtp.errand import Errand
from tasks.smtp.waiting import FAST, GATHER_SECONDS, MOST, PAUSE_SECONDS, Waiting
from tests.smtp.conftest import Start
from tests.smtp.errands import errand
from tests.smtp.scripted import ScriptedRelay

NOW = 1000.0
SESSIONS = 16


def errands(count: int) -> list[Errand]:
    return [errand(f"job{number}") for number in range(count)]


def at_work(lately: int, found: int | None) -> Waiting:
    """It settled so many lately, and its last claim found so many (None: as many as it could take)."""
    waiting = Waiting()
    waiting.want(SESSIONS, NOW)
    waiting.hurry(lately)
    wanted = waiting.want(SESSIONS, NOW)
    waiting.add(errands(wanted if found is None else found), wanted, NOW)
    while waiting.next(new=False):
        pass
    return waiting


def test_nothing_due_is_asked_for_again_after_a_pause_or_when_something_was_settled() -> None:
    waiting = at_work(lately=0, found=0)
    assert waiting.rest(NOW) == pytest.approx(PAUSE_SECONDS)
    assert waiting.want(SESSIONS, NOW + PAUSE_SECONDS / 2) == 0
    waiting.hurry(1)
    assert waiting.rest(NOW) == 0
    assert waiting.want(SESSIONS, NOW) > 0


def test_where_mails_go_fast_and_few_are_due_the_next_claim_waits_until_there_are_more() -> None:
    waiting = at_work(lately=FAST + 1, found=3)
    waiting.hurry(3)
    assert waiting.rest(NOW) == pytest.approx(GATHER_SECONDS)
    assert waiting.want(SESSIONS, NOW + GATHER_SECONDS / 2) == 0
    assert waiting.want(SESSIONS, NOW + GATHER_SECONDS * 1.01) == MOST


def test_a_run_that_begins_soon_after_waits_for_them_too() -> None:
    waiting = at_work(lately=FAST + 1, found=0)
    waiting.hurry()
    assert waiting.want(SESSIONS, NOW + GATHER_SECONDS / 2) == 0


@pytest.mark.parametrize(("lately", "found"), [(FAST + 1, None), (FAST - 1, 3)], ids=["a backlog", "few in a second"])
def test_nobody_waits_with_a_backlog_or_with_few_in_a_second(lately: int, found: int | None) -> None:
    waiting = at_work(lately, found)
    waiting.hurry(1)
    assert waiting.rest(NOW) == 0
    assert waiting.want(SESSIONS, NOW) > 0


def test_while_it_waits_the_carousel_serves_its_sessions_and_does_not_go_round_in_vain(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting_module, "FAST", -1)
    monkeypatch.setattr(waiting_module, "GATHER_SECONDS", 0.2)
    monkeypatch.setattr(carousel_module, "TICK_SECONDS", 5)
    rounds: list[float] = []

    def until() -> bool:
        rounds.append(time.monotonic())
        return False

    with ScriptedRelay() as relay:
        ride = start(relay.port, errand("job1"))
        claims: list[float] = []
        more = [errand("job2"), errand("job3")]

        def on_claim() -> None:
            claims.append(time.monotonic())
            if ride.ledger.reports and more:
                ride.ledger.due.append(more.pop())

        ride.ledger.on_claim = on_claim
        ledger = ride.run(until)
    assert set(ledger.reports) == {"job1", "job2", "job3"}
    assert all(0.19 <= later - earlier < 4 for earlier, later in pairwise(claims))
    assert len(claims) == 4, "the last one finds nothing, and the run is over"
    assert len(rounds) < 60

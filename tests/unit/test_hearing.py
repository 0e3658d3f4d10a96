"""When a dispatcher helps itself, and when it takes Celery's consumer for wedged."""

from __future__ import annotations

import pytest

from tasks import clock
from tasks.hearing import UNHEARD_SECONDS, WEDGED_HELPS, WEDGED_SECONDS, Hearing

LONG = UNHEARD_SECONDS + 0.1


class Time:
    """The monotonic clock, moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time()
    monkeypatch.setattr(clock, "monotonic", time)
    return time


@pytest.fixture
def hearing() -> Hearing:
    return Hearing()


def help_once(hearing: Hearing, time: Time, heard_at: float = 0.0) -> None:
    """What has become due is not rung for; a little later a courier is told to look, and sees to it."""
    assert not hearing.needs_help(1, heard_at)
    time.now += LONG
    assert hearing.needs_help(1, heard_at)
    assert not hearing.needs_help(0, heard_at)


def test_help_is_needed_once_jobs_have_been_due_for_a_while_and_nothing_was_heard(hearing: Hearing, time: Time) -> None:
    assert not hearing.needs_help(1, 0)
    time.now += UNHEARD_SECONDS / 2
    assert not hearing.needs_help(1, 0)
    time.now += UNHEARD_SECONDS
    assert hearing.needs_help(1, 0)
    assert not hearing.needs_help(1, 0), "not more often than that"


def test_none_is_needed_while_wake_ups_come_or_nothing_is_due_or_all_hands_are_full(
    hearing: Hearing, time: Time
) -> None:
    for due, heard_ago in [(1, 0.1), (1, 0.1), (0, 99), (1, 99), (0, 99), (1, 99)]:
        time.now += LONG
        assert not hearing.needs_help(due, time.now - heard_ago)
    hearing.hands_are_full()
    time.now += LONG
    assert not hearing.needs_help(1, 0)


def test_it_is_wedged_after_some_helps_in_some_seconds_with_nothing_heard_in_between(
    hearing: Hearing, time: Time
) -> None:
    for _ in range(WEDGED_HELPS - 1):
        help_once(hearing, time)
        time.now += WEDGED_SECONDS
        assert not hearing.is_wedged
    help_once(hearing, time)
    assert hearing.is_wedged


def test_it_is_not_while_the_helps_are_of_one_short_spell(hearing: Hearing, time: Time) -> None:
    for _ in range(WEDGED_HELPS + 1):
        help_once(hearing, time)
    assert not hearing.is_wedged


def test_it_is_not_once_something_was_heard(hearing: Hearing, time: Time) -> None:
    for _ in range(WEDGED_HELPS + 1):
        help_once(hearing, time)
        time.now += WEDGED_SECONDS
        assert not hearing.needs_help(0, heard_at=time.now)
        time.now += 1
    assert not hearing.is_wedged


def test_it_is_not_while_the_broker_is_away(hearing: Hearing, time: Time) -> None:
    for _ in range(WEDGED_HELPS + 1):
        help_once(hearing, time)
        hearing.broker_is_away()
        time.now += WEDGED_SECONDS
    assert not hearing.is_wedged

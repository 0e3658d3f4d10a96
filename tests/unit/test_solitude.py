"""A process comes to rest for a job that must be alone, and neither rest nor solitude last for ever."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tasks import clock
from tasks.solitude import ALONE_SECONDS, PAUSE_SECONDS, REST_SECONDS, Solitude, Way


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let so many seconds go by."""
    now = 1.0
    monkeypatch.setattr(clock, "monotonic", lambda: now)

    def let(seconds: float) -> None:
        nonlocal now
        now += seconds

    return let


def take(solitude: Solitude, jobs: int, *, passed_over: bool = False) -> Way:
    way = solitude.enter()
    if way is not Way.CLOSED:
        solitude.entered(jobs, passed_over=passed_over)
    return way


def test_threads_share_while_nothing_must_be_alone(wait: Callable[[float], None]) -> None:
    solitude = Solitude()
    assert [take(solitude, 3), take(solitude, 2)] == [Way.SHARED, Way.SHARED]


def test_a_claim_under_way_is_waited_for_too(wait: Callable[[float], None]) -> None:
    solitude = Solitude()
    assert solitude.enter() is Way.SHARED  # and is asking Redis
    assert take(solitude, 0, passed_over=True) is Way.SHARED
    assert solitude.enter() is Way.CLOSED
    solitude.entered(0, passed_over=True)
    assert solitude.enter() is Way.ALONE
    assert solitude.enter() is Way.CLOSED


def test_a_process_that_does_not_come_to_rest_goes_on_and_tries_again_later(wait: Callable[[float], None]) -> None:
    solitude = Solitude()
    take(solitude, 1, passed_over=True)
    assert take(solitude, 1) is Way.CLOSED
    wait(REST_SECONDS)
    assert take(solitude, 1, passed_over=True) is Way.SHARED
    assert take(solitude, 1, passed_over=True) is Way.SHARED
    wait(PAUSE_SECONDS + 1)
    assert take(solitude, 1, passed_over=True) is Way.SHARED
    assert take(solitude, 1) is Way.CLOSED


def test_a_job_that_takes_long_alone_gets_company(wait: Callable[[float], None]) -> None:
    solitude = Solitude()
    take(solitude, 0, passed_over=True)
    assert take(solitude, 1) is Way.ALONE
    wait(ALONE_SECONDS)
    assert take(solitude, 1) is Way.SHARED


def test_one_that_somebody_else_took_closes_nothing(wait: Callable[[float], None]) -> None:
    solitude = Solitude()
    take(solitude, 0, passed_over=True)
    assert take(solitude, 0) is Way.ALONE
    assert take(solitude, 5) is Way.SHARED

"""For what the dispatcher rings, and for what not."""

from __future__ import annotations

import pytest
from redis import Redis

from tasks import dispatch
from tasks.app import make_app, queue_key
from tasks.courier import Couriers
from tasks.desk import Desk
from tasks.dispatch import Dispatcher
from tasks.settings import Settings
from tests.support.making import make_spec


@pytest.fixture
def dispatcher(settings: Settings, redis: Redis) -> Dispatcher:
    """Of a worker whose only courier has nothing to do."""
    couriers = Couriers(settings, redis, "worker-1")
    return Dispatcher(settings, redis, make_app(settings), couriers, lambda: pytest.fail("it is not wedged"))


def test_a_job_that_was_just_accepted_is_left_to_its_own_wake_up(
    settings: Settings, redis: Redis, desk: Desk, dispatcher: Dispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "ON_ITS_WAY_US", 60_000_000)
    desk.submit(make_spec())
    assert redis.rpop(queue_key(settings)), "Celery has taken its wake-up, and no courier has claimed it yet"
    dispatcher.turn()
    assert redis.llen(queue_key(settings)) == 0


def test_a_job_that_has_been_due_for_longer_is_rung_for_once(
    settings: Settings, redis: Redis, desk: Desk, dispatcher: Dispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "ON_ITS_WAY_US", 0)
    desk.submit(make_spec())
    redis.delete(queue_key(settings))
    dispatcher.turn()
    dispatcher.turn()
    assert redis.llen(queue_key(settings)) == 1


def test_a_wake_up_is_on_its_way_for_less_than_the_time_between_two_looks() -> None:
    assert dispatch.ON_ITS_WAY_US < dispatch.DISPATCH_SECONDS * 1_000_000

"""Celery's broker may be another than the store: then wake-ups are published apart from the jobs, and may be lost."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import pytest
from redis import Redis

from tasks.desk import Desk
from tasks.settings import Settings
from tasks.store.connection import connect
from tasks.store.keys import Keys
from tests.flow.holding import HoldingProxy
from tests.support.making import make_spec
from tests.support.processes import RedisProcess, wait_until


@pytest.fixture
def desk(own_redis: RedisProcess, broker: HoldingProxy) -> Iterator[Desk]:
    settings = Settings(
        redis_backend_url=own_redis.url,
        redis_broker_url=broker.url.replace("/0", "/1"),
        data_dir=own_redis.settings.data_dir,
    )
    client = connect(settings.store)
    yield Desk(settings, client)
    client.close()


@pytest.fixture
def queue(own_redis: RedisProcess) -> Iterator[Redis]:
    client = Redis.from_url(own_redis.url + "?db=1")
    yield client
    client.close()


def rung_for(queue: Redis) -> list[str]:
    """The ids of the wake-ups that lie in the broker."""
    messages = queue.lrange("postroom:postroom", 0, -1)
    return [json.loads(message)["headers"]["id"] for message in reversed(messages)]


def test_each_submission_is_rung_for_there(desk: Desk, queue: Redis) -> None:
    ids = [desk.submit(make_spec()).job_id for _ in range(3)]
    wait_until(lambda: rung_for(queue) == ids, "three wake-ups in the broker")


def test_nobody_who_submits_waits_for_a_broker_that_does_not_answer(
    desk: Desk, broker: HoldingProxy, queue: Redis
) -> None:
    first = desk.submit(make_spec()).job_id
    wait_until(lambda: rung_for(queue) == [first], "the wake-up of the first")
    broker.hold_request(lambda request: b"LPUSH" in request)
    later: list[str] = []
    submitting = threading.Thread(target=lambda: later.extend(desk.submit(make_spec()).job_id for _ in range(5)))
    submitting.start()
    broker.wait()
    submitting.join(10)
    assert len(later) == 5, "they were accepted while the broker was still being waited for"
    due = Keys(desk.jobs.keys.prefix).due("normal")
    assert desk.jobs.redis.zcard(due) == 6, "and are due, so a dispatcher will ring"
    broker.cut()
    last = [""]

    def rings_again() -> bool:
        last[0] = desk.submit(make_spec()).job_id
        return last[0] in rung_for(queue)

    wait_until(rings_again, "rings to reach the broker again")

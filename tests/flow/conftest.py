"""A client of the running stack; a Redis of a test's own, and one behind a proxy as Celery's broker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tasks.settings import Settings
from tests.flow.holding import HoldingProxy
from tests.support.client import Client
from tests.support.processes import RedisProcess, Stack, short_folder


@pytest.fixture
def client(stack: Stack) -> Client:
    return Client(stack.base_url)


@pytest.fixture
def own_redis() -> Iterator[RedisProcess]:
    with short_folder() as folder, RedisProcess(Settings(data_dir=folder)) as redis:
        yield redis


@pytest.fixture
def broker(own_redis: RedisProcess) -> Iterator[HoldingProxy]:
    """The same Redis, behind a proxy; jobs are in its database 0, Celery's queue is in its database 1."""
    with HoldingProxy(str(own_redis.settings.socket_path)) as broker:
        yield broker

"""What all tests share: a real Redis, and the real processes around it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from tasks.desk import Desk
from tasks.settings import Settings
from tasks.store.connection import connect
from tasks.store.jobs import Jobs
from tests.support.processes import RedisProcess, Stack, running_stack, short_folder

for name in list(os.environ):
    # A developer's own settings must not leak into the tests.
    if name.lower() in Settings.model_fields:
        del os.environ[name]
Settings.model_config["env_file"] = None


@pytest.fixture(scope="session")
def redis_process() -> Iterator[RedisProcess]:
    """One real Redis for the session, on a Unix socket of its own."""
    with short_folder() as folder, RedisProcess(Settings(data_dir=folder)) as process:
        yield process


@pytest.fixture
def settings(redis_process: RedisProcess, tmp_path: Path) -> Settings:
    """Settings with an empty Redis behind them."""
    settings = Settings(redis_url=redis_process.url, data_dir=tmp_path)
    connect(settings.store).flushall()
    return settings


@pytest.fixture
def redis(settings: Settings) -> Iterator[Redis]:
    """A client of that Redis."""
    client = connect(settings.store)
    yield client
    client.close()


@pytest.fixture
def jobs(settings: Settings, redis: Redis) -> Jobs:
    return Jobs(redis, settings.key_prefix)


@pytest.fixture
def desk(settings: Settings, redis: Redis) -> Desk:
    return Desk(settings, redis)


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The whole of Postroom, running: one for all flow and browser tests, so use addresses of your own."""
    with running_stack() as stack:
        yield stack

"""Two workers' ledgers on the test's own Redis."""

from __future__ import annotations

import pytest
from redis import Redis

from tasks.settings import Settings
from tests.store.leases import Ledger


@pytest.fixture
def ledger(settings: Settings, redis: Redis) -> Ledger:
    return Ledger(settings, redis, "worker-1")


@pytest.fixture
def other(settings: Settings, redis: Redis) -> Ledger:
    return Ledger(settings, redis, "worker-2")

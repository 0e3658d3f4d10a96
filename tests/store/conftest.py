"""Two workers' ledgers on the test's own Redis."""

from __future__ import annotations

import pytest
from redis import Redis

from tasks.ledger import LedgerOfThread
from tasks.settings import Settings


@pytest.fixture
def ledger(settings: Settings, redis: Redis) -> LedgerOfThread:
    return LedgerOfThread(settings, redis, "worker-1")


@pytest.fixture
def other(settings: Settings, redis: Redis) -> LedgerOfThread:
    return LedgerOfThread(settings, redis, "worker-2")

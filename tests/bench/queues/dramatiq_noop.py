"""Dramatiq by itself."""

from __future__ import annotations

import os
from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker

broker: Any = RedisBroker
dramatiq.set_broker(broker(url=f"unix://{os.environ['NOOP_SOCKET']}"))


def _noop() -> None:
    return


noop = dramatiq.actor(_noop)

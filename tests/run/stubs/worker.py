"""Stands in for the worker: writes what happens to it into $JOURNAL, and needs Redis until its end."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import redis

from tasks import settings


def note(text: str) -> None:
    with Path(os.environ["JOURNAL"]).open("a") as journal:
        journal.write(f"worker {text}\n")


def redis_answers() -> bool:
    try:
        return bool(redis.Redis.from_url(settings.load().store.for_redis_py()).ping())
    except redis.RedisError:
        return False


asked: list[bool] = []
signal.signal(signal.SIGTERM, lambda *_: asked.append(True))
signal.signal(signal.SIGINT, lambda *_: note("got the terminal's SIGINT"))
if os.environ.get("WORKER_FAILS"):
    sys.exit("postroom: the worker has a reason")
note(f"started {os.getpid()}, redis {redis_answers()}")
print("worker says hello", flush=True)
while not asked:
    time.sleep(0.01)
note("asked")
time.sleep(float(os.environ.get("WORKER_LINGERS", "0.2")))
note(f"stopped, redis {redis_answers()}")

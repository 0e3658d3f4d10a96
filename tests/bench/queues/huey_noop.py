"""Huey by itself."""

from __future__ import annotations

import os

from huey import RedisHuey

huey = RedisHuey("noop", url=f"unix://{os.environ['NOOP_SOCKET']}", results=False)


def _noop() -> None:
    return


noop = huey.task()(_noop)

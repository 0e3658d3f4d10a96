"""Celery by itself: a task that does nothing."""

from __future__ import annotations

import os

from celery import Celery

app = Celery("noop", broker=f"redis+socket://{os.environ['NOOP_SOCKET']}")
app.conf.update(task_ignore_result=True, broker_connection_retry_on_startup=True)


def _noop() -> None:
    return


noop = app.task(name="noop")(_noop)

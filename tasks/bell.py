"""Rings wake-ups by publishing them to Celery's broker. A ring that is lost costs a moment: the job is due, and a
dispatcher rings, or tells a courier itself to look."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from queue import Empty, Full, Queue

from celery import Celery
from kombu.exceptions import OperationalError

from tasks.app import DELIVER

log = logging.getLogger("postroom")

MOST = 1_000
"""Rings that wait for the broker at one time. For what comes on top nobody rings here."""


class Ringer:
    """Publishes one wake-up at a time, and says once that the broker is away and once that it is back."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._away = False

    def ring(self, job_id: str | None = None) -> bool:
        """Whether it reached the broker. Without an id it has a fresh one and is for whatever is due."""
        try:
            self._app.send_task(DELIVER, task_id=job_id, ignore_result=True)
        except OperationalError as problem:
            if not self._away:
                log.warning("Celery's broker is away (%s); mail goes on without it, if more slowly", problem)
            self._away = True
            return False
        if self._away:
            log.warning("Celery's broker is back")
        self._away = False
        return True


class Bell:
    """Rings for submissions where the broker is not the store, so that a wake-up cannot be part of ``accept``: from a
    thread of its own, so that nobody who submits waits for a broker that is slow or away."""

    def __init__(self, app: Celery) -> None:
        self._ringer = Ringer(app)
        self._waiting: Queue[str] = Queue(MOST)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def ring(self, job_id: str) -> None:
        """Ring for a job, soon."""
        with suppress(Full):
            self._waiting.put_nowait(job_id)
        if self._thread is None:
            self._start()

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="bell", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while True:
            if not self._ringer.ring(self._waiting.get()):
                self._forget()

    def _forget(self) -> None:
        """What waited meanwhile would be rung for too late."""
        with suppress(Empty):
            while True:
                self._waiting.get_nowait()

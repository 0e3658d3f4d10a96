"""Rings wake-ups over a broker of its own, from a thread of its own."""

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
"""Rings that wait at one time. What is more is not rung for: the jobs are due, and a dispatcher rings."""


class Bell:
    """Where the broker is not the store, so that a wake-up cannot be part of ``accept``. Nobody who submits waits for
    a broker that is slow or away, and a ring that is lost there costs a moment: a dispatcher rings."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._waiting: Queue[str] = Queue(MOST)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._away = False

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
            job_id = self._waiting.get()
            try:
                self._app.send_task(DELIVER, task_id=job_id, ignore_result=True)
            except OperationalError as problem:
                self._tell(problem)
                self._forget()
            else:
                self._away = False

    def _tell(self, problem: OperationalError) -> None:
        if not self._away:
            log.warning("bell: Celery's broker is away (%s); jobs are accepted, and wait until it is back", problem)
        self._away = True

    def _forget(self) -> None:
        """What waited meanwhile is rung for by a dispatcher, as soon as it can."""
        with suppress(Empty):
            while True:
                self._waiting.get_nowait()

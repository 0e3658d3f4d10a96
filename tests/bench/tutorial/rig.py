"""Runs the tutorial design: gunicorn's threads, Celery's prefork pool of 2, and a Redis like Postroom's own."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from celery import Celery
from redis import Redis

from tasks.settings import Settings
from tasks.store.connection import connect
from tests.bench.mails import Mail
from tests.bench.rig import await_still
from tests.bench.sink import Sink
from tests.support.client import Client
from tests.support.processes import Process, RedisProcess, free_port, wait_until

QUEUE, PARKED = "celery", "parked"
PATIENCE_SECONDS = 600.0
WEB_THREADS = 16


class Tutorial:
    """Mails are queued in a list of another name, which is renamed when the clock starts."""

    def __init__(self, folder: Path, sink: Sink, *, web: bool = False, web_processes: int = 2) -> None:
        self.sink = sink
        self.settings = Settings.model_validate({"data_dir": folder, "redis_fsync": "everysec"})
        self.redis_process = RedisProcess(self.settings)
        self.redis: Redis = connect(self.settings.store, timeout_seconds=60)
        url = self.settings.store.for_celery()
        environment = dict(os.environ) | {"TUTORIAL_REDIS": url, "TUTORIAL_SMTP_PORT": str(sink.port)}
        celery = [sys.executable, "-m", "celery", "-A", "tests.bench.tutorial.mail:app", "worker"]
        self.worker = Process(
            [*celery, "--pool=prefork", "--concurrency=2", "--loglevel=WARNING"], environment, folder / "worker.log"
        )
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.client = Client(self.url)
        # Two processes unless asked otherwise, since that is the best it does on two cores.
        shape = [f"--workers={web_processes}", f"--threads={WEB_THREADS // web_processes}", "--worker-class=gthread"]
        gunicorn = [sys.executable, "-m", "gunicorn", *shape, "--log-level=warning", f"--bind=127.0.0.1:{port}"]
        self.web = Process([*gunicorn, "tests.bench.tutorial.web:app"], environment, folder / "web.log")
        self._with_web = web
        self._app = Celery("feeder", broker=url)

    def start(self) -> None:
        self.redis_process.start()
        self.worker.start()
        wait_until(lambda: self.redis.exists("_kombu.binding.celery") == 1, "the tutorial's worker to listen")
        if self._with_web:
            self.web.start()
            wait_until(self._web_answers, "the tutorial's web server to answer")

    def stop(self) -> None:
        self.web.stop()
        self.worker.stop()
        self.redis_process.process.stop()
        self.redis.close()

    def queue(self, mail: Mail, count: int) -> None:
        """Publish so many tasks where no worker looks."""
        self.redis.config_set("appendfsync", "no")
        with self._app.producer_pool.acquire(block=True) as producer:
            for number in range(count):
                body = mail.body(number)
                fields = [body["to"], body["subject"], body["text"], body.get("html")]
                self._app.send_task("tutorial.send_email", fields, queue=PARKED, producer=producer)
        self.redis.config_set("appendfsync", self.settings.redis_fsync)

    def drain(self, mail: Mail, count: int) -> float:
        """Mails a second, from release to the last mail's being in the sink."""
        self.redis.flushdb()
        taken = self.sink.count()
        self.queue(mail, count)
        began = time.perf_counter()
        self.redis.rename(PARKED, QUEUE)
        self.await_taken(taken + count)
        rate = count / (time.perf_counter() - began)
        self.check(count, taken)
        return rate

    def await_taken(self, count: int) -> None:
        """Until the sink has taken so many."""
        wait_until(lambda: self.sink.count() >= count, f"the sink to have taken {count}", PATIENCE_SECONDS)

    def check(self, count: int, taken_before: int) -> None:
        """Every task ended well, and the sink has taken as many mails."""

        wait_until(lambda: self.results() == count, "every task's result")
        taken = self.sink.count() - taken_before
        assert taken == count, f"{count} tasks ran, and the sink took {taken} mails"

    def results(self) -> int:
        """How many tasks have ended."""
        return sum(1 for _ in self.redis.scan_iter("celery-task-meta-*", count=5000))

    def await_still(self) -> float:
        """Until nothing waits, nothing is in hand, and no more comes in; when the sink took the last mail."""

        def idle() -> bool:
            return not self.redis.exists(QUEUE, "unacked")

        wait_until(idle, "the tutorial's queue to be empty", PATIENCE_SECONDS)
        last = await_still(self.sink.count)
        wait_until(idle, "the tutorial's queue to be empty", PATIENCE_SECONDS)
        return last

    def _web_answers(self) -> bool:
        try:
            return self.client.get("/job-status/none").status == 200
        except OSError:
            return False


@contextmanager
def running_tutorial(parent: Path, sink: Sink, *, web: bool = False, web_processes: int = 2) -> Iterator[Tutorial]:
    """The tutorial's processes for the time of a block."""
    tutorial = Tutorial(
        Path(tempfile.mkdtemp(prefix="tutorial-", dir=parent)), sink, web=web, web_processes=web_processes
    )
    try:
        tutorial.start()
        yield tutorial
    finally:
        tutorial.stop()

"""A worker process: ``python -m tasks.worker``. Celery takes wake-ups for its couriers; beats ring, extend, report."""

from __future__ import annotations

import gc
import logging
import os
import socket
import sys
import threading
import warnings
from collections.abc import Callable

from celery import Celery, Task
from celery.platforms import SecurityWarning
from celery.signals import worker_ready, worker_shutdown, worker_shutting_down
from celery.worker.consumer import Consumer
from redis.exceptions import RedisError

import tasks.app as application
from tasks import clock
from tasks.bulk import BulkRunner
from tasks.courier import Couriers
from tasks.dispatch import (
    BULK_SECONDS,
    DISPATCH_SECONDS,
    GIVE_UP_SECONDS,
    PURGE_SECONDS,
    REPORT_SECONDS,
    Beat,
    Dispatcher,
    Heartbeat,
    Reaper,
)
from tasks.domain.errors import StartError
from tasks.giveup import GiveUp
from tasks.reporter import Reporter
from tasks.settings import Settings, load
from tasks.store.connection import connect
from tasks.store.schema import check_schema
from tasks.store.workers import WorkerReport
from tasks.stores import make_memory
from tasks.version import VERSION

log = logging.getLogger("postroom")

SWITCH_SECONDS = 0.001
"""How long one thread computes at most while another could."""


class Worker:
    """One worker process: its Celery application, its couriers and its beats."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self._memory = memory = make_memory(settings)
        self.redis = connect(settings.store, memory)
        self.app: Celery = application.make_app(settings)
        self.couriers = Couriers(settings, self.redis, self.name, memory)
        self._beats_stop = threading.Event()
        template = WorkerReport(
            self.name, socket.gethostname(), os.getpid(), settings.worker_threads, VERSION, clock.now_us()
        )
        self._reporter = Reporter(settings, self.redis, self.couriers, template)
        self.app.task(name=application.DELIVER, ignore_result=True, Strategy=self._hand_over)(_deliver)
        # Connected without weak references: these bound methods live as long as the process.
        worker_ready.connect(self._start_beats, weak=False)
        worker_shutting_down.connect(self._begin_to_stop, weak=False)
        worker_shutdown.connect(self._stop, weak=False)

    def run(self) -> None:
        """Work until told to stop."""
        self.app.worker_main(
            [
                "--quiet",
                "worker",
                "--pool=threads",
                f"--concurrency={self.settings.worker_threads}",
                f"--hostname=postroom-{os.getpid()}@%h",
                "--without-gossip",
                "--without-mingle",
                "--without-heartbeat",
                "--loglevel=WARNING",
            ]
        )

    def _hand_over(self, _task: Task, _app: Celery, consumer: Consumer, **_: object) -> Callable[..., None]:
        """Celery's strategy for wake-ups: what its consumer does with each. A courier gets it as it is, since making a
        request of it and tracing a task takes longer than to claim a job."""

        def received(_message: object, _body: object, acknowledge: Callable[..., None], *_: object) -> None:
            def wake() -> None:
                self.couriers.wake(lambda: acknowledge(log, consumer.connection_errors))

            # Just before the consumer goes to sleep again: until then it would keep the interpreter from the courier.
            if consumer.hub:
                consumer.hub.call_soon(wake)
            else:
                wake()

        return received

    def _start_beats(self, **_: object) -> None:
        settings, stop = self.settings, self._beats_stop
        dispatcher = Dispatcher(settings, self.redis, self.app, self.couriers, self._end_now)
        heartbeat = Heartbeat(settings, self.redis, self.couriers)
        self.couriers.start()
        Beat("dispatcher", dispatcher.turn, DISPATCH_SECONDS, stop).start()
        Beat("heartbeat", heartbeat.turn, settings.lease_seconds / 4, stop).start()
        Beat("reporter", self._reporter.turn, REPORT_SECONDS, stop).start()
        Beat("give-up", GiveUp(settings, self.redis).turn, GIVE_UP_SECONDS, stop).start()
        bulks = BulkRunner(settings, self.redis, self.name, self._memory)
        Beat("bulk", bulks.turn, BULK_SECONDS, stop).start()
        Beat("reaper", Reaper(settings, self.redis).turn, PURGE_SECONDS, stop).start()
        # What is there now stays: a collection that looked through all of it would hold up a mail for milliseconds.
        gc.collect()
        gc.freeze()
        # A courier whose reply is in does not wait 5 ms for a beat or for Celery's consumer.
        sys.setswitchinterval(SWITCH_SECONDS)

    def _begin_to_stop(self, **_: object) -> None:
        """SIGTERM: nothing new is begun, and the couriers finish what is in hand. The heartbeat goes on meanwhile."""
        self.couriers.stop()

    def _end_now(self) -> None:
        """End without Celery's help: give back and finish what is in hand, then go."""
        self.couriers.stop()
        waited = threading.Event()
        ends = clock.monotonic() + self.settings.shutdown_seconds
        while self.couriers.idle_hands() < self.settings.worker_threads and clock.monotonic() < ends:
            waited.wait(0.1)
        os._exit(70)

    def _stop(self, **_: object) -> None:
        self.couriers.close()
        self._beats_stop.set()
        try:
            self._reporter.gone()
        except RedisError:
            return


def _deliver() -> None:
    """The task. It is never run, only handed over: :meth:`Worker._hand_over`."""


def main() -> None:
    """Start, or say in one line why not."""
    # Celery warns a root at length; that Postroom's own containers and tests run as root is no news.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    try:
        settings = load()
        worker = Worker(settings)
        check_schema(worker.redis, settings.key_prefix)
    except StartError as problem:
        sys.exit(f"postroom: {problem}")
    except RedisError as problem:
        sys.exit(
            f"worker: Redis at {settings.store.shown} does not answer ({problem}). Start it, or correct REDIS_URL."
        )
    worker.run()


if __name__ == "__main__":
    main()

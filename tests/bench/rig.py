"""Postroom as a user runs it: its own Redis, worker processes and web server, with a sink as its relay."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis

from tasks.app import make_app, queue_key
from tasks.desk import Desk
from tasks.domain.spec import JobSpec, parse
from tasks.domain.states import STATES, State
from tasks.settings import Settings
from tasks.store.connection import connect
from tasks.store.jobs import Jobs
from tasks.store.keys import Keys
from tasks.wakeup import WakeUpTemplate
from tests.bench.mails import SENDER, Mail
from tests.bench.shape import Shape
from tests.bench.sink import Sink
from tests.bench.usage import cpu_seconds
from tests.support.client import Client
from tests.support.processes import Process, RedisProcess, free_port, wait_until

LANE = "normal"
PATIENCE_SECONDS = 600.0
STALLED_SECONDS = 30.0


def await_still(read: Callable[[], int], seconds: float = 0.5) -> float:
    """Until a count has stood still for so long; when it last moved.

    wrk hangs up on the requests that are under way at its end, so how many there are can only be seen."""
    count, moved = read(), time.perf_counter()
    while (now := time.perf_counter()) < moved + seconds:
        if (found := read()) != count:
            count, moved = found, now
        time.sleep(0.002)
    return moved


class Rig:
    """One Postroom. Mails are queued while its lane is paused, and the clock starts when it is resumed."""

    def __init__(
        self, folder: Path, shape: Shape, relay: Sink, *, relay_port: int = 0, web: bool = False, **more: object
    ) -> None:
        values: dict[str, object] = {
            "data_dir": folder,
            "port": free_port(),
            "smtp_host": "127.0.0.1",
            "smtp_port": relay_port or relay.port,
            "smtp_tls": "none",
            "email_from": SENDER,
            "worker_threads": shape.threads,
            "smtp_sessions": shape.sessions,
        }
        values |= more
        self.sink = relay
        self.cost: dict[str, float] = {}
        """Microseconds of processor time a mail, of each process, in the last drain."""
        self.shape = shape
        self.settings = Settings.model_validate(values)
        environment = dict(os.environ) | {name.upper(): str(value) for name, value in values.items()}
        self.redis_process = RedisProcess(self.settings)
        self.web = Process([sys.executable, "-m", "webapp"], environment, folder / "web.log")
        self.workers = [
            Process([sys.executable, "-m", "tasks.worker"], environment, folder / f"worker-{number}.log")
            for number in range(shape.workers)
        ]
        self.url = f"http://127.0.0.1:{self.settings.port}"
        self.client = Client(self.url)
        self._with_web = web
        self.redis: Redis = connect(self.settings.store, timeout_seconds=60)
        self.jobs = Jobs(self.redis, self.settings.key_prefix)
        self.keys = Keys(self.settings.key_prefix)
        self._desk = Desk(self.settings, self.redis)
        self._wake_up = WakeUpTemplate(make_app(self.settings))

    def start(self) -> None:
        self.redis_process.start()
        self.start_workers()
        if self._with_web:
            self.web.start()
            wait_until(self._web_answers, "the web server to answer")

    def start_workers(self) -> None:
        """And wait until each reports."""
        for process in self.workers:
            process.start()
        for process in self.workers:
            self.await_report(process)

    def await_report(self, process: Process) -> None:
        """Until this worker is seen."""
        name = f"{socket.gethostname()}:{process.pid}"
        wait_until(lambda: self.redis.zscore(self.keys.of("workers"), name) is not None, "the worker to report")

    def stop_workers(self) -> None:
        for process in self.workers:
            process.stop()

    def stop(self) -> None:
        self.web.stop()
        self.stop_workers()
        self.redis_process.process.stop()
        self.redis.close()

    def spec(self, mail: Mail, number: int) -> JobSpec:
        parsed = parse(mail.body(number), self._desk.defaults)
        assert isinstance(parsed, JobSpec), parsed
        return parsed

    def queue(self, mail: Mail, count: int) -> None:
        """Accept so many mails that nobody may send yet. This is not timed, so Redis need not sync each."""
        self.pause()
        self.redis.config_set("appendfsync", "no")
        for number in range(count):
            self._desk.submit(self.spec(mail, number))
        self.redis.config_set("appendfsync", self.settings.redis_fsync)
        self.settle_down()

    def submit(self, mail: Mail, number: int) -> None:
        """Accept one, to be sent at once."""
        self._desk.submit(self.spec(mail, number))

    def pause(self) -> None:
        """Let nobody claim."""
        self._desk.pause(LANE)

    def release(self) -> None:
        """Let them go, with as many wake-ups as ``accept`` would have left."""
        pipe = self.redis.pipeline(transaction=True)
        pipe.srem(self.keys.of("paused"), LANE)
        for number in range(self.shape.hands):
            pipe.lpush(queue_key(self.settings), self._wake_up.fill(f"release-{number}"))
        pipe.execute()

    def await_sent(self, count: int, watch: Callable[[], None] = lambda: None) -> None:
        """Until so many jobs are sent. That nothing is sent for a while is an end, too."""
        last, ends = -1, 0.0
        while (sent := self.sent()) < count:
            if sent > last:
                last, ends = sent, time.monotonic() + STALLED_SECONDS
            assert time.monotonic() < ends, f"stalled at {sent} of {count} jobs:\n{self._said()}"
            watch()
            time.sleep(0.005)

    def await_quiet(self) -> None:
        """Until every job is final."""

        def unfinished() -> int:
            return sum(count for state, count in self.jobs.counts().items() if not STATES[state].final)

        wait_until(lambda: not unfinished(), "every job to be final", PATIENCE_SECONDS)

    def await_still(self) -> float:
        """Until every job is sent and no more come in; when the last one was sent."""
        self.await_quiet()
        last = await_still(self.sent)
        self.await_quiet()
        return last

    def drain(self, mail: Mail, count: int, *, forget: bool = True) -> float:
        """Mails a second, from release to the last job's being ``sent``; checked at its end."""
        if forget:
            self.forget()
        taken, sent = self.sink.count(), self.sent()
        self.queue(mail, count)
        before = self._used()
        began = time.perf_counter()
        self.release()
        self.await_sent(sent + count)
        rate = count / (time.perf_counter() - began)
        self.cost = {name: (used - before[name]) / count * 1e6 for name, used in self._used().items()}
        self.check(count, taken, sent)
        return rate

    def sent(self) -> int:
        return int(self.redis.zcard(self.keys.state(State.SENT)))

    def check(self, count: int, taken_before: int, sent_before: int = 0) -> None:
        """Every job is ``sent``, so the sink took each at least once; it has taken no more, so each was sent once."""
        counts = {state: found for state, found in self.jobs.counts().items() if found}
        wanted = {State.SENT: sent_before + count}
        assert counts == wanted, f"the jobs were to be {wanted}, and ended as {counts}"
        taken = self.sink.count() - taken_before
        assert taken == count, f"{count} jobs were sent, and the sink took {taken} mails"

    def forget(self) -> None:
        """Empty the store between samples. What Redis knows of its own restarts stays."""
        self.await_quiet()
        recovery = self.redis.hgetall(self.keys.of("recovery"))
        pipe = self.redis.pipeline(transaction=True)
        pipe.flushdb()
        if recovery:
            pipe.hset(self.keys.of("recovery"), mapping=recovery)  # type: ignore[arg-type]
        pipe.execute()
        self.settle_down()

    def settle_down(self) -> None:
        """Wait for what Redis does in the background to end."""

        def quiet() -> bool:
            told = self.redis.info("persistence")
            return not told["aof_rewrite_in_progress"] and not told.get("aof_rewrite_scheduled")

        wait_until(quiet, "Redis to have rewritten its file", PATIENCE_SECONDS)

    def _used(self) -> dict[str, float]:
        """Seconds of processor time so far."""
        workers = sum(cpu_seconds(process.pid) for process in self.workers)
        redis = cpu_seconds(self.redis_process.process.pid)
        return {"workers": workers, "Redis": redis, "sink": cpu_seconds(self.sink.pid)}

    def _said(self) -> str:
        """The last words of the workers."""
        return "\n".join(process.said()[-2000:] for process in self.workers)

    def _web_answers(self) -> bool:
        try:
            return self.client.get("/healthz").status == 200
        except OSError:
            return False


@contextmanager
def running_rig(
    parent: Path, shape: Shape, sink: Sink, *, relay_port: int = 0, web: bool = False, **more: object
) -> Iterator[Rig]:
    """A Postroom for the time of a block, warmed up."""
    folder = Path(tempfile.mkdtemp(prefix="rig-", dir=parent))
    rig = Rig(folder, shape, sink, relay_port=relay_port, web=web, **more)
    try:
        rig.start()
        yield rig
    finally:
        rig.stop()

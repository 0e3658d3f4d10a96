"""For context: queues alone, with tasks that do nothing, each with two processes."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tasks.settings import Settings
from tests.bench.bench import Bench
from tests.bench.figures import Findings, alternate
from tests.support.processes import ROOT, Process, RedisProcess, wait_until

HERE = "tests.bench.queues"


@dataclass(frozen=True, slots=True)
class Queue:
    """How it is started, and the list that it works through."""

    command: list[str]
    waiting: str
    processes: int = 1
    fewer: int = 1


QUEUES = {
    "celery": Queue(
        ["celery", "-A", f"{HERE}.celery_noop:app", "worker", "--pool=prefork", "--concurrency=2", "-l", "WARNING"],
        "celery",
    ),
    "huey": Queue(
        ["huey.bin.huey_consumer", f"{HERE}.huey_noop.huey", "-w", "2", "-k", "process", "-q"], "huey.redis.noop"
    ),
    "dramatiq": Queue(["dramatiq", f"{HERE}.dramatiq_noop", "-p", "2", "-t", "4"], "dramatiq:default"),
    "rq": Queue(
        ["rq.cli", "worker", "--quiet", "-w", "rq.worker.SimpleWorker"], "rq:queue:default", processes=2, fewer=4
    ),
}


def queues(bench: Bench) -> Findings:
    """Tasks a second, on Redis ``everysec``."""
    folder = Path(tempfile.mkdtemp(prefix="queues-", dir=bench.folder))
    redis = bench.ends.enter_context(RedisProcess(Settings(data_dir=folder, redis_fsync="everysec")))
    found = Findings(notes=["tasks that do nothing, so what sending costs is not in it"])
    variants = {
        f"{name}, no-op tasks": lambda name=name, queue=queue: _rate(redis, folder, name, queue, bench.sizes.no_ops)
        for name, queue in QUEUES.items()
    }
    found.add(alternate(1, variants), "tasks/s")
    return found


def _rate(redis: RedisProcess, folder: Path, name: str, queue: Queue, count: int) -> float:
    """Over the middle of the list, so that starting and stopping do not count."""
    from redis import Redis

    count //= queue.fewer
    socket = str(redis.settings.socket_path)
    environment = dict(os.environ) | {"NOOP_SOCKET": socket}
    subprocess.run([sys.executable, "-m", f"{HERE}.fill", name, str(count)], env=environment, cwd=ROOT, check=True)
    command = [sys.executable, "-m", *queue.command]
    if name == "rq":
        command += ["--url", f"unix://{socket}"]
    workers = [Process(command, environment, folder / f"{name}-{number}.log") for number in range(queue.processes)]
    with Redis(unix_socket_path=socket) as client:
        try:
            for worker in workers:
                worker.start()
            wait_until(lambda: int(client.llen(queue.waiting)) <= count * 0.9, f"{name} to have begun")
            first, began = int(client.llen(queue.waiting)), time.perf_counter()
            wait_until(lambda: int(client.llen(queue.waiting)) <= count * 0.1, f"{name} to be nearly done", 120)
            return (first - int(client.llen(queue.waiting))) / (time.perf_counter() - began)
        finally:
            for worker in workers:
                worker.stop()
            client.flushdb()

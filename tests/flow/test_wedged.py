"""A worker that is up but consumes nothing while jobs are due: liveness is progress, not process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.settings import Settings
from tests.flow.holding import HoldingProxy
from tests.support.client import Client
from tests.support.processes import RedisProcess, Stack, short_folder, wait_until


@pytest.fixture
def folder() -> Iterator[Path]:
    with short_folder() as folder:
        yield folder


def test_it_ends_so_that_a_supervisor_starts_one_that_works(folder: Path) -> None:
    """Celery waits for ever for a queue that does not answer any more, as after a broker's host was lost."""
    redis = RedisProcess(Settings(data_dir=folder))
    with redis, HoldingProxy(str(redis.settings.socket_path)) as broker:
        stack = Stack(folder, redis_backend_url=redis.url, redis_broker_url=broker.url.replace("/0", "/1"))
        worker = stack.processes["worker"]
        try:
            for process in stack.processes.values():
                process.start()
            client = Client(stack.base_url)
            wait_until(lambda: _is_ready(client), "the stack to be ready")
            client.until(client.submit(to="before-wedge@mailbox.test"), "sent")
            broker.hold_request(lambda request: b"BRPOP" in request)
            broker.wait()
            job_id = client.submit(to="wedged@mailbox.test")
            wait_until(lambda: not worker.running, "the worker to end", 40)
            assert "hands over no wake-up" in worker.said()
            worker.start()
            client.until(job_id, "sent")
        finally:
            for process in reversed(stack.processes.values()):
                process.stop()


def _is_ready(client: Client) -> bool:
    try:
        return client.get("/readyz").status == 200
    except OSError:
        return False

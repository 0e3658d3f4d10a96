"""A worker that is up but consumes nothing while jobs are due: liveness is progress, not process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.flow.holding import HoldingProxy
from tests.support.client import Client
from tests.support.processes import RedisProcess, Stack, wait_until


@pytest.fixture
def stack(own_redis: RedisProcess, broker: HoldingProxy) -> Iterator[Stack]:
    queue_at = broker.url.replace("/0", "/1")
    stack = Stack(own_redis.settings.data_dir, redis_backend_url=own_redis.url, redis_broker_url=queue_at)
    try:
        for process in stack.processes.values():
            process.start()
        wait_until(lambda: _is_ready(Client(stack.base_url)), "the stack to be ready")
        yield stack
    finally:
        for process in reversed(stack.processes.values()):
            process.stop()
        stack.redis.close()


def test_mail_goes_all_the_same_and_it_ends_so_that_a_supervisor_starts_one_that_works(
    stack: Stack, broker: HoldingProxy
) -> None:
    """Celery waits for ever for a queue that does not answer any more, as after a broker's host was lost."""
    client, worker = Client(stack.base_url), stack.processes["worker"]
    client.until(client.submit(to="before-wedge@mailbox.test"), "sent")
    broker.hold_request(lambda request: b"BRPOP" in request)
    broker.wait()
    client.until(client.submit(to="wedged@mailbox.test"), "sent")
    assert worker.running

    def ended_over_another_mail() -> bool:
        job_id = client.submit(to="wedged@mailbox.test")
        wait_until(lambda: client.job(job_id)["state"] == "sent" or not worker.running, "the mail to be sent")
        return not worker.running

    wait_until(ended_over_another_mail, "the worker to end", 40)
    assert "hands over no wake-up" in worker.said()
    worker.start()
    client.until(client.submit(to="after-wedge@mailbox.test"), "sent")


def test_mail_goes_all_the_same_while_the_broker_is_away(stack: Stack, broker: HoldingProxy) -> None:
    client, worker = Client(stack.base_url), stack.processes["worker"]
    client.until(client.submit(to="before@mailbox.test"), "sent")
    broker.close()
    for _ in range(3):
        client.until(client.submit(to="broker-away@mailbox.test"), "sent")
    assert worker.running
    assert "Celery's broker is away" in worker.said()


def _is_ready(client: Client) -> bool:
    try:
        return client.get("/readyz").status == 200
    except OSError:
        return False

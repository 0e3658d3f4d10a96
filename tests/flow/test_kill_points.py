"""A worker killed -9 at each step of an attempt, exactly there, and what becomes of the job.

The relay stops answering at its step, and the test knows when the worker came there; between the worker and Redis
stands a proxy that holds a call, or the answer to one. The next worker finds what the first one left.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tasks.desk import Desk
from tasks.domain.states import STATES
from tasks.settings import Settings
from tasks.store.connection import connect
from tests.flow.holding import HoldingProxy, calls
from tests.flow.stopping import StoppingRelay
from tests.support.making import make_spec
from tests.support.processes import Process, RedisProcess, short_folder, wait_until

LARGE = "A line of a large content, so large that no buffer between worker and relay holds all of it.\n" * 70_000

# Point, what the job is in the end, how often its final dot came to the relay.
POINTS = [
    ("claimed", "sent", 1),
    ("connected", "sent", 1),
    ("MAIL", "sent", 1),
    ("RCPT", "sent", 1),
    ("DATA", "sent", 1),
    ("body", "sent", 1),
    ("intent", "unknown", 0),
    ("dot", "unknown", 1),
    ("reply", "unknown", 1),
    ("settled", "sent", 1),
]


@dataclass
class Place:
    """Redis, relay and proxy of these tests, and the worker that is to be killed next."""

    desk: Desk
    proxy: HoldingProxy
    relay: StoppingRelay
    worker: Process

    def hold(self, point: str) -> None:
        if point == "claimed":
            self.proxy.hold_answer_with(b"claimed")
        elif point == "intent":
            self.proxy.hold_answer(calls("step", b"intent"))
        elif point == "reply":
            self.proxy.hold_request(calls("step", b"settle"))
        elif point == "settled":
            self.proxy.hold_answer(calls("step", b"settle"))
        else:
            self.relay.stop_at = point
        if point == "connected":  # a worker that has no session yet
            self.worker.stop()
            self.worker.start()

    def wait(self, point: str) -> None:
        if point in ("claimed", "intent", "reply", "settled"):
            self.proxy.wait()
        else:
            self.relay.wait()

    def until_final(self, job_id: str) -> str:
        def is_final() -> bool:
            job = self.desk.jobs.read(job_id)
            return job is not None and STATES[job.head.state].final

        wait_until(is_final, f"{job_id} to be final")
        job = self.desk.jobs.read(job_id)
        assert job is not None
        return job.head.state.value


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with (
        short_folder() as folder,
        RedisProcess(Settings(data_dir=folder)) as redis,
        StoppingRelay() as relay,
        HoldingProxy(str(redis.settings.socket_path)) as proxy,
    ):
        environment = {
            "REDIS_URL": proxy.url,
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(relay.port),
            "SMTP_TLS": "none",
            "LEASE_SECONDS": "1.5",
            "DATA_DIR": str(folder),
            "REPLAY_SECONDS": "0",
        }
        command = [sys.executable, "-m", "tasks.worker"]
        worker = Process(command, dict(os.environ) | environment, folder / "worker.log")
        settings = Settings(redis_url=redis.url, data_dir=folder)
        client = connect(settings.store)
        place = Place(Desk(settings, client), proxy, relay, worker)
        worker.start()
        # All Lua calls are known to Redis then, and each is one request.
        assert place.until_final(place.desk.submit(make_spec(to="first@mailbox.test")).job_id) == "sent"
        yield place
        worker.stop(signal.SIGKILL)
        client.close()


@pytest.mark.parametrize(("point", "state", "dots"), POINTS, ids=[point for point, _, _ in POINTS])
def test_a_worker_killed_there_loses_nothing_and_doubles_nothing(
    place: Place, point: str, state: str, dots: int
) -> None:
    place.hold(point)
    recipient = f"{point.lower()}@mailbox.test"
    job_id = place.desk.submit(make_spec(to=recipient, text=LARGE if point == "body" else "Hello.")).job_id
    place.wait(point)
    place.worker.stop(signal.SIGKILL)
    place.relay.go_on()
    place.worker.start()
    found = place.until_final(job_id)
    print(f"killed at {point:<10} {found:<8} {place.relay.taken[recipient]} final dot(s) came")
    assert (found, place.relay.taken[recipient]) == (state, dots)

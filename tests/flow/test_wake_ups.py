"""What a worker does with the wake-ups that Celery brings it."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from redis import Redis

from tasks import courier as courier_module
from tasks.courier import Couriers
from tasks.desk import Desk
from tasks.domain.states import State
from tasks.settings import Settings
from tasks.store.connection import connect
from tests.flow.stopping import StoppingRelay, worker_at
from tests.support.making import make_spec
from tests.support.processes import Process, RedisProcess, short_folder, wait_until


@dataclass(frozen=True)
class Pair:
    """A worker of one thread, and its relay, which can be stopped."""

    desk: Desk
    redis: Redis
    relay: StoppingRelay
    worker: Process

    def listens(self) -> bool:
        """Whether Celery's consumer waits for a wake-up."""
        return any(each["cmd"] == "brpop" and "b" in each["flags"] for each in self.redis.client_list())

    def submit(self, to: str) -> str:
        return self.desk.submit(make_spec(to=to)).job_id

    def sent(self) -> int:
        return self.desk.jobs.counts()[State.SENT]


@pytest.fixture
def pair() -> Iterator[Pair]:
    with short_folder() as folder, RedisProcess(Settings(data_dir=folder)) as redis, StoppingRelay() as relay:
        settings = Settings(redis_url=redis.url, data_dir=folder)
        worker = worker_at(relay, redis, folder, WORKER_THREADS="1")
        client = connect(settings.store)
        pair = Pair(Desk(settings, client), client, relay, worker)
        worker.start()
        try:
            wait_until(pair.listens, "the worker to listen")
            yield pair
        finally:
            worker.stop()
            client.close()


def test_a_worker_whose_hands_are_full_leaves_wake_ups_to_others(pair: Pair) -> None:
    pair.relay.stop_at = "DATA"
    pair.submit("slow@mailbox.test")
    pair.relay.wait()
    wait_until(lambda: not pair.listens(), "its consumer to listen no more", 5)
    pair.worker.stop(signal.SIGKILL)
    pair.relay.go_on()
    pair.worker.start()
    wait_until(lambda: pair.sent() == 1, "the mail to be sent")
    wait_until(pair.listens, "its consumer to listen again")


def test_a_fault_does_not_cost_the_thread_that_met_it(pair: Pair) -> None:
    pair.desk.pause("normal")
    job_id = pair.submit("first@mailbox.test")
    key = pair.desk.jobs.keys.job(job_id)
    card = pair.redis.hget(key, "card")
    assert isinstance(card, bytes)
    pair.redis.hset(key, "card", card.replace(b"{", b'{"give_up_after_seconds":[],', 1))
    pair.desk.resume("normal")
    wait_until(lambda: "a fault of Postroom's" in pair.worker.said(), "the fault to be met")
    pair.redis.hset(key, "card", card)
    wait_until(lambda: pair.sent() == 1, "the mail to be sent once its lease has lapsed")


def test_what_is_in_hand_is_finished_when_the_worker_is_told_to_stop(pair: Pair) -> None:
    stayed: list[bool] = []

    def stop(_: str) -> None:
        pair.worker.signal(signal.SIGTERM)
        ends = time.monotonic() + 1.5
        while pair.worker.running and time.monotonic() < ends:
            time.sleep(0.01)
        stayed.append(pair.worker.running)

    pair.relay.on_rcpt = stop
    pair.submit("last@mailbox.test")
    wait_until(lambda: bool(stayed) and not pair.worker.running, "the worker to end")
    assert stayed == [True], "it waits for a relay that takes its time"
    assert pair.sent() == 1
    assert "Traceback" not in pair.worker.said()


def test_a_wake_up_is_kept_for_a_slice_at_most_and_a_worker_that_stops_does_not_wait_for_the_backlog(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with short_folder() as folder, RedisProcess(Settings(data_dir=folder)) as redis, StoppingRelay() as relay:
        given = {"redis_url": redis.url, "data_dir": folder, "smtp_host": "127.0.0.1", "smtp_port": relay.port}
        settings = Settings.model_validate({**given, "smtp_tls": "none", "worker_threads": 1})
        client = connect(settings.store)
        desk = Desk(settings, client)

        def one_more(_: str) -> None:
            desk.submit(make_spec())

        relay.on_rcpt = one_more
        one_more("")
        couriers = Couriers(settings, client, "w")
        acknowledged = threading.Event()
        monkeypatch.setattr(courier_module, "SLICE_SECONDS", 0.1)
        couriers.start()
        couriers.wake(acknowledged.set)
        wait_until(acknowledged.is_set, "the wake-up to be acknowledged though the jobs do not end", 10)
        monkeypatch.setattr(courier_module, "SLICE_SECONDS", 3600)
        sent = couriers.settled()
        couriers.wake(lambda: None)
        wait_until(lambda: couriers.settled() > sent, "the next run to be under way")
        couriers.close()
        client.close()

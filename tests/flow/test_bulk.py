"""A bulk through the real processes, and past the death of the worker that does it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import pytest

from tasks.domain.states import State
from tests.support.client import Client
from tests.support.making import make_card
from tests.support.planting import Planted, id_at, plant
from tests.support.processes import Stack, running_stack, wait_until

MANY = 6_000


@pytest.fixture(scope="module")
def own() -> Iterator[Stack]:
    """A stack of this module's own, since its worker is killed."""
    with running_stack() as stack:
        yield stack


@pytest.fixture
def client(own: Stack) -> Client:
    return Client(own.base_url)


def until_finished(client: Client, bulk_id: str) -> dict[str, Any]:
    wait_until(lambda: client.get(f"/api/bulk/{bulk_id}").body["state"] == "finished", "the bulk to be finished", 60)
    return dict(client.get(f"/api/bulk/{bulk_id}").body)


def test_all_dead_letters_of_a_reason_are_retried_though_the_worker_is_killed(own: Stack, client: Client) -> None:
    first = client.until(client.submit(to="reject+first@mailbox.test"), "dead")
    [group] = client.get("/api/dead-letters").body["groups"]
    assert client.post("/api/lanes/normal/pause").status == 200  # so that what is retried stays to be looked at
    now_us = own.jobs.now_us()
    many = [
        Planted(id_at(now_us, number), make_card(), now_us + number, State.DEAD, group["digest"])
        for number in range(MANY)
    ]
    plant(own.redis, own.settings.key_prefix, many)
    asked = client.post("/api/bulk", {"verb": "retry", "filter": {"state": "dead", "reason": group["digest"]}}).body
    assert asked["expected"] == {"count": MANY + 1, "exact": True}
    late = client.submit(to="reject+first@mailbox.test", priority="high")
    wait_until(lambda: client.get(f"/api/bulk/{asked['id']}").body["done"] > 0, "the bulk to be begun")
    own.processes["worker"].stop(signal.SIGKILL)
    left = client.get(f"/api/bulk/{asked['id']}").body
    assert left["state"] == "running", "it was killed too late to show anything"
    own.processes["worker"].start()
    done = until_finished(client, asked["id"])
    assert (done["done"], done["skipped"], done["failed"]) == (MANY + 1, 0, 0)
    jobs = own.jobs.read_many([first["id"], *(job.id for job in many)])
    assert {job.head.state for job in jobs if job} == {State.QUEUED}
    assert {[event.word for event in job.log].count("reopened") for job in jobs if job} == {1}
    untouched = client.until(late, "dead")
    assert "reopened" not in [event["event"] for event in untouched["timeline"]]


def test_a_paused_lane_waits_and_a_resumed_one_goes_on(own: Stack, client: Client) -> None:
    client.post("/api/lanes/low/pause")
    waiting = client.submit(to="paused@mailbox.test", priority="low")
    client.until(client.submit(to="not-paused@mailbox.test", priority="high"), "sent")
    assert client.job(waiting)["state"] == "queued"
    client.post("/api/lanes/low/resume")
    client.until(waiting, "sent")


def test_a_worker_tells_what_it_is_sending(own: Stack, client: Client) -> None:
    job_id = client.submit(to="slow+shown@mailbox.test", priority="high")

    def shown() -> bool:
        workers = client.get("/api/workers").body["workers"]
        return job_id in [held["job_id"] for worker in workers for held in worker["sending"]]

    wait_until(shown, "the job to be among what a worker is sending")
    overview = client.get("/api/stats").body
    assert sum(worker["sessions"] for worker in overview["workers"]) >= 1
    assert not any(worker["stalled"] for worker in overview["workers"])
    client.until(job_id, "sent")
    assert sum(step["sent"] for step in client.get("/api/stats?range=day").body["throughput"]["steps"]) >= 1

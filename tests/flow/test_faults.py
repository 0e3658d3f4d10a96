"""What dies on the way loses nothing and doubles nothing."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from tests.support.client import Client
from tests.support.making import LATER
from tests.support.processes import Stack, running_stack, wait_until


@pytest.fixture(scope="module")
def own() -> Iterator[Stack]:
    """A stack of this module's own, since its processes are killed."""
    with running_stack() as stack:
        yield stack


@pytest.fixture
def client(own: Stack) -> Client:
    return Client(own.base_url)


def test_a_worker_killed_in_the_middle_of_a_job_is_replaced_by_the_next(own: Stack, client: Client) -> None:
    """slow@ answers after 5 s: at RCPT, so before the intent, and the job is simply sent again."""
    job_id = client.submit(to="slow+killed@mailbox.test")
    client.until(job_id, "sending")
    own.processes["worker"].stop(signal.SIGKILL)
    own.processes["worker"].start()
    job = client.until(job_id, "sent", seconds=30)
    assert [event["event"] for event in job["timeline"]] == ["accepted", "lapsed", "attempt"]
    assert len(client.mails("slow+killed@mailbox.test")) == 1


def test_a_wake_up_that_is_lost_is_rung_again(own: Stack, client: Client) -> None:
    own.processes["worker"].stop()
    job_id = client.submit(to="lost-wakeup@mailbox.test")
    own.redis.delete(f"{own.settings.key_prefix}postroom")
    own.processes["worker"].start()
    client.until(job_id, "sent")


def test_a_worker_that_is_told_to_stop_finishes_what_it_has_in_hand(own: Stack, client: Client) -> None:
    job_id = client.submit(to="slow+stopped@mailbox.test")
    client.until(job_id, "sending")
    own.processes["worker"].stop()
    assert client.job(job_id)["state"] in ("sent", "queued")
    own.processes["worker"].start()
    job = client.until(job_id, "sent")
    assert "lapsed" not in [event["event"] for event in job["timeline"]]
    assert len(client.mails("slow+stopped@mailbox.test")) == 1


def test_jobs_wait_for_a_relay_that_is_away_and_use_no_attempt(own: Stack, client: Client) -> None:
    own.processes["mailbox"].stop()
    job_id = client.submit(to="away@mailbox.test")
    wait_until(lambda: "held back" in client.get("/readyz").body["checks"]["relay"], "the breaker to open")
    client.until(job_id, "queued")
    own.processes["mailbox"].start()
    job = client.until(job_id, "sent", seconds=30)
    assert job["attempt"] == 1


def test_redis_killed_and_started_again_loses_nothing(own: Stack, client: Client) -> None:
    waiting = client.submit(to="after-redis@mailbox.test", send_at=LATER)
    own.redis_process.process.stop(signal.SIGKILL)
    answer = client.post("/api/jobs", {"to": "no-redis@mailbox.test", "subject": "s", "text": "t"})
    assert answer.status == 503
    assert "Retry-After" in answer.headers
    own.redis_process.start()
    assert client.job(waiting)["state"] == "scheduled"
    job_id = client.submit(to="redis-back@mailbox.test")
    client.until(job_id, "sent", seconds=30)
    assert client.mails("no-redis@mailbox.test") == []

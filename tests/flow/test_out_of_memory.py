"""Redis out of memory (``noeviction``): nothing new is taken, what is in hand is settled, and then it goes on."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from redis import Redis

from tests.smtp.scripted import Late, ScriptedRelay
from tests.support.client import Client
from tests.support.processes import Stack, running_stack, wait_until


@pytest.fixture(scope="module")
def relay() -> Iterator[ScriptedRelay]:
    """It answers the RCPT and the dot of one address late."""
    with ScriptedRelay(always={"late@mailbox.test": Late(2)}) as relay:
        yield relay


@pytest.fixture(scope="module")
def own(relay: ScriptedRelay) -> Iterator[Stack]:
    to_relay = {"smtp_host": "127.0.0.1", "smtp_port": relay.port, "smtp_tls": "none", "email_from": "me@mailbox.test"}
    with running_stack(**to_relay) as stack:
        yield stack


@pytest.fixture
def client(own: Stack) -> Client:
    return Client(own.base_url)


def fill(redis: Redis) -> None:
    """Let Redis have no memory left, as it would be after too much mail."""
    redis.config_set("maxmemory", 1)


def free(redis: Redis) -> None:
    redis.config_set("maxmemory", 0)


def soon(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def job_keys(own: Stack) -> set[bytes]:
    prefix = own.settings.key_prefix.encode()
    ours = (prefix + b"job:", prefix + b"content:", prefix + b"idempotency:", prefix + b"state:", prefix + b"due:")
    return {key for key in own.redis.scan_iter("*") if key.startswith(ours)}


def answers(client: Client, path: str) -> bool:
    try:
        return client.get(path).status == 200
    except OSError:
        return False


def test_a_full_redis_takes_nothing_and_nothing_by_halves(own: Stack, client: Client) -> None:
    client.until(client.submit(to="before-full@mailbox.test"), "sent")
    before, counts = job_keys(own), own.jobs.counts()
    fill(own.redis)
    body = {"to": "full@mailbox.test", "subject": "s", "text": "t"}
    answer = client.post("/api/jobs", body, Idempotency_Key="full")
    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "Redis is full" in answer.body["detail"]
    assert job_keys(own) == before
    assert own.jobs.counts() == counts
    free(own.redis)
    again = client.post("/api/jobs", body, Idempotency_Key="full")
    assert again.status == 202
    assert "Idempotency-Replayed" not in again.headers
    client.until(again.body["id"], "sent")


def test_mail_in_hand_is_settled_though_redis_is_full(own: Stack, client: Client, relay: ScriptedRelay) -> None:
    """Its recipient is answered late, so that intent, dot and settle come while Redis is full."""
    before = relay.count("RCPT")
    job_id = client.submit(to="late@mailbox.test")
    relay.wait_for("RCPT", before + 1)
    waiting = client.submit(to="waits@mailbox.test", send_at=soon(1))
    fill(own.redis)
    try:
        job = client.until(job_id, "sent", "retrying", "dead", "unknown")
        assert (job["state"], job["attempt"]) == ("sent", 1)
        assert client.job(waiting)["state"] == "scheduled", "a full Redis gives nothing out"
    finally:
        free(own.redis)
    assert client.until(waiting, "sent")["attempt"] == 1


def test_what_starts_while_redis_is_full_goes_on_when_it_is_not(own: Stack, client: Client) -> None:
    worker = own.processes["worker"]
    worker.stop()
    job_id = client.submit(to="after-full@mailbox.test")
    fill(own.redis)
    said = len(worker.said())
    worker.start()
    own.processes["web"].stop()
    own.processes["web"].start()
    wait_until(lambda: answers(client, f"/jobs/{job_id}"), "pages that can be read")
    wait_until(lambda: "is away (command not allowed" in worker.said()[said:], "the worker to notice")
    assert client.job(job_id)["state"] == "queued"
    assert worker.running
    assert "full" in client.get("/readyz").body["checks"]["redis"]
    free(own.redis)
    client.until(job_id, "sent")
    assert "Traceback" not in worker.said()[said:]

"""The contract of the document that Postroom began with."""

from __future__ import annotations

from typing import Any

import pytest
from celery import Celery
from celery.result import AsyncResult

from tasks.app import make_app
from tests.support.client import Client
from tests.support.making import LATER
from tests.support.processes import Stack, wait_until


def until_ready(client: Client, job_id: str) -> dict[str, Any]:
    wait_until(
        lambda: client.get(f"/job-status/{job_id}").body["state"] in ("SUCCESS", "FAILURE", "REVOKED"),
        f"{job_id} to be ready",
    )
    return dict(client.get(f"/job-status/{job_id}").body)


def test_a_greeting_is_sent(client: Client) -> None:
    answer = client.post("/start-job", {"name": "User"})
    assert answer.status == 202
    job_id = answer.body["job_id"]
    assert answer.body == {"job_id": job_id, "status": "PENDING"}
    assert until_ready(client, job_id) == {"job_id": job_id, "state": "SUCCESS", "result": "Hello User"}


def test_the_simulated_failure_fails(client: Client) -> None:
    job_id = client.post("/start-job", {"name": "fail"}).body["job_id"]
    assert until_ready(client, job_id) == {"job_id": job_id, "state": "FAILURE", "error": "Simulated task failure"}


def test_an_address_may_be_given(client: Client) -> None:
    job_id = client.post("/start-job", {"name": "fail", "email": "seed-mail@mailbox.test"}).body["job_id"]
    assert until_ready(client, job_id)["state"] == "SUCCESS"
    assert len(client.mails("seed-mail@mailbox.test")) == 1


def test_send_email_sends(client: Client) -> None:
    answer = client.post("/send-email", {"to": "seed-send@mailbox.test", "subject": "S", "body": "B"})
    assert answer.status == 202
    assert until_ready(client, answer.body["job_id"])["state"] == "SUCCESS"
    assert client.mails("seed-send@mailbox.test")[0]["subject"] == "S"


def test_an_unknown_id_is_not_pending(client: Client) -> None:
    for unknown in ("0" * 26, "nonsense"):
        answer = client.get(f"/job-status/{unknown}")
        assert answer.status == 404
        assert "error" in answer.body


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": 5}, {"name": "a", "email": "no address"}])
def test_what_is_wrong_is_said_at_its_field(client: Client, body: dict[str, object]) -> None:
    answer = client.post("/start-job", body)
    assert answer.status == 422
    assert answer.body["errors"][0]["field"] in ("name", "email")


def test_celery_itself_agrees(client: Client, stack: Stack) -> None:
    """On the project's own application and on a bare one with the same Redis as backend."""
    sent = client.post("/start-job", {"name": "Celery"}).body["job_id"]
    failed = client.post("/start-job", {"name": "fail"}).body["job_id"]
    bare = Celery("bare", backend=stack.settings.store.for_celery(), set_as_current=False)
    for app in (make_app(stack.settings), bare):
        assert AsyncResult(sent, app=app).get(timeout=20) == "Hello Celery"
        until_ready(client, failed)
        result = AsyncResult(failed, app=app)
        assert result.state == "FAILURE"
        with pytest.raises(Exception, match="Simulated task failure"):
            result.get(timeout=20)
        app.close()


def test_celery_agrees_about_a_canceled_job(client: Client, stack: Stack) -> None:
    job_id = client.submit(send_at=LATER)
    app = make_app(stack.settings)
    assert AsyncResult(job_id, app=app).state == client.get(f"/job-status/{job_id}").body["state"] == "PENDING"
    client.post(f"/api/jobs/{job_id}/cancel")
    assert AsyncResult(job_id, app=app).state == client.get(f"/job-status/{job_id}").body["state"] == "REVOKED"
    app.close()

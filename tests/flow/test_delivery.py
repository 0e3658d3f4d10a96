"""A job from its submission to the mailbox, through the real processes."""

from __future__ import annotations

import base64
import email
import email.policy
import time

from tests.support.client import Client
from tests.support.making import LATER
from tests.support.processes import Stack


def test_a_job_is_accepted_sent_and_in_the_mailbox(client: Client) -> None:
    answer = client.post(
        "/api/jobs", {"to": "flow-one@mailbox.test", "subject": "Grüße", "text": "Hello.\n.dot\n", "html": "<b>Hi</b>"}
    )
    assert answer.status == 202
    assert answer.headers["Location"] == f"/api/jobs/{answer.body['id']}"
    assert answer.body["state"] in ("queued", "sending", "sent")
    job = client.until(answer.body["id"], "sent")
    assert job["attempt"] == 1
    assert job["recipients"][0]["outcome"] == "accepted"
    assert job["attempts"][0]["exchanges"][-1]["reply"]["code"] == 250
    [mail] = client.mails("flow-one@mailbox.test")
    assert mail["subject"] == "Grüße"
    assert mail["job_id"] == job["id"]


def test_what_arrives_is_what_was_submitted(client: Client, stack: Stack) -> None:
    content = bytes(range(256)) * 20
    job_id = client.submit(
        to="Ann <flow-same@mailbox.test>",
        cc="flow-cc@mailbox.test",
        bcc="flow-bcc@mailbox.test",
        text="one\n.two\n..three",
        html="<p>é</p>",
        attachments=[{"filename": "ä.bin", "content": base64.b64encode(content).decode()}],
    )
    client.until(job_id, "sent")
    [line] = client.mails("flow-bcc@mailbox.test")
    mail = stack.mailbox.get(line["id"])
    assert mail is not None
    assert mail.source is not None
    message = email.message_from_bytes(mail.source, policy=email.policy.default)
    assert message["To"] == "Ann <flow-same@mailbox.test>"
    assert message["Cc"] == "flow-cc@mailbox.test"
    assert message["Bcc"] is None
    plain = message.get_body(("plain",))
    assert plain is not None
    assert plain.get_content().splitlines() == ["one", ".two", "..three"]
    [attachment] = message.iter_attachments()
    assert attachment.get_filename() == "ä.bin"
    assert attachment.get_content() == content
    source = client.get(f"/api/jobs/{job_id}/message").body
    assert source in mail.source


def test_a_deferred_job_is_tried_until_it_is_taken(client: Client) -> None:
    job_id = client.submit(to="defer-twice+flow@mailbox.test")
    waiting = client.until(job_id, "retrying")
    assert waiting["headline"].startswith("Deferred by the relay: 451")
    assert waiting["next_attempt_at"] is not None
    job = client.until(job_id, "sent")
    assert [attempt["number"] for attempt in job["attempts"]] == [1, 2, 3]
    assert [attempt["deferred"] for attempt in job["attempts"]] == [1, 1, 0]
    assert len(client.mails("defer-twice+flow@mailbox.test")) == 1


def test_a_refused_job_is_dead_with_the_reply(client: Client) -> None:
    job = client.until(client.submit(to="reject@mailbox.test"), "dead")
    assert job["recipients"][0]["outcome"] == "rejected"
    assert job["recipients"][0]["reply"]["code"] == 550
    assert job["attempt"] == 1
    assert job["actions"] == ["retry", "discard"]


def test_each_recipient_has_an_outcome_of_its_own(client: Client) -> None:
    job_id = client.submit(to="flow-part@mailbox.test, reject@mailbox.test, defer-once+part@mailbox.test")
    job = client.until(job_id, "partial")
    assert [recipient["outcome"] for recipient in job["recipients"]] == ["accepted", "rejected", "accepted"]
    assert job["attempt"] == 2
    assert len(client.mails("flow-part@mailbox.test")) == 1


def test_a_hint_when_to_try_again_is_obeyed(client: Client) -> None:
    job_id = client.submit(to="greylist+flow@mailbox.test")
    client.until(job_id, "retrying")
    job = client.until(job_id, "sent")
    assert job["attempt"] == 2


def test_a_connection_lost_after_the_last_byte_is_unknown(client: Client) -> None:
    job_id = client.submit(to="drop+flow@mailbox.test")
    job = client.until(job_id, "unknown")
    assert job["recipients"][0]["outcome"] == "unknown"
    assert job["attempt"] == 1
    answer = client.post(f"/api/jobs/{job_id}/resolve", {"answer": "arrived"})
    assert answer.body["state"] == "sent"


def test_scheduled_mail_waits_for_its_time(client: Client) -> None:
    at = time.time() + 2
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at + 1))
    job_id = client.submit(to="flow-later@mailbox.test", send_at=stamp)
    assert client.job(job_id)["state"] == "scheduled"
    job = client.until(job_id, "sent")
    assert job["finished_at"] >= stamp.replace("Z", ".000Z")


def test_a_scheduled_job_can_be_canceled(client: Client) -> None:
    job_id = client.submit(to="flow-never@mailbox.test", send_at=LATER)
    assert client.post(f"/api/jobs/{job_id}/cancel").body["state"] == "canceled"
    assert client.post(f"/api/jobs/{job_id}/cancel").status == 409


def test_the_same_key_sends_once(client: Client) -> None:
    body = {"to": "flow-once@mailbox.test", "subject": "s", "text": "t"}
    first = client.post("/api/jobs", body, Idempotency_Key="flow-once")
    client.until(first.body["id"], "sent")
    again = client.post("/api/jobs", body, Idempotency_Key="flow-once")
    assert again.status == 202
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.body["id"] == first.body["id"]
    assert client.post("/api/jobs", body | {"subject": "x"}, Idempotency_Key="flow-once").status == 422
    assert len(client.mails("flow-once@mailbox.test")) == 1
